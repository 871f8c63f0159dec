//! The line's thread without its clock, with an enforcer that has no kernel but speaks the real protocol.

use super::*;
use crate::{site::Status, store::tests::tempdir::Folder};
use std::{
    fs,
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    sync::{Mutex, mpsc::sync_channel},
};
use varco_policy::{
    Lane, Rate, Site,
    wire::{Capacity, Direction, LaneUsage, PortsInUse, Reply, Request, read_frame, write_frame},
};

const MBIT: u64 = 125_000;

/// What the stand-in's lanes have carried, and what it was told.
#[derive(Debug, Default)]
struct Kernel {
    guest: u64,
    office: u64,
    backlog: u64,
    carried: Vec<Capacity>,
    /// Requests to answer before it dies.
    dies: Option<u32>,
}

struct Scene {
    folder: Folder,
    kernel: Arc<Mutex<Kernel>>,
    board: Arc<Board>,
    live: Arc<Live>,
    watch: Watch,
    kept: Receiver<Minute>,
}

impl Scene {
    fn of(profile: &str) -> Self {
        let folder = Folder::new();
        let kernel = Arc::new(Mutex::new(Kernel::default()));
        let socket = folder.path().join("enforcer.sock");
        enforcer(&socket, Arc::clone(&kernel));
        let (board, live) = (Arc::new(Board::default()), Arc::new(Live::default()));
        let (minutes, kept) = sync_channel(9);
        let site = site(folder.path(), profile);
        let mut watch = Watch::new(&site, socket, Arc::clone(&board), Arc::clone(&live), minutes);
        for name in ["tx_bytes", "rx_bytes"] {
            fs::write(folder.path().join(name), "0\n").unwrap();
        }
        watch.counters = counters::Counters::in_folder(folder.path().into());
        Self { folder, kernel, board, live, watch, kept }
    }

    /// `seconds` with these rates in Mbit/s from the Internet, from `at`.
    fn pass(&mut self, at: u64, seconds: u64, office: u64, guest: u64, backlog: u64) {
        for tick in (at * 5)..=((at + seconds) * 5) {
            {
                let mut kernel = self.kernel.lock().unwrap();
                kernel.office += office * MBIT / 5;
                kernel.guest += guest * MBIT / 5;
                kernel.backlog = backlog;
            }
            self.watch.look(Duration::from_millis(tick * 200));
        }
    }

    /// The minute as it is read back from the disk.
    fn minute(&mut self) -> Minute {
        self.watch.close_minute(1_790_000_040);
        let minute = self.kept.try_recv().unwrap();
        Ledger::new(self.folder.path()).keep(minute.clone()).unwrap();
        let mut read = Vec::new();
        ledger::read(self.folder.path(), Timestamp::MIN, Timestamp::MAX, |minute| {
            read.push(minute);
            true
        })
        .unwrap();
        assert_eq!(read, std::slice::from_ref(&minute));
        minute
    }
}

fn site(folder: &Path, profile: &str) -> Site {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docker/site");
    fs::create_dir_all(folder.join("profiles")).unwrap();
    fs::copy(root.join(format!("profiles/{profile}.toml")), folder.join(format!("profiles/{profile}.toml")))
        .unwrap();
    let text = format!(
        "name = 'prova'\ntitle = 'Prova'\nprofile = '{profile}'\n[interfaces]\nwan = 'eth0'\noffice = ['eth1']\n\
         guest = ['br-guest']\n[guest]\nsubnet = '10.64.0.0/20'\nrouter = '10.64.0.1'\nfirst = '10.64.0.10'\n\
         last = '10.64.15.250'\nlease = '1h'\n[portal]\nhost = 'wifi.example.it'\n[slots]\n\
         addresses = ['198.18.0.3']\n[garden]\nnames = []\nresolvers = ['198.18.0.53']\n[passes]\n"
    );
    fs::write(folder.join("site.toml"), text).unwrap();
    Site::load(&folder.join("site.toml")).unwrap()
}

fn enforcer(socket: &Path, kernel: Arc<Mutex<Kernel>>) {
    let listener = UnixListener::bind(socket).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A gateway that goes away ends its connection, nothing more.
            let _ = serve(&stream, &kernel);
        }
    });
}

fn serve(stream: &UnixStream, kernel: &Mutex<Kernel>) -> io::Result<()> {
    while let Some(request) = read_frame::<Request>(stream)? {
        let mut kernel = kernel.lock().unwrap();
        if let Some(left) = &mut kernel.dies {
            if *left == 0 {
                kernel.dies = None;
                return Ok(());
            }
            *left -= 1;
        }
        let reply = match request {
            Request::Lanes => Reply::Lanes(lanes(&kernel)),
            Request::Ports => Reply::Ports(PortsInUse { eighths: [0, 1, 0, 0, 0, 0, 0, 0], most: 99 }),
            Request::Carry(capacity) => {
                kernel.carried.push(capacity);
                Reply::Carrying(capacity)
            }
            other => panic!("the line has no business with {other:?}"),
        };
        write_frame(stream, &reply)?;
    }
    Ok(())
}

fn lanes(kernel: &Kernel) -> Vec<LaneUsage> {
    let usage = |lane, bytes, backlog, guaranteed| LaneUsage {
        lane,
        direction: Direction::Down,
        bytes,
        packets: 0,
        drops: 0,
        overlimits: 0,
        backlog,
        guaranteed: Rate::from_bits(guaranteed),
        ceiling: Rate::from_bits(100_000_000),
    };
    vec![
        usage(Lane::Office, kernel.office, kernel.backlog, 80_000_000),
        usage(Lane::Guest, kernel.guest, 0, 1_000_000),
    ]
}

#[test]
fn while_a_guest_borrows_the_minute_says_so_and_the_office_waited_0() {
    let mut scene = Scene::of("library");
    scene.pass(0, 59, 3, 90, 0);
    let minute = scene.minute();
    assert_eq!((minute.observed_ms, minute.office_waited_ms, minute.office_full_ms), (59_000, 0, 0));
    assert!(minute.guest_down_bytes >= 59 * 90 * MBIT, "{minute:?}");
    assert!(minute.line_down_bytes > minute.guest_down_bytes && minute.line_up_bytes > 0);
}

#[test]
fn an_office_that_is_kept_waiting_is_in_the_minute() {
    let mut scene = Scene::of("library");
    scene.pass(0, 20, 30, 60, 0);
    scene.pass(20, 10, 30, 60, 100_000);
    scene.pass(30, 10, 97, 1, 100_000);
    scene.pass(40, 10, 97, 1, 0);
    let minute = scene.minute();
    assert!((9_000..=11_000).contains(&minute.office_waited_ms), "{minute:?}");
    assert!((8_000..=10_000).contains(&minute.office_full_ms), "{minute:?}");
    assert_eq!(minute.office_waited_down_ms, minute.office_waited_ms);
    assert_eq!(scene.live.now().counts.waited_ms, [0, minute.office_waited_ms]);
}

#[test]
fn without_the_enforcer_time_is_not_observed_and_it_is_found_again() {
    let mut scene = Scene::of("library");
    scene.pass(0, 10, 1, 1, 0);
    scene.kernel.lock().unwrap().dies = Some(0);
    scene.pass(20, 10, 1, 1, 0);
    let minute = scene.minute();
    assert!((17_000..20_000).contains(&minute.observed_ms), "{minute:?}");
}

#[test]
fn a_varying_line_is_carried_to_the_enforcer_and_again_when_it_may_have_forgotten() {
    let mut scene = Scene::of("mast");
    let carried = |scene: &Scene| scene.kernel.lock().unwrap().carried.clone();
    scene.watch.heard(Duration::ZERO, Told::Added(0));
    let middle = Capacity { up: Rate::from_bits(55_000_000), down: Rate::from_bits(330_000_000) };
    assert_eq!(carried(&scene), [middle]);
    (1..25).for_each(|n| scene.watch.heard(Duration::from_millis(n * 200), Told::Added(0)));
    assert_eq!(carried(&scene), [middle], "nothing has changed");
    (25..50).for_each(|n| scene.watch.heard(Duration::from_millis(n * 200), Told::Added(0)));
    assert_eq!(carried(&scene), [middle, middle], "but it is said again, or the enforcer forgets it");
    scene.kernel.lock().unwrap().dies = Some(0);
    scene.watch.look(Duration::from_secs(10));
    scene.watch.look(Duration::from_secs(11));
    scene.watch.heard(Duration::from_secs(12), Told::Added(0));
    assert_eq!(carried(&scene), [middle; 3]);
    assert_eq!(scene.live.now().line, Some(middle));
}

#[test]
fn a_line_that_does_not_vary_is_left_alone() {
    let mut scene = Scene::of("library");
    (0..50).for_each(|n| scene.watch.heard(Duration::from_millis(n * 200), Told::Added(90_000)));
    assert!(scene.kernel.lock().unwrap().carried.is_empty());
    assert_eq!(scene.live.now().counts.delays[8], 50, "but its delay is evidence");
}

#[test]
fn ports_are_counted_while_there_are_passes() {
    let mut scene = Scene::of("library");
    scene.pass(0, 25, 1, 1, 0);
    assert_eq!(scene.minute().ports_most, None);
    let online = Status { online: 7, slots_lent: 9, slots_total: 126, ..Status::default() };
    scene.board.publish(online);
    scene.pass(25, 25, 1, 1, 0);
    scene.watch.close_minute(1_790_000_100);
    let minute = scene.kept.try_recv().unwrap();
    assert_eq!((minute.ports_most, minute.passes_by_ports_2), (Some(99), Some(1)));
    assert_eq!((minute.passes, minute.slots_lent, minute.slots_total), (7, 9, 126));
}

#[test]
fn a_file_that_cannot_be_written_is_said_until_it_can() {
    let folder = Folder::new();
    fs::write(ledger::file(folder.path()), "no database at all".repeat(99)).unwrap();
    let live = Live::default();
    let said = |ledger: Ledger, live: &Live| {
        let (minutes, kept) = sync_channel(1);
        minutes.send(Minute { at: 60, ..Minute::default() }).unwrap();
        drop(minutes);
        keep(ledger, &kept, live);
        live.now().fault
    };
    assert!(said(Ledger::new(folder.path()), &live).unwrap().starts_with("evidence.db: "));
    fs::remove_file(ledger::file(folder.path())).unwrap();
    assert_eq!(said(Ledger::new(folder.path()), &live), None);
}

#[test]
fn a_thread_that_ends_is_said_on_the_pages() {
    let live = Arc::new(Live::default());
    drop(Watched(Arc::clone(&live)));
    assert!(live.now().fault.unwrap().contains("no longer watched"));
}
