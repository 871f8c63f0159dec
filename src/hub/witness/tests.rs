//! The hub's log and real witnesses, over TLS on loopback: one of them is down, one knows another log.

use super::{
    round::{Standing, round},
    *,
};
use crate::{
    app::{self, Hub},
    config::WitnessSettings,
    log::HubLog,
    testing::{self, Site},
};
use actix_web::{App, HttpServer, dev::ServerHandle, web::Data};
use std::{fs, net::TcpListener, path::PathBuf, sync::Arc};
use varco_audit::{
    content::Body,
    tlog::{Cosignature, CosignerKey, Folder},
};
use varco_witness::{config::Logs, routes, witness::Witness as Program};

/// A witness as its keeper runs it, at a port that stays its own.
struct Place {
    folder: PathBuf,
    socket: TcpListener,
    name: &'static str,
}

impl Place {
    fn new(name: &'static str) -> Self {
        let folder = testing::folder(name);
        testing::certificate(&folder.join("tls.pem"), &folder.join("tls.key"));
        Self { folder, socket: TcpListener::bind("127.0.0.1:0").unwrap(), name }
    }

    fn key(&self) -> CosignerKey {
        let name = format!("witness.example/{}", self.name);
        CosignerKey::load_or_make(&self.folder.join("witness.key"), &name).unwrap()
    }

    /// What the hub's settings say of it.
    fn table(&self) -> String {
        let (at, ca) = (self.socket.local_addr().unwrap(), self.folder.join("tls.pem"));
        let vkey = self.key().vkey();
        format!("[[log.witness]]\nurl = \"https://{at}/\"\nvkey = \"{vkey}\"\nca = \"{}\"\n", ca.display())
    }

    /// Serves, with what it knew before.
    fn start(&self, log: &HubLog) -> ServerHandle {
        let logs = Logs::from([(log.key().name().to_owned(), vec![log.key().clone()])]);
        let witness = Program::open(Folder::alone(&self.folder).unwrap(), self.key(), logs).unwrap();
        let witness = Data::new(witness);
        let (chain, key) = (self.folder.join("tls.pem"), self.folder.join("tls.key"));
        let tls = varco_web::tls::server(&self.folder, "tls", &chain, &key).unwrap();
        let app = move || App::new().app_data(witness.clone()).configure(routes::routes);
        let socket = self.socket.try_clone().unwrap();
        let server = HttpServer::new(app).workers(1).listen_rustls_0_23(socket, tls).unwrap();
        let server = server.disable_signals().run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        handle
    }

    /// Checkpoints that it keeps as evidence.
    fn evidence(&self, kind: &str) -> usize {
        let logs = fs::read_dir(self.folder.join("logs")).unwrap();
        logs.map(|log| fs::read_dir(log.unwrap().path().join(kind)).map_or(0, Iterator::count)).sum()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The hub of a site with these witnesses.
fn hub(site: &Site, witnesses: &[&Place]) -> Data<Hub> {
    let tables: String = witnesses.iter().map(|place| place.table()).collect();
    site.change("\n[index]", &format!("\n{tables}[index]"));
    site.hub()
}

fn standing(site: &Site, hub: &Data<Hub>) -> Vec<Standing> {
    let all = WitnessSettings::all(&site.file, &hub.settings.log.witnesses).unwrap();
    Standing::all(&hub.log, all, app::now())
}

fn grow(log: &HubLog, by: u64) -> u64 {
    let body = Body::Copied { checkpoint: "a checkpoint".to_owned() };
    let last = (0..by).map(|_| log.record(std::slice::from_ref(&body), app::now()).unwrap()).last().unwrap();
    log.prove(last).unwrap();
    last
}

/// Which witnesses have cosigned the newest witnessed checkpoint, and its size.
fn cosigned(log: &HubLog, places: &[&Place]) -> (u64, Vec<bool>) {
    let signed = log.witnessed().unwrap();
    let by = places.iter().map(|place| Cosignature::verify(&signed, place.key().verifier()).is_ok());
    (signed.size, by.collect())
}

#[actix_web::test]
async fn a_witness_that_is_down_is_asked_again_and_the_other_has_signed_meanwhile() {
    let (site, one, two) = (Site::make("witnessed"), Place::new("one"), Place::new("two"));
    // The second one's port is closed: nothing listens there until it starts.
    let hub = hub(&site, &[&one]);
    let log: &Arc<HubLog> = &hub.log;
    let first = one.start(log);
    let mut all = standing(&site, &hub);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let down = format!("https://{closed}/").parse().unwrap();
    let ca = crate::registry::certificates(&two.folder.join("tls.pem")).unwrap();
    let never = Witness::new(&down, two.key().verifier().clone(), Some(&ca)).unwrap();
    all.extend(Standing::all(log, vec![never], app::now()));

    let leaf = grow(log, 3);
    let mut last = None;
    round(log, &mut all, &mut last, app::now()).await;
    let size = log.checkpoint().unwrap().size;
    assert_eq!(cosigned(log, &[&one, &two]), (size, vec![true, false]));

    // Its keeper starts it elsewhere; what the first signed on the same checkpoint stays.
    let second = two.start(log);
    let up = format!("https://{}/", two.socket.local_addr().unwrap()).parse().unwrap();
    let other = Witness::new(&up, two.key().verifier().clone(), Some(&ca)).unwrap();
    all.pop();
    all.extend(Standing::all(log, vec![other], app::now()));
    round(log, &mut all, &mut last, app::now()).await;
    assert_eq!(cosigned(log, &[&one, &two]), (size, vec![true, true]));

    // It grows: both follow, by a proof from what each knows. A hub that forgot what that is hears it from them.
    grow(log, 300);
    round(log, &mut all, &mut last, app::now()).await;
    let size = log.checkpoint().unwrap().size;
    assert_eq!(cosigned(log, &[&one, &two]), (size, vec![true, true]));
    let proof = log.prove(leaf).unwrap();
    let signed = proof.verify(log.key()).unwrap().unwrap();
    assert!(Cosignature::verify(&signed, two.key().verifier()).is_ok(), "a proof carries the cosignatures");
    fs::remove_file(log.folder().join("checkpoint.witnessed")).unwrap();
    grow(log, 1);
    let mut forgetful = standing(&site, &hub);
    round(log, &mut forgetful, &mut None, app::now()).await;
    assert_eq!(cosigned(log, &[&one, &two]), (size + 1, vec![true, false]));

    // Restarted, a witness knows what it knew.
    first.stop(false).await;
    let again = one.start(log);
    grow(log, 1);
    round(log, &mut forgetful, &mut None, app::now()).await;
    assert_eq!(cosigned(log, &[&one]).0, size + 2);
    again.stop(false).await;
    second.stop(false).await;
}

/// Time is an argument: an hour passes at once.
#[actix_web::test]
async fn a_witness_that_does_not_sign_is_late_after_its_hour_and_one_that_nobody_asked_is_not() {
    let (site, place) = (Site::make("late"), Place::new("late"));
    let hub = hub(&site, &[&place]);
    let log: &Arc<HubLog> = &hub.log;
    let pace = hub.settings.log.pace(&site.file).unwrap();
    let begun = app::now();
    let after = |minutes: i64| begun.saturating_add(jiff::SignedDuration::from_mins(minutes)).unwrap();
    let server = place.start(log);
    let (mut all, mut last) = (standing(&site, &hub), None);
    grow(log, 2);
    round(log, &mut all, &mut last, begun).await;
    all[0].look(after(180), pace.late);
    assert!(!all[0].late, "the log did not grow, so it was asked nothing");
    // Killed, and the log grows.
    server.stop(false).await;
    grow(log, 1);
    round(log, &mut all, &mut last, after(180)).await;
    all[0].look(after(240), pace.late);
    assert!(!all[0].late, "an hour is its own");
    round(log, &mut all, &mut last, after(241)).await;
    all[0].look(after(241), pace.late);
    assert!(all[0].late);
    // A hub that starts again meanwhile counts from what is on the disk: the last cosignature.
    let mut again = standing(&site, &hub);
    again[0].look(after(59), pace.late);
    assert!(!again[0].late);
    again[0].look(after(62), pace.late);
    assert!(again[0].late);
    let server = place.start(log);
    round(log, &mut all, &mut last, after(242)).await;
    all[0].look(after(500), pace.late);
    assert!(!all[0].late, "it has signed");
    server.stop(false).await;
}

/// The same key, another past: a log that was begun anew in place of the one that the witness knows.
#[actix_web::test]
async fn a_log_that_divided_is_not_cosigned_and_the_witness_keeps_the_proof() {
    let (honest, forked, witness) = (Site::make("honest"), Site::make("forked"), Place::new("fork"));
    let one = hub(&honest, &[&witness]);
    let server = witness.start(&one.log);
    grow(&one.log, 5);
    round(&one.log, &mut standing(&honest, &one), &mut None, app::now()).await;
    let known = one.log.checkpoint().unwrap().size;
    assert_eq!(cosigned(&one.log, &[&witness]), (known, vec![true]));

    fs::copy(honest.folder.join("state/log.key"), forked.folder.join("state/log.key")).unwrap();
    let two = hub(&forked, &[&witness]);
    let mut all = standing(&forked, &two);
    let mut grown = 0;
    while grown <= known {
        grown = grow(&two.log, 1) + 1;
        round(&two.log, &mut all, &mut None, app::now()).await;
        assert!(two.log.witnessed().is_none(), "of {grown} entries, where {known} are known");
    }
    assert_eq!((witness.evidence("forks"), witness.evidence("unproven")), (2, 1));
    // The honest one goes on.
    grow(&one.log, 1);
    round(&one.log, &mut standing(&honest, &one), &mut None, app::now()).await;
    assert_eq!(cosigned(&one.log, &[&witness]), (known + 1, vec![true]));
    server.stop(false).await;
}
