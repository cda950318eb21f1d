//! `segue chat`: a web-chat client for the terminal, over the same socket as the page.
//!
//! Lines are sent one after the other, each only when the one before it is stored; what was not stored is sent again
//! under the same id after a reconnect. On a terminal the answers are shown as they are written. With piped input it
//! is a script: each line waits for the answer to the one before, and the command ends when all is answered and quiet.
//!
//! It shows texts only: control characters of others never reach the terminal.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use tokio::io::BufReader;

use super::complain;
use super::screen::Screen;
use super::talk::talk;

/// What can be said on the command line.
#[derive(Args, Clone, Debug)]
pub struct ChatArguments {
    /// Where Segue listens.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// Which web chat: its name in the configuration.
    #[arg(long, value_name = "NAME", default_value = "web")]
    pub channel: String,
    /// The customer's name.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The customer's language, such as `es`.
    #[arg(long, value_name = "TAG")]
    pub language: Option<String>,
    /// Keep the visitor's secret in this file, to go on with the same thread next time.
    #[arg(long, value_name = "FILE")]
    pub visitor: Option<PathBuf>,
    /// With piped input: how long to wait for an answer, and for more after the last one.
    #[arg(long, value_name = "SECONDS", default_value_t = 3)]
    pub wait: u64,
}

/// Talks until the input ends or `/quit`. Exit 0, 1 when it could not be done, 2 for a wrong URL.
pub fn run(arguments: &ChatArguments) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(fault) => {
            complain(&format!("no runtime could be started: {fault}"), "");
            return ExitCode::FAILURE;
        }
    };
    let live = io::stdin().is_terminal();
    let screen = Screen::new(io::stdout(), live && io::stdout().is_terminal());
    let input = BufReader::new(tokio::io::stdin());
    let done = runtime.block_on(talk(arguments, input, live, screen));
    // A read of the terminal cannot be interrupted; it must not hold up the end.
    runtime.shutdown_background();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            complain(&fault.to_string(), fault.hint());
            ExitCode::from(fault.exit())
        }
    }
}

/// Why the talk could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// The URL is none.
    #[error("`{0}` is not a URL of a Segue")]
    Url(String),
    /// Nobody answers there.
    #[error("cannot connect to {url}: {fault}")]
    Connect {
        /// Where.
        url: String,
        /// Why.
        fault: String,
    },
    /// A line was not stored in time.
    #[error("the message could not be stored in time")]
    NotStored,
    /// Input, output or the visitor's file failed.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl ChatError {
    const fn hint(&self) -> &'static str {
        match self {
            Self::Url(_) => "give it as http://127.0.0.1:8080 or https://chat.example.com",
            Self::Connect { .. } => {
                "is `segue serve` running there, and is --channel the name of a web chat?"
            }
            Self::NotStored => "run it again with the same --visitor to see what arrived",
            Self::Io(_) => "",
        }
    }

    const fn exit(&self) -> u8 {
        match self {
            Self::Url(_) => 2,
            Self::Connect { .. } | Self::NotStored | Self::Io(_) => 1,
        }
    }
}

/// The socket of `channel` at a Segue's `url`.
pub(super) fn socket_url(url: &str, channel: &str) -> Result<String, ChatError> {
    let wrong = || ChatError::Url(url.to_owned());
    let mut parsed = reqwest::Url::parse(url).map_err(|_| wrong())?;
    let scheme = match parsed.scheme() {
        "http" | "ws" => "ws",
        "https" | "wss" => "wss",
        _other => return Err(wrong()),
    };
    parsed
        .path_segments_mut()
        .map_err(|()| wrong())?
        .pop_if_empty()
        .extend(["chat", channel, "socket"]);
    let rest = parsed
        .as_str()
        .split_once(':')
        .map_or("", |(_scheme, rest)| rest);
    Ok(format!("{scheme}:{rest}"))
}

/// The visitor's secret in the file, if there is one.
pub(super) fn known_visitor(arguments: &ChatArguments) -> Result<Option<String>, ChatError> {
    let Some(path) = &arguments.visitor else {
        return Ok(None);
    };
    if !path.exists() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(path)?;
    Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
}

/// Keeps the visitor's secret in the file, readable for nobody else.
pub(super) fn keep_visitor(arguments: &ChatArguments, visitor: &str) -> Result<(), ChatError> {
    let Some(path) = &arguments.visitor else {
        return Ok(());
    };
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    writeln!(options.open(path)?, "{visitor}")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_becomes_that_of_the_socket() {
        fn check(url: &str, expected: Option<&str>) {
            assert_eq!(socket_url(url, "web").ok().as_deref(), expected, "{url}");
        }
        check(
            "http://127.0.0.1:8080",
            Some("ws://127.0.0.1:8080/chat/web/socket"),
        );
        check(
            "https://chat.example.com/",
            Some("wss://chat.example.com/chat/web/socket"),
        );
        check(
            "https://example.com/segue",
            Some("wss://example.com/segue/chat/web/socket"),
        );
        check("127.0.0.1:8080", None);
        check("ftp://example.com", None);
        assert_eq!(
            socket_url("http://h", "a b/c").ok().as_deref(),
            Some("ws://h/chat/a%20b%2Fc/socket")
        );
    }
}
