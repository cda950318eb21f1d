//! A collector that others wrote, as a process between Segue and the outside: it decodes OTLP, batches, and passes on by
//! OTLP. From PyPI, pinned under `tests/peers/rotel/`; skipped like the other peers.

use std::fs;
use std::io::Read as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use flate2::read::GzDecoder;
use segue::clock::monotonic;

use crate::house::free_port;
use crate::outside::Outside;
use crate::peers::python;
use crate::peers::skip::skipped;
use crate::seen::{Seen, read};

/// A running collector; ended when dropped.
pub struct Collector {
    child: Child,
    port: u16,
}

impl Collector {
    /// Starts it in front of `outside`; none where it cannot be had, which was said.
    pub fn start(dir: &Path, outside: &Outside) -> Option<Self> {
        let program = match python::bin("rotel", "rotel") {
            Ok(bin) => program(&bin.join("python")),
            Err(why) => {
                skipped("rotel", &why);
                return None;
            }
        };
        let port = free_port();
        let log = fs::File::create(dir.join("collector")).expect("a log");
        let child = Command::new(program)
            .args(["start", "--otlp-grpc-endpoint", "127.0.0.1:0"])
            .args(["--otlp-http-endpoint", &format!("127.0.0.1:{port}")])
            .args(["--exporter", "otlp", "--otlp-exporter-protocol", "http"])
            .args(["--otlp-exporter-endpoint", &outside.url()])
            .stdin(Stdio::null())
            .stderr(Stdio::from(log.try_clone().expect("a log")))
            .stdout(Stdio::from(log))
            .spawn()
            .expect("it was just installed");
        let collector = Self { child, port };
        let until = monotonic() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let said = fs::read_to_string(dir.join("collector")).unwrap_or_default();
            assert!(monotonic() < until, "it does not listen: {said}");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(collector)
    }

    /// Where spans are posted to.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary that stands in the wheel.
fn program(python: &Path) -> PathBuf {
    let place =
        "import rotel, os; print(os.path.join(os.path.dirname(rotel.__file__), 'rotel-agent'))";
    let told = Command::new(python)
        .args(["-c", place])
        .output()
        .expect("it was just installed");
    String::from_utf8(told.stdout).expect("text").trim().into()
}

/// What the collector passed on so far. It compresses.
pub fn passed_on(outside: &Outside) -> Vec<Seen> {
    let mut bodies = Vec::new();
    for call in outside.calls("traces") {
        let mut body = Vec::new();
        if call.header("content-encoding") == "gzip" {
            let mut plain = GzDecoder::new(&call.body[..]);
            plain.read_to_end(&mut body).expect("gzip");
        } else {
            body.extend_from_slice(&call.body);
        }
        bodies.push(body);
    }
    read(bodies.iter().map(Vec::as_slice)).0
}
