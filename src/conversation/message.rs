//! The channel-neutral words: what a customer sent, what became of what we sent.
//!
//! Every channel reduces its own wire format to these. Nothing here knows a provider.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::ids::{ChannelName, ConversationId, EffectId, IdHash};

/// The longest customer text kept, in bytes; longer text is cut at a character and marked.
pub const TEXT_BYTES_MAX: usize = 8 * 1024;
/// The most attachments one message may carry; more are dropped and counted in the text.
pub const ATTACHMENTS_MAX: usize = 16;

/// The medium of a channel: the label that metrics carry. Instances are named apart, in the configuration.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Medium {
    /// WhatsApp, through whichever provider.
    Whatsapp,
    /// Text messages.
    Sms,
    /// Telegram.
    Telegram,
    /// The web chat.
    Webchat,
    /// Telephone calls.
    Voice,
    /// Any gateway over the generic HTTP channel.
    Http,
    /// None of these.
    Other,
}

impl Medium {
    /// All of them, in the order of their metric labels.
    pub const ALL: [Self; 7] = [
        Self::Whatsapp,
        Self::Sms,
        Self::Telegram,
        Self::Webchat,
        Self::Voice,
        Self::Http,
        Self::Other,
    ];

    /// The word for it in labels and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Whatsapp => "whatsapp",
            Self::Sms => "sms",
            Self::Telegram => "telegram",
            Self::Webchat => "webchat",
            Self::Voice => "voice",
            Self::Http => "http",
            Self::Other => "other",
        }
    }
}

/// Who wrote, as the channel addresses them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Customer {
    /// Where a reply goes (`whatsapp:+15005550006`, `+15005550006`, a visitor id).
    pub address: String,
    /// The name the channel gave, if it did.
    pub name: Option<String>,
    /// The language known for them (BCP 47, lower case), if any.
    pub language: Option<String>,
}

/// One message of a customer, as parsed from a channel.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Inbound {
    /// The channel instance it came in on.
    pub channel: ChannelName,
    /// The medium of that instance (one instance may carry SMS and WhatsApp).
    pub medium: Medium,
    /// Who wrote it.
    pub from: Customer,
    /// Which of our own addresses they wrote to; replies leave from it. Empty where there is only one.
    pub to: String,
    /// The provider's id of the message; the same id again is the same message.
    pub id: String,
    /// When the provider says it was sent, if it says so.
    pub sent_at: Option<Timestamp>,
    /// What it says.
    pub body: Body,
}

impl Inbound {
    /// What a conversation remembers of this message's id.
    pub fn hash(&self) -> IdHash {
        IdHash::of(&self.id)
    }
}

/// What a message of a customer consists of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Body {
    /// Plain text.
    Text(String),
    /// A button or list choice: the id we gave it and the label the customer saw.
    Choice {
        /// The payload set in the button.
        id: String,
        /// What was written on it.
        title: String,
    },
    /// Files, with a caption that may be empty.
    Media {
        /// The text beside the files.
        caption: String,
        /// The files.
        attachments: Vec<Attachment>,
    },
    /// A place.
    Location {
        /// Degrees north, as the provider wrote them.
        latitude: String,
        /// Degrees east, as the provider wrote them.
        longitude: String,
        /// Its name or address, if given.
        label: String,
    },
    /// Something this version has no word for: its kind as the provider names it.
    Unknown(String),
}

impl Body {
    /// The part of it that is language: what triage and the model read.
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Choice { title, .. } => title,
            Self::Media { caption, .. } => caption,
            Self::Location { label, .. } => label,
            Self::Unknown(_) => "",
        }
    }

    /// The word for its kind in metrics: `text`, `media`, `interactive` or `other`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Media { .. } => "media",
            Self::Choice { .. } => "interactive",
            Self::Location { .. } | Self::Unknown(_) => "other",
        }
    }
}

/// A file a customer sent, by reference: fetched when somebody looks at it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Attachment {
    /// Where the provider keeps it.
    pub url: String,
    /// Its media type, as the provider claims.
    pub content_type: String,
}

/// What a channel says became of something that we sent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Report {
    /// Whose message it was and which, when the report carries our own reference.
    pub effect: Option<(ConversationId, EffectId)>,
    /// The provider's id for it.
    pub provider_id: String,
    /// How far it got.
    pub state: ReportState,
    /// The provider's error code, on failure.
    pub code: Option<String>,
    /// What the code means for trying again.
    pub failure: Option<FailureCause>,
}

/// How far the provider says a message got. Reports arrive in any order: only a later state counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum ReportState {
    /// The provider has passed it on.
    Sent,
    /// It is on the customer's device.
    Delivered,
    /// The customer has opened it.
    Read,
    /// It will not arrive.
    Failed,
}

/// Why a delivery failed: the metric label `cause`, and what the core may do about it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum FailureCause {
    /// The channel's window for free text is shut.
    WindowClosed,
    /// Too fast for the provider.
    RateLimited,
    /// No such recipient.
    InvalidRecipient,
    /// The provider failed or refused the content.
    ProviderError,
    /// No answer in time.
    Timeout,
    /// The customer blocked us or opted out.
    Blocked,
    /// Anything else.
    Other,
}

impl FailureCause {
    /// All of them, in the order of their metric labels.
    pub const ALL: [Self; 7] = [
        Self::WindowClosed,
        Self::RateLimited,
        Self::InvalidRecipient,
        Self::ProviderError,
        Self::Timeout,
        Self::Blocked,
        Self::Other,
    ];

    /// The word for it in labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WindowClosed => "window_closed",
            Self::RateLimited => "rate_limited",
            Self::InvalidRecipient => "invalid_recipient",
            Self::ProviderError => "provider_error",
            Self::Timeout => "timeout",
            Self::Blocked => "blocked",
            Self::Other => "other",
        }
    }
}

/// The outcome of one attempt to send.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Attempt {
    /// The provider took it and gave it an id (empty where it gives none).
    Accepted {
        /// The provider's id.
        provider_id: String,
    },
    /// The provider refused it, or the connection could not be made: surely not delivered.
    Rejected {
        /// The provider's code or a short word of ours.
        code: String,
        /// What kind of failure.
        cause: FailureCause,
        /// Whether another attempt may help.
        retry: Retry,
    },
    /// The bytes left and no answer came: it may or may not have been delivered.
    Unknown {
        /// What was seen.
        detail: String,
    },
}

/// Whether to try again, decided by the error's type.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Retry {
    /// Trying again cannot help.
    Never,
    /// Try again after a short back-off.
    Soon,
    /// Try again after this many milliseconds, as the provider asked.
    After(u64),
    /// Nothing can be sent to this customer on this channel at all.
    StopForThisCustomer,
}
