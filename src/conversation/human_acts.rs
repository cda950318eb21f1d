//! What people do with a conversation that one of them has: write, keep, pass on, give back, take by force.
//!
//! Only the owner writes, under the epoch they have seen. A refusal changes nothing.

use std::time::Duration;

use super::Mode;
use super::asking::millis;
use super::closed::{self, Ending};
use super::common::Cx;
use super::decision::{Answer, Refusal};
use super::event::Act;
use super::handoff::{self, Trigger};
use super::human::{Human, stop};
use super::looping;
use super::message::{Attachment, TEXT_BYTES_MAX};
use super::parked;
use super::snooze;
use super::texts::{TextArgs, TextKey};
use super::trail::Fact;
use super::undo::Stopped;
use super::waiting::Waiting;
use super::words::{By, Class, ModeName, Outcome, Reason, SlaClock};
use crate::ids::{AgentName, EffectId, OwnerEpoch, QueueName};

/// Signs of life closer together than this renew nothing: typing must not cost a commit per key.
const RENEWED_EVERY: Duration = Duration::from_secs(30);

impl Human {
    pub(super) fn acted(
        self,
        agent: &AgentName,
        leads: bool,
        act: &Act,
        cx: &mut Cx<'_>,
    ) -> (Mode, Answer) {
        let owns = *agent == self.agent;
        match act {
            Act::Claim { force } | Act::TakeOver { force } => {
                self.claimed_again(agent, *force && leads, cx)
            }
            Act::Reply { text, epoch } => self.reply(agent, (text, &[]), *epoch, cx),
            Act::SendFiles { text, files, epoch } => self.reply(agent, (text, files), *epoch, cx),
            Act::Typing | Act::Viewing | Act::Keep if owns => {
                self.sign_of_life(*act == Act::Keep, cx)
            }
            Act::Typing | Act::Viewing => (Mode::Human(self), Answer::Ignored),
            Act::Transfer { queue, to } if owns || leads => {
                let queue = queue.clone().unwrap_or_else(|| cx.common.queue.clone());
                self.transfer(agent, queue, to.clone(), cx)
            }
            Act::HandBack { note, seen } if owns || leads => {
                self.asked_to_hand_back(note, *seen, cx)
            }
            Act::Resolve { outcome, note } if owns || leads => {
                let outcome = outcome.unwrap_or(Outcome::HumanResolved);
                (
                    closed::close(
                        Ending {
                            held_ms: Some(millis(self.since, cx)),
                            outcome,
                            by: By::Agent,
                            note: note.clone(),
                        },
                        cx,
                    ),
                    Answer::Accepted,
                )
            }
            Act::Snooze { until } if owns || leads => self.snooze(agent, *until, cx),
            Act::Keep
            | Act::Transfer { .. }
            | Act::HandBack { .. }
            | Act::Resolve { .. }
            | Act::Snooze { .. } => {
                let refusal = self.taken();
                (Mode::Human(self), Answer::Refused(refusal))
            }
            Act::Escalate { .. }
            | Act::Note { .. }
            | Act::Review { .. }
            | Act::Edit(_)
            | Act::Undo { .. }
            | Act::AskApproval { .. }
            | Act::Decide { .. } => (Mode::Human(self), Answer::Ignored),
        }
    }

    fn taken(&self) -> Refusal {
        Refusal::Taken {
            by: self.agent.clone(),
            since: self.since,
        }
    }

    fn claimed_again(self, agent: &AgentName, by_force: bool, cx: &mut Cx<'_>) -> (Mode, Answer) {
        if *agent == self.agent {
            let handoff = self.handoff.as_ref().map(|handoff| handoff.id);
            let answer = Answer::Claimed {
                epoch: cx.common.epoch,
                handoff,
                in_flight: cx.ai_in_flight(),
            };
            // Whoever claims again what they have is there.
            return (self.sign_of_life(false, cx).0, answer);
        }
        if !by_force {
            let refusal = self.taken();
            return (Mode::Human(self), Answer::Refused(refusal));
        }
        let held_ms = millis(self.since, cx);
        let clocks = (self.clocks, held_ms);
        Self::install(agent, self.handoff, Some(self.agent), clocks, cx)
    }

    fn reply(
        mut self,
        agent: &AgentName,
        (text, files): (&str, &[Attachment]),
        epoch: Option<OwnerEpoch>,
        cx: &mut Cx<'_>,
    ) -> (Mode, Answer) {
        if let Some(refusal) = self.refuses(agent, text, epoch, cx) {
            return (Mode::Human(self), Answer::Refused(refusal));
        }
        let effect = cx.effect();
        let stopped = Stopped::by_words_of(&self, cx);
        if !files.is_empty() {
            let files = files.to_vec();
            cx.note(Fact::FilesAdded { effect, files });
        }
        let n = self.spoke_now(agent, effect, text, cx);
        cx.owe(effect, Class::Human, n, None);
        if let Some(owed) = cx.common.outbox.owed.back_mut() {
            owed.stopped = Some(stopped);
        }
        let answer = match parked::until(cx) {
            // This very step takes it out of the line.
            Some(until) => Answer::Parked {
                effect,
                entry: n,
                until,
            },
            None => Answer::Wrote { effect, entry: n },
        };
        (Mode::Human(self), answer)
    }

    /// A person's words on the trail, and the clocks that they stop.
    pub(super) fn spoke_now(
        &mut self,
        agent: &AgentName,
        effect: EffectId,
        text: &str,
        cx: &mut Cx<'_>,
    ) -> u64 {
        let first_response_ms = match &self.handoff {
            Some(handoff) if !self.clocks.spoke => Some(millis(handoff.requested_at, cx)),
            Some(_) | None => None,
        };
        let waiting_since = cx.common.episode.waiting_since.take();
        let n = cx.note(Fact::HumanWrote {
            effect,
            agent: agent.clone(),
            text: text.to_owned(),
            first_response_ms,
            reply_ms: waiting_since.map(|since| millis(since, cx)),
        });
        cx.common.unread = 0;
        stop(&mut self.clocks.first_due, SlaClock::FirstResponse, cx);
        stop(&mut self.clocks.next_due, SlaClock::NextResponse, cx);
        self.clocks.spoke = true;
        cx.common.episode.last_word = Some(ModeName::Human);
        self.quiet_at = cx.now + cx.queue().agent_silence;
        snooze::end(cx);
        if self.answer_by.take().is_some() {
            cx.note(Fact::Kept {
                agent: self.agent.clone(),
            });
        }
        n
    }

    fn refuses(
        &self,
        agent: &AgentName,
        text: &str,
        epoch: Option<OwnerEpoch>,
        cx: &Cx<'_>,
    ) -> Option<Refusal> {
        if *agent != self.agent {
            return Some(self.taken());
        }
        if epoch.is_some_and(|epoch| epoch != cx.common.epoch) {
            return Some(Refusal::StaleEpoch {
                owner: Some(self.agent.clone()),
                epoch: cx.common.epoch,
            });
        }
        if text.trim().is_empty() {
            return Some(Refusal::Empty);
        }
        if text.len() > TEXT_BYTES_MAX {
            return Some(Refusal::TooLong {
                max: TEXT_BYTES_MAX,
            });
        }
        if cx.common.unreachable {
            return Some(Refusal::Unreachable);
        }
        let unkept = parked::until(cx).is_some() && parked::is_full(cx);
        (unkept || !cx.common.outbox.has_room()).then_some(Refusal::OutboxFull)
    }

    fn sign_of_life(mut self, says_so: bool, cx: &mut Cx<'_>) -> (Mode, Answer) {
        // Whoever only looks does not end a snooze.
        let quiet_at = (cx.now + cx.queue().agent_silence).max(snooze::quiet_until(cx));
        let asked = self.answer_by.take().is_some();
        if asked {
            cx.note(Fact::Kept {
                agent: self.agent.clone(),
            });
        }
        if asked
            || says_so
            || self.quiet_at <= cx.now
            || quiet_at.since(self.quiet_at) >= RENEWED_EVERY
            || cx.common.unread > 0
        {
            self.quiet_at = quiet_at;
            cx.common.unread = 0;
            cx.touch();
        }
        (Mode::Human(self), Answer::Accepted)
    }

    fn transfer(
        self,
        agent: &AgentName,
        queue: QueueName,
        to: Option<AgentName>,
        cx: &mut Cx<'_>,
    ) -> (Mode, Answer) {
        if !cx.policy.queues.contains_key(&queue) {
            return (Mode::Human(self), Answer::Refused(Refusal::UnknownQueue));
        }
        looping::remember_queue(cx);
        cx.common.queue = queue.clone();
        let epoch = cx.change_owner();
        let reason = self
            .handoff
            .as_ref()
            .map_or(Reason::Operator, |handoff| handoff.reason);
        let matched = self
            .handoff
            .as_ref()
            .map(|handoff| handoff.matched.clone())
            .unwrap_or_default();
        let since = self
            .handoff
            .as_ref()
            .map_or(cx.now, |handoff| handoff.since);
        let handoff = handoff::note_request(
            Trigger {
                reason,
                rule: handoff::TRANSFERRED.into(),
                matched,
                queue: None,
            },
            since,
            cx,
        );
        let id = handoff.id;
        cx.note(Fact::Transferred {
            agent: Some(agent.clone()),
            queue,
            to: to.clone(),
            handoff: id,
            epoch,
            held_ms: Some(millis(self.since, cx)),
        });
        let mut waiting = Waiting::begin(handoff, to, cx);
        let to_queue = cx.common.queue.clone();
        let args = TextArgs {
            queue: Some(to_queue.as_str()),
            ..TextArgs::default()
        };
        if !cx.say(Class::Ack, TextKey::TransferredTo, args, Some(id)) {
            waiting.ack_failed(id, cx.now);
        }
        if let Some(gap) = cx.gap() {
            let company = cx.has_company(&waiting);
            cx.say_closed(gap, company, id);
        }
        (Mode::Waiting(waiting), Answer::Accepted)
    }

    fn asked_to_hand_back(self, note: &str, seen: Option<u64>, cx: &mut Cx<'_>) -> (Mode, Answer) {
        if let Some(refusal) = handoff::refuse_handback(note, seen, cx) {
            return (Mode::Human(self), Answer::Refused(refusal));
        }
        (
            self.hand_back(By::Agent, note.to_owned(), cx),
            Answer::Accepted,
        )
    }
}
