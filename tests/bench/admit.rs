//! From the request to admit to the first packet through, and how many a second.

use super::{
    load::{Load, now},
    report::{Aim, Chapter, Figure, Unit},
    scenario::Bench,
    stats,
    varco::Varco,
    world::{self, SERVER, World},
};
use anyhow::{Result, bail, ensure};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, connect, socket};
use std::{
    net::{Ipv4Addr, SocketAddrV4},
    os::fd::AsRawFd,
    thread::{self, sleep},
    time::{Duration, Instant},
};
use varco_policy::Rate;

/// Guests that are admitted and expelled again and again; those that stay come after them.
const ONES: usize = 100;
/// In a batch.
const BATCH: usize = 100;
const MILLISECOND: u64 = 1_000_000;

/// Runs it.
///
/// # Errors
/// When something of it cannot be made.
pub fn run(bench: &Bench, chapter: &mut Chapter) -> Result<()> {
    let many = if bench.quick { 500 } else { 10_000 };
    let (mut full, mut empty) = (Site::open(bench, many)?, Site::open(bench, 0)?);
    let each = if bench.quick { 3 } else { 8 };
    let (mut tens, mut none) = (Vec::new(), Vec::new());
    for run in 0..bench.runs * each {
        tens.push(full.first_packet(run % ONES)?);
        none.push(empty.first_packet(run % ONES)?);
    }
    let at = |samples: &[u64], percent| vec![stats::percentile(samples, percent)];
    let under = Some(Aim::Under(5 * MILLISECOND));
    let pair = |percent| vec![(stats::percentile(&tens, percent), stats::percentile(&none, percent))];
    let ns = Unit::Nanoseconds;
    chapter.figures.push(Figure::alone("first packet, p50, no passes", ns, &at(&none, 50), under));
    chapter.figures.push(Figure::alone(
        format!("first packet, p50, {many} passes"),
        ns,
        &at(&tens, 50),
        under,
    ));
    let flat = format!("first packet, p50, {many} passes and none");
    chapter.figures.push(Figure::pairs(flat, ns, &pair(50), Some(Aim::AtMost(1_200))));
    chapter.figures.push(Figure::pairs("the same, p99", ns, &pair(99), None));
    for (size, word) in [(1, "one at a time"), (BATCH, "100 at a time")] {
        let pairs = bench.pairs(|| full.a_second(size), || empty.a_second(size))?;
        let name = format!("admitted a second, {word}, {many} passes and none");
        chapter.figures.push(Figure::pairs(name, Unit::EachSecond, &pairs, Some(Aim::AtLeast(900))));
    }
    Ok(())
}

/// A building with passes that stay.
struct Site {
    varco: Varco,
    _load: Load,
    world: World,
}

impl Site {
    fn open(bench: &Bench, passes: usize) -> Result<Self> {
        let world = World::open()?;
        let mut varco = Varco::start(&world, &bench.programs, Rate::from_bits(1_000_000_000), ONES + passes)?;
        varco.admit(ONES..ONES + passes)?;
        let load = Load::serve(&world.wan)?;
        Ok(Self { varco, _load: load, world })
    }

    /// Nanoseconds until a guest who tries all the time gets through.
    fn first_packet(&mut self, guest: usize) -> Result<u64> {
        let (varco, guests) = (&mut self.varco, &self.world.guests);
        let time = thread::scope(|scope| {
            let tries = scope.spawn(move || guests.within(|| through(world::guest(guest))));
            sleep(Duration::from_millis(5));
            let began = now();
            varco.admit_at_once(guest..guest + 1)?;
            let through = tries.join().map_err(|_| anyhow::anyhow!("the guest's thread failed"))??;
            ensure!(through >= began, "a guest got through without a pass");
            Ok(through - began)
        })?;
        self.varco.expel(guest..guest + 1)?;
        Ok(u64::try_from(time.as_nanos())?)
    }

    fn a_second(&mut self, size: usize) -> Result<u64> {
        let began = now();
        for first in (0..ONES).step_by(size) {
            self.varco.admit_at_once(first..first + size)?;
        }
        let time = began.elapsed();
        self.varco.expel(0..ONES)?;
        Ok(u64::try_from(ONES as u128 * 1_000_000_000 / time.as_nanos().max(1))?)
    }
}

/// When a connection from this address is first made: what is closed is refused at once.
fn through(from: Ipv4Addr) -> Result<Instant> {
    let until = now() + Duration::from_secs(20);
    while now() < until {
        let fd = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
        bind(fd.as_raw_fd(), &SockaddrIn::from(SocketAddrV4::new(from, 0)))?;
        if connect(fd.as_raw_fd(), &SockaddrIn::from(SocketAddrV4::new(SERVER, 9_000))).is_ok() {
            return Ok(now());
        }
        sleep(Duration::from_micros(100));
    }
    bail!("a guest with a pass does not get through")
}
