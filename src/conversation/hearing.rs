//! What the customer's words lead to before a model is asked, and what its answer leads to before it goes out.
//!
//! One place for the core, replay and `segue triage`: the rules find, the window says what may still have an effect, and
//! the order decides: a topic out of scope, the explicit request, the other rules that hand over, the answer to an offer
//! that stands, a new offer; only then the model. Nothing but policy, words and window counts. Pure.

use super::common::Cx;
use super::handoff::Trigger;
use super::message::Body;
use super::policy::Policy;
use super::question::{ModelAnswer, ModelVerdict};
use super::window::{Offer, TriggerWindow};
use super::words::Reason;
use crate::ids::{HandoffId, QueueName};
use crate::triage::specs::{Action, Kind, Priority};
use crate::triage::{AnswerFacts, Assessment, Context, Finding, Match, Mood, Triage};

/// The button that takes an offer.
pub const OFFER_YES: &str = "offer_yes";
/// The button that declines it.
pub const OFFER_NO: &str = "offer_no";
/// The rules that the buttons of an old offer stand for.
const BUTTON: &str = "button.offer_yes";
const BUTTON_NO: &str = "button.offer_no";

/// What was found in a message.
#[derive(Clone, PartialEq, Debug)]
pub struct Heard {
    /// What follows.
    pub verdict: Verdict,
    /// Rules that only observe, and would have done something.
    pub observed: Vec<Finding>,
}

/// What follows from a message.
#[derive(Clone, PartialEq, Debug)]
pub enum Verdict {
    /// A rule hands over.
    Handoff(Finding),
    /// The offer that stood was accepted, by these words.
    Accepted(Offer, Match),
    /// The offer that stood was declined, by these words: the question is for the model after all.
    Declined(Match),
    /// The no of an offer that stands no more was pressed: there is nothing to answer.
    Dismissed(Finding),
    /// A person is offered.
    Offer(Finding),
    /// The model may answer.
    Model,
}

impl Heard {
    /// A button of an offer that stands no more was pressed: the yes is a request in itself.
    fn pressed(id: &str, title: &str) -> Option<Self> {
        let (rule, action) = match id {
            OFFER_YES => (BUTTON, Action::Handoff),
            OFFER_NO => (BUTTON_NO, Action::Signal),
            _ => return None,
        };
        let finding = Finding {
            rule: rule.to_owned(),
            kind: Kind::Keyword,
            reason: Reason::UserRequest,
            matched: title.to_owned(),
            language: "",
            action,
            queue: None,
            priority: Priority::Normal,
            observe_only: false,
        };
        let verdict = match action {
            Action::Handoff => Verdict::Handoff(finding),
            Action::Signal | Action::Offer => Verdict::Dismissed(finding),
        };
        let observed = Vec::new();
        Some(Self { verdict, observed })
    }

    /// Who asks for a person now, and how urgently; none: nobody does.
    pub fn person(&self, policy: &Policy) -> Option<(Trigger, u8)> {
        match &self.verdict {
            Verdict::Handoff(finding) => Some((policy.trigger(finding), finding.priority.value())),
            Verdict::Accepted(offer, _) => Some((offer.trigger(), offer.priority())),
            Verdict::Declined(_) | Verdict::Dismissed(_) | Verdict::Offer(_) | Verdict::Model => {
                None
            }
        }
    }

    /// What leads to an offer now; none: nothing does.
    pub fn offer(&self) -> Option<&Finding> {
        match &self.verdict {
            Verdict::Offer(finding) => Some(finding),
            Verdict::Handoff(_)
            | Verdict::Accepted(..)
            | Verdict::Declined(_)
            | Verdict::Dismissed(_)
            | Verdict::Model => None,
        }
    }
}

impl Policy {
    /// What follows from what a customer wrote, before a model is asked. `window` has seen the message already.
    pub fn hear(&self, body: &Body, language: Option<&str>, window: &TriggerWindow) -> Heard {
        if let (Body::Choice { id, title }, None) = (body, window.offer())
            && let Some(heard) = Heard::pressed(id, title)
        {
            return heard;
        }
        let text = body.text();
        let recent = window.answered();
        let context = Context {
            language,
            recent: &recent,
            deflections: window.deflections(),
        };
        let mut triage = self.triage.rules().before_model(text, &context);
        triage = triage.in_house(&self.phrases, text, language);
        let observed = observed(&triage);
        triage.findings.retain(|finding| window.allows(finding));
        let verdict = match (triage.decision(), window.offer()) {
            (Some(found), _) if found.action == Action::Handoff => Verdict::Handoff(found.clone()),
            (found, Some(offer)) => self
                .answer(body, offer)
                .unwrap_or_else(|| found.cloned().map_or(Verdict::Model, Verdict::Offer)),
            (Some(found), None) => Verdict::Offer(found.clone()),
            (None, None) => Verdict::Model,
        };
        Heard { verdict, observed }
    }

    /// Yes or no to the offer that stands, in words or by a button.
    fn answer(&self, body: &Body, offer: &Offer) -> Option<Verdict> {
        let pressed = |id: &str, title: &str| Match {
            rule: format!("button:{id}"),
            matched: title.to_owned(),
        };
        if let Body::Choice { id, title } = body {
            match id.as_str() {
                OFFER_YES => return Some(Verdict::Accepted(offer.clone(), pressed(id, title))),
                OFFER_NO => return Some(Verdict::Declined(pressed(id, title))),
                _ => {}
            }
        }
        let text = body.text();
        let yes = self.phrases.says_yes(text);
        let yes = yes.map(|found| Verdict::Accepted(offer.clone(), found));
        yes.or_else(|| self.phrases.says_no(text).map(Verdict::Declined))
    }

    /// What a handoff by this finding rests on. A queue that there is not (any more) is left out.
    pub fn trigger(&self, finding: &Finding) -> Trigger {
        let queue = finding.queue.as_deref().map(QueueName::from);
        Trigger {
            reason: finding.reason,
            rule: finding.rule.clone(),
            matched: finding.matched.clone(),
            queue: queue.filter(|queue| self.queues.contains_key(queue)),
        }
    }
}

/// What was found in an answer of the model.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Judged {
    /// It is held back, and a person is asked for.
    pub handoff: Option<Finding>,
    /// It goes out, and a person is offered behind it.
    pub offer: Option<Finding>,
    /// What stands on the trail besides: what is only counted, and what only observes.
    pub noted: Vec<Finding>,
}

impl Judged {
    /// The rule that holds it back.
    pub fn rule(&self) -> Option<&str> {
        self.handoff.as_ref().map(|finding| finding.rule.as_str())
    }
}

impl Cx<'_> {
    /// What the rules find in an answer of the model. Of one that escalates, only what the guard held back is read.
    pub(super) fn judge(
        &self,
        answer: &ModelAnswer,
        assessment: &Assessment,
        handoff: Option<HandoffId>,
    ) -> Judged {
        let grounds = answer.grounds.as_ref();
        let passages: Option<Vec<&str>> =
            grounds.map(|of| of.passages.iter().map(String::as_str).collect());
        let language = self.language();
        let percent = answer.confidence.or(assessment.confidence);
        let facts = AnswerFacts {
            language: language.as_deref(),
            confidence: percent.map(|percent| u16::from(percent) * 10),
            chunks: passages.as_deref(),
            asked: grounds.map_or("", |grounds| grounds.asked.as_str()),
            given: grounds.map_or("", |grounds| grounds.given.as_str()),
            vague: self.common.window.deflections(),
            handoff: handoff.is_some(),
            lead_class: assessment.lead_class.as_deref(),
            category: assessment.category.as_deref(),
            sensitive: assessment.sensitive == Some(true),
            displeased: assessment.sentiment == Some(Mood::Negative),
        };
        let rules = self.policy.triage.rules();
        match &answer.verdict {
            ModelVerdict::Escalate {
                reason: Reason::Guardrail,
                summary,
            } => Judged {
                handoff: rules.offence(summary, &facts),
                ..Judged::default()
            },
            ModelVerdict::Escalate { .. } => Judged::default(),
            ModelVerdict::Reply => self.policy.judge(&answer.text, &facts, &self.common.window),
        }
    }
}

impl Policy {
    /// What follows from an answer of the model, before it goes out.
    pub fn judge(&self, answer: &str, facts: &AnswerFacts<'_>, window: &TriggerWindow) -> Judged {
        let mut findings = self.triage.rules().after_model(answer, facts);
        findings.retain(|finding| window.allows(finding));
        let first = |action: Action| {
            let mut found = findings.iter();
            found
                .find(|finding| finding.action == action && !finding.observe_only)
                .cloned()
        };
        Judged {
            handoff: first(Action::Handoff),
            offer: first(Action::Offer),
            noted: findings
                .iter()
                .filter(|finding| finding.observe_only || finding.action == Action::Signal)
                .cloned()
                .collect(),
        }
    }
}

/// What rules that only observe would have done.
fn observed(triage: &Triage) -> Vec<Finding> {
    let found = triage.findings.iter();
    found
        .filter(|finding| finding.observe_only && finding.action != Action::Signal)
        .cloned()
        .collect()
}
