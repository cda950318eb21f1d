//! One file per kind of channel: how a customer's message comes in, signed, and how the provider hears what goes out.
//!
//! This is where a new kind of channel is added: a [`Wire`] for it, and its line in [`lines`]. Both directions stand in
//! one place because both are what the real provider does. Pure: bytes in, bytes out.

pub mod http;
pub mod twilio;

use std::sync::Arc;

use axum::http::StatusCode;
use bytes::Bytes;

use crate::config::{ChannelKind, Config};

/// What a request to the server needs besides its host.
#[derive(Clone, PartialEq, Debug)]
pub struct Post {
    /// The path.
    pub path: String,
    /// Names and values.
    pub headers: Vec<(&'static str, String)>,
    /// The body, signed where the channel signs.
    pub body: Bytes,
}

/// What the server told a provider.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Heard {
    /// Who is to get it.
    pub to: String,
    /// Conversation and message, as the server numbers them: a repetition has the same.
    pub effect: String,
    /// The number of the message within its conversation.
    pub message: String,
    /// The text.
    pub text: String,
    /// What kind of message, where the provider is told.
    pub class: Option<String>,
    /// Where its delivery is to be reported, where the message says so.
    pub report_to: String,
}

/// One channel instance, from the provider's side.
pub trait Wire: Send + Sync + 'static {
    /// The instance's name in the configuration.
    fn name(&self) -> &str;

    /// The word under `kind`.
    fn kind(&self) -> &'static str;

    /// The address of the customer with this number, 15 digits at most.
    fn address(&self, number: u64) -> String;

    /// The customer's number, if `address` is one of [`Wire::address`]'s.
    fn number(&self, address: &str) -> Option<u64>;

    /// The message, as this provider posts it. `id`: 32 hexadecimal digits, unique for ever.
    fn write(&self, from: &str, id: &str, text: &str) -> Post;

    /// What the provider calls the message with this id: what the trail keeps.
    fn message_id(&self, id: &str) -> String;

    /// What was sent to the provider, if this request is for this instance.
    fn hear(&self, path: &str, headers: &axum::http::HeaderMap, body: &[u8]) -> Option<Heard>;

    /// How the provider says that it took the message.
    fn took(&self, heard: &Heard) -> (StatusCode, String);

    /// The report that the message is in this state (`sent`, `delivered`), signed; none: nobody wants one.
    fn report(&self, heard: &Heard, state: &str) -> Option<Post>;

    /// How the provider refuses for a moment.
    fn refuse(&self) -> (StatusCode, String);
}

/// The lines of the channels in `config` that can be driven, in the order of their names; and those that cannot.
pub fn lines(config: &Config) -> (Vec<Arc<dyn Wire>>, Vec<String>) {
    let url = config.server.url();
    let (mut lines, mut others): (Vec<Arc<dyn Wire>>, _) = (Vec::new(), Vec::new());
    for (name, section) in &config.channels {
        match &section.kind {
            ChannelKind::Twilio(twilio) => {
                lines.push(Arc::new(twilio::TwilioWire::new(
                    name.as_str(),
                    twilio,
                    &url,
                )));
            }
            ChannelKind::Http(http) => {
                lines.push(Arc::new(http::HttpWire::new(name.as_str(), http)));
            }
            // No webhook: its customers hold a socket open. `segue chat` is a client of it.
            ChannelKind::Webchat(_) => others.push(name.to_string()),
        }
    }
    (lines, others)
}

/// The digits after `prefix`, as a number.
fn digits_after(prefix: &str, address: &str) -> Option<u64> {
    let digits = address.strip_prefix(prefix)?;
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}
