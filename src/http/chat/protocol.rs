//! The words between a browser and the web chat: one JSON object per WebSocket text frame, per SSE event, per POST.
//!
//! From the browser:
//!
//! | `type` | fields | what |
//! |---|---|---|
//! | `hello` | `visitor`?, `last`?, `name`?, `language`? | first on a socket. No `visitor`: a new one is minted. `last`: the highest `entry` that was shown |
//! | `say` | `id`, `text` | the customer writes; `id` is the browser's own and makes a repetition harmless |
//! | `choose` | `id`, `choice`, `title`? | the customer pressed a button |
//! | `typing` | – | the customer is typing; repeat every few seconds |
//! | `shown` | `id`, `delivered`?, `read`? | the `effect`s of messages that stand on the page, and of those that the customer had before their eyes; at most 32 together. `id` as for `say`; a repetition is harmless |
//!
//! To the browser:
//!
//! | `type` | fields | what |
//! |---|---|---|
//! | `welcome` | `visitor`, `mode`, `name`?, `after` | first answer. Keep `visitor` secret: it *is* the thread. `after` differs from the `last` that was sent: forget what was shown |
//! | `message` | `entry`, `from`, `name`?, `text`, `choices`?, `files`?, `at`, `id`?, `effect`?, `partial`? | a released message. `entry` grows along the thread and never repeats. `id`: the browser's own, on its own messages |
//! | `streamed` | `effect`, `text` | the next piece of an answer; the `message` of the same `effect` replaces all of it |
//! | `stream_cut` | `effect` | nothing more of it comes; a `message` follows if it stays |
//! | `typing` | `name`?, `seconds` | somebody is writing, for at most so long; without a name: the AI |
//! | `stored` | `id` | that message, or report, is on disk and acted upon |
//! | `refused` | `id`, `why`, `retry_after`? | that message (an empty `id`: a second `hello`) was not taken; with `retry_after` (seconds), send it again then |
//! | `who` | `mode`, `name`?, `may_end`? | who answers from here on |
//! | `line` | `position`?, `minutes`?, `closed`?, `opens_at`? | while a person is waited for, and whenever it changes: the place in line, an estimate, whether it is closed and until when |
//! | `error` | `why` | what came was not understood |
//!
//! Texts are plain: whoever shows them never reads them as HTML. Unknown fields are ignored on both sides.
//! What of a browser's words is believed stands in [`taken`](super::taken).

use serde::{Deserialize, Serialize};

use crate::conversation::words::ModeName;

/// The longest id a browser may give its message.
pub(super) const ID_CHARS_MAX: usize = 64;

/// What a browser says. See the table.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromVisitor {
    /// Who it is and what it has shown.
    Hello(Hello),
    /// The customer writes.
    Say {
        /// The browser's id of the message.
        id: String,
        /// What.
        text: String,
    },
    /// The customer pressed a button.
    Choose {
        /// The browser's id of the message.
        id: String,
        /// The button's id.
        choice: String,
        /// What is written on it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
    },
    /// The customer is typing.
    Typing,
    /// What the page has shown of what we said.
    Shown {
        /// The browser's id of the report.
        id: String,
        /// On the page.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        delivered: Vec<u64>,
        /// Before the customer's eyes.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        read: Vec<u64>,
    },
}

/// Who a browser is and what it has shown.
#[derive(Clone, PartialEq, Eq, Default, Debug, Deserialize, Serialize)]
pub struct Hello {
    /// The secret, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visitor: Option<String>,
    /// The highest entry it has shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<u64>,
    /// What it knows of the customer.
    #[serde(flatten)]
    pub profile: Profile,
}

/// What a page knows of the customer.
#[derive(Clone, PartialEq, Eq, Default, Debug, Deserialize, Serialize)]
pub struct Profile {
    /// Their name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Their language (BCP 47).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// Who speaks, as the customer sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// The customer.
    You,
    /// The AI.
    Ai,
    /// A person on our side.
    Human,
    /// Segue itself.
    System,
}

/// A button under a message.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize)]
pub struct Choice {
    /// What comes back.
    pub id: String,
    /// What is written on it.
    pub title: String,
}

/// A file in the thread: fetched from `/chat/{channel}/files/{id}` with the visitor's secret.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize)]
pub struct SentFile {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Its media type.
    pub kind: String,
    /// How long it is, in bytes.
    pub bytes: u64,
}

/// A released message.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize)]
pub struct Message {
    /// Its place in the thread: the trail entry by which it was released. Grows and never repeats.
    pub entry: u64,
    /// Who speaks.
    pub from: Speaker,
    /// Their name, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What, as plain text.
    pub text: String,
    /// Buttons under it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
    /// Files that came with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<SentFile>,
    /// When (RFC 3339).
    pub at: String,
    /// The browser's own id, on the customer's messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Which send, so that it takes the place of what was streamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<u64>,
    /// Whether it was cut off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
}

/// What a browser is told. See the table.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToVisitor {
    /// The first answer.
    Welcome {
        /// The secret.
        visitor: String,
        /// Who answers; none: nothing was said yet.
        mode: Option<ModeName>,
        /// The person who does, if one does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// The customer may send the person away: a message `/end` does.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        may_end: bool,
        /// The thread is told from after this entry on; none: from its beginning.
        after: Option<u64>,
    },
    /// A message.
    Message(Message),
    /// The next piece of an answer.
    Streamed {
        /// Of which send.
        effect: u64,
        /// The piece.
        text: String,
    },
    /// An answer ended early.
    StreamCut {
        /// Which send.
        effect: u64,
    },
    /// Somebody is writing.
    Typing {
        /// Who, if a person.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// How long to believe it.
        seconds: u32,
    },
    /// That message is durable.
    Stored {
        /// The browser's id of it.
        id: String,
    },
    /// That message was not taken.
    Refused(Refused),
    /// Who answers from here on.
    Who {
        /// The mode; none: nothing was said yet.
        mode: Option<ModeName>,
        /// The person, if one has it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// The customer may send the person away: a message `/end` does.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        may_end: bool,
    },
    /// How the wait for a person stands. Comes while the mode is `waiting`; nothing in it: nothing is known.
    Line {
        /// The place in line, from 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        position: Option<u64>,
        /// An estimate, in minutes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        minutes: Option<u64>,
        /// Nobody is there now.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        closed: bool,
        /// When somebody is (RFC 3339), if that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        opens_at: Option<String>,
    },
    /// What came was not understood.
    Error {
        /// Why.
        why: String,
    },
}

/// A message that was not taken.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize)]
pub struct Refused {
    /// The browser's id of it.
    pub id: String,
    /// Why, for people.
    pub why: String,
    /// After how many seconds to send it again; none: not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

impl Refused {
    /// For good.
    pub fn for_good(id: &str, why: impl Into<String>) -> Self {
        Self {
            id: id.chars().take(ID_CHARS_MAX).collect(),
            why: why.into(),
            retry_after: None,
        }
    }

    /// For now.
    pub fn for_now(id: &str, why: impl Into<String>, seconds: u64) -> Self {
        Self {
            retry_after: Some(seconds),
            ..Self::for_good(id, why)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(json: &str) -> Option<FromVisitor> {
        serde_json::from_str(json).ok()
    }

    #[test]
    fn the_words_of_a_browser_are_understood() {
        let hello = said(r#"{"type":"hello","visitor":null,"last":7,"name":"Ana","more":[1]}"#);
        let profile = Profile {
            name: Some("Ana".into()),
            language: None,
        };
        assert_eq!(
            hello,
            Some(FromVisitor::Hello(Hello {
                visitor: None,
                last: Some(7),
                profile
            }))
        );
        assert_eq!(said(r#"{"type":"typing"}"#), Some(FromVisitor::Typing));
        let choose = FromVisitor::Choose {
            id: "1".into(),
            choice: "yes".into(),
            title: None,
        };
        assert_eq!(
            said(r#"{"type":"choose","id":"1","choice":"yes"}"#),
            Some(choose)
        );
        let shown = FromVisitor::Shown {
            id: "1".into(),
            delivered: vec![7, 8],
            read: Vec::new(),
        };
        assert_eq!(
            said(r#"{"type":"shown","id":"1","delivered":[7,8]}"#),
            Some(shown)
        );
        for nonsense in [
            r#"{"type":"shown","id":"1","read":[-1]}"#,
            "",
            "[]",
            "{}",
            r#"{"type":"shout"}"#,
            r#"{"type":"say","id":1,"text":"x"}"#,
        ] {
            assert_eq!(said(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn what_a_browser_is_told_has_the_documented_shape() {
        let message = ToVisitor::Message(Message {
            entry: 9,
            from: Speaker::Human,
            name: Some("Ana".into()),
            text: "<b>hi</b>".into(),
            choices: Vec::new(),
            files: Vec::new(),
            at: "2026-11-18T11:06:40.123Z".into(),
            id: None,
            effect: Some(3),
            partial: false,
        });
        let json = r#"{"type":"message","entry":9,"from":"human","name":"Ana","text":"<b>hi</b>","at":"2026-11-18T11:06:40.123Z","effect":3}"#;
        assert_eq!(serde_json::to_string(&message).ok().as_deref(), Some(json));
        let who = ToVisitor::Who {
            mode: Some(ModeName::Waiting),
            name: None,
            may_end: false,
        };
        assert_eq!(
            serde_json::to_string(&who).ok().as_deref(),
            Some(r#"{"type":"who","mode":"waiting"}"#)
        );
        let refused = ToVisitor::Refused(Refused::for_now("a", "too fast", 1));
        let json = r#"{"type":"refused","id":"a","why":"too fast","retry_after":1}"#;
        assert_eq!(serde_json::to_string(&refused).ok().as_deref(), Some(json));
    }
}
