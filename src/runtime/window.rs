//! What the AI is shown of a conversation: the last entries of its trail, and always every message that it is asked. What
//! was written after the question was put is not shown with it: where the answer is let finish it is asked next, and it would
//! be taken for one of the messages that are asked, in place of the first.
//!
//! Most entries are bookkeeping. A customer who writes faster than the model thinks leaves a question withdrawn after
//! almost every message, so the first messages of the one question that is answered in the end may lie far back. What is
//! read then grows until it holds them, up to [`ENTRIES_MAX`].
//!
//! Reading it from the store for every question takes a thread, two wake-ups and two transactions: a sixth of a whole
//! turn. So a [`Window`] is kept at hand while the AI has the conversation. It is read when the customer wakes the conversation, or
//! with its first question, and grows with what is committed; where it does not hold a whole question, the store is
//! read. It is let go when a person takes over, when it grows beyond [`BYTES_MAX`], and once nobody has written for
//! [`REST`]. It decides nothing, and not what is said of it to the model.

use std::collections::VecDeque;
use std::time::Duration;

use crate::conversation::Conversation;
use crate::conversation::question::{Line, line, said, unsaid};
use crate::conversation::trail::{Entry, Fact};
use crate::conversation::words::ModeName;
use crate::ids::{AskId, ConversationId};
use crate::store::{LoadError, Store};

/// A conversation that is quiet for so long lets its window go: most are quiet, and each costs a few KiB.
pub(super) const REST: Duration = Duration::from_secs(15);
/// The most bytes of text that are kept at hand; longer ones are read each time.
const BYTES_MAX: usize = 16 * 1024;
/// What a line takes besides its text, about.
const LINE_BYTES: usize = 64;

/// The most entries that are read for one question: some 700 messages in a row. A prompt holds fewer.
const ENTRIES_MAX: usize = 2_048;

/// See the head of this file.
#[derive(Debug, Default)]
pub(super) struct Window {
    at_hand: Option<Box<Read>>,
}

#[derive(Debug)]
struct Read {
    /// The lines among the last `entries` entries of the trail, with their numbers.
    lines: VecDeque<(u64, Line)>,
    /// The number that the next entry will have.
    next: u64,
    entries: u64,
    bytes: usize,
    /// The last question, how many of the customer's messages it asks, and its entry.
    asked: Option<(AskId, u32, u64)>,
}

impl Window {
    /// That of a conversation whose trail ends with `recent`: all of it, or at least `entries` entries. `next` is the
    /// number of its next entry.
    pub(super) fn of<'a>(
        recent: impl IntoIterator<Item = &'a Entry>,
        next: u64,
        entries: usize,
    ) -> Self {
        let mut read = Box::new(Read {
            lines: VecDeque::new(),
            next: 0,
            entries: entries as u64,
            bytes: 0,
            asked: None,
        });
        let recent: Vec<&Entry> = recent.into_iter().collect();
        let unsaid = unsaid(recent.iter().copied());
        for entry in recent {
            read.push(entry, said(entry, &unsaid));
        }
        // An empty trail says nothing of its next number.
        if read.next == 0 {
            read.next = next;
        }
        let whole = read.next == next && read.bytes <= BYTES_MAX;
        Self {
            at_hand: whole.then_some(read),
        }
    }

    /// The trail has grown by `entries`.
    pub(super) fn extend(&mut self, entries: &[Entry]) {
        let Some(read) = &mut self.at_hand else {
            return;
        };
        // Something that may be at hand was not said after all: it is read anew, without it.
        if !unsaid(entries).is_empty() {
            return self.let_go();
        }
        for entry in entries {
            if entry.n != read.next {
                return self.let_go();
            }
            read.push(entry, true);
        }
        if read.bytes > BYTES_MAX {
            self.let_go();
        }
    }

    /// Takes the place of what was at hand, unless the trail of `conversation` has moved on since it was read.
    pub(super) fn replace_with(&mut self, read: Self, conversation: &Conversation) {
        let fresh = |read: &Read| read.next == conversation.next_entry();
        if conversation.mode().name() == ModeName::Ai && read.at_hand.as_deref().is_some_and(fresh)
        {
            *self = read;
        }
    }

    /// Nobody needs it for now.
    pub(super) fn let_go(&mut self) {
        self.at_hand = None;
    }

    /// What question `ask` shows: the lines among the last `entries` entries. None: they, or all of it, are not at hand.
    pub(super) fn lines(&self, ask: AskId, entries: usize) -> Option<Vec<Line>> {
        let read = self.at_hand.as_ref()?;
        let (asked, messages, put) = read.asked?;
        if asked != ask || read.entries != entries as u64 {
            return None;
        }
        let shown = read.lines.iter().filter(|(n, _)| *n < put);
        let shown: Vec<Line> = shown.map(|(_, line)| line.clone()).collect();
        let wrote = |line: &&Line| matches!(line, Line::Customer(_));
        (shown.iter().filter(wrote).count() >= messages as usize).then_some(shown)
    }
}

impl Read {
    fn push(&mut self, entry: &Entry, said: bool) {
        self.next = entry.n + 1;
        if let Fact::ModelAsked { ask, messages } = &entry.fact {
            self.asked = Some((*ask, *messages, entry.n));
        }
        if let Some(line) = line(&entry.fact).filter(|_| said) {
            self.bytes += bytes(&line);
            self.lines.push_back((entry.n, line));
        }
        let first = self.next.saturating_sub(self.entries);
        while let Some((_, gone)) = self.lines.pop_front_if(|(n, _)| *n < first) {
            self.bytes -= bytes(&gone);
        }
    }
}

/// Reads what is shown for question `ask`: `usual` entries, or as many as the question needs. Waits for the disk.
///
/// # Errors
/// What reading ends in.
pub(super) fn read(
    store: &Store,
    id: ConversationId,
    ask: AskId,
    usual: usize,
) -> Result<Vec<Entry>, LoadError> {
    let mut window = usual.clamp(1, ENTRIES_MAX);
    loop {
        let Some(loaded) = store.load(id, window)? else {
            return Ok(Vec::new());
        };
        let is_all = loaded.recent.len() < window || window == ENTRIES_MAX;
        if is_all || holds_question(&loaded.recent, ask) {
            return Ok(loaded.recent);
        }
        window = (window * 2).min(ENTRIES_MAX);
    }
}

/// Those of `entries` that stood when question `ask` was put.
pub(super) fn up_to(entries: &[Entry], ask: AskId) -> &[Entry] {
    let put = entries
        .iter()
        .rposition(|entry| matches!(&entry.fact, Fact::ModelAsked { ask: one, .. } if *one == ask));
    &entries[..put.unwrap_or(entries.len())]
}

/// Whether `entries` reach back to the first message of question `ask`.
fn holds_question(entries: &[Entry], ask: AskId) -> bool {
    let asked = entries.iter().enumerate().rev().find_map(|(at, entry)| {
        if let Fact::ModelAsked { ask: one, messages } = &entry.fact
            && *one == ask
        {
            Some((at, *messages as usize))
        } else {
            None
        }
    });
    // Further back than all of this: it has long been overtaken.
    let Some((at, messages)) = asked else {
        return true;
    };
    let wrote = |entry: &&Entry| matches!(entry.fact, Fact::CustomerWrote { .. });
    entries[..at].iter().filter(wrote).count() >= messages
}

fn bytes(line: &Line) -> usize {
    let text = match line {
        Line::Customer(text)
        | Line::Ai(text)
        | Line::AiCutOff(text)
        | Line::System(text)
        | Line::Note(text) => text.len(),
        Line::Human { agent, text } => agent.len() + text.len(),
        Line::HandoffRequested { .. } | Line::EpisodeEnded => 0,
        Line::HumanStretchBegan { agent } => agent.len(),
        Line::HumanStretchEnded { agent, note, .. } => {
            agent.as_ref().map_or(0, String::len) + note.len()
        }
    };
    LINE_BYTES + text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::conversation::message::Body;
    use crate::conversation::question::lines;
    use crate::conversation::trail::CancelCause;
    use crate::conversation::words::Class;
    use crate::ids::EffectId;

    const ASK: AskId = AskId(1);

    /// Every third entry says something.
    fn trail(numbers: std::ops::Range<u64>) -> Vec<Entry> {
        let fact = |n: u64| match n % 3 {
            0 => Fact::SystemWrote {
                effect: EffectId(n),
                class: Class::System,
                text: format!("line {n}"),
                choices: Vec::new(),
            },
            _ => Fact::ModelAsked {
                ask: ASK,
                messages: 0,
            },
        };
        let entry = |n| Entry {
            n,
            at: Timestamp::ZERO,
            policy: 0,
            rules: 0,
            fact: fact(n),
        };
        numbers.map(entry).collect()
    }

    #[test]
    fn a_window_shows_what_the_store_would_have_shown() {
        const ENTRIES: usize = 10;
        for read_at in 2..40 {
            let start = trail(0..read_at);
            let recent = &start[start.len().saturating_sub(ENTRIES)..];
            let mut window = Window::of(recent, read_at, ENTRIES);
            for next in read_at..60 {
                let all = trail(0..next);
                let recent = &all[all.len().saturating_sub(ENTRIES)..];
                let shown = lines(up_to(recent, ASK));
                assert_eq!(window.lines(ASK, ENTRIES), Some(shown), "{read_at}, {next}");
                window.extend(&trail(next..next + 1));
            }
        }
    }

    #[test]
    fn a_question_that_is_not_held_whole_is_read_from_the_store() {
        let entries = flurry(20);
        let mut window = Window::of(&[], 0, 30);
        window.extend(&entries);
        assert!(window.lines(AskId(20), 30).is_none(), "half of it");
        let mut window = Window::of(&[], 0, 60);
        window.extend(&entries);
        assert_eq!(window.lines(AskId(20), 60).map(|all| all.len()), Some(20));
        assert!(window.lines(AskId(19), 60).is_none(), "an old question");
    }

    #[test]
    fn what_was_written_after_the_question_is_not_shown_with_it() {
        let mut entries = flurry(3);
        let late = Fact::CustomerWrote {
            id: "late".into(),
            body: Body::Text("And?".into()),
            owner: ModeName::Ai,
        };
        let shown = lines(&entries);
        entries.push(Entry {
            n: entries.len() as u64,
            fact: late,
            ..entries[0].clone()
        });
        let mut window = Window::of(&[], 0, 60);
        window.extend(&entries);
        assert_eq!(window.lines(AskId(3), 60), Some(shown.clone()));
        assert_eq!(lines(up_to(&entries, AskId(3))), shown);
    }

    #[test]
    fn what_is_not_whole_is_not_at_hand() {
        let gap = |first| {
            let mut window = Window::of(&trail(0..5), 5, 10);
            window.extend(&trail(first..first + 2));
            window.lines(ASK, 10).is_none()
        };
        assert_eq!([5, 6, 4].map(gap), [false, true, true]);
        assert!(Window::of(&trail(0..5), 6, 10).lines(ASK, 10).is_none());
        assert!(Window::default().lines(ASK, 10).is_none());
        // The rules have changed since it was read.
        assert!(Window::of(&trail(0..5), 5, 10).lines(ASK, 20).is_none());
    }

    #[test]
    fn a_long_window_is_let_go() {
        let mut window = Window::of(&trail(0..2), 2, 1_000);
        let mut at = 2;
        while window.lines(ASK, 1_000).is_some() {
            window.extend(&trail(at..at + 1));
            at += 1;
            assert!(at < 3_000, "it grows without a bound");
        }
        assert!(at > 300);
    }

    /// A message after each of whose predecessors a question was withdrawn.
    fn flurry(messages: u32) -> Vec<Entry> {
        let mut facts = Vec::new();
        for n in 1..=messages {
            facts.push(Fact::CustomerWrote {
                id: n.to_string(),
                body: Body::Text("Hello?".into()),
                owner: ModeName::Ai,
            });
            let ask = AskId(u64::from(n));
            facts.push(Fact::ModelAsked { ask, messages: n });
            let cause = CancelCause::Superseded;
            facts.push(Fact::AskCancelled { ask, cause });
        }
        // The last one is not withdrawn.
        facts.pop();
        let entry = |(n, fact)| Entry {
            n,
            at: Timestamp::from_millis(0),
            policy: 1,
            rules: 1,
            fact,
        };
        (0..).zip(facts).map(entry).collect()
    }

    #[test]
    fn a_question_reaches_back_to_its_first_message() {
        let entries = flurry(20);
        let check = |from: usize, ask: u64, holds: bool| {
            let part = &entries[from..];
            assert_eq!(holds_question(part, AskId(ask)), holds, "from {from}");
        };
        check(0, 20, true);
        check(1, 20, false);
        check(40, 20, false);
        check(0, 3, true);
        // not among them at all
        check(58, 3, true);
    }
}
