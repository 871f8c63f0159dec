//! How right the machine's clock is: asked of time servers (SNTP, RFC 5905 section 14), since a record is worth what its
//! clock is. Nobody's clock is set here: that is for the machine's own time daemon.
//!
//! After an answer the error is at most the offset found, half of the round trip, and the server's own root delay and
//! dispersion; it grows by 15 ppm (PHI of RFC 5905) until the next. An answer that is an hour old says nothing any more.

use crate::Clock;
use jiff::{SignedDuration, Timestamp};
use ring::rand::{SecureRandom, SystemRandom};
use std::{
    io,
    net::{ToSocketAddrs, UdpSocket},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// How often servers are asked.
const EVERY: Duration = Duration::from_secs(64);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long an answer says something.
const FRESH: SignedDuration = SignedDuration::from_hours(1);
/// Seconds from 1900, where NTP begins, to 1970.
const ERA: i64 = 2_208_988_800;

/// What is known of the clock's error.
#[derive(Debug, Default)]
pub struct ClockWatch(Mutex<Option<Measured>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Measured {
    error: SignedDuration,
    at: Timestamp,
}

impl ClockWatch {
    /// The estimated error at `now`.
    pub fn error(&self, now: Timestamp) -> Clock {
        let measured = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set since tells nothing of how far it is off now.
        let fresh = |m: &Measured| (SignedDuration::ZERO..FRESH).contains(&now.duration_since(m.at));
        measured.filter(fresh).map_or(Clock::Unknown, |measured| {
            let micros = measured.error.as_micros() + now.duration_since(measured.at).as_secs() as i128 * 15;
            Clock::WithinMs(u64::try_from(micros / 1000).unwrap_or(u64::MAX).saturating_add(1))
        })
    }

    /// Asks these servers, host or host and port, from time to time. Without any nothing is ever known.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(servers: &[String]) -> io::Result<Arc<Self>> {
        let with_port = |server: &String| match server.contains(':') {
            true => server.clone(),
            false => format!("{server}:123"),
        };
        let servers: Vec<_> = servers.iter().map(with_port).collect();
        let watch = Arc::new(Self::default());
        if !servers.is_empty() {
            let told = Arc::clone(&watch);
            std::thread::Builder::new().name("clock".into()).spawn(move || told.run(&servers))?;
        }
        Ok(watch)
    }

    fn run(&self, servers: &[String]) {
        let mut answered = true;
        loop {
            let measured = servers.iter().find_map(|server| ask(server).ok().flatten());
            if measured.is_some() != answered {
                answered = measured.is_some();
                tracing::warn!(answered, "time servers");
            }
            if measured.is_some() {
                *self.0.lock().unwrap_or_else(PoisonError::into_inner) = measured;
            }
            std::thread::sleep(EVERY);
        }
    }
}

/// Asks one server; `None` when its answer is not to be used.
fn ask(server: &str) -> io::Result<Option<Measured>> {
    let to = server.to_socket_addrs()?.find(|address| address.is_ipv4());
    let Some(to) = to else { return Ok(None) };
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.connect(to)?;
    let mut cookie = [0; 8];
    SystemRandom::new().fill(&mut cookie).map_err(|_| io::ErrorKind::Other)?;
    let mut question = [0; 48];
    question[0] = 0x23;
    question[40..48].copy_from_slice(&cookie);
    let sent = now();
    socket.send(&question)?;
    let mut answer = [0; 48];
    let length = socket.recv(&mut answer)?;
    let received = now();
    Ok((length == answer.len()).then(|| judge(&answer, cookie, sent, received)).flatten())
}

/// The error that an answer tells of: RFC 5905 section 8, with our own times in place of the origin's, which is random.
fn judge(answer: &[u8; 48], cookie: [u8; 8], sent: Timestamp, received: Timestamp) -> Option<Measured> {
    let (leap, mode, stratum) = (answer[0] >> 6, answer[0] & 7, answer[1]);
    if leap == 3 || mode != 4 || !(1..16).contains(&stratum) || answer[24..32] != cookie {
        return None;
    }
    let (came, left) = (instant(&answer[32..40])?, instant(&answer[40..48])?);
    let trip = received.duration_since(sent) - left.duration_since(came);
    let offset = (came.duration_since(sent) + left.duration_since(received)) / 2;
    let root = short(&answer[4..8])? / 2 + short(&answer[8..12])?;
    let error = offset.abs() + trip.max(SignedDuration::ZERO) / 2 + root;
    Some(Measured { error, at: received })
}

/// A time of NTP: seconds since 1900 and their 2^32th parts. Era 0 until 2036, era 1 after.
fn instant(octets: &[u8]) -> Option<Timestamp> {
    let whole = u64::from_be_bytes(octets.try_into().ok()?);
    let seconds = i64::try_from(whole >> 32).ok()?;
    let era = if seconds < 1 << 31 { 1_i64 << 32 } else { 0 };
    let nanos = ((whole & 0xffff_ffff) * 1_000_000_000) >> 32;
    Timestamp::new(seconds + era - ERA, i32::try_from(nanos).ok()?).ok()
}

/// A duration of NTP: seconds and their 2^16th parts.
fn short(octets: &[u8]) -> Option<SignedDuration> {
    let whole = u32::from_be_bytes(octets.try_into().ok()?);
    Some(SignedDuration::from_micros((i64::from(whole) * 1_000_000) >> 16))
}

#[expect(clippy::disallowed_methods, reason = "the clock itself is what is measured")]
fn now() -> Timestamp {
    Timestamp::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COOKIE: [u8; 8] = *b"a cookie";

    fn ntp(at: Timestamp) -> [u8; 8] {
        let seconds = u64::try_from(at.as_second() + ERA).unwrap();
        let parts = (u64::try_from(at.subsec_nanosecond()).unwrap() << 32) / 1_000_000_000;
        ((seconds << 32) | parts).to_be_bytes()
    }

    fn answer(came: Timestamp, left: Timestamp) -> [u8; 48] {
        let mut answer = [0; 48];
        (answer[0], answer[1]) = (0x24, 2);
        answer[6..8].copy_from_slice(&[0x10, 0]);
        answer[24..32].copy_from_slice(&COOKIE);
        answer[32..40].copy_from_slice(&ntp(came));
        answer[40..48].copy_from_slice(&ntp(left));
        answer
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_795_000_000_000 + millis).unwrap()
    }

    #[test]
    fn an_answer_bounds_the_error_and_it_grows_until_the_next() {
        // The server is 800 ms ahead, the way there takes 10 ms, the way back 30; its root delay is 62.5 ms.
        let measured = judge(&answer(at(810), at(811)), COOKIE, at(0), at(41)).unwrap();
        let millis = measured.error.as_millis();
        assert!((840..=843).contains(&millis), "790 + 20 + 31: {millis}");
        let watch = ClockWatch(Mutex::new(Some(measured)));
        assert!(matches!(watch.error(at(41)), Clock::WithinMs(841..=844)));
        assert!(matches!(watch.error(at(1_000_041)), Clock::WithinMs(856..=859)));
        assert_eq!(watch.error(at(3_700_041)), Clock::Unknown, "an hour later");
        assert_eq!(watch.error(at(-1)), Clock::Unknown, "the clock was set back");
        assert_eq!(ClockWatch::default().error(at(0)), Clock::Unknown);
    }

    #[test]
    fn answers_of_others_and_of_servers_without_time_are_not_used() {
        let good = answer(at(0), at(0));
        let refused = |change: &dyn Fn(&mut [u8; 48])| {
            let mut bad = good;
            change(&mut bad);
            assert_eq!(judge(&bad, COOKIE, at(0), at(1)), None);
        };
        refused(&|a| a[0] = 0xe4);
        refused(&|a| a[0] = 0x23);
        refused(&|a| a[1] = 0);
        refused(&|a| a[1] = 16);
        refused(&|a| a[24] ^= 1);
        assert!(judge(&good, COOKIE, at(0), at(1)).is_some());
    }

    #[test]
    fn a_server_is_asked_over_the_network() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap().to_string();
        let asked = std::thread::spawn(move || {
            let mut question = [0; 48];
            let (_, from) = server.recv_from(&mut question).unwrap();
            let mut said = answer(now(), now());
            said[24..32].copy_from_slice(&question[40..48]);
            server.send_to(&said, from).unwrap();
        });
        let measured = ask(&address).unwrap().unwrap();
        asked.join().unwrap();
        assert!(measured.error >= SignedDuration::from_millis(31), "the server's own root delay");
    }
}
