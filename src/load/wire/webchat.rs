//! The web chat: no provider stands in between. A customer writes by POST and listens on a socket of their own
//! ([`super::super::tabs`] holds it open).
//!
//! Whoever shows a visitor's secret has the thread, and the server calls the customer by a hash of it. So the secret is
//! made from the run and the customer's number, and which number a hash belongs to is remembered.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::http::HeaderMap;
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::{Heard, Post, Seat, Wire};
use crate::http::chat::protocol::FromVisitor;
use crate::http::chat::visitor::Visitor;

/// One instance.
pub struct WebchatWire {
    name: String,
    run: u64,
    /// The number of every address that was given out: as many as customers wrote.
    numbers: Mutex<HashMap<String, u64>>,
}

impl WebchatWire {
    /// The instance `name`; `run` tells its visitors from those of all other runs.
    pub fn new(name: &str, run: u64) -> Self {
        Self {
            name: name.to_owned(),
            run,
            numbers: Mutex::default(),
        }
    }

    fn visitor(&self, number: u64) -> Visitor {
        let digest = Sha256::new()
            .chain_update(b"segue load visitor\0")
            .chain_update(self.run.to_le_bytes())
            .chain_update(number.to_le_bytes())
            .finalize();
        let secret: String = digest[..16].iter().map(|b| format!("{b:02x}")).collect();
        Visitor::parse(&secret).expect("16 bytes are 32 hex digits")
    }
}

impl Wire for WebchatWire {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "webchat"
    }

    fn address(&self, number: u64) -> String {
        let address = self.visitor(number).address();
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        numbers.insert(address.clone(), number);
        address
    }

    fn number(&self, address: &str) -> Option<u64> {
        let numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        numbers.get(address).copied()
    }

    fn write(&self, number: u64, id: &str, text: &str) -> Post {
        self.address(number);
        let said = FromVisitor::Say {
            id: self.message_id(id),
            text: text.to_owned(),
        };
        let body = serde_json::to_vec(&said).expect("plain data always has a JSON form");
        let authorization = format!("Bearer {}", self.visitor(number).reveal());
        Post {
            path: format!("/chat/{}/messages", self.name),
            headers: vec![
                ("content-type", "application/json".to_owned()),
                ("authorization", authorization),
            ],
            body: Bytes::from(body),
        }
    }

    fn message_id(&self, id: &str) -> String {
        id.to_owned()
    }

    fn seat(&self, number: u64) -> Option<Seat> {
        Some(Seat {
            path: format!("/chat/{}/socket", self.name),
            visitor: self.visitor(number).reveal(),
        })
    }

    fn hear(&self, _: &str, _: &HeaderMap, _: &[u8]) -> Option<Heard> {
        None
    }

    fn report(&self, _: &Heard, _: &str) -> Option<Post> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_is_found_by_the_address_that_the_server_sees() {
        let wire = WebchatWire::new("web", 7);
        let post = wire.write(700_000_000_000_001, "00ff", "Where is \"it\"? zq1");
        let shown = post.headers[1].1.strip_prefix("Bearer ").expect("a token");
        let address = Visitor::parse(shown).expect("a secret").address();
        assert_eq!(wire.number(&address), Some(700_000_000_000_001));
        assert_eq!(wire.number("web:000000000000000000000000"), None);
        let other = WebchatWire::new("web", 8);
        assert_ne!(other.address(700_000_000_000_001), address, "another run's");
        let said: FromVisitor = serde_json::from_slice(&post.body).expect("what the chat reads");
        let FromVisitor::Say { id, text } = said else {
            panic!("a message");
        };
        assert_eq!(
            (id.as_str(), text.as_str()),
            ("00ff", "Where is \"it\"? zq1")
        );
    }
}
