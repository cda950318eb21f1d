//! `[channels.NAME]`: the instances on which customers write.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::fault::Place;
use super::super::reader::{Reader, Section, Spot};
use super::super::values;
use super::windows;
use crate::conversation::message::Medium;
use crate::conversation::policy::{Burst, ChannelPolicy};
use crate::conversation::windows::Windows;
use crate::ids::{ChannelName, QueueName};
use crate::secret::Secret;

/// One instance.
#[derive(Clone, PartialEq, Debug)]
pub struct ChannelSection {
    /// What it speaks, with its credentials.
    pub kind: ChannelKind,
    /// The queue of its handoffs.
    pub queue: QueueName,
    /// The language of its customers, where it is known beforehand.
    pub language: Option<String>,
    /// In place of the usual gathering of messages.
    pub burst: Option<Burst>,
    /// What it sets otherwise than its queues do.
    pub windows: Windows,
}

/// What an instance speaks.
#[derive(Clone, PartialEq, Debug)]
pub enum ChannelKind {
    /// Twilio messaging: SMS and WhatsApp.
    Twilio(TwilioSection),
    /// Any gateway, over plain HTTP.
    Http(HttpSection),
    /// The web chat.
    Webchat(WebchatSection),
}

/// Credentials of Twilio messaging.
#[derive(Clone, PartialEq, Debug)]
pub struct TwilioSection {
    /// `AC…`.
    pub account_sid: String,
    /// Every one is accepted in signatures, so that a rotation loses nothing; the first one sends. Never empty.
    pub auth_tokens: Vec<Secret>,
    /// Shared keys for HMAC-SHA256 signatures. When there is one, signatures by auth token are refused.
    pub shared_keys: Vec<Secret>,
    /// Who sends.
    pub sender: TwilioSender,
    /// In place of Twilio's own API.
    pub api_base_url: Option<String>,
}

/// Who sends on Twilio.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TwilioSender {
    /// One of our numbers: `+1415…` or `whatsapp:+1415…`.
    From(String),
    /// A pool of numbers: `MG…`.
    MessagingService(String),
}

/// Credentials of the generic HTTP channel.
#[derive(Clone, PartialEq, Debug)]
pub struct HttpSection {
    /// What a gateway shows us.
    pub token: Secret,
    /// Where replies go.
    pub callback_url: String,
    /// What replies are signed with.
    pub callback_secret: Secret,
}

/// Settings of the web chat.
#[derive(Clone, PartialEq, Debug)]
pub struct WebchatSection {
    /// Origins whose pages may embed the widget, besides our own; `*` for all.
    pub allowed_origins: Vec<String>,
    /// The longest file that a customer may send, in MiB; 0: none.
    pub upload_mb: u32,
}

impl Default for WebchatSection {
    fn default() -> Self {
        Self {
            allowed_origins: Vec::new(),
            upload_mb: 10,
        }
    }
}

impl ChannelKind {
    /// The word for it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Twilio(_) => "twilio",
            Self::Http(_) => "http",
            Self::Webchat(_) => "webchat",
        }
    }

    /// The medium it carries when a message does not say otherwise.
    pub fn medium(&self) -> Medium {
        match self {
            Self::Twilio(twilio) => match &twilio.sender {
                TwilioSender::From(from) if from.starts_with("whatsapp:") => Medium::Whatsapp,
                TwilioSender::From(_) | TwilioSender::MessagingService(_) => Medium::Sms,
            },
            Self::Http(_) => Medium::Http,
            Self::Webchat(_) => Medium::Webchat,
        }
    }
}

impl ChannelSection {
    /// What the core needs to know of it.
    pub fn policy(&self) -> ChannelPolicy {
        let mut policy = ChannelPolicy::of(self.kind.medium(), self.queue.clone());
        policy.language.clone_from(&self.language);
        policy.burst = self.burst.unwrap_or(policy.burst);
        policy.windows.clone_from(&self.windows);
        policy
    }

    /// The demonstration's web chat.
    pub(in crate::config) fn webchat(queue: QueueName) -> Self {
        Self {
            kind: ChannelKind::Webchat(WebchatSection::default()),
            queue,
            language: None,
            burst: None,
            windows: Windows::default(),
        }
    }
}

/// Kinds that the contract names and this version does not support.
const LATER: &[&str] = &["whatsapp", "telegram", "voice"];

/// Reads `[channels.*]`. `queues`: those that exist. `default`: the queue of channels that name none.
pub(in crate::config) fn read(
    reader: &mut Reader<'_>,
    mut all: Section<'_>,
    queues: &[QueueName],
    default: &QueueName,
) -> BTreeMap<ChannelName, ChannelSection> {
    let mut channels = BTreeMap::new();
    for name in all.keys() {
        if let Err(hint) = values::name(name) {
            reader.fault(
                &all.place(name),
                format!("{name:?} cannot name a channel"),
                hint,
            );
        }
        let mut section = all.child(reader, name);
        let Some(kind) = kind(reader, &mut section) else {
            continue;
        };
        let queue = section.text(reader, "queue");
        if let Some(Spot { value, at }) = &queue
            && !queues.iter().any(|queue| queue.as_str() == value)
        {
            unknown_queue(reader, at, value, queues);
        }
        let channel = ChannelSection {
            kind,
            queue: queue.map_or_else(|| default.clone(), |spot| spot.value.into()),
            language: section
                .parsed(reader, "language", values::language)
                .map(|spot| spot.value),
            burst: burst(reader, &mut section),
            windows: windows::of_channel(reader, &mut section),
        };
        section.finish(reader, &[]);
        channels.insert(ChannelName::from(name), channel);
    }
    channels
}

/// Reports a queue that no `[queues.NAME]` describes.
pub(in crate::config) fn unknown_queue(
    reader: &mut Reader<'_>,
    at: &Place,
    name: &str,
    queues: &[QueueName],
) {
    let known: Vec<&str> = queues.iter().map(QueueName::as_str).collect();
    let hint = format!("add [queues.{name}] or name one of: {}", known.join(", "));
    reader.fault(at, format!("there is no queue `{name}`"), hint);
}

fn kind(reader: &mut Reader<'_>, section: &mut Section<'_>) -> Option<ChannelKind> {
    section.missing(reader, "kind", "kind = \"webchat\", \"twilio\" or \"http\"");
    let word = section.text(reader, "kind")?;
    match word.value.as_str() {
        "twilio" => Some(ChannelKind::Twilio(twilio(reader, section))),
        "http" => Some(ChannelKind::Http(http(reader, section))),
        "webchat" => Some(ChannelKind::Webchat(webchat(reader, section))),
        other => {
            let problem = match LATER.contains(&other) {
                true => "is not supported by this version",
                false => "is no kind of channel",
            };
            let what = format!("`{}`: {other:?} {problem}", section.key("kind"));
            let hint = "use \"twilio\" (also for WhatsApp), \"webchat\" or \"http\"";
            reader.fault(&word.at, what, hint);
            None
        }
    }
}

fn twilio(reader: &mut Reader<'_>, section: &mut Section<'_>) -> TwilioSection {
    let account_sid = section.parsed(reader, "account_sid", |text| sid("AC", text));
    let auth_tokens = section.secrets(reader, "auth_token");
    let from = section.parsed(reader, "from", from_address);
    let service = section.parsed(reader, "messaging_service_sid", |text| sid("MG", text));
    section.missing(
        reader,
        "account_sid",
        "it begins with AC and stands on the first page of Twilio's console",
    );
    section.missing(
        reader,
        "auth_token",
        "auth_token = { env = \"TWILIO_AUTH_TOKEN\" }",
    );
    let both = section.has("from") && section.has("messaging_service_sid");
    if both || !(section.has("from") || section.has("messaging_service_sid")) {
        let what = format!(
            "`{}` needs one of `from` and `messaging_service_sid`",
            section.name
        );
        let at = if both {
            section.place("messaging_service_sid")
        } else {
            section.at.clone()
        };
        reader.fault(
            &at,
            what,
            "from = \"whatsapp:+14155550100\" or \"+14155550100\", or a pool's SID (MG…)",
        );
    }
    TwilioSection {
        account_sid: account_sid.map_or_else(String::new, |spot| spot.value),
        auth_tokens,
        shared_keys: section.secrets(reader, "shared_key"),
        sender: match (from, service) {
            (_, Some(service)) => TwilioSender::MessagingService(service.value),
            (from, None) => TwilioSender::From(from.map_or_else(String::new, |spot| spot.value)),
        },
        api_base_url: section
            .parsed(reader, "api_base_url", values::url)
            .map(|spot| spot.value),
    }
}

/// Twilio's ids: two letters and 32 hex digits. Gateways and tests make up others, so only the letters are asked for.
fn sid(prefix: &str, text: &str) -> Result<String, String> {
    let plain = text.len() <= 64 && text.chars().all(|c| c.is_ascii_alphanumeric());
    if plain && text.len() > 2 && text.starts_with(prefix) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "it begins with {prefix} and has letters and digits only"
    ))
}

fn from_address(text: &str) -> Result<String, &'static str> {
    let number = text.strip_prefix("whatsapp:").unwrap_or(text);
    let digits = number.strip_prefix('+').unwrap_or(number);
    let international = number.starts_with('+') && (5..=15).contains(&digits.len());
    // short codes have 3 to 8 digits and no plus
    let short = number == text && (3..=8).contains(&digits.len()) && !number.starts_with('+');
    if (international || short) && digits.chars().all(|c| c.is_ascii_digit()) {
        return Ok(text.to_owned());
    }
    Err(
        "write the number with + and country code, without spaces: \"+14155550100\", \"whatsapp:+14155550100\"",
    )
}

fn http(reader: &mut Reader<'_>, section: &mut Section<'_>) -> HttpSection {
    let token = section.secret(reader, "token");
    let callback_url = section.parsed(reader, "callback_url", callback);
    let callback_secret = section.secret(reader, "callback_secret");
    section.missing(
        reader,
        "token",
        "token = { env = \"NAME_OF_A_VARIABLE\" }: what the gateway shows us",
    );
    section.missing(
        reader,
        "callback_url",
        "where replies are posted, such as \"https://gateway.example.com/replies\"",
    );
    section.missing(
        reader,
        "callback_secret",
        "callback_secret = { env = \"NAME_OF_A_VARIABLE\" }: replies are signed with it",
    );
    let none = || Secret::from("");
    HttpSection {
        token: token.unwrap_or_else(none),
        callback_url: callback_url.map_or_else(String::new, |spot| spot.value),
        callback_secret: callback_secret.unwrap_or_else(none),
    }
}

/// A callback may have a query of its own and is kept as it is.
fn callback(text: &str) -> Result<String, &'static str> {
    let base = text.split(['?', '#']).next().unwrap_or_default();
    values::url(base).map(|_| text.trim().to_owned())
}

fn webchat(reader: &mut Reader<'_>, section: &mut Section<'_>) -> WebchatSection {
    const HINT: &str = "write the origin as browsers send it: \"https://shop.example.com\", without a path; or \"*\"";
    let mut allowed_origins = Vec::new();
    for Spot { value, at } in section.texts(reader, "allowed_origins").unwrap_or_default() {
        let origin = reqwest::Url::parse(&value)
            .ok()
            .map(|url| url.origin().ascii_serialization());
        if value == "*" || origin.as_deref() == Some(value.trim_end_matches('/')) {
            allowed_origins.push(value.trim_end_matches('/').to_owned());
        } else {
            let what = format!(
                "`{}` holds no origin: {value:?}",
                section.key("allowed_origins")
            );
            reader.fault(&at, what, HINT);
        }
    }
    let upload_mb = section
        .integer(reader, "upload_mb", 0..=100)
        .and_then(|mb| u32::try_from(mb).ok());
    WebchatSection {
        allowed_origins,
        upload_mb: upload_mb.unwrap_or(WebchatSection::default().upload_mb),
    }
}

fn burst(reader: &mut Reader<'_>, section: &mut Section<'_>) -> Option<Burst> {
    let mut inner = section.child(reader, "burst");
    if !section.has("burst") {
        return None;
    }
    let quiet = inner.millis(reader, "quiet_ms", 0..=60_000);
    let max = inner.millis(reader, "max_ms", 0..=300_000);
    for key in ["quiet_ms", "max_ms"] {
        inner.missing(reader, key, "burst = { quiet_ms = 2000, max_ms = 15000 }");
    }
    let (quiet, max) = (
        quiet.unwrap_or(Duration::ZERO),
        max.unwrap_or(Duration::MAX),
    );
    if quiet > max {
        let at = inner.place("quiet_ms");
        reader.fault(
            &at,
            format!("`{}` is above `max_ms`", inner.key("quiet_ms")),
            "`max_ms` is the longest wait of all",
        );
    }
    inner.finish(reader, &[]);
    Some(Burst { quiet, max })
}
