//! A server of our own: `segue serve` as a child, with a configuration and a data directory made for this run.
//!
//! It can be killed and started again on the same data, as a crash would. It is a process group of its own, so that
//! Ctrl-C ends the load and not the server under it. When this is dropped it is killed and its directory removed, unless
//! somebody asked for that to be [left](Own::leave): a promise that was broken is looked into there.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::LoadError;
use super::arrivals::Chance;
use super::process;
use super::watch::Seat;
use crate::clock::monotonic;

/// How long it may take to start.
const START_WITHIN: Duration = Duration::from_secs(30);
/// Another process may take a port between our finding it and the server's using it.
const TRIES: usize = 3;
/// How long the operations listener may take, and how much it may say.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
const ANSWER_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// The end of its log that is shown when it does not start.
const LOG_LINES: usize = 5;

/// A running server.
pub struct Own {
    child: Child,
    dir: PathBuf,
    /// Its URL.
    pub url: String,
    /// Its configuration.
    pub config: PathBuf,
    /// Its data directory.
    pub data: PathBuf,
    /// Its process, and where it tells how it is.
    pub seat: Arc<Seat>,
    /// Processor time of the processes before this one.
    spent: Duration,
}

/// What its configuration depends on.
#[derive(Clone, Copy, Debug)]
pub struct House {
    /// Where its providers and its model are.
    pub providers: SocketAddr,
    /// It answers from its sample knowledge and not from the model.
    pub offline: bool,
    /// Agents go away without a word: it takes conversations from them in seconds instead of half an hour.
    pub hasty: bool,
}

/// A server of our own, shared with whoever kills it.
pub type SharedOwn = Arc<Mutex<Own>>;

/// Takes hold of it. Somebody who panicked meanwhile left at worst a process that is gone.
pub fn lock(own: &SharedOwn) -> MutexGuard<'_, Own> {
    own.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Own {
    /// Starts one; `below`: where its directory is made.
    ///
    /// # Errors
    /// When it does not start; the end of its log is in the error.
    pub fn start(below: Option<&Path>, house: House, run: u64) -> Result<Self, LoadError> {
        let below = below.map_or_else(std::env::temp_dir, Path::to_owned);
        let dir = below.join(format!("segue-load-{run:016x}"));
        let failed = |what: String| LoadError::new(what, "choose another place with --data DIR");
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&dir)
            .map_err(|fault| failed(format!("`{}` cannot be made: {fault}", dir.display())))?;
        let (mut why, mut chance) = (String::new(), Chance::new(run));
        for _ in 0..TRIES {
            match Self::attempt(&dir, house, &mut chance) {
                Ok(own) => return Ok(own),
                Err(fault) => why = fault,
            }
        }
        let _gone = fs::remove_dir_all(&dir);
        Err(failed(format!("the server does not start: {why}")))
    }

    fn attempt(dir: &Path, house: House, chance: &mut Chance) -> Result<Self, String> {
        let text = |fault: std::io::Error| fault.to_string();
        let mut free = || free_address(chance).map_err(text);
        let (listen, ops) = (free()?, free()?);
        let (config, data) = (dir.join(CONFIG), dir.join(DATA));
        fs::write(&config, configuration(listen, ops, house)).map_err(text)?;
        let child = spawn(dir)?;
        let pid = AtomicU32::new(child.id());
        let mut own = Self {
            child,
            dir: dir.to_owned(),
            url: format!("http://{listen}"),
            config,
            data,
            seat: Arc::new(Seat { pid, ops }),
            spent: Duration::ZERO,
        };
        own.wait_until_ready().inspect_err(|_| {
            // The directory is used again by the next attempt.
            own.dir = PathBuf::new();
        })?;
        Ok(own)
    }

    /// Kills it (SIGKILL) and starts it again on the same data; how long it was away.
    ///
    /// # Errors
    /// When it does not start again: the end of its log.
    pub fn crash(&mut self) -> Result<Duration, String> {
        let begun = monotonic();
        self.spent += process::cpu(self.pid()).unwrap_or_default();
        self.end();
        self.child = spawn(&self.dir)?;
        self.seat.pid.store(self.child.id(), Ordering::Relaxed);
        self.wait_until_ready()?;
        Ok(begun.elapsed())
    }

    fn wait_until_ready(&mut self) -> Result<(), String> {
        let until = monotonic() + START_WITHIN;
        while !is_ready(self.seat.ops) {
            let ended = self.child.try_wait().map_err(|fault| fault.to_string())?;
            if ended.is_some() || monotonic() > until {
                let said = fs::read_to_string(self.dir.join(LOG)).unwrap_or_default();
                let lines: Vec<&str> = said.lines().collect();
                let last = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n");
                self.end();
                return Err(last);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Processor time so far, of all its processes.
    pub fn cpu(&self) -> Option<Duration> {
        Some(self.spent + process::cpu(self.pid())?)
    }

    /// Its directory, with its log and data, stays when this is dropped. Where that is.
    pub fn leave(&mut self) -> PathBuf {
        std::mem::take(&mut self.dir)
    }

    fn end(&mut self) {
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.end();
        if !self.dir.as_os_str().is_empty() {
            let _gone = fs::remove_dir_all(&self.dir);
        }
    }
}

/// The server's files in its directory.
const CONFIG: &str = "segue.toml";
const DATA: &str = "data";
const LOG: &str = "log";

/// Starts the process on what lies in `dir`.
fn spawn(dir: &Path) -> Result<Child, String> {
    let text = |fault: std::io::Error| fault.to_string();
    let program = std::env::current_exe().map_err(text)?;
    let mut log = File::options();
    let errors = log.create(true).append(true).open(dir.join(LOG));
    let mut command = Command::new(program);
    // Variables of the configuration would change what is measured.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SEGUE_") {
            command.env_remove(&name);
        }
    }
    command
        .arg("serve")
        .arg("--config")
        .arg(dir.join(CONFIG))
        .arg("--data")
        .arg(dir.join(DATA))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors.map_err(text)?)
        .process_group(0)
        .spawn()
        .map_err(text)
}

/// Ports that no system gives to outgoing connections: a killed server has to find its own free again.
const PORTS: std::ops::Range<u16> = 18_000..28_000;

/// An address that nobody listens on, for the server of this run; several in a row, from a place of the run's own.
fn free_address(chance: &mut Chance) -> std::io::Result<SocketAddr> {
    for _ in 0..100 {
        let port = PORTS.start + chance.below(PORTS.len() as u64) as u16;
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            return listener.local_addr();
        }
    }
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// Whether `/readyz` answers 200.
fn is_ready(ops: SocketAddr) -> bool {
    get(ops, "/readyz").is_some()
}

/// What `path` of the operations listener answers, if that is 200. Waits for a second at most.
pub fn get(ops: SocketAddr, path: &str) -> Option<String> {
    let ask = || {
        let mut stream = TcpStream::connect_timeout(&ops, ANSWER_WITHIN)?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        // Version 1.0: the answer is not cut into chunks, and ends with the connection.
        write!(stream, "GET {path} HTTP/1.0\r\nHost: load\r\n\r\n")?;
        let mut answer = String::new();
        stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer)?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = ask().ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?;
    (status == "200").then(|| body.to_owned())
}

/// Gathering of messages in the server that is started: a fifth of a second instead of two, so that what the AI's
/// answer takes is not mostly waiting for the customer to go on.
pub const QUIET_MS: u64 = 200;

fn configuration(listen: SocketAddr, ops: SocketAddr, house: House) -> String {
    let House {
        providers,
        offline,
        hasty,
    } = house;
    let line = |name: &str, from: &str| {
        format!(
            "[channels.{name}]\nkind = \"twilio\"\naccount_sid = \"AC00000000000000000000000000000000\"\n\
             auth_token = \"the-load-signs-with-this\"\nfrom = \"{from}\"\napi_base_url = \"http://{providers}\"\n\
             burst = {{ quiet_ms = {QUIET_MS}, max_ms = 2000 }}\n"
        )
    };
    let model = match offline {
        true => "[model]\nprovider = \"offline\"\n".to_owned(),
        false => format!(
            "[model]\nprovider = \"openai\"\nname = \"built-in\"\nbase_url = \"http://{providers}/v1\"\nmax_concurrent = 4096\n"
        ),
    };
    let queue = match hasty {
        true => {
            "[queues.support]\nagent_silence = \"10s\"\nanswer_within = \"5s\"\nlease = \"10s\"\n"
        }
        false => "",
    };
    format!(
        "[server]\nlisten = \"{listen}\"\nops_listen = \"{ops}\"\npublic_url = \"http://{listen}\"\n\
         {}{}[channels.gateway]\nkind = \"http\"\ntoken = \"the-load-shows-this\"\n\
         callback_url = \"http://{providers}/callback\"\ncallback_secret = \"the-server-signs-with-this\"\n\
         [channels.web]\nkind = \"webchat\"\n\
         {model}{queue}[log]\nlevel = \"warn\"\n",
        line("sms", "+14155550100"),
        line("whatsapp", "whatsapp:+14155550101"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Environment};
    use crate::load::wire::lines;

    #[test]
    fn what_is_generated_is_a_good_configuration() {
        let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        for (offline, hasty) in [(true, false), (false, true)] {
            let house = House {
                providers: at(3),
                offline,
                hasty,
            };
            let text = configuration(at(1), at(2), house);
            let config = Config::parse("segue.toml", &text, Path::new(""), &Environment::default());
            let config = config.expect("no fault");
            assert_eq!(lines(&config, 1).len(), 4);
            assert_eq!(config.server.url(), "http://127.0.0.1:1");
        }
    }
}
