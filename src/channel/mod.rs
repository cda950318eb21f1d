//! The customers' side: one pure translator per provider, and one carrier that does the HTTP.
//!
//! A [`Channel`] turns bytes into [`Arrival`]s and an [`Outbound`] into a [`Dispatch`]; it does no I/O, holds no
//! state and knows no mode. Timeouts, redaction and metrics are the carrier's; retries are the core's.

pub mod carrier;
pub mod circuit;
pub mod http;
pub mod registry;
pub mod text;
pub mod twilio;
pub mod webchat;

use std::fmt;

use axum::http::{HeaderMap, Method, StatusCode};
use bytes::Bytes;

use crate::conversation::message::{Attempt, FailureCause, Inbound, Medium, Report, Retry};
use crate::conversation::words::Class;
use crate::ids::{ChannelName, ConversationId, EffectId};

/// A provider's translator for one configured instance.
pub trait Channel: Send + Sync + 'static {
    /// The instance's name in the configuration.
    fn name(&self) -> &ChannelName;

    /// What can be told of a webhook from its head alone, before anybody's body is read.
    ///
    /// # Errors
    /// As [`Channel::parse`], which looks again: passing here proves nothing.
    fn admit(&self, headers: &HeaderMap) -> Result<(), TurnedAway>;

    /// Verifies the signature over the raw body, then turns it into what arrived. One webhook may hold several.
    ///
    /// # Errors
    /// [`TurnedAway`] says what was wrong; `Unparseable` only after the signature was found good.
    fn parse(&self, webhook: &Webhook<'_>) -> Result<Vec<Arrival>, TurnedAway>;

    /// The same for the route where the provider posts delivery reports apart.
    ///
    /// # Errors
    /// As [`Channel::parse`].
    fn parse_status(&self, webhook: &Webhook<'_>) -> Result<Vec<Arrival>, TurnedAway>;

    /// What the body of an earlier webhook says: its signature was found good when it came, and is not looked at.
    ///
    /// # Errors
    /// As [`Channel::parse`]; `Invalid` where no webhooks are kept.
    fn parse_kept(&self, _body: &[u8]) -> Result<Vec<Arrival>, TurnedAway> {
        let why = format!("`{}` keeps no webhooks", self.name());
        Err(TurnedAway::Invalid(why))
    }

    /// What to answer a webhook that was accepted: content type and body.
    fn acknowledgement(&self) -> (&'static str, &'static str);

    /// How to send `outbound`.
    ///
    /// # Errors
    /// [`SendError`] when it cannot be put into the provider's words at all.
    fn compose(&self, outbound: &Outbound<'_>) -> Result<Dispatch, SendError>;

    /// What the provider's answer to a call of [`Channel::compose`] means.
    fn read(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Attempt;
}

/// A request as it came in: nothing decoded, nothing trusted.
#[derive(Clone, Copy, Debug)]
pub struct Webhook<'a> {
    /// The method.
    pub method: &'a Method,
    /// Path and raw query exactly as received.
    pub path_and_query: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The raw body.
    pub body: &'a [u8],
}

/// One thing that arrived with a webhook.
#[derive(Clone, PartialEq, Debug)]
pub enum Arrival {
    /// A customer wrote.
    Message(Inbound),
    /// One of our own people wrote into the thread of `from` with a device of their own: a takeover.
    FromUs(Inbound),
    /// A report on something that we sent.
    Report(Report),
    /// Nothing for us (an echo, a typing notice): acknowledged and counted.
    Ignored(&'static str),
}

/// Why a webhook was not accepted. The HTTP layer maps each to a status.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TurnedAway {
    /// No signature: 401.
    #[error("the request carries no signature ({0})")]
    Unsigned(&'static str),
    /// A wrong signature: 403.
    #[error("the signature does not match: {0}")]
    BadSignature(&'static str),
    /// A content type this channel does not speak: 415.
    #[error("content type not understood: expected {expected}")]
    ContentType {
        /// What would have been.
        expected: &'static str,
    },
    /// Signed, and not understood: kept raw, alarmed, answered 2xx.
    #[error("signed but not understood: {0}")]
    Unparseable(String),
    /// Not signed by a provider but by our own user's token, and not understood: 422.
    #[error("not understood: {0}")]
    Invalid(String),
}

/// Something to be said to the customer.
#[derive(Clone, Copy, Debug)]
pub struct Outbound<'a> {
    /// Whose conversation.
    pub conversation: ConversationId,
    /// Which send; it travels to the provider and comes back with its reports.
    pub effect: EffectId,
    /// Where to.
    pub to: &'a str,
    /// From which of our own addresses; empty where there is only one.
    pub from: &'a str,
    /// The medium.
    pub medium: Medium,
    /// What kind of message.
    pub class: Class,
    /// The person who speaks. Where the channel shows no sender, it is put before the text.
    pub agent: Option<&'a str>,
    /// The text.
    pub text: &'a str,
    /// Buttons under it: id and title. Channels without buttons put them into the text.
    pub choices: &'a [(String, String)],
}

/// How something is sent.
#[derive(Clone, PartialEq, Debug)]
pub enum Dispatch {
    /// By these calls, in this order; the outcome of the last one counts, a failure stops the rest.
    Calls(Vec<Call>),
    /// By pushing it to whoever is connected; the trail is the delivery.
    Push,
}

/// One HTTP call to a provider. Its `Debug` shows no header values and no body.
#[derive(Clone, PartialEq)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// The whole URL.
    pub url: String,
    /// The headers, authorisation included.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.method, self.body.len())
    }
}

/// Something could not be put into the provider's words.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("cannot be sent on this channel: {detail}")]
pub struct SendError {
    /// A stable word.
    pub code: &'static str,
    /// What kind of failure.
    pub cause: FailureCause,
    /// Whether another attempt may help.
    pub retry: Retry,
    /// What is wrong, for people.
    pub detail: String,
}

/// Lower-case hexadecimal, as signatures are written.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a String takes any text");
            text
        })
}
