//! An answer while it streams: events into text, text through the gate, sentences to the customer.
//!
//! Does no I/O of its own: bytes are brought by `attempt`, and what is shown leaves through [`Emit`]. After the guard
//! fired, or whoever listens said stop, nothing more is shown.

use super::guard::Offence;
use super::refusal::Refused;
use super::sentences::{Gate, Released};
use super::sse::{Event, TooLong};
use super::verdict::of_tools;
use super::wire::{Dialect, Finish, Reply};
use super::{Emit, anthropic, openai};

/// What is shown while an answer comes in.
pub(super) struct Voice<'a> {
    pub(super) gate: Gate<'a>,
    pub(super) emit: &'a dyn Emit,
    pub(super) shown: String,
}

/// Why nothing more is shown.
pub(super) enum Silence {
    /// The guard fired.
    Guard(Offence, String),
    /// Whoever listens is gone.
    Stopped,
}

impl Voice<'_> {
    /// Shows what the gate released; says why nothing more will be shown, if so.
    pub(super) fn show(&mut self, released: Released) -> Option<Silence> {
        for sentence in released.sentences {
            if !self.emit.emit(&sentence) {
                return Some(Silence::Stopped);
            }
            self.shown.push_str(&sentence);
        }
        released
            .stopped
            .map(|(offence, held)| Silence::Guard(offence, held))
    }
}

/// The reader of whichever wire format is spoken.
pub(super) enum Reader {
    Anthropic(anthropic::Reader),
    OpenAi(openai::Reader),
}

impl Reader {
    pub(super) fn new(dialect: &Dialect) -> Self {
        match dialect {
            Dialect::Anthropic { .. } => Self::Anthropic(anthropic::Reader::default()),
            Dialect::OpenAi { .. } => Self::OpenAi(openai::Reader::default()),
        }
    }

    pub(super) fn take(&mut self, event: &Event) -> Result<String, Refused> {
        match self {
            Self::Anthropic(reader) => reader.take(event),
            Self::OpenAi(reader) => reader.take(event),
        }
    }

    pub(super) fn is_done(&self) -> bool {
        match self {
            Self::Anthropic(reader) => reader.is_done(),
            Self::OpenAi(reader) => reader.is_done(),
        }
    }

    pub(super) fn so_far(&self) -> &Reply {
        match self {
            Self::Anthropic(reader) => reader.so_far(),
            Self::OpenAi(reader) => reader.so_far(),
        }
    }

    pub(super) fn finish(self) -> Result<Reply, Refused> {
        match self {
            Self::Anthropic(reader) => reader.finish(),
            Self::OpenAi(reader) => reader.finish(),
        }
    }
}

/// How reading a stream ended.
pub(super) enum Streamed {
    Whole(Reply),
    Silenced(Silence, Reply),
    Broken(Refused, Reply),
}

/// Puts events through the reader and the gate.
pub(super) fn hear(
    events: Result<Vec<Event>, TooLong>,
    reader: &mut Reader,
    voice: &mut Voice<'_>,
) -> Result<Option<Silence>, Refused> {
    let events =
        events.map_err(|TooLong| Refused::garbled("an event of the stream is too long"))?;
    for event in events {
        let delta = reader.take(&event)?;
        if delta.is_empty() {
            continue;
        }
        let released = voice.gate.feed(&delta);
        if let Some(silence) = voice.show(released) {
            return Ok(Some(silence));
        }
    }
    Ok(None)
}

/// The reply is whole: shows the rest of it, unless it means a person must come anyway.
pub(super) fn ended(reply: Reply, voice: &mut Voice<'_>) -> Streamed {
    if !reply.tools.is_empty() && of_tools(&reply.tools).is_some() {
        return Streamed::Whole(reply);
    }
    match reply.finish {
        Finish::Complete => {}
        Finish::Length | Finish::Filtered | Finish::Other => return Streamed::Whole(reply),
    }
    // a whole answer in place of a stream has not been through the gate yet
    let mut released = if voice.gate.is_fresh() {
        voice.gate.feed(&reply.text)
    } else {
        Released::default()
    };
    if released.stopped.is_none() {
        let rest = voice.gate.finish();
        released.sentences.extend(rest.sentences);
        released.stopped = rest.stopped;
    }
    match voice.show(released) {
        Some(silence) => Streamed::Silenced(silence, reply),
        None => Streamed::Whole(reply),
    }
}
