//! Load: many TCP streams by few threads, from chosen addresses, that begin and stop at a word.

use super::host::Host;
use anyhow::{Context, Result, bail};
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, bind, listen, setsockopt, socket, sockopt,
};
use std::{
    io,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    os::fd::{AsFd, AsRawFd},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, sleep},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    runtime::{Builder, Runtime},
    sync::{oneshot, watch},
};

/// Where the servers listen.
const PORT: u16 = 9_000;
/// Octets written or read at a time.
const CHUNK: usize = 128 * 1024;
/// What all streams of a group may have under way together, so that they are quiet soon after they are told.
const UNDER_WAY: usize = 16 << 20;

/// Streams that begin and stop together.
#[derive(Debug)]
pub struct Group {
    on: watch::Sender<bool>,
    /// Octets received, by member.
    bytes: Vec<AtomicU64>,
}

impl Group {
    fn new(members: usize) -> Self {
        let bytes = (0..members).map(|_| AtomicU64::new(0)).collect();
        Self { on: watch::channel(false).0, bytes }
    }

    /// Begin, or stop.
    pub fn set(&self, on: bool) {
        self.on.send_replace(on);
    }

    /// Octets received so far by each member.
    pub fn received(&self) -> Vec<u64> {
        self.bytes.iter().map(|b| b.load(Ordering::Relaxed)).collect()
    }

    /// Octets received so far.
    pub fn total(&self) -> u64 {
        self.bytes.iter().map(|b| b.load(Ordering::Relaxed)).sum()
    }

    /// Bits a second that all receive during `time`.
    pub fn rate(&self, time: Duration) -> u64 {
        let (before, began) = (self.total(), now());
        sleep(time);
        bits_per_second(self.total() - before, began.elapsed())
    }

    /// Stops, and waits until what was under way has come: four seconds at most.
    pub fn quiet(&self) {
        self.set(false);
        for _ in 0..80 {
            let before = self.total();
            sleep(Duration::from_millis(50));
            if self.total() - before < 50_000 {
                return;
            }
        }
    }
}

/// The rate of so many octets in this time.
pub fn bits_per_second(bytes: u64, time: Duration) -> u64 {
    let nanos = time.as_nanos().max(1);
    u64::try_from(u128::from(bytes) * 8 * 1_000_000_000 / nanos).unwrap_or(u64::MAX)
}

/// The clock, read at the edge: a rate is of a time.
#[expect(clippy::disallowed_methods, reason = "the edge: what is measured is measured by the clock")]
pub fn now() -> Instant {
    Instant::now()
}

/// Streams of one group.
#[derive(Debug, Clone, Copy)]
pub struct Streams {
    /// From the server to the client, or the other way.
    pub down: bool,
    /// How many each member has.
    pub each: usize,
}

/// Servers, and every group that is known to them.
#[derive(Debug, Clone, Default)]
struct Known(Arc<Mutex<Vec<Arc<Group>>>>);

impl Known {
    fn get(&self, number: u16) -> Option<Arc<Group>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(usize::from(number)).cloned()
    }

    fn add(&self, group: &Arc<Group>) -> Result<u16> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(Arc::clone(group));
        Ok(u16::try_from(all.len() - 1)?)
    }
}

/// Threads with streams; they end with this.
#[derive(Debug, Default)]
pub struct Load {
    known: Known,
    ends: Vec<oneshot::Sender<()>>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Load {
    /// Servers on this host.
    ///
    /// # Errors
    /// When they cannot listen.
    pub fn serve(server: &Host) -> Result<Self> {
        let mut load = Self::default();
        for _ in 0..threads() {
            let known = load.known.clone();
            load.start(server, move |runtime| {
                let listener = listener()?;
                let _entered = runtime.enter();
                let listener = TcpListener::from_std(listener)?;
                runtime.spawn(accept(listener, known));
                Ok(())
            })?;
        }
        Ok(load)
    }

    /// A thread of its own on a host, with what `begin` gives it to do.
    fn start(&mut self, host: &Host, begin: impl FnOnce(&Runtime) -> Result<()> + Send) -> Result<()> {
        let (end, ended) = oneshot::channel::<()>();
        // A thread begins in the network of the one that starts it.
        let thread = host.within(|| {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            begin(&runtime)?;
            let run = move || {
                let _ = runtime.block_on(ended);
                runtime.shutdown_background();
            };
            thread::Builder::new().spawn(run).context("start a thread")
        })?;
        self.threads.push(thread);
        self.ends.push(end);
        Ok(())
    }

    /// Streams between these clients and the server: each address is a member of the group.
    ///
    /// # Errors
    /// When not all of them connect within half a minute.
    pub fn group(
        &mut self,
        client: &Host,
        server: Ipv4Addr,
        members: &[Ipv4Addr],
        streams: Streams,
    ) -> Result<Arc<Group>> {
        let each: Vec<_> = members.iter().map(|from| (*from, streams.each)).collect();
        self.uneven(client, server, &each, streams.down)
    }

    /// As [`Self::group`], and each member has as many streams as is said with it.
    ///
    /// # Errors
    /// When not all of them connect within half a minute.
    pub fn uneven(
        &mut self,
        client: &Host,
        server: Ipv4Addr,
        members: &[(Ipv4Addr, usize)],
        down: bool,
    ) -> Result<Arc<Group>> {
        let group = Arc::new(Group::new(members.len()));
        let number = self.known.add(&group)?;
        let all: usize = members.iter().map(|(_, each)| each).sum();
        // A few find their own.
        let window =
            if all > 4 { Some(u32::try_from((UNDER_WAY / all).clamp(64 << 10, 2 << 20))?) } else { None };
        let connected = Arc::new(AtomicU64::new(0));
        let flows = members
            .iter()
            .enumerate()
            .flat_map(|(member, (from, each))| (0..*each).map(move |_| (member, *from)));
        let flows = flows.collect::<Vec<_>>();
        let count = threads().min(flows.len().max(1));
        for part in 0..count {
            let mine: Vec<_> = flows.iter().skip(part).step_by(count).copied().collect();
            let (group, connected) = (Arc::clone(&group), Arc::clone(&connected));
            self.start(client, move |runtime| {
                for (member, from) in mine {
                    let stream = Stream {
                        group: Arc::clone(&group),
                        number,
                        member: u16::try_from(member)?,
                        down,
                        window,
                    };
                    runtime.spawn(stream.connect(SocketAddrV4::new(from, 0), server, Arc::clone(&connected)));
                }
                Ok(())
            })?;
        }
        for _ in 0..300 {
            if connected.load(Ordering::Relaxed) == flows.len() as u64 {
                return Ok(group);
            }
            sleep(Duration::from_millis(100));
        }
        bail!("{} of {} streams connected", connected.load(Ordering::Relaxed), flows.len())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.ends.clear();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Clients and servers share the processors.
fn threads() -> usize {
    thread::available_parallelism().map_or(1, |n| n.get().div_ceil(2))
}

fn listener() -> Result<std::net::TcpListener> {
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let fd = socket(AddressFamily::Inet, SockType::Stream, flags, None)?;
    setsockopt(&fd, sockopt::ReuseAddr, &true)?;
    setsockopt(&fd, sockopt::ReusePort, &true)?;
    congestion(&fd);
    bind(fd.as_raw_fd(), &SockaddrIn::from(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, PORT)))?;
    listen(&fd, Backlog::new(1024)?).context("listen")?;
    Ok(fd.into())
}

/// What most computers send with; this machine's own default may be another. Whoever may not choose sends with that.
fn congestion(socket: &impl AsFd) {
    let _ = setsockopt(socket, sockopt::TcpCongestion, &"cubic".into());
}

async fn accept(listener: TcpListener, known: Known) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer(stream, known.clone()));
    }
}

/// The client says first: which way, which group, which member, how large a window.
async fn answer(mut stream: TcpStream, known: Known) -> io::Result<()> {
    let (down, number, member) =
        (stream.read_u8().await? == 1, stream.read_u16().await?, stream.read_u16().await?);
    let Some(group) = known.get(number) else { return Ok(()) };
    if down { send(stream, &group).await } else { receive(stream, &group, member).await }
}

struct Stream {
    group: Arc<Group>,
    number: u16,
    member: u16,
    down: bool,
    window: Option<u32>,
}

impl Stream {
    async fn connect(
        self,
        from: SocketAddrV4,
        server: Ipv4Addr,
        connected: Arc<AtomicU64>,
    ) -> io::Result<()> {
        let socket = TcpSocket::new_v4()?;
        congestion(&socket);
        match (self.window, self.down) {
            (None, _) => {}
            (Some(window), true) => socket.set_recv_buffer_size(window)?,
            (Some(window), false) => socket.set_send_buffer_size(window)?,
        }
        socket.bind(SocketAddr::V4(from))?;
        let mut stream = socket.connect(SocketAddr::new(server.into(), PORT)).await?;
        stream.write_u8(u8::from(self.down)).await?;
        stream.write_u16(self.number).await?;
        stream.write_u16(self.member).await?;
        connected.fetch_add(1, Ordering::Relaxed);
        if self.down {
            receive(stream, &self.group, self.member).await
        } else {
            send(stream, &self.group).await
        }
    }
}

async fn send(mut stream: TcpStream, group: &Group) -> io::Result<()> {
    static CHUNK_OF_ZEROS: [u8; CHUNK] = [0; CHUNK];
    let mut on = group.on.subscribe();
    loop {
        if on.wait_for(|on| *on).await.is_err() {
            return Ok(());
        }
        stream.write_all(&CHUNK_OF_ZEROS).await?;
        tokio::task::yield_now().await;
    }
}

async fn receive(mut stream: TcpStream, group: &Group, member: u16) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        if let Some(bytes) = group.bytes.get(usize::from(member)) {
            bytes.fetch_add(count as u64, Ordering::Relaxed);
        }
        tokio::task::yield_now().await;
    }
}
