//! One committed turn as board and event streams share it: decoded at most once, and only when somebody looks.
//!
//! The board keeps one [`Sighting`] of each conversation; a [`Change`], which also knows the one before, lives only as long
//! as an event stream may still ask who could see it until now. A sighting never keeps an older turn alive for that.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use crate::conversation::Conversation;
use crate::conversation::trail::{Entry, Fact};
use crate::ids::ConversationId;
use crate::store::{Position, Turn};

/// A place in the order of all commits: the commit, and the turn within it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct EventId {
    /// The commit.
    pub position: u64,
    /// The turn within it.
    pub n: u32,
}

impl EventId {
    /// As clients see it; opaque to them.
    pub fn text(self, incarnation: u64) -> String {
        format!("{incarnation:x}-{}-{}", self.position, self.n)
    }

    /// Reads what [`EventId::text`] wrote; none if it is from another opening of the store, or no id.
    pub fn read(text: &str, incarnation: u64) -> Option<Self> {
        let Parsed { opening, id } = text.parse().ok()?;
        (opening == incarnation).then_some(id)
    }
}

struct Parsed {
    opening: u64,
    id: EventId,
}

impl FromStr for Parsed {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.splitn(3, '-');
        let mut part = || parts.next().unwrap_or_default();
        Ok(Self {
            opening: u64::from_str_radix(part(), 16)?,
            id: EventId {
                position: part().parse()?,
                n: part().parse()?,
            },
        })
    }
}

/// See the head of this file.
pub struct Sighting {
    id: EventId,
    turn: Arc<Turn>,
    /// The last turn in which somebody said something, or an automatic text where nobody has.
    said: Option<Arc<Turn>>,
    head: OnceLock<Option<Arc<Conversation>>>,
}

impl Sighting {
    /// `turn`, committed as `id`, after `last`.
    pub fn new(id: EventId, turn: &Arc<Turn>, last: Option<&Self>) -> Self {
        // "A person will help you" hides nobody's words: an automatic text counts only where there is nothing else.
        let before = last.and_then(|last| last.said.clone());
        let any = |text: fn(&Entry) -> Option<&str>| {
            let mut entries = turn.entries.iter();
            entries.any(|entry| text(entry).is_some())
        };
        let said = if any(by_somebody) || (before.is_none() && any(spoken)) {
            Some(Arc::clone(turn))
        } else {
            before
        };
        Self {
            id,
            turn: Arc::clone(turn),
            said,
            head: OnceLock::new(),
        }
    }

    /// Committed turn number `n` of `position`.
    pub fn number(position: Position, n: usize) -> EventId {
        EventId {
            position: position.0,
            n: u32::try_from(n).unwrap_or(u32::MAX),
        }
    }

    /// Its place in the order of all commits.
    pub fn id(&self) -> EventId {
        self.id
    }

    /// The turn.
    pub fn turn(&self) -> &Turn {
        &self.turn
    }

    /// Whose.
    pub fn conversation_id(&self) -> ConversationId {
        self.turn.conversation
    }

    /// The conversation after this turn; none if its head cannot be read.
    pub fn conversation(&self) -> Option<&Arc<Conversation>> {
        self.head
            .get_or_init(|| self.decoded().map(Arc::new))
            .as_ref()
    }

    /// The same for one look, not kept.
    pub(super) fn decoded(&self) -> Option<Conversation> {
        let turn = &self.turn;
        let told = |fault| {
            tracing::error!(conversation = %turn.conversation, %fault, "a committed head cannot be read");
        };
        Conversation::decode(&turn.head).map_err(told).ok()
    }

    /// The last thing that the customer, the AI or a person said, as far as it is in memory; else an automatic text.
    pub fn last_words(&self) -> Option<(&Entry, &str)> {
        let entries = &self.said.as_ref()?.entries;
        let entry = &entries[last_spoken(entries)?];
        Some((entry, spoken(entry)?))
    }

    /// About how many bytes it keeps in memory.
    pub fn bytes(&self) -> usize {
        self.turn.head.len() + self.turn.entries.len() * 256 + 256
    }
}

/// What a commit changed, for event streams. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Change {
    /// How the conversation stands now.
    pub now: Arc<Sighting>,
    /// How it stood before, if it was on the board.
    pub before: Option<Arc<Sighting>>,
}

impl Change {
    /// Its place in the order of all commits.
    pub fn id(&self) -> EventId {
        self.now.id()
    }
}

impl fmt::Debug for Sighting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/{} {} rev {}",
            self.id.position, self.id.n, self.turn.conversation, self.turn.rev
        )
    }
}

/// Where the last words stand: of the customer, the AI or a person, else of an automatic text.
fn last_spoken(entries: &[Entry]) -> Option<usize> {
    let last =
        |text: fn(&Entry) -> Option<&str>| entries.iter().rposition(|one| text(one).is_some());
    last(by_somebody).or_else(|| last(spoken))
}

/// Drops all entries but the one that holds the last words: lists show no other, and everybody who waits has one.
pub(super) fn keep_last_words(entries: &mut Vec<Entry>) {
    let last = last_spoken(entries);
    let mut n = 0;
    entries.retain(|_| {
        n += 1;
        Some(n - 1) == last
    });
    entries.shrink_to_fit();
}

/// What the customer, the AI or a person said, if this entry is that.
fn by_somebody(entry: &Entry) -> Option<&str> {
    let automatic = matches!(entry.fact, Fact::SystemWrote { .. });
    spoken(entry).filter(|_| !automatic)
}

/// What the customer wrote or was told, if this entry is that.
pub fn spoken(entry: &Entry) -> Option<&str> {
    if let Fact::CustomerWrote { body, .. } = &entry.fact {
        Some(body.text())
    } else if let Fact::AiWrote { text, .. }
    | Fact::HumanWrote { text, .. }
    | Fact::SystemWrote { text, .. } = &entry.fact
    {
        Some(text)
    } else {
        None
    }
}
