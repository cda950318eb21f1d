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

use serde::{Deserialize, Serialize};

use crate::conversation::message::{Body, Customer, Inbound, Medium, TEXT_BYTES_MAX};
use crate::conversation::words::ModeName;
use crate::ids::ChannelName;

/// The longest id a browser may give its message.
const ID_CHARS_MAX: usize = 64;
/// The longest name and language that are taken over; longer ones are cut, or ignored.
const NAME_CHARS_MAX: usize = 80;
const LANGUAGE_CHARS_MAX: usize = 35;
/// The longest id and label of a button.
const CHOICE_BYTES_MAX: usize = 256;

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

impl Profile {
    /// What of it can be believed: control characters and impossible languages are dropped.
    pub fn tidied(self) -> Self {
        let plain = |name: String| -> String {
            name.chars()
                .filter(|c| !c.is_control())
                .take(NAME_CHARS_MAX)
                .collect::<String>()
                .trim()
                .to_owned()
        };
        let name = self.name.map(plain).filter(|name| !name.is_empty());
        let language = self
            .language
            .map(|language| language.to_ascii_lowercase())
            .filter(|l| is_language(l));
        Self { name, language }
    }
}

fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let primary = parts.next().unwrap_or_default();
    let word = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    tag.len() <= LANGUAGE_CHARS_MAX
        && (2..=3).contains(&primary.len())
        && primary.bytes().all(|b| b.is_ascii_lowercase())
        && parts.all(word)
}

/// One of the customer's messages, checked: the browser's id of it, and what it says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written {
    /// The browser's id.
    pub id: String,
    /// What.
    pub body: Body,
}

impl Written {
    /// A text.
    ///
    /// # Errors
    /// [`Refused`]: the id or the text cannot be taken.
    pub fn text(id: String, text: String) -> Result<Self, Refused> {
        check_id(&id)?;
        if text.trim().is_empty() {
            return Err(Refused::for_good(&id, "the text is empty"));
        }
        if text.len() > TEXT_BYTES_MAX {
            let why = format!("the text is longer than {TEXT_BYTES_MAX} bytes");
            return Err(Refused::for_good(&id, why));
        }
        let body = Body::Text(text);
        Ok(Self { id, body })
    }

    /// A button. What is written on it is what everybody sees; a browser that lies about it speaks for itself only.
    ///
    /// # Errors
    /// [`Refused`]: the id or the button cannot be taken.
    pub fn choice(id: String, choice: String, title: Option<String>) -> Result<Self, Refused> {
        check_id(&id)?;
        let title = title
            .filter(|title| !title.trim().is_empty())
            .unwrap_or_else(|| choice.clone());
        if choice.trim().is_empty()
            || choice.len() > CHOICE_BYTES_MAX
            || title.len() > CHOICE_BYTES_MAX
        {
            return Err(Refused::for_good(&id, "there is no such button"));
        }
        Ok(Self {
            id,
            body: Body::Choice { id: choice, title },
        })
    }

    /// The message as every other channel would bring it.
    pub fn inbound(&self, channel: ChannelName, address: &str, profile: &Profile) -> Inbound {
        Inbound {
            channel,
            medium: Medium::Webchat,
            from: Customer {
                address: address.to_owned(),
                name: profile.name.clone(),
                language: profile.language.clone(),
            },
            to: String::new(),
            id: format!("{address}:{}", self.id),
            sent_at: None,
            body: self.body.clone(),
        }
    }
}

/// The browser's own id in the id of a stored message.
pub fn own_id(stored: &str) -> &str {
    // an address is `web:…`, and a browser's id has no colon
    stored.rsplit_once(':').map_or(stored, |(_address, id)| id)
}

pub(super) fn check_id(id: &str) -> Result<(), Refused> {
    let fits = |c: u8| c.is_ascii_alphanumeric() || b"-_.".contains(&c);
    if (1..=ID_CHARS_MAX).contains(&id.len()) && id.bytes().all(fits) {
        return Ok(());
    }
    Err(Refused::for_good(
        id,
        "an id has 1 to 64 letters, digits, dots, hyphens and underscores",
    ))
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

    #[test]
    fn a_text_is_taken_whole_or_refused() {
        fn check(id: &str, text: &str, why: Option<&str>) {
            let found = Written::text(id.into(), text.into())
                .map_err(|refused| refused.why)
                .err();
            let fits = match (why, &found) {
                (None, None) => true,
                (Some(why), Some(found)) => found.contains(why),
                (None, Some(_)) | (Some(_), None) => false,
            };
            assert!(fits, "{id:?}: expected {why:?}, found {found:?}");
        }
        check("a-1_b.2", "hello", None);
        check("a", &"x".repeat(TEXT_BYTES_MAX), None);
        check("a", &"x".repeat(TEXT_BYTES_MAX + 1), Some("longer"));
        check("a", " \n\t", Some("empty"));
        check("", "hello", Some("an id has"));
        check("a:b", "hello", Some("an id has"));
        check(&"a".repeat(65), "hello", Some("an id has"));
    }

    #[test]
    fn a_refusal_does_not_echo_an_endless_id() {
        let refused = Written::text("é".repeat(9000), "hello".into()).expect_err("no such id");
        assert_eq!(refused.id.chars().count(), ID_CHARS_MAX);
    }

    #[test]
    fn a_stored_id_gives_the_browsers_own_back() {
        let written = Written::text("m-1".into(), "hello".into()).expect("valid");
        let inbound = written.inbound("web".into(), "web:00ff", &Profile::default());
        assert_eq!(inbound.id, "web:00ff:m-1");
        assert_eq!(own_id(&inbound.id), "m-1");
    }

    #[test]
    fn a_profile_is_tidied() {
        fn check(name: &str, language: &str, expected: (Option<&str>, Option<&str>)) {
            let tidied = Profile {
                name: Some(name.into()),
                language: Some(language.into()),
            }
            .tidied();
            assert_eq!(
                (tidied.name.as_deref(), tidied.language.as_deref()),
                expected
            );
        }
        check(" Ana\u{7}\n ", "es-MX", (Some("Ana"), Some("es-mx")));
        check("\u{0}", "english", (None, None));
        check("A", "e", (Some("A"), None));
        check("A", "en-", (Some("A"), None));
        check("A", "../etc", (Some("A"), None));
    }
}
