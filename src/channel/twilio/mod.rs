//! SMS and WhatsApp (and whatever else Twilio's messaging carries) through one Twilio account.
//!
//! One instance speaks both media: an address that begins with `whatsapp:` is WhatsApp, a bare number is SMS. A
//! reply leaves from the address that the customer wrote to. [`signature`] decides whether a request is Twilio's,
//! [`parse`] reads it, [`compose`] writes a send, [`errors`] knows what Twilio's codes mean.
//!
//! It never answers a webhook with plain text (Twilio would send that to the customer), never fetches media, never
//! retries, and reads STOP like any other word: Twilio itself enforces it, the core learns of it by code 21610.

pub mod compose;
pub mod errors;
pub mod form;
pub mod parse;
pub mod signature;

use std::fmt;

use axum::http::{HeaderMap, HeaderValue, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use self::signature::{Signed, Verifier};
use super::{Arrival, Channel, Dispatch, Outbound, SendError, TurnedAway, Webhook};
use crate::conversation::message::Attempt;
use crate::ids::ChannelName;
use crate::secret::Secret;

/// Where Twilio's REST API lives unless the configuration says otherwise.
pub const API_BASE_URL: &str = "https://api.twilio.com";

/// The empty answer. Any text in `text/plain` would reach the customer as a message.
const ACKNOWLEDGEMENT: (&str, &str) = (
    "text/xml",
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response/>",
);

/// One `[channels.NAME]` of kind `twilio`.
#[derive(Clone, Debug)]
pub struct TwilioSettings {
    /// The instance's name.
    pub name: ChannelName,
    /// `AC…`.
    pub account_sid: String,
    /// Auth tokens. Every one is accepted in signatures, so that a rotation loses nothing; the first one sends.
    pub auth_tokens: Vec<Secret>,
    /// Shared keys for HMAC-SHA256 signatures. When there is one, signatures by auth token are refused.
    pub shared_keys: Vec<Secret>,
    /// Who sends when a message does not say from which address.
    pub sender: Sender,
    /// Everything before the path, as Twilio sees it: `https://h.example`. With a path if a proxy strips one.
    pub public_url: String,
    /// Where delivery reports are posted; `/webhooks/{name}/status` if `None`.
    pub status_path: Option<String>,
    /// In place of [`API_BASE_URL`].
    pub api_base_url: Option<String>,
}

/// The sender of messages that are no replies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Sender {
    /// One of our own addresses: `+1415…` or `whatsapp:+1415…`.
    From(String),
    /// A messaging service, `MG…`, which picks the number.
    MessagingServiceSid(String),
}

/// The translator for one configured instance.
pub struct Twilio {
    name: ChannelName,
    verifier: Verifier,
    sender: Sender,
    messages_url: String,
    status_url: String,
    authorization: HeaderValue,
}

impl Twilio {
    /// From its settings. What can be wrong with them is checked where they are read.
    pub fn new(settings: TwilioSettings) -> Self {
        let public_url = settings.public_url.split('#').next().unwrap_or_default();
        let public_url = public_url.trim_end_matches('/');
        let api = settings.api_base_url.as_deref().unwrap_or(API_BASE_URL);
        let status_path = settings
            .status_path
            .unwrap_or_else(|| format!("/webhooks/{}/status", settings.name));
        Self {
            verifier: Verifier::new(public_url, &settings.auth_tokens, &settings.shared_keys),
            messages_url: format!(
                "{}/2010-04-01/Accounts/{}/Messages.json",
                api.trim_end_matches('/'),
                settings.account_sid
            ),
            status_url: format!("{public_url}{status_path}"),
            authorization: basic(
                &settings.account_sid,
                settings.auth_tokens.first().map_or("", Secret::expose),
            ),
            name: settings.name,
            sender: settings.sender,
        }
    }

    /// What checks this instance's requests, for the routes that are not messaging (voice, TaskRouter).
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }
}

fn basic(user: &str, password: &str) -> HeaderValue {
    let value = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
    let mut value = HeaderValue::try_from(value).expect("base64 is made of visible characters");
    value.set_sensitive(true);
    value
}

impl fmt::Debug for Twilio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Twilio({:?})", self.name)
    }
}

impl Channel for Twilio {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    fn admit(&self, headers: &HeaderMap) -> Result<(), TurnedAway> {
        signature::presented(headers).map(|_| ())
    }

    fn parse(&self, webhook: &Webhook<'_>) -> Result<Vec<Arrival>, TurnedAway> {
        match self.verifier.verify(webhook)? {
            Signed::Form(form) => {
                parse::arrival(&self.name, &form, webhook.path_and_query).map(|one| vec![one])
            }
            Signed::Other => Err(TurnedAway::Unparseable(
                "messaging webhooks are forms, and this is none".to_owned(),
            )),
        }
    }

    /// The same as [`Channel::parse`]: the parameters say which of the two it is, and an operator who swapped the
    /// two URLs loses nothing.
    fn parse_status(&self, webhook: &Webhook<'_>) -> Result<Vec<Arrival>, TurnedAway> {
        self.parse(webhook)
    }

    /// A report finds its message by the URL, which is not kept: it is ignored.
    fn parse_kept(&self, body: &[u8]) -> Result<Vec<Arrival>, TurnedAway> {
        let too_many = || TurnedAway::Unparseable("more parameters than Twilio sends".to_owned());
        let form = form::Form::decode(body).ok_or_else(too_many)?;
        parse::arrival(&self.name, &form, "").map(|one| vec![one])
    }

    fn acknowledgement(&self) -> (&'static str, &'static str) {
        ACKNOWLEDGEMENT
    }

    fn compose(&self, outbound: &Outbound<'_>) -> Result<Dispatch, SendError> {
        compose::calls(self, outbound).map(Dispatch::Calls)
    }

    fn read(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Attempt {
        compose::read(status, headers, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let settings = TwilioSettings {
            name: "wa".into(),
            account_sid: "AC1".into(),
            auth_tokens: vec!["tok-hush".into()],
            shared_keys: vec!["key-hush".into()],
            sender: Sender::From("+1500".into()),
            public_url: "https://h.example".into(),
            status_path: None,
            api_base_url: None,
        };
        let twilio = Twilio::new(settings.clone());
        let shown = format!(
            "{settings:?} {twilio:?} {:?} {:?}",
            twilio.verifier(),
            twilio.authorization
        );
        assert!(!shown.contains("hush"), "{shown}");
        assert!(shown.contains("<secret>"), "{shown}");
    }
}
