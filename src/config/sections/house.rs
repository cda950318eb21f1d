//! `[server]`, `[storage]`, `[limits]`, `[log]`, `[metrics]`: the house around the conversations.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::super::reader::{Reader, Section};
use super::super::values::{self, Rate};

/// `[server]`: the two listeners.
#[derive(Clone, PartialEq, Debug)]
pub struct ServerSection {
    /// The public listener: webhooks, web chat, inbox, API.
    pub listen: SocketAddr,
    /// The operations listener: metrics, health, status. Not for the internet.
    pub ops_listen: SocketAddr,
    /// How the public listener is seen from outside, without a slash at the end; signatures of webhooks cover it.
    pub public_url: Option<String>,
    /// The proxies in front, by address or network: of a request that comes through them it is believed what they say of
    /// where it comes from. None: the peer of the connection is the client.
    pub trusted_proxies: Vec<IpNet>,
    /// The most requests worked on at once; more are held shortly, then refused with 503.
    pub max_in_flight: usize,
    /// The largest request body, in bytes.
    pub body_limit_bytes: usize,
}

impl Default for ServerSection {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            ops_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9090)),
            public_url: None,
            trusted_proxies: Vec::new(),
            max_in_flight: 1_024,
            body_limit_bytes: 1024 * 1024,
        }
    }
}

impl ServerSection {
    /// The configured public URL, or the address of the listener as a URL.
    pub fn url(&self) -> String {
        self.public_url
            .clone()
            .unwrap_or_else(|| format!("http://{}", self.listen))
    }

    pub(in crate::config) fn read(reader: &mut Reader<'_>, mut section: Section<'_>) -> Self {
        let default = Self::default();
        let listen = section.parsed(reader, "listen", values::address);
        let ops = section.parsed(reader, "ops_listen", values::address);
        let (listen_at, ops_at) = (section.place("listen"), section.place("ops_listen"));
        let read = Self {
            listen: listen.map_or(default.listen, |spot| spot.value),
            ops_listen: ops.map_or(default.ops_listen, |spot| spot.value),
            public_url: section
                .parsed(reader, "public_url", values::url)
                .map(|spot| spot.value),
            trusted_proxies: proxies(reader, &mut section),
            max_in_flight: section
                .size(reader, "max_in_flight", 1..=65_536)
                .unwrap_or(default.max_in_flight),
            body_limit_bytes: section
                .size(reader, "body_limit_bytes", 1_024..=64 * 1024 * 1024)
                .unwrap_or(default.body_limit_bytes),
        };
        if read.listen == read.ops_listen && read.listen.port() != 0 {
            let at = if section.has("ops_listen") {
                ops_at
            } else {
                listen_at
            };
            let what = format!("`listen` and `ops_listen` are both {}", read.listen);
            reader.fault(
                &at,
                what,
                "give the operations listener a port of its own, such as 127.0.0.1:9090",
            );
        }
        section.finish(reader, &["tls"]);
        read
    }
}

fn proxies(reader: &mut Reader<'_>, section: &mut Section<'_>) -> Vec<IpNet> {
    let mut networks = Vec::new();
    for spot in section.texts(reader, "trusted_proxies").unwrap_or_default() {
        match values::network(&spot.value) {
            Ok(network) => networks.push(network),
            Err(hint) => {
                let key = section.key("trusted_proxies");
                let what = format!("`{key}` holds no proxy to trust: {:?}", spot.value);
                reader.fault(&spot.at, what, &hint);
            }
        }
    }
    networks
}

/// `[storage]`: where conversations are kept.
#[derive(Clone, PartialEq, Debug)]
pub struct StorageSection {
    /// The directory of the data; made if it is not there.
    pub data_dir: PathBuf,
    /// Memory for the store's pages, in MiB.
    pub cache_mb: usize,
    /// Conversations that have been closed for so many days are forgotten; `None`: kept.
    pub retention_days: Option<u32>,
}

impl Default for StorageSection {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("./segue-data"),
            cache_mb: 64,
            retention_days: None,
        }
    }
}

impl StorageSection {
    /// For how long closed conversations are kept; none: for ever.
    pub fn retention(&self) -> Option<Duration> {
        self.retention_days
            .map(|days| Duration::from_hours(24 * u64::from(days)))
    }

    pub(in crate::config) fn read(reader: &mut Reader<'_>, mut section: Section<'_>) -> Self {
        let default = Self::default();
        let _ = section.word(reader, "engine", &[("embedded", ())]);
        let data_dir = section
            .text(reader, "data_dir")
            .map_or(default.data_dir, |spot| reader.path(&spot.value, &spot.at));
        let read = Self {
            data_dir,
            cache_mb: section
                .size(reader, "cache_mb", 4..=65_536)
                .unwrap_or(default.cache_mb),
            retention_days: section
                .integer(reader, "retention_days", 1..=36_500)
                .and_then(|days| u32::try_from(days).ok()),
        };
        section.finish(reader, &[]);
        read
    }
}

/// `[limits]`: how much one party may ask of us. `None`: no limit of its own.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct LimitsSection {
    /// Web chats opened, and messages written there, from one network address.
    pub per_address: Option<Rate>,
    /// Messages of one customer, on any channel.
    pub per_customer: Option<Rate>,
    /// Calls of the agent API and of the HTTP channel with one token.
    pub per_token: Option<Rate>,
}

impl LimitsSection {
    pub(in crate::config) fn read(reader: &mut Reader<'_>, mut section: Section<'_>) -> Self {
        let mut rate = |key| {
            section
                .parsed(reader, key, values::rate)
                .map(|spot| spot.value)
        };
        let read = Self {
            per_address: rate("per_address"),
            per_customer: rate("per_customer"),
            per_token: rate("per_token"),
        };
        section.finish(reader, &[]);
        read
    }
}

/// `[log]`: what the process says about itself, on stderr.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogSection {
    /// For people or for machines.
    pub format: LogFormat,
    /// From which severity on.
    pub level: LogLevel,
}

/// How a log line is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    /// A line for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// The least severe level that is logged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something needs attention.
    Warn,
    /// What an operator wants to know.
    Info,
    /// What a developer wants to know.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// The word for it, as log filters take it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl Default for LogSection {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            level: LogLevel::Info,
        }
    }
}

impl LogSection {
    pub(in crate::config) fn read(reader: &mut Reader<'_>, mut section: Section<'_>) -> Self {
        let levels = [
            LogLevel::Error,
            LogLevel::Warn,
            LogLevel::Info,
            LogLevel::Debug,
            LogLevel::Trace,
        ];
        let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
        let default = Self::default();
        let read = Self {
            format: section
                .word(reader, "format", &formats)
                .unwrap_or(default.format),
            level: section
                .word(
                    reader,
                    "level",
                    &levels.map(|level| (level.as_str(), level)),
                )
                .unwrap_or(default.level),
        };
        section.finish(reader, &[]);
        read
    }
}

/// `[metrics]`: has no keys in this version; metrics are always on, at the operations listener.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MetricsSection {}

impl MetricsSection {
    pub(in crate::config) fn read(reader: &mut Reader<'_>, section: Section<'_>) -> Self {
        section.finish(reader, &[]);
        Self {}
    }
}
