//! The real binary as a process: started, killed, stopped, and what it said.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use segue::clock::monotonic;

/// The longest a start or an end may take here: a machine that builds beside the tests is slow.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running Segue. Killed when dropped.
pub struct House {
    child: Child,
    ready: Receiver<()>,
}

impl House {
    /// Starts `segue serve` with the configuration `segue.toml` in `dir`. Its errors are appended to `DIR/stderr`.
    pub fn start(dir: &Path) -> Self {
        let errors = OpenOptions::new()
            .create(true)
            .append(true)
            .open(errors(dir))
            .expect("a log");
        let mut child = Command::new(env!("CARGO_BIN_EXE_segue"))
            .arg("serve")
            .arg("--config")
            .arg(dir.join("segue.toml"))
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::from(errors))
            .spawn()
            .expect("the binary is built");
        let stdout = child.stdout.take().expect("it is piped");
        let (tell, ready) = channel();
        // Reads on to the end, so that the process never waits for its reader.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if line.starts_with("Segue is ready") {
                    let _nobody_waits_any_more = tell.send(());
                }
            }
        });
        Self { child, ready }
    }

    /// Waits until it takes requests, for at most `patience`. False: it does not yet.
    pub fn is_ready_within(&self, patience: Duration) -> bool {
        self.ready.recv_timeout(patience).is_ok()
    }

    /// Waits until it takes requests.
    pub fn wait_ready(&self, dir: &Path) {
        assert!(
            self.is_ready_within(PATIENCE),
            "it does not start:\n{}",
            said(dir)
        );
    }

    /// `kill -9`.
    pub fn kill9(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it is gone");
    }

    /// SIGTERM; waits for the end.
    pub fn terminate(mut self) -> ExitStatus {
        let pid = self.child.id().to_string();
        let told = Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .expect("kill is there");
        assert!(told.success());
        self.wait()
    }

    /// Waits for the end.
    pub fn wait(&mut self) -> ExitStatus {
        let until = monotonic() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("it is ours") {
                return status;
            }
            assert!(monotonic() < until, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn errors(dir: &Path) -> PathBuf {
    dir.join("stderr")
}

/// What it complained of so far.
pub fn said(dir: &Path) -> String {
    let mut text = String::new();
    if let Ok(mut file) = File::open(errors(dir)) {
        std::io::Read::read_to_string(&mut file, &mut text).expect("text");
    }
    text
}

/// A port that is free now, for a process that has to come back to the same one.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}
