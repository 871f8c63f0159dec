//! Probes that are caught, next to nginx with a fixed answer behind the same gate.

use super::{
    load::now,
    report::{Aim, Chapter, Figure, Unit},
    scenario::Bench,
    stats,
    varco::{self, Varco, as_shipped},
    world::{self, GUESTS, World},
};
use anyhow::{Context, Result, bail, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
};
use varco_policy::{Pass, PassId, Rate, Subject};
use varco_tests::lab::{Lab, Plan, keys, render};

const OURS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const NGINX: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const REQUEST: &[u8] =
    b"GET /generate_204 HTTP/1.1\r\nHost: connectivitycheck.gstatic.com\r\nConnection: close\r\n\r\n";
/// Devices that ask at a time.
const AT_ONCE: usize = 64;
const MIB: u64 = 1 << 20;

/// Runs it.
///
/// # Errors
/// When something of it cannot be made.
pub fn run(bench: &Bench, chapter: &mut Chapter) -> Result<()> {
    let world = World::open()?;
    let many = if bench.quick { 500 } else { 10_000 };
    // Those who ask have none.
    let room = GUESTS + many;
    let mut varco = Varco::start(&world, &bench.programs, Rate::from_bits(1_000_000_000), room)?;
    let lab = settings(&varco.folder, &bench.programs, room)?;
    let first = gateway(&world, bench, &lab)?;
    await_answer(&world, OURS)?;
    first.leave()?;
    on_record(&lab.path("gateway/site.db"), many)?;
    let began = now();
    let gateway = gateway(&world, bench, &lab)?;
    let back = until_in_force(&mut varco, many)?.saturating_duration_since(began);
    settled(varco.process())?;
    let (memory, enforcer) = (resident(gateway.0.id())?, resident(varco.process())?);
    // The kernel keeps the gate; an enforcer would take nginx's address out of it again.
    varco.leave()?;
    world.router.ip("addr add 192.0.2.2/32 dev lo scope host\n")?;
    world.router.nft("add element inet varco catch { 192.0.2.2 }")?;
    let _nginx = Running(nginx(&world)?);
    await_answer(&world, NGINX)?;
    let (mut rates, mut slowest) = (Vec::new(), Vec::new());
    for _ in 0..bench.runs {
        let (ours, theirs) =
            (new_connections(&world, OURS, bench.time)?, new_connections(&world, NGINX, bench.time)?);
        rates.push((ours.0, theirs.0));
        slowest.push((ours.1, theirs.1));
    }
    chapter.figures.push(Figure::pairs(
        "a connection each",
        Unit::EachSecond,
        &rates,
        Some(Aim::AtLeast(800)),
    ));
    chapter.figures.push(Figure::pairs("the same, p99", Unit::Nanoseconds, &slowest, None));
    let pairs = bench.pairs(|| wrk(&world, OURS, bench.time), || wrk(&world, NGINX, bench.time))?;
    chapter.figures.push(Figure::pairs("kept connections", Unit::EachSecond, &pairs, None));
    let name = format!("memory of the enforcer with {many} passes");
    chapter.figures.push(Figure::alone(name, Unit::Octets, &[enforcer], None));
    let name = format!("memory of the gateway with {many} passes");
    chapter.figures.push(Figure::alone(name, Unit::Octets, &[memory], None));
    let name = format!("{many} passes in force after a start of the gateway, none in the kernel");
    let back = u64::try_from(back.as_nanos())?;
    chapter.figures.push(Figure::alone(name, Unit::Nanoseconds, &[back], None));
    chapter.figures.push(Figure::alone(
        "both",
        Unit::Octets,
        &[enforcer + memory],
        Some(Aim::Under(64 * MIB)),
    ));
    Ok(())
}

/// A program that ends with this.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn leave(mut self) -> Result<()> {
        let _ = kill(Pid::from_raw(i32::try_from(self.0.id())?), Signal::SIGTERM);
        self.0.wait()?;
        Ok(())
    }
}

/// Settings of a gateway next to the enforcer whose folder this is.
fn settings(enforcer: &Path, programs: &Path, room: usize) -> Result<Lab> {
    let lab = Lab::at(Path::new("/run/gateway"))?;
    fs::create_dir(&lab.folder)?;
    let plan = Plan {
        name: "bench".into(),
        guests: 0,
        rate: Rate::from_bits(1_000_000_000),
        least: None,
        pass_length: "4h".into(),
        idle: "30m".into(),
        bare: false,
        one_box: false,
        schemes: false,
        cards: false,
        timezone: None,
        history: false,
        store: None,
    };
    render::write(&lab, &plan)?;
    keys::make(&lab, &plan)?;
    keys::log(&lab, programs)?;
    fs::write(lab.path("config/site.toml"), varco::site(plan.rate, room))?;
    let file = lab.path("config/gateway.toml");
    let socket = format!("enforcer = \"{}/enforcer.sock\"", enforcer.display());
    let line =
        |line: &str| if line.starts_with("enforcer = ") { socket.clone() } else { line.to_owned() } + "\n";
    fs::write(&file, fs::read_to_string(&file)?.lines().map(line).collect::<String>())?;
    Ok(lab)
}

fn gateway(world: &World, bench: &Bench, lab: &Lab) -> Result<Running> {
    let unit = include_str!("../../docker/site/varco-gateway.service");
    let mut command = as_shipped(&bench.programs, "varco-gateway", unit);
    command.arg("run").arg("--config").arg(lab.path("config/gateway.toml")).stdin(Stdio::null());
    command.stderr(fs::File::create("/run/gateway.log")?);
    Ok(Running(world.router.spawn(&mut command)?))
}

/// Puts passes on record, as a gateway that lost its power leaves them.
fn on_record(file: &Path, many: usize) -> Result<()> {
    let mut database = rusqlite::Connection::open(file)?;
    let transaction = database.transaction()?;
    #[expect(clippy::disallowed_methods, reason = "the edge: passes begin at the time it is")]
    let since = jiff::Timestamp::now();
    for number in GUESTS..GUESTS + many {
        let pass = Pass {
            id: PassId(uuid::Uuid::new_v4()),
            subject: Subject::try_from(format!("citizen-{number}"))?,
            device: varco::device(number)?,
            slot: varco::slot(number)?,
            since,
            until: since + jiff::SignedDuration::from_hours(3),
            session: None,
        };
        let body = serde_json::to_string(&pass)?;
        transaction.execute("INSERT INTO pass (id, body) VALUES (?1, ?2)", [pass.id.0.to_string(), body])?;
    }
    Ok(transaction.commit()?)
}

fn until_in_force(varco: &mut Varco, many: usize) -> Result<Instant> {
    for _ in 0..600 {
        if varco.held()? == many {
            return Ok(now());
        }
        sleep(Duration::from_millis(100));
    }
    let log = fs::read_to_string("/run/gateway.log").unwrap_or_default();
    bail!("not all passes are in force again: {log}")
}

/// Waits until a process has nothing more to do.
fn settled(process: u32) -> Result<()> {
    let ticks = || -> Result<u64> {
        let text = fs::read_to_string(format!("/proc/{process}/stat"))?;
        let mut numbers = text.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11);
        let mut next = || numbers.next().and_then(|n| n.parse::<u64>().ok()).context("/proc/…/stat");
        Ok(next()? + next()?)
    };
    for _ in 0..240 {
        let before = ticks()?;
        sleep(Duration::from_millis(500));
        if ticks()? - before < 3 {
            return Ok(());
        }
    }
    bail!("the enforcer has always something to do")
}

fn nginx(world: &World) -> Result<Child> {
    let text = format!(
        "daemon off;\nuser root;\nworker_processes auto;\npid /run/nginx.pid;\nerror_log /run/nginx.log;\n\
         events {{ worker_connections 4096; }}\nhttp {{ access_log off; keepalive_requests 1000000;\n\
         server {{ listen {NGINX}:80; location / {{ return 302 https://wifi.varco.test/; }} }} }}\n"
    );
    fs::write("/run/nginx.conf", text)?;
    let mut command = Command::new("nginx");
    command.args(["-p", "/run", "-c", "/run/nginx.conf"]).stdin(Stdio::null()).stderr(Stdio::null());
    world.router.spawn(&mut command)
}

fn await_answer(world: &World, at: Ipv4Addr) -> Result<()> {
    for _ in 0..300 {
        let try_it = || Ok(std::net::TcpStream::connect((at, 80))?);
        if world.guests.within(try_it).is_ok() {
            return Ok(());
        }
        sleep(Duration::from_millis(100));
    }
    let log = fs::read_to_string("/run/gateway.log").unwrap_or_default();
    bail!("nobody answers at {at}: {log}")
}

/// Resident octets of a process.
fn resident(process: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}

/// Answers a second, and the slowest hundredth in nanoseconds: a connection for each, from many devices.
fn new_connections(world: &World, at: Ipv4Addr, time: Duration) -> Result<(u64, u64)> {
    let times = world.guests.within(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(runtime.block_on(async {
            let until = now() + time;
            let askers: Vec<_> = (0..AT_ONCE).map(|first| tokio::spawn(ask(first, at, until))).collect();
            let mut all = Vec::new();
            for asker in askers {
                all.extend(asker.await.unwrap_or_default());
            }
            all
        }))
    })?;
    ensure!(!times.is_empty(), "no answer from {at}");
    let millis = u64::try_from(time.as_millis().max(1))?;
    Ok((times.len() as u64 * 1_000 / millis, stats::percentile(&times, 99)))
}

async fn ask(first: usize, at: Ipv4Addr, until: Instant) -> Vec<u64> {
    let (mut times, mut number) = (Vec::new(), first);
    while now() < until {
        number = (number + AT_ONCE + 1) % GUESTS;
        let began = now();
        let answered = tokio::time::timeout(Duration::from_secs(2), one(world::guest(number), at)).await;
        if matches!(answered, Ok(Ok(true))) {
            times.push(u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX));
        }
    }
    times
}

async fn one(from: Ipv4Addr, at: Ipv4Addr) -> std::io::Result<bool> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::V4(SocketAddrV4::new(from, 0)))?;
    let mut stream = socket.connect(SocketAddr::new(at.into(), 80)).await?;
    stream.write_all(REQUEST).await?;
    let mut said = Vec::with_capacity(512);
    stream.read_to_end(&mut said).await?;
    Ok(said.starts_with(b"HTTP/1.1 302"))
}

/// Answers a second over connections that are kept.
fn wrk(world: &World, at: Ipv4Addr, time: Duration) -> Result<u64> {
    let seconds = format!("-d{}s", time.as_secs().max(1));
    let said = world.guests.run("wrk", &["-t2", "-c64", &seconds, &format!("http://{at}/generate_204")])?;
    requests(&said).context("wrk says no rate")
}

fn requests(said: &str) -> Option<u64> {
    let rate = said.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:"))?;
    rate.trim().split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_read() {
        assert_eq!(
            requests("  1 requests in 1s\nRequests/sec:  12345.67\nTransfer/sec: 2MB\n"),
            Some(12_345)
        );
        assert_eq!(requests("unable to connect"), None);
    }
}
