//! A real child that integrates, killed with SIGKILL wherever it is.

use crate::kept::{ORIGIN, Place, asked, check_folder, key, leaves};
use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};
use varco_audit::{tlog::Log, verify::Asked};

const ROUNDS: u64 = 24;

/// The child: not a test of its own, but the program that the test below kills.
#[test]
#[ignore = "it is the child of the next test"]
fn integrates_until_it_is_killed() {
    let Ok(folder) = std::env::var("VARCO_TLOG_CHILD") else { return };
    let mut log = Log::open(Path::new(&folder), ORIGIN, key()).unwrap();
    for batch in 0..100_000 {
        let first = log.size();
        let end = first + 1 + (first * 7 + batch) % 90;
        log.integrate(first, &leaves(first..end)).unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "acknowledged {end}").unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn what_a_killed_program_acknowledged_is_there() {
    let place = Place::new("crash");
    let mut acknowledged = 0;
    for round in 0..ROUNDS {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "crash::integrates_until_it_is_killed", "--ignored", "--nocapture"]);
        command.env("VARCO_TLOG_CHILD", place.log()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said = 0;
        while said <= round % 5 {
            let line = lines.next().unwrap().unwrap();
            said += u64::from(line.starts_with("acknowledged"));
            acknowledged = size(&line).unwrap_or(acknowledged);
        }
        std::thread::sleep(Duration::from_micros(round * 137 % 2000));
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            acknowledged = size(&line).unwrap_or(acknowledged);
        }
        let seen = std::fs::read(place.log().join("checkpoint")).unwrap();
        let mut log = Log::open(&place.log(), ORIGIN, key()).unwrap();
        assert!(log.size() >= acknowledged, "round {round}: {} of {acknowledged}", log.size());
        let end = log.size() + 1;
        log.integrate(0, &leaves(0..end)).unwrap();
        drop(log);
        let whole = check_folder(&place.log(), &Asked { seen: vec![seen], ..asked() }).unwrap();
        assert_eq!(whole.checkpoint.size, end);
    }
}

/// A line that was cut off says nothing.
fn size(line: &str) -> Option<u64> {
    line.strip_prefix("acknowledged ")?.parse().ok()
}
