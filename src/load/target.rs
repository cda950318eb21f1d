//! The server that is driven, and what its customers are called.
//!
//! Addresses hold 15 digits: a 7, the channel (2), the run (5) and the customer (7). Two runs against one server never
//! share a customer but by chance of one in a hundred thousand, and every message id is new for ever.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::HeaderMap;

use super::LoadError;
use super::wire::{Heard, Post, Seat, Wire};

const FIRST: u64 = 700_000_000_000_000;
const PER_LINE: u64 = 1_000_000_000_000;
const PER_RUN: u64 = 10_000_000;
const RUNS: u64 = PER_LINE / PER_RUN;

/// A server's URL, taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Base {
    /// Scheme, host and port, without a slash at the end.
    pub url: String,
    /// Host and port, as `Host` names them.
    pub authority: String,
    /// Whether it is spoken to in TLS.
    pub tls: bool,
}

impl Base {
    /// Reads a URL; without `remote`, only one of this machine.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str, remote: bool) -> Result<Self, LoadError> {
        let hint = "--target http://127.0.0.1:8080";
        let parsed = reqwest::Url::parse(text)
            .map_err(|_| LoadError::usage(format!("`{text}` is no URL"), hint))?;
        let (Some(host), Some(port)) = (parsed.host_str(), parsed.port_or_known_default()) else {
            return Err(LoadError::usage(format!("`{text}` names no host"), hint));
        };
        if !matches!(parsed.scheme(), "http" | "https") || parsed.path() != "/" {
            return Err(LoadError::usage(
                format!("`{text}` is not the address of a server"),
                hint,
            ));
        }
        if !remote && !is_here(host) {
            return Err(LoadError::usage(
                format!("`{host}` is not this machine, and a load can bring it down"),
                "if it is yours to load, say so: --allow-remote",
            ));
        }
        let authority = format!("{host}:{port}");
        Ok(Self {
            url: format!("{}://{authority}", parsed.scheme()),
            authority,
            tls: parsed.scheme() == "https",
        })
    }
}

/// Whether this host is this machine, without asking anybody.
fn is_here(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Whom the load plays, towards one server.
pub struct Target {
    /// Where it is.
    pub base: Base,
    /// The channels that are written to. Never empty.
    pub lines: Vec<Arc<dyn Wire>>,
    /// Answers of the AI name the messages they are for: the model is ours.
    pub echoes: bool,
    run: u64,
}

impl Target {
    /// `run` tells this run from all others.
    pub fn new(base: Base, lines: Vec<Arc<dyn Wire>>, echoes: bool, run: u64) -> Self {
        Self {
            base,
            lines,
            echoes,
            run,
        }
    }

    /// The message of a customer, signed.
    pub fn write(&self, customer: u64, mark: u64, text: &str) -> Post {
        let (line, number) = self.line(customer);
        line.write(number, &self.id(mark), text)
    }

    /// Where this customer listens; none: their provider does.
    pub fn seat(&self, customer: u64) -> Option<Seat> {
        let (line, number) = self.line(customer);
        line.seat(number)
    }

    /// What the server calls this customer.
    pub fn address(&self, customer: u64) -> String {
        let (line, number) = self.line(customer);
        line.address(number)
    }

    /// What whoever sends this message calls it; a channel may store more than that.
    pub fn message_id(&self, customer: u64, mark: u64) -> String {
        self.line(customer).0.message_id(&self.id(mark))
    }

    /// The channel that this customer writes on, and their number there.
    fn line(&self, customer: u64) -> (&dyn Wire, u64) {
        let at = (customer % self.lines.len() as u64) as usize;
        let number = FIRST + at as u64 * PER_LINE + self.run % RUNS * PER_RUN + customer;
        (&*self.lines[at], number)
    }

    /// The 32 hexadecimal digits of a message id.
    fn id(&self, mark: u64) -> String {
        format!("{:016x}{mark:016x}", self.run)
    }

    /// The idempotency key of an agent's act with this number.
    pub fn key(&self, number: u64) -> String {
        self.id(number)
    }

    /// The mark in a message id, if it is of this run.
    pub fn mark(&self, message_id: &str) -> Option<u64> {
        let run = format!("{:016x}", self.run);
        let at = message_id.find(&run)?;
        u64::from_str_radix(message_id.get(at + run.len()..)?, 16).ok()
    }

    /// The customer with this address, if it is one of this run.
    pub fn customer(&self, address: &str) -> Option<u64> {
        self.lines
            .iter()
            .find_map(|line| self.ours(line.number(address)?))
    }

    fn ours(&self, number: u64) -> Option<u64> {
        let rest = number.checked_sub(FIRST)?;
        let ours = rest % PER_LINE / PER_RUN == self.run % RUNS
            && rest / PER_LINE < self.lines.len() as u64;
        ours.then_some(rest % PER_RUN)
    }

    /// What a request to the providers says, and on which line.
    pub fn hear(&self, path: &str, headers: &HeaderMap, body: &[u8]) -> Option<(&dyn Wire, Heard)> {
        self.lines
            .iter()
            .find_map(|line| Some((&**line, line.hear(path, headers, body)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loaded_unless_somebody_says_so() {
        for here in [
            "http://127.0.0.1:8080",
            "http://localhost",
            "http://[::1]:80/",
            "https://127.9.9.9",
        ] {
            assert!(Base::read(here, false).is_ok(), "{here}");
        }
        for away in [
            "http://192.168.0.1:8080",
            "https://chat.example.com",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
        ] {
            let fault = Base::read(away, false).expect_err(away);
            assert!(fault.mend.contains("--allow-remote"), "{away}");
            assert!(Base::read(away, true).is_ok(), "{away}");
        }
        for wrong in [
            "127.0.0.1:8080",
            "ftp://127.0.0.1",
            "http://127.0.0.1/chat",
            "",
        ] {
            assert!(Base::read(wrong, true).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_and_an_id_name_customer_and_message_of_one_run() {
        use crate::config::HttpSection;
        use crate::load::wire::http::HttpWire;
        let section = HttpSection {
            token: "t".into(),
            callback_url: "http://127.0.0.1:1/x".into(),
            callback_secret: "s".into(),
        };
        let wire = || Arc::new(HttpWire::new("gate", &section)) as Arc<dyn Wire>;
        let base = Base::read("http://127.0.0.1:1", false).expect("here");
        let target = |run| Target::new(base.clone(), vec![wire(), wire()], true, run);
        let (ours, other) = (target(12_345_678), target(12_345_679));
        for customer in [0, 1, 9_999_999] {
            let post = ours.write(customer, 77, "hi");
            let body: serde_json::Value = serde_json::from_slice(&post.body).expect("JSON");
            let (from, id) = (
                body["from"].as_str().expect("text"),
                body["id"].as_str().expect("text"),
            );
            assert_eq!(
                (ours.customer(from), ours.mark(id)),
                (Some(customer), Some(77)),
                "{body}"
            );
            assert_eq!(
                (other.customer(from), other.mark(id)),
                (None, None),
                "{body}"
            );
            assert!(from.len() <= 20, "{from}");
        }
        assert_eq!(ours.customer("load-5"), None);
    }
}
