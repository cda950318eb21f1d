//! One file per kind of channel: how a customer's message comes in, signed, and how the provider hears what goes out.
//!
//! This is where a new kind of channel is added: a [`Wire`] for it, and its line in [`lines`]. Both directions stand in
//! one place because both are what the real provider does. Pure: bytes in, bytes out.

pub mod http;
pub mod twilio;
pub mod webchat;

use std::sync::Arc;

use axum::http::StatusCode;
use bytes::Bytes;

use crate::config::{ChannelKind, ChannelSection, Config};
use crate::ids::ChannelName;

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

/// Where a customer follows the thread, on a channel that has no provider in between.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seat {
    /// The path of the socket.
    pub path: String,
    /// What opens the thread there.
    pub visitor: String,
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

    /// The message of the customer with this number, as this provider posts it. `id`: 32 hexadecimal digits, unique for
    /// ever.
    fn write(&self, number: u64, id: &str, text: &str) -> Post;

    /// What the provider calls the message with this id: what the trail keeps.
    fn message_id(&self, id: &str) -> String;

    /// Where this customer listens; none: their provider does.
    fn seat(&self, _number: u64) -> Option<Seat> {
        None
    }

    /// What was sent to the provider, if this request is for this instance.
    fn hear(&self, path: &str, headers: &axum::http::HeaderMap, body: &[u8]) -> Option<Heard>;

    /// How the provider says that it took the message.
    fn took(&self, _heard: &Heard) -> (StatusCode, String) {
        (StatusCode::OK, "{}".to_owned())
    }

    /// The report that the message is in this state (`sent`, `delivered`), signed; none: nobody wants one.
    fn report(&self, heard: &Heard, state: &str) -> Option<Post>;

    /// How the provider refuses for a moment.
    fn refuse(&self) -> (StatusCode, String) {
        (StatusCode::SERVICE_UNAVAILABLE, String::new())
    }
}

/// The lines of the channels in `config`, in the order of their names. `run` tells the web chat's visitors from those of
/// all other runs.
pub fn lines(config: &Config, run: u64) -> Vec<Arc<dyn Wire>> {
    let url = config.server.url();
    let line = |(name, section): (&ChannelName, &ChannelSection)| -> Arc<dyn Wire> {
        match &section.kind {
            ChannelKind::Twilio(twilio) => {
                Arc::new(twilio::TwilioWire::new(name.as_str(), twilio, &url))
            }
            ChannelKind::Http(http) => Arc::new(http::HttpWire::new(name.as_str(), http)),
            ChannelKind::Webchat(_) => Arc::new(webchat::WebchatWire::new(name.as_str(), run)),
        }
    };
    config.channels.iter().map(line).collect()
}

/// The digits after `prefix`, as a number.
fn digits_after(prefix: &str, address: &str) -> Option<u64> {
    let digits = address.strip_prefix(prefix)?;
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}
