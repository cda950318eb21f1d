//! What is sent with the acts of people, and what comes back.
//!
//! The names are a contract: fields are added, never renamed. Unknown ones are refused.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::conversation::words::{MessageState, Outcome, Verdict};

/// What came of an act.
#[derive(Serialize, ToSchema, Default)]
pub struct Done {
    /// `accepted`, `claimed`, `wrote`, `asked`, or `ignored` when there was nothing to do.
    pub result: &'static str,
    /// `claimed`: the owner epoch from here on; send it with replies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_epoch: Option<u64>,
    /// `claimed`: the handoff that was answered, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handoff: Option<String>,
    /// `claimed`: messages of the AI that were on their way already and may still arrive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<Vec<InFlight>>,
    /// `wrote`: the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// `wrote`: its trail entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<u64>,
    /// `wrote`: `parked` where the channel takes no free text now; it leaves when the customer writes again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<MessageState>,
    /// `asked`: the approval that is open now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
    /// `parked`: when it is given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// A message of the AI that may still arrive.
#[derive(Serialize, ToSchema)]
pub struct InFlight {
    /// Which.
    pub message: String,
    /// What it says.
    pub text: String,
}

/// `{}`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Whether to take it from another person too.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Force {
    /// Also from another person (leads and admins).
    #[serde(default)]
    pub force: bool,
}

/// A message to the customer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// What to say; may be left out beside a template or attachments.
    #[serde(default)]
    pub text: String,
    /// The owner epoch the writer saw; an older one is refused.
    #[serde(default)]
    pub owner_epoch: Option<u64>,
    /// One of the templates, by name: what may go when the channel's window is shut.
    #[serde(default)]
    pub template: Option<String>,
    /// Files of this conversation, by the `url` that POST …/files told.
    #[serde(default)]
    pub attachments: Vec<String>,
}

/// A text.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// What.
    pub text: String,
}

/// Where to: `queue`, `agent`, or both.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// To this queue.
    #[serde(default)]
    pub queue: Option<String>,
    /// To this person.
    #[serde(default)]
    pub agent: Option<String>,
}

/// What was resolved.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandBack {
    /// In words; the model reads it.
    #[serde(default)]
    pub note: String,
    /// The last entry the person has seen: a newer message of the customer refuses the handback.
    #[serde(default)]
    pub seen: Option<u64>,
}

/// How it ended.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Resolve {
    /// The outcome; without it: by who had the conversation.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    /// In words.
    #[serde(default)]
    pub note: String,
}

/// Who should come.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Escalate {
    /// From this queue; without it: the conversation's own.
    #[serde(default)]
    pub queue: Option<String>,
}

/// A judgement on one handoff.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// The word: `justified` or `unnecessary`.
    pub verdict: Verdict,
}

/// A judgement.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// The word.
    pub verdict: Verdict,
    /// Which handoff; without it: the conversation's newest, and with `missed` the conversation as a whole.
    #[serde(default)]
    pub handoff: Option<String>,
}

/// What changes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The tags from here on.
    #[serde(default)]
    pub tags: Option<Vec<String>>,
    /// Attributes to set, or with `null` to remove.
    #[serde(default)]
    pub attributes: BTreeMap<String, Option<String>>,
    /// The priority from here on, 0 to 255.
    #[serde(default)]
    pub priority: Option<u8>,
    /// The customer's language, a tag such as `es`: from here on what they write does not change it.
    #[serde(default)]
    pub language: Option<String>,
    /// The customer's name.
    #[serde(default)]
    pub name: Option<String>,
}
