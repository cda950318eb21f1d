//! A trail, folded into a [`Record`]: entry after entry, each looked at once.
//!
//! Pure. What is not on the trail is not made up: a conversation that retention has shortened gives what is left of it.
//! A *deflection* is an answer that was none: the model said that it was not sure at all, or a question of more than a
//! few words was answered with nothing from the knowledge base behind it. A customer who then never wrote again is
//! nobody's handoff and may have been a missed one.

use std::collections::BTreeMap;

use super::record::{Ended, Given, Handoff, Offers, Record, Silence, millis};
use super::source::Facts;
use crate::clock::Timestamp;
use crate::conversation::PASSED_ON;
use crate::conversation::trail::{Entry, Fact, GhostCause, Source};
use crate::conversation::words::{By, MessageState, Settlement, Verdict};
use crate::ids::{AgentName, AskId, EffectId, HandoffId};

/// Texts of people kept with one handoff; more are counted.
pub const REPLIES_MAX: usize = 200;
/// Messages of the customer kept with a handoff, the last before it.
pub const WORDS_KEPT: usize = 3;
/// After so long without a word a customer has fallen silent.
pub const SILENT_AFTER_MS: u64 = 30 * 60 * 1_000;
/// An answer that its own model is so little sure of (in percent) is none.
const UNSURE_PERCENT: u8 = 20;
/// Up to so many words are small talk, which needs no knowledge behind its answer.
const SMALL_TALK_WORDS: usize = 4;

/// Folds the whole trail of a conversation; what is counted is counted from `since` on, as it stood at `now`.
pub fn fold(facts: Facts, entries: &[Entry], since: Timestamp, now: Timestamp) -> Record {
    let mut fold = Fold {
        since,
        episode: Episode::default(),
        open: None,
        unsure: None,
        words: BTreeMap::new(),
        record: Record {
            facts,
            handoffs: Vec::new(),
            customer_messages: 0,
            ai_answers: 0,
            deflections: 0,
            takeovers: 0,
            with_ai: false,
            offers: Offers::default(),
            silence: None,
            verdict: None,
        },
    };
    for entry in entries {
        fold.take(entry);
    }
    if millis(now, fold.episode.answered_at) >= SILENT_AFTER_MS {
        fold.fell_silent();
    }
    fold.record
}

struct Fold {
    since: Timestamp,
    episode: Episode,
    /// The handoff that waits or is with a person.
    open: Option<usize>,
    /// The question whose answer was said to be unsure.
    unsure: Option<(AskId, bool)>,
    /// What people have said, as far as it has not failed.
    words: BTreeMap<EffectId, Words>,
    record: Record,
}

/// Words of a person under a handoff.
struct Words {
    /// Its place in the record.
    handoff: usize,
    at: Timestamp,
    text: String,
}

/// What the episode has come to so far.
#[derive(Default)]
struct Episode {
    number: u32,
    deflections: u32,
    /// The last thing said was an answer that was none.
    unhelped: bool,
    answered_at: Timestamp,
    /// A person was asked for or took over.
    with_people: bool,
    answered: bool,
    /// The customer's last messages.
    words: Vec<String>,
}

impl Fold {
    fn take(&mut self, entry: &Entry) {
        let counts = entry.at >= self.since;
        match &entry.fact {
            Fact::Opened { episode, .. } => self.opened(*episode),
            Fact::CustomerWrote { body, .. } => self.customer_wrote(body.text(), counts),
            Fact::ModelAsked { .. } => self.record.with_ai |= counts,
            Fact::ModelAnswered {
                ask, confidence, ..
            } => {
                self.unsure = confidence.map(|percent| (*ask, percent <= UNSURE_PERCENT));
            }
            Fact::AiWrote { ask, sources, .. } => self.ai_wrote(entry.at, *ask, sources, counts),
            Fact::HumanWrote { effect, text, .. } => self.human_wrote(entry.at, *effect, text),
            Fact::Settled { effect, state, .. } => self.message_settled(*effect, *state),
            Fact::HandoffRequested { .. } => self.requested(entry),
            Fact::HandoffSettled {
                handoff,
                outcome,
                waited_ms,
            } => self.settled(entry.at, *handoff, *outcome, *waited_ms),
            Fact::Claimed { agent, handoff, .. } => {
                self.claimed(entry.at, agent, *handoff, counts);
            }
            Fact::Transferred {
                handoff,
                queue,
                held_ms,
                ..
            } => {
                if let (Some(handoff), None) = (self.of(*handoff), held_ms) {
                    handoff.queue = queue.clone();
                }
            }
            Fact::HandedBack { by, note, .. } => {
                self.ended(Ended::HandedBack(*by), entry.at, note);
                self.open = None;
            }
            Fact::LeaseLapsed { .. } => self.ended(Ended::Lapsed, entry.at, ""),
            Fact::GhostDeclared { handoff, cause } => self.ghost(*handoff, *cause),
            Fact::Closed {
                outcome, by, note, ..
            } => {
                self.ended(Ended::Closed(*outcome), entry.at, note);
                self.open = None;
                self.episode.unhelped &= *by == By::Timeout;
                self.fell_silent();
            }
            Fact::Reviewed {
                handoff,
                verdict,
                agent,
            } => self.reviewed(entry.at, *handoff, *verdict, agent),
            Fact::SystemWrote { .. }
            | Fact::NoteWritten { .. }
            | Fact::ModelFailed { .. }
            | Fact::AskCancelled { .. }
            | Fact::DraftKept { .. }
            | Fact::AskedIfDone { .. }
            | Fact::Kept { .. }
            | Fact::LadderStepped { .. }
            | Fact::SlaEvaluated { .. }
            | Fact::Edited { .. }
            | Fact::EventParked { .. }
            | Fact::CustomerChanged { .. }
            | Fact::RuleFired { .. } => {}
            Fact::OfferMade { .. } => self.record.offers.made += u32::from(counts),
            Fact::OfferAnswered { accepted, .. } => self.offer_answered(*accepted, counts),
            Fact::FilesAdded { .. } | Fact::ApprovalAsked { .. } | Fact::ApprovalDecided { .. } => {
            }
        }
    }

    fn offer_answered(&mut self, accepted: bool, counts: bool) {
        if counts {
            self.record.offers.answered(accepted);
        }
    }

    fn opened(&mut self, number: u32) {
        self.fell_silent();
        self.open = None;
        self.episode = Episode {
            number,
            ..Episode::default()
        };
    }

    fn customer_wrote(&mut self, text: &str, counts: bool) {
        self.record.customer_messages += u32::from(counts);
        self.episode.unhelped = false;
        let words = &mut self.episode.words;
        if words.len() == WORDS_KEPT {
            words.remove(0);
        }
        words.push(text.to_owned());
    }

    fn of(&mut self, id: HandoffId) -> Option<&mut Handoff> {
        self.record
            .handoffs
            .iter_mut()
            .rev()
            .find(|one| one.id == id)
    }

    fn current(&mut self) -> Option<&mut Handoff> {
        self.open.map(|at| &mut self.record.handoffs[at])
    }

    fn ai_wrote(&mut self, at: Timestamp, ask: AskId, sources: &[Source], counts: bool) {
        let asked = self.episode.words.last().map_or("", String::as_str);
        let words = asked.split_whitespace().count();
        let deflects = match self.unsure {
            Some((of, unsure)) if of == ask => unsure,
            Some(_) | None => sources.is_empty() && words > SMALL_TALK_WORDS,
        };
        self.record.ai_answers += u32::from(counts);
        self.record.deflections += u32::from(counts && deflects);
        self.episode.deflections += u32::from(deflects);
        self.episode.unhelped = deflects;
        self.episode.answered_at = at;
        self.episode.answered = true;
    }

    fn human_wrote(&mut self, at: Timestamp, effect: EffectId, text: &str) {
        self.episode.unhelped = false;
        self.episode.with_people = true;
        let Some(open) = self.open else {
            return;
        };
        let handoff = &mut self.record.handoffs[open];
        handoff.replied_at.get_or_insert(at);
        handoff.replies += 1;
        if handoff.said.len() < REPLIES_MAX {
            handoff.said.push(text.to_owned());
        }
        let text = text.to_owned();
        self.words.insert(
            effect,
            Words {
                handoff: open,
                at,
                text,
            },
        );
    }

    /// A person's words that were taken back, or never arrived, are no reply.
    fn message_settled(&mut self, effect: EffectId, state: MessageState) {
        let unsaid = matches!(state, MessageState::Suppressed | MessageState::Failed);
        let words = unsaid.then(|| self.words.remove(&effect)).flatten();
        let Some(Words { handoff: at, .. }) = words else {
            return;
        };
        let of = || self.words.values().filter(|words| words.handoff == at);
        let handoff = &mut self.record.handoffs[at];
        handoff.replied_at = of().map(|words| words.at).min();
        handoff.replies = handoff.replies.saturating_sub(1);
        let said = of().take(REPLIES_MAX).map(|words| words.text.clone());
        handoff.said = said.collect();
    }

    fn requested(&mut self, entry: &Entry) {
        let Fact::HandoffRequested {
            handoff,
            reason,
            rule,
            matched,
            queue,
            ..
        } = &entry.fact
        else {
            return;
        };
        let passed_on = PASSED_ON.contains(&rule.as_str());
        if passed_on {
            self.ended(Ended::PassedOn, entry.at, "");
        } else if let Some(last) = self.record.handoffs.last_mut()
            && let Some((Ended::HandedBack(_), at)) = last.ended
        {
            last.back_after_ms = Some(millis(entry.at, at));
        }
        self.episode.with_people = true;
        self.record.handoffs.push(Handoff {
            id: *handoff,
            episode: self.episode.number,
            requested_at: entry.at,
            reason: *reason,
            rule: rule.clone(),
            matched: matched.clone(),
            words: self.episode.words.clone(),
            first_queue: queue.clone(),
            queue: queue.clone(),
            passed_on,
            after_ai: self.episode.answered,
            claimed: None,
            settled: None,
            replied_at: None,
            replies: 0,
            said: Vec::new(),
            ended: None,
            note: String::new(),
            late: false,
            silent: false,
            back_after_ms: None,
            verdict: None,
        });
        self.open = Some(self.record.handoffs.len() - 1);
    }

    fn settled(&mut self, at: Timestamp, id: HandoffId, outcome: Settlement, waited_ms: u64) {
        let Some(handoff) = self.of(id) else { return };
        handoff.settled = Some((outcome, waited_ms));
        let ended = match outcome {
            Settlement::Claimed => return,
            Settlement::Abandoned => Ended::Abandoned,
            Settlement::TimedOut => Ended::Apologised,
            Settlement::Cancelled => Ended::Cancelled,
            Settlement::Failed => Ended::Failed,
        };
        handoff.ended.get_or_insert((ended, at));
    }

    fn claimed(
        &mut self,
        at: Timestamp,
        agent: &AgentName,
        handoff: Option<HandoffId>,
        counts: bool,
    ) {
        self.episode.with_people = true;
        match handoff.and_then(|id| self.of(id)) {
            Some(handoff) => {
                handoff.claimed.get_or_insert((agent.clone(), at));
            }
            None => self.record.takeovers += u32::from(counts),
        }
    }

    /// The current handoff has ended, unless its end is known already.
    fn ended(&mut self, how: Ended, at: Timestamp, note: &str) {
        if let Some(handoff) = self.current() {
            handoff.ended.get_or_insert((how, at));
            if !note.is_empty() {
                note.clone_into(&mut handoff.note);
            }
        }
    }

    fn ghost(&mut self, id: HandoffId, cause: GhostCause) {
        let Some(handoff) = self.of(id) else { return };
        match cause {
            GhostCause::NeverClaimed | GhostCause::RoutingFailed => handoff.late = true,
            GhostCause::ClaimedSilent => handoff.silent = true,
        }
    }

    /// The newest verdict counts. One that names no handoff judges the newest; that one was missed concerns the
    /// conversation.
    fn reviewed(
        &mut self,
        at: Timestamp,
        handoff: Option<HandoffId>,
        verdict: Verdict,
        by: &AgentName,
    ) {
        let given = Given {
            verdict,
            by: by.clone(),
            at,
        };
        let of = match (handoff, verdict) {
            (Some(id), _) => self.of(id),
            (None, Verdict::Missed) => None,
            (None, Verdict::Justified | Verdict::Unnecessary) => self.record.handoffs.last_mut(),
        };
        match of {
            Some(handoff) => handoff.verdict = Some(given),
            None => self.record.verdict = Some(given),
        }
    }

    /// The episode is over, or nobody has written for long: was the customer left unhelped?
    fn fell_silent(&mut self) {
        let episode = &mut self.episode;
        let unhelped = std::mem::take(&mut episode.unhelped);
        if unhelped && !episode.with_people && episode.answered_at >= self.since {
            self.record.silence = Some(Silence {
                since: episode.answered_at,
                deflections: episode.deflections,
                words: episode.words.last().cloned().unwrap_or_default(),
            });
        }
    }
}
