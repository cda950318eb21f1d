//! A person wrote to the customer past Segue: from the phone, or in another tool.
//!
//! Nobody pressed a button, yet a person speaks: from here on the AI is silent. The customer has the words already, so
//! nothing is sent and nobody is introduced; the trail holds them as that person's.

use super::Mode;
use super::asking::millis;
use super::common::Cx;
use super::decision::Answer;
use super::handoff;
use super::human::{Clocks, Human};
use super::message::Inbound;
use super::outbox::Sent;
use super::trail::{CancelCause, Fact};
use super::undo;
use super::words::{By, Class, MessageState, Settlement};
use crate::ids::AgentName;

/// Who is named where the channel does not say who typed.
const SOMEBODY: &str = "phone";

/// A person's words that came past Segue.
pub(super) fn written(mode: Mode, inbound: &Inbound, cx: &mut Cx<'_>) -> (Mode, Answer) {
    if cx.common.seen.contains(inbound.hash()) {
        return (mode, Answer::Duplicate);
    }
    let evicted = cx.common.seen.remember(inbound.hash(), cx.now);
    cx.out.evicted.extend(evicted);
    let agent = AgentName::from(inbound.from.name.as_deref().unwrap_or(SOMEBODY));
    let mut human = match mode {
        Mode::Human(human) => human,
        Mode::Ai(mut ai) => {
            ai.asking.cancel(CancelCause::Ownership, cx);
            Human::hold(&agent, None, None, (Clocks::default(), 0), cx)
        }
        Mode::Waiting(mut waiting) => {
            waiting.asking.cancel(CancelCause::Ownership, cx);
            handoff::settle(&waiting.handoff, Settlement::Claimed, cx);
            let clocks = Clocks::until(waiting.first_due);
            Human::hold(&agent, Some(waiting.handoff), None, (clocks, 0), cx)
        }
        Mode::Closed(_) => {
            cx.open_episode(By::Agent, false);
            Human::hold(&agent, None, None, (Clocks::default(), 0), cx)
        }
    };
    let effect = cx.effect();
    human.spoke_now(&agent, effect, inbound.body.text(), cx);
    undo::answered_otherwise(cx);
    let state = MessageState::Sent;
    cx.note(Fact::Settled {
        effect,
        class: Class::Human,
        state,
        provider_id: inbound.id.clone(),
        code: "elsewhere".to_owned(),
        cause: None,
        attempts: 0,
        after_ms: millis(cx.now, cx),
    });
    cx.remember_sent(Sent {
        handoff: None,
        effect,
        class: Class::Human,
        state,
        decided_at: cx.now,
        entry: None,
        stopped: None,
    });
    (Mode::Human(human), Answer::Accepted)
}
