//! The `http` channel: a gateway's JSON to `POST /api/v1/messages`, and the callbacks that it takes.

use axum::http::HeaderMap;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use super::{Heard, Post, Wire, digits_after};
use crate::config::HttpSection;
use crate::secret::Secret;

/// Before the number in an address.
const PREFIX: &str = "load-";

/// One instance.
pub struct HttpWire {
    name: String,
    token: Secret,
    callback_path: String,
}

impl HttpWire {
    /// The instance `name`.
    pub fn new(name: &str, section: &HttpSection) -> Self {
        let callback = reqwest::Url::parse(&section.callback_url).ok();
        Self {
            name: name.to_owned(),
            token: section.token.clone(),
            callback_path: callback.map_or_else(String::new, |url| url.path().to_owned()),
        }
    }
}

#[derive(Deserialize)]
struct Told {
    conversation: String,
    message: String,
    to: String,
    class: String,
    text: String,
}

impl HttpWire {
    fn authorised(&self, path: String, body: &serde_json::Value) -> Post {
        let authorization = format!("Bearer {}", self.token.expose());
        Post {
            path,
            headers: vec![
                ("content-type", "application/json".to_owned()),
                ("authorization", authorization),
            ],
            body: Bytes::from(body.to_string()),
        }
    }
}

impl Wire for HttpWire {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "http"
    }

    fn address(&self, number: u64) -> String {
        format!("{PREFIX}{number}")
    }

    fn number(&self, address: &str) -> Option<u64> {
        digits_after(PREFIX, address)
    }

    fn write(&self, number: u64, id: &str, text: &str) -> Post {
        let from = self.address(number);
        let body =
            json!({"channel": self.name, "from": from, "id": self.message_id(id), "text": text});
        self.authorised("/api/v1/messages".to_owned(), &body)
    }

    fn message_id(&self, id: &str) -> String {
        id.to_owned()
    }

    fn hear(&self, path: &str, _: &HeaderMap, body: &[u8]) -> Option<Heard> {
        if path != self.callback_path {
            return None;
        }
        let told: Told = serde_json::from_slice(body).ok()?;
        self.number(&told.to)?;
        Some(Heard {
            effect: format!("c={}&e={}", told.conversation, told.message),
            to: told.to,
            message: told.message,
            text: told.text,
            class: Some(told.class),
            // A gateway names the conversation in its reports.
            report_to: told.conversation,
        })
    }

    fn report(&self, heard: &Heard, state: &str) -> Option<Post> {
        let body =
            json!({"conversation": heard.report_to, "message": heard.message, "state": state});
        Some(self.authorised(format!("/webhooks/{}/status", self.name), &body))
    }
}
