//! Several words that only together are what they are: "member of staff", "account manager", "get back to".
//!
//! The last word of a noun and the first of a verb bears the class, the others say nothing of their own any more, so that
//! the grammar sees one noun or one verb. Of spans that overlap the longest counts. A look-alike that ends within a span was a guess at its first
//! words and is dropped ("the person in" of "the person in charge"). Nothing here decides.

use std::cmp::Reverse;

use super::classes::{BLOCK, BOT, Bits, DET, SOFT, WHOM};
use super::lexicon::Meaning;
use super::reading::{Hit, Reading};

/// A span that was found.
struct Span {
    from: usize,
    to: usize,
    class: Bits,
    ours: bool,
}

impl Reading {
    /// Makes one word of each span among `hits`, and takes the look-alikes out that are none.
    pub(super) fn join(&mut self, hits: &mut Vec<Hit>) {
        let mut spans: Vec<Span> = Vec::new();
        for hit in hits.iter() {
            let Meaning::Span { class, ours } = hit.meaning else {
                continue;
            };
            let (from, to) = (hit.from, hit.to);
            match spans
                .iter_mut()
                .find(|span| span.from == from && span.to == to)
            {
                Some(span) => span.class |= class,
                None => spans.push(Span {
                    from,
                    to,
                    class,
                    ours,
                }),
            }
        }
        if spans.is_empty() {
            return;
        }
        spans.sort_unstable_by_key(|span| (Reverse(span.to - span.from), span.from));
        let mut kept: Vec<Span> = Vec::new();
        for span in spans {
            if kept
                .iter()
                .all(|other| span.to < other.from || other.to < span.from)
            {
                kept.push(span);
            }
        }
        for span in &kept {
            let bearer = if span.class & (WHOM | BOT) == 0 {
                span.from
            } else {
                span.to
            };
            self.bits[span.from..=span.to].fill(SOFT);
            self.joined[span.from..=span.to].fill(true);
            self.bits[bearer] = span.class;
            self.joined[bearer] = false;
            let before = span.from.checked_sub(1);
            if let Some(before) = before.filter(|i| span.ours && self.bits[*i] & BLOCK != 0) {
                self.bits[before] = DET;
            }
        }
        hits.retain(|hit| {
            let guessed = |span: &Span| span.from <= hit.to && hit.to < span.to;
            hit.meaning != Meaning::Not || !kept.iter().any(guessed)
        });
    }
}
