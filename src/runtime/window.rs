//! What the AI is shown of a conversation, kept at hand while the AI has it.
//!
//! Reading it from the store for every question takes a thread, two wake-ups and two transactions: a sixth of a whole
//! turn. A [`Window`] is read when the conversation is woken, or with its first question, and grows with what is
//! committed. It is a copy, never more than the store has: whoever finds none at hand reads the store. It is let go when
//! a person takes over, when it grows beyond [`BYTES_MAX`], and once nobody has written for [`REST`]. It decides nothing.

use std::collections::VecDeque;
use std::time::Duration;

use crate::conversation::Conversation;
use crate::conversation::question::{Line, line};
use crate::conversation::trail::Entry;
use crate::conversation::words::ModeName;

/// A conversation that is quiet for so long lets its window go: most are quiet, and each costs a few KiB.
pub(super) const REST: Duration = Duration::from_secs(15);
/// The most bytes of text that are kept at hand; longer ones are read each time.
const BYTES_MAX: usize = 16 * 1024;
/// What a line takes besides its text, about.
const LINE_BYTES: usize = 64;

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
        });
        for entry in recent {
            read.push(entry);
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
        for entry in entries {
            if entry.n != read.next {
                return self.let_go();
            }
            read.push(entry);
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

    /// What a question may show: the lines among the last `entries` entries. None: they are not at hand.
    pub(super) fn lines(&self, entries: usize) -> Option<Vec<Line>> {
        let read = self.at_hand.as_ref()?;
        (read.entries == entries as u64)
            .then(|| read.lines.iter().map(|(_, line)| line.clone()).collect())
    }
}

impl Read {
    fn push(&mut self, entry: &Entry) {
        self.next = entry.n + 1;
        if let Some(line) = line(&entry.fact) {
            self.bytes += bytes(&line);
            self.lines.push_back((entry.n, line));
        }
        let first = self.next.saturating_sub(self.entries);
        while let Some((_, gone)) = self.lines.pop_front_if(|(n, _)| *n < first) {
            self.bytes -= bytes(&gone);
        }
    }
}

fn bytes(line: &Line) -> usize {
    let text = match line {
        Line::Customer(text) | Line::Ai(text) | Line::System(text) | Line::Note(text) => text.len(),
        Line::Human { agent, text } => agent.len() + text.len(),
        Line::HandoffRequested { .. } => 0,
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
    use crate::conversation::question::lines;
    use crate::conversation::trail::Fact;
    use crate::conversation::words::Class;
    use crate::ids::EffectId;

    /// Every third entry says something.
    fn trail(numbers: std::ops::Range<u64>) -> Vec<Entry> {
        let fact = |n: u64| match n % 3 {
            0 => Fact::SystemWrote {
                effect: EffectId(n),
                class: Class::System,
                text: format!("line {n}"),
                choices: Vec::new(),
            },
            _ => Fact::Kept {
                agent: "ana".into(),
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
        for read_at in 0..40 {
            let start = trail(0..read_at);
            let recent = &start[start.len().saturating_sub(ENTRIES)..];
            let mut window = Window::of(recent, read_at, ENTRIES);
            for next in read_at..60 {
                let all = trail(0..next);
                let shown = lines(&all[all.len().saturating_sub(ENTRIES)..]);
                assert_eq!(window.lines(ENTRIES), Some(shown), "{read_at}, {next}");
                window.extend(&trail(next..next + 1));
            }
        }
    }

    #[test]
    fn what_is_not_whole_is_not_at_hand() {
        let gap = |first| {
            let mut window = Window::of(&trail(0..5), 5, 10);
            window.extend(&trail(first..first + 2));
            window.lines(10).is_none()
        };
        assert_eq!([5, 6, 4].map(gap), [false, true, true]);
        assert!(Window::of(&trail(0..5), 6, 10).lines(10).is_none());
        assert!(Window::default().lines(10).is_none());
        // The rules have changed since it was read.
        assert!(Window::of(&trail(0..5), 5, 10).lines(20).is_none());
    }

    #[test]
    fn a_long_window_is_let_go() {
        let mut window = Window::of(&[], 0, 1_000);
        let mut at = 0;
        while window.lines(1_000).is_some() {
            window.extend(&trail(at..at + 1));
            at += 1;
            assert!(at < 3_000, "it grows without a bound");
        }
        assert!(at > 300);
    }
}
