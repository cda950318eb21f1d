//! One step: an event goes in, a decision comes out.
//!
//! Repetitions are answered here, before any mode sees them. Then exactly one mode decides; then the line of owed
//! messages is moved on. Total, synchronous and silent: no I/O, no clock, no randomness, no logging.

use super::asking::Upshot;
use super::assigning::Present;
use super::common::{Cx, Out};
use super::decision::{Answer, Decision, Refusal};
use super::event::{Act, Event};
use super::handoff::{self, Trigger};
use super::message::Inbound;
use super::policy::Policy;
use super::question::{ModelAnswer, ModelFailure};
use super::seen::Known;
use super::streamed::{Written, close_stream};
use super::trail::{CancelCause, Fact};
use super::words::{Reason, Role};
use super::{Conversation, Mode, elsewhere, everywhere, line, release, reports};
use crate::clock::Timestamp;
use crate::ids::{AgentName, AskId, EffectId, IdHash};

/// The most deadlines that one wake-up works through; the rest is due again at once.
const DEADLINES_AT_ONCE: usize = 32;
impl Conversation {
    /// One step. Every mode answers every event; an event that is refused changes nothing.
    pub fn decide(&mut self, event: Event, now: Timestamp, policy: &Policy) -> Decision {
        let now = now.max(self.common.updated_at);
        let mode = std::mem::take(&mut self.mode);
        let mut cx = Cx {
            common: &mut self.common,
            texts: &mut self.texts,
            now,
            policy,
            out: Out::default(),
        };
        let rings = matches!(event, Event::DeadlinePassed | Event::SwitchTurned);
        let (mut mode, answer) = step(mode, event, &mut cx);
        if rings || cx.out.changed() {
            catch_up(&mut mode, &mut cx);
        }
        let changed = cx.out.changed();
        let out = cx.out;
        if changed {
            self.common.rev += 1;
            self.common.updated_at = now;
            if mode.name() != self.mode_name {
                self.common.mode_since = now;
                self.mode_name = mode.name();
            }
        }
        self.mode = mode;
        Decision {
            answer,
            entries: out.entries,
            perform: out.perform,
            signals: out.signals,
            evicted: out.evicted,
            changed,
        }
    }
}

/// Does what is due by now. First the mode, then the line: after a long sleep nothing is released that a deadline, long
/// passed, has made untrue.
fn catch_up(mode: &mut Mode, cx: &mut Cx<'_>) {
    for _ in 0..DEADLINES_AT_ONCE {
        let due = |mode: &Mode, cx: &Cx<'_>| mode.due(cx.common).is_some_and(|due| due <= cx.now);
        if due(mode, cx) {
            *mode = deadline_passed(std::mem::take(mode), cx);
            continue;
        }
        release::advance(cx, mode);
        if !due(mode, cx) {
            return;
        }
    }
}

fn step(mode: Mode, event: Event, cx: &mut Cx<'_>) -> (Mode, Answer) {
    match event {
        Event::CustomerWrote {
            inbound,
            seen_before,
        } => customer_wrote(mode, &inbound, seen_before, cx),
        Event::WrittenElsewhere { inbound } => elsewhere::written(mode, &inbound, cx),
        Event::Reported(report) => with(mode, cx, |mode, cx| reports::reported(&report, mode, cx)),
        Event::SendSettled { effect, attempt } => with(mode, cx, |mode, cx| {
            release::settled(effect, &attempt, mode, cx)
        }),
        Event::SendSuppressed { effect } => {
            with(mode, cx, |mode, cx| release::suppressed(effect, mode, cx))
        }
        Event::ModelAnswered { ask, answer } => model_answered(mode, ask, answer, cx),
        Event::ModelFailed { ask, failure } => model_failed(mode, ask, failure, cx),
        Event::StreamStopped { ask, emitted } => {
            with(mode, cx, |mode, cx| stream_stopped(ask, emitted, mode, cx))
        }
        // What is due is done after every step.
        Event::DeadlinePassed => {
            line::rung(&mode, cx);
            (mode, Answer::Accepted)
        }
        Event::OwnerGone { agent } => (owner_gone(mode, &agent, cx), Answer::Accepted),
        Event::PeoplePresent { people } => {
            with(mode, cx, |mode, cx| people_present(&people, mode, cx))
        }
        Event::SwitchTurned => (switch_turned(mode, cx), Answer::Accepted),
        Event::Revived { began_at } => (revived(mode, began_at, cx), Answer::Accepted),
        Event::Acted {
            agent,
            role,
            act,
            key,
        } => acted(mode, &agent, role, &act, key, cx),
        Event::Faulted { event, parked } => (faulted(mode, event, parked, cx), Answer::Accepted),
    }
}

/// A step that changes no mode: `done` says whether there was anything to do.
fn with(
    mut mode: Mode,
    cx: &mut Cx<'_>,
    done: impl FnOnce(&mut Mode, &mut Cx<'_>) -> bool,
) -> (Mode, Answer) {
    let answer = if done(&mut mode, cx) {
        Answer::Accepted
    } else {
        Answer::Ignored
    };
    (mode, answer)
}

fn customer_wrote(
    mode: Mode,
    inbound: &Inbound,
    seen_before: bool,
    cx: &mut Cx<'_>,
) -> (Mode, Answer) {
    if seen_before || cx.common.seen.contains(inbound.hash()) {
        return (mode, Answer::Duplicate);
    }
    let next = match mode {
        Mode::Ai(ai) => ai.customer_wrote(inbound, cx),
        Mode::Waiting(waiting) => waiting.customer_wrote(inbound, cx),
        Mode::Human(human) => human.customer_wrote(inbound, cx),
        Mode::Closed(closed) => closed.customer_wrote(inbound, cx),
    };
    (next, Answer::Accepted)
}

fn deadline_passed(mode: Mode, cx: &mut Cx<'_>) -> Mode {
    match mode {
        Mode::Ai(ai) => ai.deadline_passed(cx),
        Mode::Waiting(waiting) => waiting.deadline_passed(cx),
        Mode::Human(human) => human.deadline_passed(cx),
        Mode::Closed(closed) => Mode::Closed(closed),
    }
}

fn model_answered(mode: Mode, ask: AskId, answer: ModelAnswer, cx: &mut Cx<'_>) -> (Mode, Answer) {
    let late = (answer.text.clone(), answer.usage);
    match mode {
        Mode::Ai(mut ai) => match ai.asking.answered(ask, answer, None, cx) {
            Upshot::Stale => (Mode::Ai(ai), kept_draft(ask, late, cx)),
            upshot @ (Upshot::Person(_) | Upshot::Settled) => {
                (ai.upshot(upshot, cx), Answer::Accepted)
            }
        },
        Mode::Waiting(mut waiting) => {
            let handoff = Some(waiting.handoff.id);
            // The model may fail or give up beside a promised person: the promise stands.
            match waiting.asking.answered(ask, answer, handoff, cx) {
                Upshot::Stale => (Mode::Waiting(waiting), kept_draft(ask, late, cx)),
                Upshot::Person(_) | Upshot::Settled => (Mode::Waiting(waiting), Answer::Accepted),
            }
        }
        mode @ (Mode::Human(_) | Mode::Closed(_)) => (mode, kept_draft(ask, late, cx)),
    }
}

fn model_failed(mode: Mode, ask: AskId, failure: ModelFailure, cx: &mut Cx<'_>) -> (Mode, Answer) {
    let late = (failure.partial.clone(), failure.usage);
    match mode {
        Mode::Ai(mut ai) => match ai.asking.failed(ask, failure, cx) {
            Upshot::Stale => (Mode::Ai(ai), kept_draft(ask, late, cx)),
            upshot @ (Upshot::Person(_) | Upshot::Settled) => {
                (ai.upshot(upshot, cx), Answer::Accepted)
            }
        },
        Mode::Waiting(mut waiting) => match waiting.asking.failed(ask, failure, cx) {
            Upshot::Stale => (Mode::Waiting(waiting), kept_draft(ask, late, cx)),
            Upshot::Person(_) | Upshot::Settled => (Mode::Waiting(waiting), Answer::Accepted),
        },
        mode @ (Mode::Human(_) | Mode::Closed(_)) => (mode, kept_draft(ask, late, cx)),
    }
}

/// A late answer cannot speak. What it said and cost is kept for the person, once.
fn kept_draft(ask: AskId, (text, usage): (String, super::trail::Usage), cx: &mut Cx<'_>) -> Answer {
    let Some(place) = cx.common.cancelled.iter().position(|one| *one == ask) else {
        return Answer::Ignored;
    };
    cx.common.cancelled.remove(place);
    let text = match stream_of(ask, cx) {
        // It streamed to its end before the cut reached it: that is what the customer saw.
        Some(effect) => {
            let written = Written {
                ask,
                text,
                sources: Vec::new(),
                partial: true,
            };
            close_stream(effect, (!written.text.is_empty()).then_some(written), cx);
            String::new()
        }
        None => text,
    };
    cx.note(Fact::DraftKept { ask, text, usage });
    Answer::Accepted
}

/// The send that the question `ask` still streams into.
fn stream_of(ask: AskId, cx: &Cx<'_>) -> Option<EffectId> {
    let mut owed = cx.common.outbox.owed.iter();
    owed.find(|owed| owed.ask == Some(ask) && owed.streams())
        .map(|owed| owed.effect)
}

fn stream_stopped(ask: AskId, emitted: String, mode: &mut Mode, cx: &mut Cx<'_>) -> bool {
    let Some(effect) = stream_of(ask, cx) else {
        return false;
    };
    match mode {
        Mode::Ai(ai) => ai.asking.stream_gone(effect),
        Mode::Waiting(waiting) => waiting.asking.stream_gone(effect),
        Mode::Human(_) | Mode::Closed(_) => {}
    }
    cx.common.keys.shown(effect, &emitted);
    let written = Written {
        ask,
        text: emitted,
        sources: Vec::new(),
        partial: true,
    };
    close_stream(effect, (!written.text.is_empty()).then_some(written), cx);
    true
}

fn owner_gone(mode: Mode, agent: &AgentName, cx: &mut Cx<'_>) -> Mode {
    match mode {
        Mode::Human(human) if human.agent() == agent => human.gone(cx),
        Mode::Waiting(mut waiting) if waiting.to.as_ref() == Some(agent) => {
            waiting.to = None;
            cx.common.routing.offered_until = None;
            cx.touch();
            Mode::Waiting(waiting)
        }
        mode @ (Mode::Ai(_) | Mode::Waiting(_) | Mode::Human(_) | Mode::Closed(_)) => mode,
    }
}

fn people_present(people: &[Present], mode: &mut Mode, cx: &mut Cx<'_>) -> bool {
    match mode {
        Mode::Waiting(waiting) => waiting.offer(people, cx),
        Mode::Ai(_) | Mode::Human(_) | Mode::Closed(_) => false,
    }
}

/// Switched off in the middle of a stream: what was shown stays, and people take it from there. A question whose answer
/// nobody sees yet goes on, for its answer is a draft for them.
fn switch_turned(mode: Mode, cx: &mut Cx<'_>) -> Mode {
    if cx.ai_on() {
        return mode;
    }
    match mode {
        Mode::Ai(ai) if ai.asking.streams() => handoff::request(Trigger::ai_off(), ai.asking, cx),
        Mode::Waiting(mut waiting) if waiting.asking.streams() => {
            waiting.asking.cancel(CancelCause::Handoff, cx);
            Mode::Waiting(waiting)
        }
        mode @ (Mode::Ai(_) | Mode::Waiting(_) | Mode::Human(_) | Mode::Closed(_)) => mode,
    }
}

fn revived(mode: Mode, began_at: Timestamp, cx: &mut Cx<'_>) -> Mode {
    release::drop_streams(cx);
    release::doubt_what_died(began_at, cx);
    match mode {
        Mode::Ai(mut ai) => {
            ai.asking.revived(cx);
            Mode::Ai(ai)
        }
        Mode::Waiting(mut waiting) => {
            waiting.asking.revived(cx);
            Mode::Waiting(waiting)
        }
        Mode::Human(human) => Mode::Human(human),
        Mode::Closed(closed) => Mode::Closed(closed),
    }
}

/// A fault of ours: the event is parked and the conversation goes to people, by a path that runs no rules.
fn faulted(mode: Mode, event: String, parked: u64, cx: &mut Cx<'_>) -> Mode {
    cx.note(Fact::EventParked { event, parked });
    let trigger = Trigger::by_rule(Reason::Policy, "event.parked");
    match mode {
        Mode::Ai(ai) => handoff::request(trigger, ai.asking, cx),
        Mode::Waiting(mut waiting) => {
            waiting.asking.cancel(CancelCause::Handoff, cx);
            Mode::Waiting(waiting)
        }
        Mode::Human(human) => Mode::Human(human),
        Mode::Closed(_) => {
            cx.open_episode(super::words::By::Policy, false);
            handoff::request(trigger, super::asking::Asking::default(), cx)
        }
    }
}

fn acted(
    mut mode: Mode,
    agent: &AgentName,
    role: Role,
    act: &Act,
    key: Option<(IdHash, IdHash)>,
    cx: &mut Cx<'_>,
) -> (Mode, Answer) {
    if let Some((key, body)) = key {
        match cx.common.keys.look_up(key, body, cx.now) {
            Known::New => {}
            Known::Answered(answer) => return (mode, answer),
            Known::OtherBody => return (mode, Answer::Refused(Refusal::KeyReused)),
        }
    }
    let leads = match role {
        Role::Observer => return (mode, Answer::Refused(Refusal::NotAllowed)),
        Role::Agent => false,
        Role::Lead | Role::Admin => true,
    };
    let (mode, answer) = match everywhere::everywhere(agent, leads, act, &mut mode, cx) {
        Some(answer) => (mode, answer),
        None => in_mode(mode, agent, leads, act, cx),
    };
    let refused = matches!(answer, Answer::Refused(_) | Answer::Ignored);
    if let (Some((key, body)), false) = (key, refused) {
        cx.common.keys.remember(key, body, cx.now, answer.clone());
        cx.touch();
    }
    (mode, answer)
}

fn in_mode(
    mode: Mode,
    agent: &AgentName,
    leads: bool,
    act: &Act,
    cx: &mut Cx<'_>,
) -> (Mode, Answer) {
    match mode {
        Mode::Ai(ai) => ai.acted(agent, act, cx),
        Mode::Waiting(waiting) => waiting.acted(agent, act, cx),
        Mode::Human(human) => human.acted(agent, leads, act, cx),
        Mode::Closed(closed) => closed.acted(agent, act, cx),
    }
}
