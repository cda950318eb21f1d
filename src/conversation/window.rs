//! What the rules remember from message to message while the AI speaks: the trigger window.
//!
//! It holds what was asked and answered, how often the AI deflected, what was offered and what became of it. A fresh one
//! begins with every episode and every handback, so that an old request cannot fire again. It is a fold over the trail
//! ([`TriggerWindow::observe`]), kept in the head and bounded; replay builds the same one from the same entries. It never holds
//! the customer's words, except those that an offer rests on while it stands, and decides nothing.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::handoff::Trigger;
use super::trail::Fact;
use super::words::{ModeName, Reason};
use crate::ids::{IdHash, QueueName};
use crate::triage::specs::Action;
use crate::triage::{Answered, Finding, Gist};

/// The most messages remembered: the same question is asked again soon or hardly ever.
const ASKED_MAX: usize = 8;
/// The customer's messages during which an offer can be answered. Later a bare "yes" means something else.
const OFFER_MESSAGES: u8 = 3;
/// The most offers in one window: whoever ignored or declined three does not want a person.
const OFFERS_MAX: usize = 3;

/// What the rules remember.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct TriggerWindow {
    asked: VecDeque<Asked>,
    deflections: u8,
    /// The last answer was vague, and its words are still to come.
    vague: bool,
    offers: Vec<Offered>,
    standing: Option<Offer>,
}

/// A message of the customer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Asked {
    gist: Gist,
    /// The AI has answered since.
    answered: bool,
}

/// Something that was offered in this window.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Offered {
    rule: IdHash,
    /// What the customer was asking about.
    about: Gist,
    answered: Answered,
}

/// An offer that waits for yes or no.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Offer {
    rule: String,
    reason: Reason,
    matched: String,
    queue: Option<QueueName>,
    priority: u8,
    /// How many more messages may answer it.
    messages: u8,
}

impl Offer {
    /// The rule that led to it.
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// How urgent the handoff will be.
    pub fn priority(&self) -> u8 {
        self.priority
    }

    /// What the handoff rests on when it is accepted.
    pub fn trigger(&self) -> Trigger {
        Trigger {
            reason: self.reason,
            rule: self.rule.clone(),
            matched: self.matched.clone(),
            queue: self.queue.clone(),
        }
    }
}

impl TriggerWindow {
    /// The offer that waits for an answer, if one does.
    pub fn offer(&self) -> Option<&Offer> {
        self.standing.as_ref()
    }

    /// The same, if the offer that stands had never been made.
    #[must_use]
    pub fn without_offer(&self) -> Self {
        Self {
            standing: None,
            ..self.clone()
        }
    }

    /// How often the AI deflected or answered vaguely; a good answer takes one back.
    pub fn deflections(&self) -> u8 {
        self.deflections
    }

    /// What the customer asked and was answered, oldest first.
    pub fn answered(&self) -> Vec<Gist> {
        let answered = self.asked.iter().filter(|asked| asked.answered);
        answered.map(|asked| asked.gist.clone()).collect()
    }

    /// Whether `finding` may have its effect: nothing is offered twice, and for some messages after a no nothing that is
    /// as weak; what was declined is not forced either, where it rests on signs alone. What the customer asks for in words
    /// is never held back.
    pub fn allows(&self, finding: &Finding) -> bool {
        let refused = || self.offers.iter().any(|one| one.answered.refuses(finding));
        match finding.action {
            Action::Signal => true,
            Action::Offer => {
                self.standing.is_none()
                    && self.offers.len() < OFFERS_MAX
                    && self.offered(finding).is_none()
                    && !refused()
            }
            Action::Handoff => {
                let declined = |one: &Offered| one.answered.declined();
                !self.offered(finding).is_some_and(declined) && !refused()
            }
        }
    }

    fn offered(&self, finding: &Finding) -> Option<&Offered> {
        let rule = IdHash::of(&finding.rule);
        let about = self.asked.back().map(|asked| &asked.gist);
        // the same question over and over is one thing, another question another
        let same = |one: &Offered| {
            finding.reason != Reason::Repetition || about.is_some_and(|gist| gist.same(&one.about))
        };
        self.offers.iter().find(|one| one.rule == rule && same(one))
    }

    /// What an entry of the trail changes.
    pub fn observe(&mut self, fact: &Fact) {
        match fact {
            Fact::Opened { .. } | Fact::HandedBack { .. } => *self = Self::default(),
            Fact::CustomerWrote {
                body,
                owner: ModeName::Ai,
                ..
            } => self.heard(Gist::of(body.text())),
            Fact::AiWrote { text, .. } => self.ai_wrote(text),
            Fact::RuleFired {
                reason: Reason::Deflection | Reason::NoAnswer,
                action: Action::Signal,
                observed: false,
                ..
            } => {
                // one answer counts once, whatever is wrong with it
                if !std::mem::replace(&mut self.vague, true) {
                    self.deflections = self.deflections.saturating_add(1);
                }
            }
            Fact::OfferMade {
                rule,
                reason,
                matched,
                queue,
                priority,
                ..
            } => self.made(Offer {
                rule: rule.clone(),
                reason: *reason,
                matched: matched.clone(),
                queue: queue.clone(),
                priority: *priority,
                messages: OFFER_MESSAGES,
            }),
            Fact::OfferAnswered { accepted, .. } => {
                let offer = self.standing.take();
                if let (false, Some(last)) = (accepted, self.offers.last_mut()) {
                    last.answered = Answered::no(offer.map(|offer| (offer.reason, offer.priority)));
                }
            }
            Fact::HandoffRequested { .. } | Fact::Claimed { .. } | Fact::Closed { .. } => {
                self.standing = None;
            }
            Fact::CustomerWrote { .. }
            | Fact::RuleFired { .. }
            | Fact::HumanWrote { .. }
            | Fact::FilesAdded { .. }
            | Fact::ApprovalAsked { .. }
            | Fact::ApprovalDecided { .. }
            | Fact::SystemWrote { .. }
            | Fact::NoteWritten { .. }
            | Fact::ModelAsked { .. }
            | Fact::ModelAnswered { .. }
            | Fact::ModelFailed { .. }
            | Fact::AskCancelled { .. }
            | Fact::DraftKept { .. }
            | Fact::HandoffSettled { .. }
            | Fact::Transferred { .. }
            | Fact::AskedIfDone { .. }
            | Fact::Kept { .. }
            | Fact::LeaseLapsed { .. }
            | Fact::LadderStepped { .. }
            | Fact::GhostDeclared { .. }
            | Fact::SlaEvaluated { .. }
            | Fact::Settled { .. }
            | Fact::Reviewed { .. }
            | Fact::Edited { .. }
            | Fact::EventParked { .. }
            | Fact::CustomerChanged { .. } => {}
        }
    }

    fn heard(&mut self, gist: Gist) {
        self.standing = self.standing.take().and_then(|offer| {
            let messages = offer.messages.checked_sub(1)?;
            Some(Offer { messages, ..offer })
        });
        for offered in &mut self.offers {
            offered.answered.heard();
        }
        // asked again before there was an answer: impatience, and no second question
        let again = |asked: &Asked| !asked.answered && asked.gist.same(&gist);
        if gist.is_empty() || self.asked.iter().any(again) {
            return;
        }
        if self.asked.len() == ASKED_MAX {
            self.asked.pop_front();
        }
        self.asked.push_back(Asked {
            gist,
            answered: false,
        });
    }

    fn ai_wrote(&mut self, text: &str) {
        // a yes would be to the AI's own question now; the button under the offer still counts
        if text.trim_end().ends_with('?') {
            self.standing = None;
        }
        for asked in &mut self.asked {
            asked.answered = true;
        }
        if !std::mem::take(&mut self.vague) {
            self.deflections = self.deflections.saturating_sub(1);
        }
    }

    fn made(&mut self, offer: Offer) {
        let about = self.asked.back().map(|asked| asked.gist.clone());
        if self.offers.len() < OFFERS_MAX {
            self.offers.push(Offered {
                rule: IdHash::of(&offer.rule),
                about: about.unwrap_or_default(),
                answered: Answered::default(),
            });
        }
        self.standing = Some(offer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::message::Body;
    use crate::ids::{AskId, EffectId};
    use crate::triage::VAGUE;

    fn wrote(text: &str) -> Fact {
        Fact::CustomerWrote {
            id: text.to_owned(),
            body: Body::Text(text.to_owned()),
            owner: ModeName::Ai,
        }
    }

    fn answer() -> Fact {
        Fact::AiWrote {
            effect: EffectId(1),
            ask: AskId(1),
            text: "An answer.".to_owned(),
            sources: Vec::new(),
            partial: false,
        }
    }

    fn fired(rule: &str) -> Fact {
        Fact::RuleFired {
            rule: rule.to_owned(),
            reason: Reason::Deflection,
            matched: String::new(),
            language: "en".to_owned(),
            action: Action::Signal,
            observed: false,
        }
    }

    fn made(rule: &str) -> Fact {
        Fact::OfferMade {
            rule: rule.to_owned(),
            reason: Reason::Keyword,
            matched: "cancel".to_owned(),
            language: "en".to_owned(),
            queue: None,
            priority: 0,
            effect: EffectId(1),
        }
    }

    fn after(facts: &[Fact]) -> TriggerWindow {
        let mut window = TriggerWindow::default();
        facts.iter().for_each(|fact| window.observe(fact));
        window
    }

    #[test]
    fn a_question_counts_again_only_when_it_was_answered_before() {
        let hasty = after(&[
            wrote("where is my parcel"),
            wrote("my parcel, where is it?"),
        ]);
        assert!(hasty.answered().is_empty());
        let patient = after(&[wrote("where is my parcel"), answer(), wrote("where is it")]);
        assert_eq!(patient.answered().len(), 1);
    }

    #[test]
    fn a_good_answer_takes_a_vague_one_back() {
        let check = |facts: &[Fact], left: u8| assert_eq!(after(facts).deflections(), left);
        check(&[fired(VAGUE), answer()], 1);
        check(&[fired(VAGUE), answer(), fired(VAGUE), answer()], 2);
        check(&[fired(VAGUE), answer(), answer()], 0);
        check(&[answer()], 0);
        check(&[fired(VAGUE), fired("answer.no_chunks"), answer()], 1);
    }

    #[test]
    fn an_offer_stands_for_a_few_messages() {
        let mut facts = vec![wrote("cancel it"), made("keyword.cancel")];
        for text in ["what is it", "and the other thing", "one more question"] {
            facts.push(wrote(text));
            assert!(after(&facts).offer().is_some(), "{text}");
        }
        facts.push(wrote("yes"));
        assert!(after(&facts).offer().is_none());
    }

    #[test]
    fn a_question_of_the_ai_ends_an_offer() {
        let asks = Fact::AiWrote {
            effect: EffectId(2),
            ask: AskId(1),
            text: "Shall I show you some? ".to_owned(),
            sources: Vec::new(),
            partial: false,
        };
        let mut facts = vec![wrote("cancel it"), made("keyword.cancel"), answer()];
        assert!(after(&facts).offer().is_some());
        facts.push(asks);
        assert!(after(&facts).offer().is_none());
    }

    fn declined(rule: &str) -> Fact {
        Fact::OfferAnswered {
            accepted: false,
            rule: rule.to_owned(),
            matched: "no".to_owned(),
        }
    }

    fn found(rule: &str, reason: Reason, action: Action) -> Finding {
        Finding {
            rule: rule.to_owned(),
            kind: crate::triage::specs::Kind::Keyword,
            reason,
            matched: String::new(),
            language: "en",
            action,
            queue: None,
            priority: crate::triage::specs::Priority::Normal,
            observe_only: false,
        }
    }

    #[test]
    fn a_no_is_heard_by_other_rules_for_a_few_messages() {
        let mut facts = vec![
            wrote("cancel it"),
            made("keyword.cancel"),
            wrote("no"),
            declined("keyword.cancel"),
        ];
        let allows = |facts: &[Fact], reason, action| {
            after(facts).allows(&found("another.rule", reason, action))
        };
        for text in ["lamps", "shirts", "shoes", "cups", "plates"] {
            facts.push(wrote(text));
            let check = |reason, action, allowed: bool| {
                let found = allows(&facts, reason, action);
                assert_eq!(found, allowed, "{text}: {reason:?} {action:?}");
            };
            check(Reason::Repetition, Action::Offer, false);
            check(Reason::Keyword, Action::Offer, false);
            check(Reason::Deflection, Action::Handoff, false);
            check(Reason::Urgent, Action::Offer, true);
            check(Reason::Keyword, Action::Handoff, true);
            check(Reason::UserRequest, Action::Handoff, true);
            check(Reason::LowConfidence, Action::Handoff, true);
            check(Reason::Deflection, Action::Signal, true);
        }
        facts.push(wrote("chairs"));
        assert!(allows(&facts, Reason::Keyword, Action::Offer));
        let again = found("keyword.cancel", Reason::Keyword, Action::Offer);
        assert!(!after(&facts).allows(&again), "declined in this window");
    }

    #[test]
    fn a_fresh_window_begins_with_every_episode() {
        let opened = Fact::Opened {
            episode: 2,
            by: crate::conversation::words::By::Customer,
            reopened: false,
        };
        let facts = [wrote("cancel it"), made("keyword.cancel"), opened];
        assert_eq!(after(&facts), TriggerWindow::default());
    }
}
