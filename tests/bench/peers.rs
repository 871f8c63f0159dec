//! Debian's openNDS at the same building, where it can run; where it cannot, why.

use super::{report::Chapter, scenario::Bench, world::World};
use anyhow::{Result, ensure};
use std::{
    fs,
    process::{Command, Stdio},
    thread::sleep,
    time::Duration,
};

/// Runs it. So far it says whether openNDS can run here; its figures are not taken yet.
///
/// # Errors
/// When the building cannot be made.
pub fn run(_: &Bench, chapter: &mut Chapter) -> Result<()> {
    let world = World::open()?;
    world.masquerade_guests()?;
    chapter.notes.push(match starts(&world) {
        Ok(()) => "openNDS runs here. The comparison with it is not written yet.".into(),
        Err(error) => format!("openNDS cannot run here: {error:#}."),
    });
    Ok(())
}

/// It works through `iptables`, so that comes first.
fn starts(world: &World) -> Result<()> {
    for table in ["nat", "mangle", "filter"] {
        world.router.run("iptables", &["-w", "-t", table, "-N", "bench"])?;
        let chain = if table == "filter" { "FORWARD" } else { "PREROUTING" };
        world.router.run("iptables", &["-w", "-t", table, "-I", chain, "-j", "bench"])?;
    }
    let text = "GatewayInterface br-guest\nGatewayAddress 10.64.0.1\nfasremoteip 10.64.0.1\n";
    fs::write("/run/opennds.conf", text)?;
    let mut command = Command::new("opennds");
    command.args(["-f", "-c", "/run/opennds.conf"]).stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(fs::File::create("/run/opennds.log")?);
    let mut program = world.router.spawn(&mut command)?;
    let mut answers = false;
    for _ in 0..100 {
        if answers || program.try_wait()?.is_some() {
            break;
        }
        sleep(Duration::from_millis(100));
        answers = world.router.run("ndsctl", &["status"]).is_ok();
    }
    let _ = program.kill();
    program.wait()?;
    let log = fs::read_to_string("/run/opennds.log").unwrap_or_default();
    let complains =
        |line: &&str| ["not supported", "not found", "Error initializing"].iter().any(|w| line.contains(w));
    let why = log.lines().find(complains).or(log.lines().last()).unwrap_or_default();
    ensure!(answers, "it does not answer; it said: {}", why.trim());
    Ok(())
}
