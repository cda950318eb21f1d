//! Offering a person: the question, its buttons, and what stands on the trail of it.
//!
//! An offer promises nobody. It is said at most once for one thing, stands for a few messages, and becomes a handoff
//! only by a yes. Where the AI has not been of help, the text admits it.

use super::common::Cx;
use super::handoff::cut;
use super::hearing::{OFFER_NO, OFFER_YES};
use super::message::{Body, Inbound};
use super::texts::{TextArgs, TextKey};
use super::trail::Fact;
use super::words::{Class, ModeName, Reason};
use crate::ids::QueueName;
use crate::triage::Finding;
use crate::triage::specs::Action;

/// The longest words of a rule that are kept with an entry, in bytes: the head holds those of an offer that stands.
const MATCHED_BYTES_MAX: usize = 200;

impl Cx<'_> {
    /// A rule fired: on the trail before what follows from it.
    pub(super) fn fired(&mut self, finding: &Finding) {
        if finding.action == Action::Handoff && !finding.observe_only {
            self.guess_language(finding.language);
        }
        self.note(Fact::RuleFired {
            rule: finding.rule.clone(),
            reason: finding.reason,
            matched: cut(finding.matched.clone(), MATCHED_BYTES_MAX),
            language: finding.language.to_owned(),
            action: finding.action,
            observed: finding.observe_only,
        });
    }

    /// Offers a person, in the customer's language: the known one, else that of the words that led to it.
    pub(super) fn offer(&mut self, finding: &Finding) {
        self.guess_language(finding.language);
        let known = self.language();
        let spoken = (!finding.language.is_empty()).then(|| finding.language.to_owned());
        let language = known.or(spoken);
        let say = |key| {
            let args = TextArgs::default();
            self.policy.texts.render(key, language.as_deref(), args)
        };
        let text = say(key(finding.reason));
        let choices = vec![
            (OFFER_YES.to_owned(), say(TextKey::OfferYes)),
            (OFFER_NO.to_owned(), say(TextKey::OfferNo)),
        ];
        let effect = self.effect();
        let queue = finding.queue.as_deref().map(QueueName::from);
        self.note(Fact::OfferMade {
            rule: finding.rule.clone(),
            reason: finding.reason,
            matched: cut(finding.matched.clone(), MATCHED_BYTES_MAX),
            language: finding.language.to_owned(),
            queue: queue.filter(|queue| self.policy.queues.contains_key(queue)),
            priority: finding.priority.value(),
            effect,
        });
        let class = Class::System;
        let n = self.note(Fact::SystemWrote {
            effect,
            class,
            text,
            choices,
        });
        self.owe(effect, class, n, None);
    }

    /// The AI has answered: says once in an episode that a person can be had, after as many answers as the queue wants;
    /// not where one was asked for already, and not while nobody is there.
    pub(super) fn mention_person(&mut self) {
        let answers = self.common.episode.answers.saturating_add(1);
        self.common.episode.answers = answers;
        let after = self.queue().mention_person;
        let asked_for = self.common.episode.asked_for_person();
        let offered = self.common.window.offer().is_some();
        if after == 0
            || answers < after
            || self.common.episode.mentioned
            || asked_for
            || offered
            || self.gap().is_some()
        {
            return;
        }
        self.common.episode.mentioned = true;
        let (class, key) = (Class::System, TextKey::MentionPerson);
        self.say(class, key, TextArgs::default(), None);
    }

    /// The customer answered the offer that `rule` had led to.
    pub(super) fn offer_answered(&mut self, accepted: bool, rule: &str, matched: &str) {
        self.note(Fact::OfferAnswered {
            accepted,
            rule: rule.to_owned(),
            matched: cut(matched.to_owned(), MATCHED_BYTES_MAX),
        });
    }
}

/// Whether the customer pressed the no of an old offer after all is over: then it is kept, and nothing is opened.
pub(super) fn dismissed(inbound: &Inbound, cx: &mut Cx<'_>) -> bool {
    let pressed = matches!(&inbound.body, Body::Choice { id, .. } if id == OFFER_NO);
    let begun = cx.common.episode.number > 0;
    if pressed && begun {
        cx.customer_wrote(inbound, ModeName::Closed);
        cx.common.episode.waiting_since = None;
        cx.common.unread = 0;
    }
    pressed && begun
}

/// Whether the AI has something to be sorry for.
const fn key(reason: Reason) -> TextKey {
    match reason {
        Reason::Sentiment
        | Reason::Repetition
        | Reason::Deflection
        | Reason::LowConfidence
        | Reason::NoAnswer
        | Reason::Guardrail => TextKey::OfferTrouble,
        Reason::UserRequest
        | Reason::Keyword
        | Reason::OutOfScope
        | Reason::Sensitive
        | Reason::Urgent
        | Reason::HighValue
        | Reason::ToolCall
        | Reason::ModelTimeout
        | Reason::ModelFailure
        | Reason::Operator
        | Reason::Policy
        | Reason::External => TextKey::Offer,
    }
}
