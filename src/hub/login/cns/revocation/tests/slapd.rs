//! A directory: OpenLDAP's own, on loopback, with a list in an entry as certifiers keep it.

use super::{
    network::{revocation, word},
    now,
    pki::{GOOD, Pki, REVOKED},
    servers::{Running, await_port, free_port},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::{
    io::{Read, Write},
    net::TcpListener,
    process::{Command, Stdio},
    thread,
};

const SLAPD: &str = "/usr/sbin/slapd";
const ENTRY: &str = "cn=CNS%20Lista,o=Emittente%20%26%20Figli%5C,%20S.p.A.+l=Roma,c=IT";

/// A directory that has this list.
fn directory(pki: &Pki, list: &[u8]) -> (Running, String) {
    let data = pki.folder.join("ldap");
    std::fs::create_dir(&data).unwrap();
    let settings = format!(
        "include /etc/ldap/schema/core.schema\npidfile {0}/pid\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\n\
         database mdb\nmaxsize 134217728\nsuffix \"c=IT\"\ndirectory {0}\n",
        data.display()
    );
    pki.write("slapd.conf", settings.as_bytes());
    let entry = format!(
        "dn: c=IT\nobjectClass: country\nc: IT\n\n\
         dn: o=Emittente & Figli\\, S.p.A.+l=Roma,c=IT\nobjectClass: organization\no: Emittente & Figli, S.p.A.\nl: Roma\n\n\
         dn: cn=CNS Lista,o=Emittente & Figli\\, S.p.A.+l=Roma,c=IT\nobjectClass: cRLDistributionPoint\ncn: CNS Lista\n\
         certificateRevocationList;binary:: {}\n",
        STANDARD.encode(list)
    );
    pki.write("list.ldif", entry.as_bytes());
    let mut load = Command::new(SLAPD);
    load.args(["-T", "add", "-f", "slapd.conf", "-l", "list.ldif"]).current_dir(&pki.folder);
    let done = load.output().expect("slapd of Debian's package slapd");
    assert!(done.status.success(), "slapadd: {}", String::from_utf8_lossy(&done.stderr));
    let port = free_port();
    let mut command = Command::new(SLAPD);
    command.args(["-d", "0", "-f", "slapd.conf", "-h", &format!("ldap://127.0.0.1:{port}")]);
    command.current_dir(&pki.folder).stdout(Stdio::null()).stderr(Stdio::null());
    let running = Running(command.spawn().expect("slapd of Debian's package slapd"));
    await_port(port);
    (running, format!("ldap://127.0.0.1:{port}"))
}

async fn asked(pki: &Pki, serial: &str, url: &str) -> String {
    let card = pki.card(serial, None, &[url]);
    word(&revocation(&pki.folder).standing(&card, &pki.certificate(), now()).await)
}

#[tokio::test]
async fn a_list_comes_from_a_directory() {
    let pki = Pki::new("Emittente CNS");
    let (_running, at) = directory(&pki, &pki.good_list());
    for rest in [
        "?certificateRevocationList;binary",
        "?certificateRevocationList?base?objectClass=cRLDistributionPoint",
        "",
    ] {
        let url = format!("{at}/{ENTRY}{rest}");
        assert_eq!(asked(&pki, REVOKED, &url).await, "revoked crl", "{rest}");
        assert_eq!(asked(&pki, GOOD, &url).await, "good crl", "{rest}");
        std::fs::remove_dir_all(pki.folder.join("lists")).unwrap();
    }
    let refused = [
        (format!("{at}/cn=none,c=IT?certificateRevocationList;binary"), "silent ldap"),
        (format!("{at}/c=IT?certificateRevocationList;binary"), "silent ldap"),
        (format!("{at}/{ENTRY}?authorityRevocationList;binary"), "unaskable address"),
        (format!("{at}/{ENTRY}?certificateRevocationList;binary?sub"), "unaskable address"),
        (format!("{at}/?certificateRevocationList;binary"), "unaskable address"),
    ];
    for (url, says) in refused {
        assert_eq!(asked(&pki, GOOD, &url).await, says, "{url}");
    }
}

/// A directory that says what it should not, once to each who asks.
fn liar(says: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ldap://{}/c=IT?certificateRevocationList;binary", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 512]);
            let _ = stream.write_all(&says);
            if says.is_empty() {
                thread::spawn(move || stream.read(&mut [0; 1]));
            }
        }
    });
    url
}

#[tokio::test]
async fn a_directory_that_lies_is_silent() {
    let pki = Pki::new("Emittente CNS");
    let endless = [&[0x30, 0x84, 0x7f, 0xff, 0xff, 0xff][..], &vec![0; 34 * 1024 * 1024]].concat();
    let says: [(&[u8], &str); 5] = [
        (&[0x30, 3, 2, 1, 1], "silent ldap"),
        (&[0x30, 0x0c, 2, 1, 1, 0x65, 7, 0x0a, 1, 32, 4, 0, 4, 0], "silent ldap"),
        (&[0x30, 0x0c, 2, 1, 1, 0x65, 7, 0x0a, 1, 0, 4, 0, 4, 0], "silent ldap"),
        (&[0x30, 0x10], "silent silence"),
        (&endless, "silent size"),
    ];
    for (says, word) in says {
        assert_eq!(asked(&pki, GOOD, &liar(says.to_vec())).await, word);
    }
}
