//! A server of our own: `segue serve` as a child, with a configuration and a data directory made for this run.
//!
//! Both are gone when this is dropped. It is a process group of its own, so that Ctrl-C ends the load and not the server
//! under it; it is killed at the end, because nothing in its directory is worth keeping.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::LoadError;
use crate::clock::monotonic;

/// How long it may take to start.
const START_WITHIN: Duration = Duration::from_secs(30);
/// Another process may take a port between our finding it and the server's using it.
const TRIES: usize = 3;
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
}

impl Own {
    /// Starts one whose providers and model are at `providers`; `below`: where its directory is made.
    ///
    /// # Errors
    /// When it does not start; the end of its log is in the error.
    pub fn start(
        below: Option<&Path>,
        offline: bool,
        providers: SocketAddr,
        run: u64,
    ) -> Result<Self, LoadError> {
        let below = below.map_or_else(std::env::temp_dir, Path::to_owned);
        let dir = below.join(format!("segue-load-{run:016x}"));
        let failed = |what: String| LoadError::new(what, "choose another place with --data DIR");
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&dir)
            .map_err(|fault| failed(format!("`{}` cannot be made: {fault}", dir.display())))?;
        let mut why = String::new();
        for _ in 0..TRIES {
            match Self::attempt(&dir, offline, providers) {
                Ok(own) => return Ok(own),
                Err(fault) => why = fault,
            }
        }
        let _gone = fs::remove_dir_all(&dir);
        Err(failed(format!("the server does not start: {why}")))
    }

    fn attempt(dir: &Path, offline: bool, providers: SocketAddr) -> Result<Self, String> {
        let text = |fault: std::io::Error| fault.to_string();
        let (listen, ops) = (free_address().map_err(text)?, free_address().map_err(text)?);
        let (config, data, log) = (dir.join("segue.toml"), dir.join("data"), dir.join("log"));
        fs::write(&config, configuration(listen, ops, offline, providers)).map_err(text)?;
        let program = std::env::current_exe().map_err(text)?;
        let errors = File::create(&log).map_err(text)?;
        let mut command = Command::new(program);
        // Variables of the configuration would change what is measured.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("SEGUE_") {
                command.env_remove(&name);
            }
        }
        let child = command
            .arg("serve")
            .arg("--config")
            .arg(&config)
            .arg("--data")
            .arg(&data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(errors)
            .process_group(0)
            .spawn()
            .map_err(text)?;
        let mut own = Self {
            child,
            dir: dir.to_owned(),
            url: format!("http://{listen}"),
            config,
            data,
        };
        let until = monotonic() + START_WITHIN;
        while !is_ready(ops) {
            let ended = own.child.try_wait().map_err(text)?;
            if ended.is_some() || monotonic() > until {
                let said = fs::read_to_string(&log).unwrap_or_default();
                let lines: Vec<&str> = said.lines().collect();
                let last = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n");
                own.end();
                // The directory is used again by the next attempt.
                own.dir = PathBuf::new();
                return Err(last);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(own)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
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

fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// Whether `/readyz` answers 200.
fn is_ready(ops: SocketAddr) -> bool {
    use std::io::{Read as _, Write as _};
    let ask = || {
        let mut stream = std::net::TcpStream::connect_timeout(&ops, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: load\r\nConnection: close\r\n\r\n")?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        Ok::<_, std::io::Error>(head)
    };
    ask().is_ok_and(|head| &head == b"HTTP/1.1 200")
}

/// Gathering of messages in the server that is started: a fifth of a second instead of two, so that what the AI's
/// answer takes is not mostly waiting for the customer to go on.
pub const QUIET_MS: u64 = 200;

fn configuration(
    listen: SocketAddr,
    ops: SocketAddr,
    offline: bool,
    providers: SocketAddr,
) -> String {
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
    format!(
        "[server]\nlisten = \"{listen}\"\nops_listen = \"{ops}\"\npublic_url = \"http://{listen}\"\n\
         {}{}[channels.gateway]\nkind = \"http\"\ntoken = \"the-load-shows-this\"\n\
         callback_url = \"http://{providers}/callback\"\ncallback_secret = \"the-server-signs-with-this\"\n\
         {model}[log]\nlevel = \"warn\"\n",
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
        for offline in [true, false] {
            let text = configuration(at(1), at(2), offline, at(3));
            let config = Config::parse("segue.toml", &text, Path::new(""), &Environment::default());
            let config = config.expect("no fault");
            let (lines, others) = lines(&config);
            assert_eq!((lines.len(), others.len()), (3, 0));
            assert_eq!(config.server.url(), "http://127.0.0.1:1");
        }
    }
}
