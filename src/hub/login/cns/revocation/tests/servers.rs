//! Programs on loopback: `openssl ocsp` as a responder, and a web server that answers as it is told. Each ends with its test.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// A process that is ended by its own handle.
#[derive(Debug)]
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port of loopback that nobody has.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until somebody listens, a hundred tenths of a second at most.
pub fn await_port(port: u16) {
    for _ in 0..100 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return;
        }
        thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("nobody listens on {port}");
}

/// `openssl ocsp` as a responder of the authority in this folder, signing as `signer`, on a port of its choice.
pub fn responder(folder: &Path, signer: &str) -> (Running, String) {
    responder_of(folder, "ca.pem", signer)
}

/// The same, of the authority with this certificate.
pub fn responder_of(folder: &Path, authority: &str, signer: &str) -> (Running, String) {
    let (certificate, key) = (format!("{signer}.pem"), format!("{signer}.key"));
    let mut command = Command::new("openssl");
    command.args(["ocsp", "-index", "index.txt", "-CA", authority, "-rsigner", &certificate, "-rkey", &key]);
    command.args(["-port", "0"]).current_dir(folder).stdin(Stdio::null());
    let mut running = Running(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    // It says "ACCEPT [::]:port PID=…" on one, and that it waits on the other.
    let mut said = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut said).unwrap();
    let port = said.split(' ').nth(1).and_then(|at| at.rsplit(':').next()).unwrap_or_default().to_owned();
    let mut errors = BufReader::new(running.0.stderr.take().unwrap());
    let mut waits = String::new();
    errors.read_line(&mut waits).unwrap();
    assert!(waits.contains("waiting"), "{said}{waits}");
    thread::spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
    (running, format!("http://127.0.0.1:{port}/"))
}

/// What a web server says to the body of a request: whole octets, with the first line.
pub type Says = Box<dyn Fn(&[u8]) -> Vec<u8> + Send>;

/// A web server.
pub struct Web {
    pub url: String,
    says: Arc<Mutex<Says>>,
    asked: Arc<AtomicUsize>,
}

impl Web {
    /// One that answers so. Its thread ends with the tests.
    pub fn new(says: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/at", listener.local_addr().unwrap());
        let web = Self { url, says: Arc::new(Mutex::new(Box::new(says))), asked: Arc::default() };
        let (says, asked) = (web.says.clone(), web.asked.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (says, asked) = (says.clone(), asked.clone());
                thread::spawn(move || answer(stream, &says, &asked));
            }
        });
        web
    }

    /// From now on it answers so.
    pub fn says(&self, says: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) {
        *self.says.lock().unwrap() = Box::new(says);
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// 200 with these octets.
pub fn ok(body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// Another status, with nothing else.
pub fn status(line: &str) -> Vec<u8> {
    format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").into_bytes()
}

fn answer(mut stream: TcpStream, says: &Mutex<Says>, asked: &AtomicUsize) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut length, mut line) = (0, String::new());
    while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
        let header = line.to_ascii_lowercase();
        length = header.strip_prefix("content-length:").map_or(length, |n| n.trim().parse().unwrap());
        line.clear();
    }
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_ok() {
        asked.fetch_add(1, Ordering::SeqCst);
        let answer = says.lock().unwrap()(&body);
        let _ = stream.write_all(&answer);
        if answer.is_empty() {
            // Silence: until the other side gives up.
            let _ = stream.read(&mut [0]);
        }
    }
}
