//! `cargo bench -p varco-hub --bench revocation`: how many answers of responders a core verifies in a second, what it costs to
//! take a list of 300,000, and how many cards are looked up in it. Nothing is asserted but that each says what it should.
#![expect(clippy::unwrap_used, reason = "a measurement fails by panicking")]
#![expect(clippy::print_stdout, reason = "the report")]
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]

use jiff::Timestamp;
use openssl::x509::X509;
use std::{
    hint::black_box,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};
use varco_hub::login::cns::revocation::{
    list::List,
    ocsp::{Asked, Status},
    question::{Authority, Question},
    serial::Serial,
};

/// As many as a large certifier has revoked.
const REVOKED: u32 = 300_000;
/// How long each case is measured.
const LONG: Duration = Duration::from_secs(2);
const URL: &str = "http://crl.example.it/cns.crl";

fn main() {
    let folder = Folder::make();
    let issuer = Authority::new(&folder.certificate("ca")).unwrap();
    let card = Question::new(&folder.certificate("card")).unwrap();
    answers(&folder, &issuer, &card);
    list(&folder, &issuer, &card);
}

fn answers(folder: &Folder, issuer: &Authority, card: &Question) {
    let asked = Asked::new(card, issuer).unwrap();
    std::fs::write(folder.0.join("request.der"), &asked.octets).unwrap();
    for (signer, what) in [("ca", "the issuer"), ("responder", "a responder with a certificate")] {
        let answer = folder.answer(signer);
        let good = || asked.believe(&answer, issuer, Timestamp::now()).unwrap().status == Status::Good;
        let took = repeat(|| assert!(good()));
        report(&format!("answers signed by {what}, RSA 2048, {} octets", answer.len()), &took);
    }
}

fn list(folder: &Folder, issuer: &Authority, card: &Question) {
    let octets = folder.list();
    let took = repeat(|| assert!(List::verify(&octets, issuer, Timestamp::now()).is_ok()));
    report(&format!("lists of {REVOKED}, {} octets, read and verified", octets.len()), &took);
    let (list, now) = (List::verify(&octets, issuer, Timestamp::now()).unwrap(), Timestamp::now());
    let serials: Vec<_> =
        (0..1024_u32).map(|n| serial(n.wrapping_mul(2_654_435_761) % (2 * REVOKED))).collect();
    let (begin, mut rounds) = (Instant::now(), 0_u128);
    while begin.elapsed() < LONG {
        for serial in &serials {
            black_box(list.lookup(black_box(*serial), &card.points[0], now).unwrap());
        }
        rounds += 1;
    }
    println!("| cards looked up in it | {} | | |", rounds * 1024 * 1_000_000 / begin.elapsed().as_micros());
}

/// The serial of the nth line; every other is on the list.
fn serial(n: u32) -> Serial {
    let octets: Vec<u8> = (0..text(n).len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text(n)[at..at + 2], 16).unwrap())
        .collect();
    Serial::from_der(&[&[2, u8::try_from(octets.len()).unwrap()], &octets[..]].concat()).unwrap()
}

fn text(n: u32) -> String {
    format!("7A00112233445566{n:08X}")
}

/// Runs `what` on this thread for a while; the times, sorted.
fn repeat(mut what: impl FnMut()) -> Vec<Duration> {
    (0..3).for_each(|_| what());
    let (begin, mut took) = (Instant::now(), Vec::new());
    while begin.elapsed() < LONG {
        let one = Instant::now();
        what();
        took.push(one.elapsed());
    }
    took.sort();
    took
}

fn report(what: &str, took: &[Duration]) {
    let total: Duration = took.iter().sum();
    let a_second = took.len() as u128 * 10_000_000 / total.as_micros().max(1);
    let at =
        |hundredths: usize| took.get(took.len() * hundredths / 100).copied().unwrap_or_default().as_micros();
    println!("| {what} | {}.{} | {} | {} |", a_second / 10, a_second % 10, at(50), at(99));
}

/// An authority, a responder and a card, made with openssl; gone at the end.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Folder {
    fn make() -> Self {
        let folder =
            Self(std::env::temp_dir().join(format!("varco-bench-revocation-{}", std::process::id())));
        std::fs::create_dir_all(&folder.0).unwrap();
        folder.certify("ca", &["-addext", "keyUsage=critical,keyCertSign,cRLSign"]);
        let issued = ["-CA", "ca.pem", "-CAkey", "ca.key"];
        let responder = ["-addext", "extendedKeyUsage=OCSPSigning", "-addext", "noCheck=ignored"];
        folder.certify("responder", &[issued, responder].concat());
        let point = format!("crlDistributionPoints=URI:{URL}");
        folder.certify(
            "card",
            &[&issued[..], &["-set_serial", &format!("0x{}", text(1)), "-addext", &point]].concat(),
        );
        let revoked =
            |n| format!("R\t491231235959Z\t261101120000Z,keyCompromise\t{}\tunknown\t/CN={n}\n", text(2 * n));
        let all: String = (0..REVOKED).map(revoked).collect();
        std::fs::write(folder.0.join("index.txt"), all).unwrap();
        std::fs::write(
            folder.0.join("few.txt"),
            format!("V\t491231235959Z\t\t{}\tunknown\t/CN=card\n", text(1)),
        )
        .unwrap();
        folder
    }

    fn certify(&self, file: &str, more: &[&str]) {
        let (key, out, subject) = (format!("{file}.key"), format!("{file}.pem"), format!("/C=IT/CN={file}"));
        let given = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3", "-subj", &subject];
        openssl(&self.0, &[&given[..], &["-keyout", &key, "-out", &out], more].concat());
    }

    fn certificate(&self, file: &str) -> X509 {
        X509::from_pem(&std::fs::read(self.0.join(format!("{file}.pem"))).unwrap()).unwrap()
    }

    fn answer(&self, signer: &str) -> Vec<u8> {
        let (certificate, key) = (format!("{signer}.pem"), format!("{signer}.key"));
        let given =
            ["ocsp", "-index", "few.txt", "-CA", "ca.pem", "-reqin", "request.der", "-respout", "answer.der"];
        openssl(&self.0, &[&given[..], &["-rsigner", &certificate, "-rkey", &key]].concat());
        std::fs::read(self.0.join("answer.der")).unwrap()
    }

    fn list(&self) -> Vec<u8> {
        let settings = "[ca]\ndefault_ca = us\n[us]\ndatabase = index.txt\ndefault_md = sha256\nunique_subject = no\n\
                        crlnumber = number\ncrl_extensions = list\n[list]\nauthorityKeyIdentifier = keyid\n";
        std::fs::write(self.0.join("ca.cnf"), settings).unwrap();
        std::fs::write(self.0.join("number"), "01\n").unwrap();
        let given =
            ["ca", "-gencrl", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key", "-crldays", "1"];
        openssl(&self.0, &[&given[..], &["-out", "list.pem"]].concat());
        openssl(&self.0, &["crl", "-in", "list.pem", "-outform", "DER", "-out", "list.der"]);
        std::fs::read(self.0.join("list.der")).unwrap()
    }
}

fn openssl(folder: &Path, arguments: &[&str]) {
    let done = Command::new("openssl").args(arguments).current_dir(folder).output().unwrap();
    assert!(done.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}
