//! Why an answer of the model leads to a person: its own word for it, a rule that it breaks, nothing in it, or a switch.
//!
//! What of it was not shown is kept for the person as a draft. Nothing is promised here.

use super::common::Cx;
use super::handoff::Trigger;
use super::hearing::Judged;
use super::question::{ModelAnswer, ModelVerdict};
use super::trail::{Fact, Usage};
use super::words::Reason;
use crate::ids::{AskId, EffectId};

/// Why the answer of question `ask` leads to a person, if it does; what of it was not shown is kept for them.
pub(super) fn escalates(
    (ask, stream): (AskId, Option<EffectId>),
    answer: &ModelAnswer,
    judged: &Judged,
    cx: &mut Cx<'_>,
) -> Option<Trigger> {
    let kept = |cx: &mut Cx<'_>| {
        if stream.is_none() {
            cx.draft(ask, &answer.text);
        }
    };
    match &answer.verdict {
        // switched off while it was thinking: what it says is a draft for the person
        ModelVerdict::Reply if !cx.ai_on() => {
            kept(cx);
            Some(Trigger::ai_off())
        }
        ModelVerdict::Reply if !answer.text.trim().is_empty() => {
            let finding = judged.handoff.as_ref()?;
            cx.fired(finding);
            cx.common.priority = cx.common.priority.max(finding.priority.value());
            kept(cx);
            Some(cx.policy.trigger(finding))
        }
        ModelVerdict::Reply => Some(Trigger::by_rule(Reason::NoAnswer, "model.empty")),
        ModelVerdict::Escalate { reason, summary } => {
            // the guard held a sentence back: the rule that it broke is known
            judged.handoff.iter().for_each(|finding| cx.fired(finding));
            Some(Trigger {
                reason: *reason,
                rule: judged.rule().unwrap_or("model.escalate").to_owned(),
                matched: summary.clone(),
                queue: None,
            })
        }
    }
}

impl Cx<'_> {
    /// An answer that is not sent: a draft for the person.
    fn draft(&mut self, ask: AskId, text: &str) {
        self.note(Fact::DraftKept {
            ask,
            text: text.to_owned(),
            usage: Usage::default(),
        });
    }
}
