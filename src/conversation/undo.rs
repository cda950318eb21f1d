//! Taking back what a person wrote and what has surely not left; and what it means that words reached nobody.
//!
//! A person's words stop clocks when they are written: the customer's wait, the first human word, the next one. Taken
//! back before they left, or given up, they have answered nobody, and the clocks go on as if they had never been written
//! ([`Stopped`] remembers how they stood). Another word of a person that may still arrive inherits the memory; whatever
//! else answers the customer ends it. What the clocks have counted by then stays on the trail: a clock that
//! goes on is counted again when it is stopped again.

use serde::{Deserialize, Serialize};

use super::Mode;
use super::common::Cx;
use super::human::Human;
use super::outbox::{Owed, OwedState, Sent};
use super::parked::{self, Parked};
use super::release::strike;
use super::words::{Class, MessageState, ModeName};
use crate::clock::Timestamp;
use crate::ids::{EffectId, HandoffId};

/// How the clocks stood that a person's words have stopped.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Stopped {
    /// Since when the customer had waited for an answer, if they had.
    waiting_since: Option<Timestamp>,
    /// Who had answered before.
    last_word: Option<ModeName>,
    /// The handoff whose clocks these are.
    handoff: Option<HandoffId>,
    /// They were the first human word.
    first: bool,
    /// The clock to the first human word, if it ran.
    first_due: Option<Timestamp>,
    /// The clock to the next human word, if it ran.
    next_due: Option<Timestamp>,
}

impl Stopped {
    /// What words of the person who has it would stop now.
    pub(super) fn by_words_of(human: &Human, cx: &Cx<'_>) -> Self {
        let running = |due: Option<Timestamp>| due.filter(|due| *due > cx.now);
        Self {
            waiting_since: cx.common.episode.waiting_since,
            last_word: cx.common.episode.last_word,
            handoff: human.handoff().map(|handoff| handoff.id),
            first: !human.clocks.spoke,
            first_due: running(human.clocks.first_due),
            next_due: running(human.clocks.next_due),
        }
    }

    /// The same, with what words before these had stopped.
    fn after(self, earlier: Self) -> Self {
        let same = self.handoff == earlier.handoff;
        let clocks = |theirs: Option<Timestamp>| theirs.filter(|_| same);
        Self {
            waiting_since: earliest(earlier.waiting_since, self.waiting_since),
            last_word: earlier.last_word,
            handoff: self.handoff,
            first: self.first || (same && earlier.first),
            first_due: earliest(clocks(earlier.first_due), self.first_due),
            next_due: earliest(clocks(earlier.next_due), self.next_due),
        }
    }

    /// The clocks go on.
    fn give_back(self, mode: &mut Mode, cx: &mut Cx<'_>) {
        let episode = &mut cx.common.episode;
        episode.waiting_since = earliest(self.waiting_since, episode.waiting_since);
        if episode.last_word == Some(ModeName::Human) {
            episode.last_word = self.last_word;
        }
        match mode {
            Mode::Human(human) if human.handoff().map(|one| one.id) == self.handoff => {
                let clocks = &mut human.clocks;
                clocks.spoke &= !self.first;
                clocks.first_due = earliest(self.first_due, clocks.first_due);
                // What was written meanwhile falls under the clock of the first word again.
                let next_due = earliest(self.next_due, clocks.next_due);
                clocks.next_due = next_due.filter(|_| clocks.spoke);
            }
            Mode::Human(_) | Mode::Ai(_) | Mode::Waiting(_) | Mode::Closed(_) => {}
        }
    }
}

fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

/// A person takes back what a person wrote and what has surely not left. Whether there was such a message.
pub(super) fn undo(effect: EffectId, mode: &mut Mode, cx: &mut Cx<'_>) -> bool {
    let pending = |owed: &Owed| {
        owed.effect == effect
            && owed.class == Class::Human
            && !owed.in_doubt
            && matches!(owed.state, OwedState::Pending { .. })
    };
    let (undone, why) = (MessageState::Suppressed, "undone");
    let outbox = &mut cx.common.outbox;
    if let Some(place) = outbox.owed.iter().position(pending) {
        let owed = outbox.owed[place].clone();
        strike(cx, place, undone, why, None);
        answered_nobody(effect, owed.stopped, mode, cx);
        return true;
    }
    let kept = outbox.parked.iter().position(|one| pending(&one.owed));
    let Some(Parked { owed, .. }) = kept.and_then(|place| outbox.parked.remove(place)) else {
        return false;
    };
    parked::leave(&owed, undone, why, cx);
    answered_nobody(effect, owed.stopped, mode, cx);
    true
}

/// The words `owed` were given up. Unless they may have arrived all the same, the customer has not been answered; whoever
/// has blocked us waits for nobody.
pub(super) fn never_arrived(owed: Owed, mode: &mut Mode, cx: &mut Cx<'_>) {
    if !owed.in_doubt && !cx.common.unreachable {
        answered_nobody(owed.effect, owed.stopped, mode, cx);
    }
}

/// The words `effect`, which stopped this, have reached nobody: the next word of a person answers in their stead, or the
/// clocks go on.
pub(super) fn answered_nobody(
    effect: EffectId,
    stopped: Option<Stopped>,
    mode: &mut Mode,
    cx: &mut Cx<'_>,
) {
    let Some(stopped) = stopped else { return };
    let outbox = &mut cx.common.outbox;
    let may_arrive = |sent: &&Sent| {
        let lost = matches!(
            sent.state,
            MessageState::Failed | MessageState::Suppressed | MessageState::Parked
        );
        sent.class == Class::Human && !lost && sent.effect > effect
    };
    let taken = outbox
        .sent
        .iter()
        .filter(may_arrive)
        .map(|sent| sent.effect);
    let taken = taken.min();
    let waits = |owed: &&Owed| owed.effect > effect && owed.stopped.is_some();
    let waits = outbox.all().filter(waits).map(|owed| owed.effect).min();
    let Some(next) = taken.into_iter().chain(waits).min() else {
        return stopped.give_back(mode, cx);
    };
    let sent = outbox.sent.iter_mut().find(|sent| sent.effect == next);
    let of_it = match sent {
        Some(sent) => Some(&mut sent.stopped),
        None => outbox
            .all_mut()
            .find(|owed| owed.effect == next)
            .map(|owed| &mut owed.stopped),
    };
    // None: it has arrived, and was the answer.
    if let Some(theirs) = of_it {
        *theirs = theirs.take().map(|theirs| theirs.after(stopped));
    }
}

/// Something else has answered the customer, or ended the episode: nothing is given back any more.
pub(super) fn answered_otherwise(cx: &mut Cx<'_>) {
    for owed in cx.common.outbox.all_mut() {
        owed.stopped = None;
    }
    for sent in &mut cx.common.outbox.sent {
        sent.stopped = None;
    }
}

/// The words `effect` have left: what was written before them has been answered by them.
pub(super) fn answered_by(effect: EffectId, cx: &mut Cx<'_>) {
    let earlier = |owed: &&mut Owed| owed.effect < effect;
    for owed in cx.common.outbox.all_mut().filter(earlier) {
        owed.stopped = None;
    }
}
