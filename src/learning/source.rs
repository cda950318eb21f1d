//! Where conversations are read from, one after another and with bounded memory.
//!
//! One question, one answer ([`Ask`], [`Found`]): the same whether a command has opened the store itself or asks the
//! process that runs on it. A page holds a bounded number of entries, so an answer fits into a line of the control
//! socket; what a long trail has beyond that is asked for by itself. Only one conversation is whole in memory at a time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::conversation::Conversation;
use crate::conversation::message::Medium;
use crate::conversation::policy::Policy;
use crate::conversation::trail::Entry;
use crate::ids::{ChannelName, ConversationId};
use crate::store::{LoadError, Store};

/// Entries in one answer. A text has up to 8 KiB, escaped six times that: with room for what models say at length, an
/// answer stays below the 4 MiB of a line.
pub const ENTRIES_MAX: usize = 32;
/// Conversations whose heads are looked at for one page.
const LOOKED_AT_MAX: usize = 512;

/// What is asked of whoever has the conversations.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// The conversations after this one in the order of their ids, if anything happened in them since then.
    Page {
        /// After which; none: from the first.
        after: Option<ConversationId>,
        /// Since when.
        since: Timestamp,
    },
    /// One conversation.
    One {
        /// Which.
        id: ConversationId,
    },
    /// Entries of a trail.
    Trail {
        /// Whose.
        id: ConversationId,
        /// From this number on.
        from: u64,
    },
    /// The rules of this hash.
    Policy {
        /// Which.
        hash: u64,
    },
}

/// What was found.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// Conversations.
    Page(Page),
    /// Entries, oldest first.
    Trail(Vec<Entry>),
    /// The rules, if they are kept and can be read.
    Policy(Option<Box<Policy>>),
}

/// Some conversations.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Page {
    /// Them, each with the beginning of its trail.
    pub items: Vec<Told>,
    /// Conversations passed: shown, quiet since then, or unreadable.
    pub passed: u64,
    /// Of those, the ones whose head or trail cannot be read.
    pub unreadable: u64,
    /// Conversations that the store knows, about.
    pub total: u64,
    /// `after` of the next page; none: this was the last.
    pub next: Option<ConversationId>,
}

/// A conversation and its trail.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Told {
    /// What its head says.
    pub facts: Facts,
    /// What happened, oldest first.
    pub entries: Vec<Entry>,
    /// Whether the trail goes on.
    pub more: bool,
}

/// What a conversation's head says that its trail does not.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Facts {
    /// Which.
    pub id: ConversationId,
    /// On which channel.
    pub channel: ChannelName,
    /// Over which medium.
    pub medium: Medium,
    /// The customer's language as it is known now.
    pub language: Option<String>,
    /// What people filed it under.
    pub tags: Vec<String>,
    /// What other systems know of it now.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
}

impl Facts {
    /// Of this conversation.
    pub fn of(conversation: &Conversation) -> Self {
        let common = conversation.common();
        Self {
            id: common.id,
            channel: common.channel.clone(),
            medium: common.medium,
            language: common.customer.language.clone(),
            tags: common.tags.iter().cloned().collect(),
            attributes: common.attributes.clone(),
        }
    }
}

/// Whoever has the conversations.
pub trait Source {
    /// Answers one question. Blocks.
    ///
    /// # Errors
    /// Why it could not be answered, for people.
    fn ask(&self, ask: Ask) -> Result<Found, String>;
}

impl Source for Store {
    fn ask(&self, ask: Ask) -> Result<Found, String> {
        answer(self, ask).map_err(|fault| fault.to_string())
    }
}

/// Answers from a store. Blocks.
///
/// # Errors
/// [`LoadError::Retry`]; what concerns one conversation alone is counted in the page.
pub fn answer(store: &Store, ask: Ask) -> Result<Found, LoadError> {
    match ask {
        Ask::Page { after, since } => page(store, after, since).map(Found::Page),
        Ask::One { id } => {
            let items: Vec<_> = told(store, id, Timestamp::from_millis(i64::MIN), ENTRIES_MAX)?
                .into_iter()
                .collect();
            Ok(Found::Page(Page {
                passed: 1,
                total: 1,
                items,
                ..Page::default()
            }))
        }
        Ask::Trail { id, from } => store.trail(id, from, ENTRIES_MAX).map(Found::Trail),
        Ask::Policy { hash } => {
            let bytes = store.policy(hash)?;
            let read = bytes.and_then(|bytes| serde_json::from_slice::<Policy>(&bytes).ok());
            Ok(Found::Policy(read.map(Box::new)))
        }
    }
}

fn page(store: &Store, after: Option<ConversationId>, since: Timestamp) -> Result<Page, LoadError> {
    let mut page = Page {
        total: store.conversation_count()?,
        ..Page::default()
    };
    let ids = store.conversations(after, LOOKED_AT_MAX)?;
    let whole = ids.len() == LOOKED_AT_MAX;
    let (mut room, mut last) = (ENTRIES_MAX, None);
    for id in ids {
        if room == 0 {
            page.next = last;
            return Ok(page);
        }
        last = Some(id);
        page.passed += 1;
        match told(store, id, since, room) {
            Ok(Some(told)) => {
                room -= told.entries.len().min(room);
                page.items.push(told);
            }
            Ok(None) => {}
            Err(LoadError::Corrupt(_)) => page.unreadable += 1,
            Err(fault @ LoadError::Retry(_)) => return Err(fault),
        }
    }
    page.next = last.filter(|_| whole);
    Ok(page)
}

fn told(
    store: &Store,
    id: ConversationId,
    since: Timestamp,
    room: usize,
) -> Result<Option<Told>, LoadError> {
    let Some(loaded) = store.load(id, 0)? else {
        return Ok(None);
    };
    let conversation = Conversation::decode(&loaded.head)
        .map_err(|fault| LoadError::Corrupt(fault.to_string()))?;
    if conversation.common().updated_at < since {
        return Ok(None);
    }
    let entries = store.trail(id, 0, room)?;
    Ok(Some(Told {
        more: entries.len() == room,
        facts: Facts::of(&conversation),
        entries,
    }))
}

/// How far reading has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    /// Conversations passed.
    pub passed: u64,
    /// Of those, unreadable ones.
    pub unreadable: u64,
    /// Conversations that there are, about.
    pub total: u64,
}

/// Reads every conversation in which something happened since `since`, or the one named, each with its whole trail.
///
/// # Errors
/// Why it could not be read on, or what `take` ends in.
pub fn each(
    source: &dyn Source,
    only: Option<ConversationId>,
    since: Timestamp,
    mut take: impl FnMut(Told) -> Result<(), String>,
    mut step: impl FnMut(Progress),
) -> Result<Progress, String> {
    let (mut after, mut progress) = (None, Progress::default());
    loop {
        let ask = match only {
            Some(id) => Ask::One { id },
            None => Ask::Page { after, since },
        };
        let Found::Page(page) = source.ask(ask)? else {
            return Err("the answer was to another question".to_owned());
        };
        progress.passed += page.passed;
        progress.unreadable += page.unreadable;
        progress.total = page.total.max(progress.passed);
        for told in page.items {
            take(complete(source, told)?)?;
        }
        step(progress);
        after = page.next;
        if after.is_none() {
            return Ok(progress);
        }
    }
}

/// Reads the rest of a trail.
fn complete(source: &dyn Source, mut told: Told) -> Result<Told, String> {
    while told.more {
        let id = told.facts.id;
        let from = told.entries.last().map_or(0, |last| last.n + 1);
        let Found::Trail(entries) = source.ask(Ask::Trail { id, from })? else {
            return Err("the answer was to another question".to_owned());
        };
        told.more = !entries.is_empty();
        told.entries.extend(entries);
    }
    Ok(told)
}
