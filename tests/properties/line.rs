//! The laws of messages: what leaves and when, in doubt, parked, refused late; and what a person's words have answered.

use std::time::Duration;

use segue::clock::Timestamp;
use segue::conversation::decision::{Answer, Decision, Perform, Refusal};
use segue::conversation::event::Event;
use segue::conversation::message::{Attempt, ReportState};
use segue::conversation::policy::Policy;
use segue::conversation::trail::{Entry, Fact};
use segue::conversation::words::{Class, MessageState, SlaClock};
use segue::conversation::{Conversation, OwedState, PARKED_MAX, SENT_MAX};
use segue::ids::EffectId;

use super::{Answers, Law, Laws, Message, law};

/// How long a provider may take to refuse what it had taken.
const TOLD_WITHIN: Duration = Duration::from_hours(1);

/// What the words answered is not given back any more.
fn forget(words: &mut Option<Message>) {
    if let Some(words) = words {
        words.answers = None;
    }
}

impl Laws {
    /// What the event alone says of a message.
    pub(super) fn outcome(&mut self, event: &Event) {
        if let Event::SendSettled { effect, attempt } = event
            && matches!(attempt, Attempt::Rejected { .. })
            && let Some(message) = self.line.get_mut(effect)
        {
            message.may_go = true;
        }
        if let Event::Reported(report) = event
            && report.state == ReportState::Failed
            && let Some(message) = report
                .effect
                .and_then(|(_, effect)| self.line.get_mut(&effect))
        {
            message.may_go = true;
        }
    }

    pub(super) fn messages(&mut self, entry: &Entry, event: &Event, now: Timestamp) -> Law {
        let decided = match &entry.fact {
            Fact::AiWrote { effect, .. } => Some((*effect, Class::Ai)),
            Fact::HumanWrote { effect, .. } => Some((*effect, Class::Human)),
            Fact::SystemWrote { effect, class, .. } => Some((*effect, *class)),
            _ => None,
        };
        if let Some((effect, class)) = decided {
            let message = Message {
                class,
                decided_at: entry.at,
                may_go: true,
                doubted: false,
                was_kept: false,
                answers: None,
            };
            let known =
                self.line.insert(effect, message).is_some() || self.left.contains_key(&effect);
            law(!known, || format!("message {effect} was decided twice"))?;
            if class == Class::Human {
                self.human.insert(effect);
            }
        }
        let Fact::Settled {
            effect,
            state,
            code,
            ..
        } = &entry.fact
        else {
            return Ok(());
        };
        if *state == MessageState::InDoubt && code == "repeated" {
            let message = self.line.get_mut(effect).ok_or("a repetition of nothing")?;
            message.may_go = true;
            message.doubted = true;
            return Ok(());
        }
        if self.parks(*effect, *state, event, now)? {
            return Ok(());
        }
        let message = self.line.remove(effect).or(self.parked.remove(effect));
        self.words_settled(*effect, message.as_ref(), *state, code, now);
        self.has_left(*effect, message.as_ref(), *state, code);
        if message.is_none() {
            // a later report, or a stream that was lost
            let lost = code == "stream_lost";
            let before = self.left.get(effect);
            let on = matches!(
                (before, state),
                (
                    Some(MessageState::Sent),
                    MessageState::Delivered | MessageState::Read | MessageState::Failed
                ) | (
                    Some(MessageState::Delivered),
                    MessageState::Read | MessageState::Failed
                ) | (Some(MessageState::Read), MessageState::Failed)
                    | (
                        Some(MessageState::InDoubt),
                        MessageState::Sent
                            | MessageState::Delivered
                            | MessageState::Read
                            | MessageState::Failed
                    )
            );
            law(on || lost, || {
                format!("message {effect} went from {before:?} to {state}")
            })?;
        }
        self.left.insert(*effect, *state);
        Ok(())
    }

    /// The last that left are remembered; of a person's words that the provider took, what they answered.
    fn has_left(
        &mut self,
        effect: EffectId,
        message: Option<&Message>,
        state: MessageState,
        code: &str,
    ) {
        if self.left.contains_key(&effect) {
            return;
        }
        let taken = state == MessageState::Sent && code != "elsewhere";
        let told =
            |one: &&Message| one.class == Class::Human || (self.reports && one.answers.is_some());
        let kept = message.filter(|one| taken && !one.doubted).filter(told);
        self.sent.push_back((effect, kept.copied()));
        if self.sent.len() > SENT_MAX {
            self.sent.pop_front();
        }
    }

    /// Whether a message was parked, or leaves because the customer wrote.
    fn parks(
        &mut self,
        effect: EffectId,
        state: MessageState,
        event: &Event,
        now: Timestamp,
    ) -> Result<bool, String> {
        match state {
            MessageState::Parked => {
                let message = match self.line.remove(&effect) {
                    Some(message) => message,
                    None => self.refused_late(effect, now)?,
                };
                law(message.class == Class::Human, || {
                    format!("{effect} of the class {} is kept", message.class)
                })?;
                law(message.may_go, || format!("{effect} is parked on its way"))?;
                self.parked.insert(effect, message);
            }
            MessageState::Pending => {
                let mut message = self.parked.remove(&effect).ok_or("it was not parked")?;
                let wrote = matches!(event, Event::CustomerWrote { .. });
                // Or they wrote before the refusal came.
                let refused = matches!(event, Event::Reported(_) | Event::SendSettled { .. });
                law(wrote || refused, || {
                    format!("{effect} leaves, and nobody wrote")
                })?;
                message.decided_at = now;
                message.was_kept = true;
                self.line.insert(effect, message);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Words that the provider had taken, and refuses in a report.
    fn refused_late(&mut self, effect: EffectId, now: Timestamp) -> Result<Message, String> {
        let place = self.sent.iter().position(|(one, _)| *one == effect);
        let (_, words) = place
            .and_then(|place| self.sent.remove(place))
            .ok_or("parked, neither in the line nor sent")?;
        let state = self.left.remove(&effect);
        law(state == Some(MessageState::Sent), || {
            format!("{effect} is parked as {state:?}")
        })?;
        let words = words.ok_or("parked, and nobody's words")?;
        law(now < words.decided_at + TOLD_WITHIN, || {
            format!("{effect} is parked after its time")
        })?;
        Ok(Message {
            may_go: true,
            ..words
        })
    }

    /// What a shut window holds back of a person's words is kept until the customer writes, or its time is over.
    /// Nothing of a person is given back any more; the answer itself may still fail.
    pub(super) fn answered_by_ai(
        &mut self,
        effect: EffectId,
        since: Option<Timestamp>,
        line: bool,
    ) {
        self.answered.insert(effect);
        let theirs = |message: &&mut Message| message.class == Class::Human;
        let all = self.line.values_mut().chain(self.parked.values_mut());
        for message in all.filter(theirs) {
            message.answers = None;
        }
        for words in self.sent.iter_mut().filter_map(|(_, words)| words.as_mut()) {
            if words.class == Class::Human {
                words.answers = None;
            }
        }
        if let Some(message) = self.line.get_mut(&effect).filter(|_| line) {
            message.answers = Some(Answers {
                since,
                first_of: None,
            });
        }
    }

    pub(super) fn parked(
        &self,
        event: &Event,
        d: &Decision,
        c: &Conversation,
        now: Timestamp,
    ) -> Law {
        let kept: Vec<_> = c.common().outbox.parked().collect();
        let effects: Vec<_> = kept.iter().map(|one| one.owed.effect).collect();
        let known: Vec<_> = self.parked.keys().copied().collect();
        law(effects == known, || {
            format!("parked {effects:?}, known {known:?}")
        })?;
        law(kept.len() <= PARKED_MAX, || {
            format!("{} parked", kept.len())
        })?;
        let wrote = matches!(event, Event::CustomerWrote { .. }) && d.answer == Answer::Accepted;
        law(!wrote || kept.is_empty(), || {
            "the customer wrote, and a reply stays parked".into()
        })?;
        let over = |until: Timestamp| d.changed && until <= now;
        law(!kept.iter().any(|one| over(one.until)), || {
            "a parked reply has outlived its time".into()
        })?;
        let refused = matches!(d.answer, Answer::Refused(Refusal::WindowShut { .. }));
        law(!refused, || "a reply was refused by the window".into())
    }

    /// What it means for a person's words, these or earlier ones, that a message was settled.
    fn words_settled(
        &mut self,
        effect: EffectId,
        message: Option<&Message>,
        state: MessageState,
        code: &str,
        now: Timestamp,
    ) {
        let late = |(one, words): &(EffectId, Option<Message>)| {
            let words =
                words.filter(|words| *one == effect && now < words.decided_at + TOLD_WITHIN);
            words.and_then(|words| words.answers)
        };
        let answers = match message {
            Some(message) => message.answers,
            None => self.sent.iter().find_map(late),
        };
        let by_people = ["undone", "parked_expired"].contains(&code);
        match (answers, state) {
            (Some(answers), MessageState::Suppressed | MessageState::Failed)
                if by_people || !self.unreachable =>
            {
                self.taken_back(effect, answers, now);
            }
            (_, MessageState::Delivered | MessageState::Read)
                if self.human.contains(&effect) || self.answered.contains(&effect) =>
            {
                for (_, words) in self.sent.iter_mut().filter(|(one, _)| *one <= effect) {
                    forget(words);
                }
                self.answered_by(effect);
            }
            (_, MessageState::Sent) if code == "elsewhere" => self.answered_otherwise(),
            (_, MessageState::Sent) if self.human.contains(&effect) => self.answered_by(effect),
            _ => {}
        }
    }

    fn answered_by(&mut self, effect: EffectId) {
        let before = self.line.range_mut(..effect);
        let before = before.chain(self.parked.range_mut(..effect));
        before.for_each(|(_, earlier)| earlier.answers = None);
    }

    /// They reached nobody: the next word that may arrive answers in their stead, or the customer waits on.
    fn taken_back(&mut self, effect: EffectId, answers: Answers, now: Timestamp) {
        if let Some((_, words)) = self.sent.iter_mut().find(|(one, _)| *one == effect) {
            forget(words);
        }
        let later = self.line.range_mut(effect..);
        let later = later.chain(self.parked.range_mut(effect..));
        let waits = later.filter(|(other, one)| **other != effect && one.answers.is_some());
        let waits = waits.map(|(other, one)| (*other, one.answers.as_mut()));
        let left = &self.left;
        let may_arrive = |other: EffectId| {
            let state = left.get(&other);
            !matches!(state, Some(MessageState::Failed | MessageState::Suppressed))
        };
        let human = &self.human;
        let remembers = |words: &Option<Message>| {
            words.is_some_and(|words| words.class == Class::Ai && words.answers.is_some())
        };
        let taken = self.sent.iter_mut();
        let taken = taken.filter(|(other, words)| {
            let answers = human.contains(other) || remembers(words);
            *other > effect && answers && may_arrive(*other)
        });
        let taken = taken.map(|(other, words)| {
            let words = words.as_mut();
            let words = words.filter(|words| now < words.decided_at + TOLD_WITHIN);
            (*other, words.and_then(|words| words.answers.as_mut()))
        });
        let next = waits.chain(taken).min_by_key(|(other, _)| *other);
        if let Some((_, next)) = next {
            // None: that one was the answer.
            let Some(next) = next else { return };
            next.since = answers.since.into_iter().chain(next.since).min();
            next.first_of = next.first_of.or(answers.first_of);
            return;
        }
        self.waiting_since = answers.since.into_iter().chain(self.waiting_since).min();
        if let Some(handoff) = answers.first_of {
            self.first_words.remove(&handoff);
            self.evaluated.remove(&(handoff, SlaClock::FirstResponse));
        }
    }

    pub(super) fn answered_otherwise(&mut self) {
        for message in self.line.values_mut().chain(self.parked.values_mut()) {
            message.answers = None;
        }
        self.sent.iter_mut().for_each(|(_, words)| forget(words));
    }

    /// In order, one at a time, once unless marked, within its patience, and only while the window is open.
    pub(super) fn releases(
        &mut self,
        d: &Decision,
        c: &Conversation,
        policy: &Policy,
        now: Timestamp,
    ) -> Law {
        for perform in &d.perform {
            let Perform::Send(effect) = perform else {
                continue;
            };
            let owed = c.common().outbox.find(*effect).ok_or("a send of nothing")?;
            law(matches!(owed.state, OwedState::InFlight { .. }), || {
                "sent, not in flight".into()
            })?;
            let message = self
                .line
                .get_mut(effect)
                .ok_or("a send of nothing decided")?;
            law(*effect >= self.last_released || message.was_kept, || {
                format!("{effect} after {}", self.last_released)
            })?;
            self.last_released = self.last_released.max(*effect);
            law(message.may_go, || format!("{effect} left twice, unmarked"))?;
            law(!message.doubted || owed.in_doubt, || {
                format!("{effect} repeated, not marked")
            })?;
            message.may_go = false;
            let age = now.since(message.decided_at);
            let patience = match message.class {
                Class::Ai => 60,
                Class::Human => 600,
                _ => u64::MAX,
            };
            law(age.as_secs() < patience, || {
                format!("{effect} left after {age:?}")
            })?;
            let window = policy.channel_rules(&c.common().channel).reply_window;
            let open = match (window, c.common().last_inbound_at) {
                (Some(window), Some(at)) => now < at + window,
                (Some(_), None) => false,
                (None, _) => true,
            };
            law(open, || format!("{effect} left through a shut window"))?;
        }
        let mut under_way = 0;
        for (place, owed) in c.common().outbox.owed().enumerate() {
            match owed.state {
                OwedState::InFlight { .. } | OwedState::Doubt { .. } => {
                    under_way += 1;
                    law(place == 0, || "in flight behind the first".into())?;
                }
                OwedState::Pending { .. } => {}
            }
        }
        law(under_way <= 1, || format!("{under_way} under way at once"))
    }

    /// What is owed is what was decided and not settled.
    pub(super) fn line_is_known(&self, c: &Conversation) -> Law {
        let mut owed: Vec<_> = c
            .common()
            .outbox
            .owed()
            .filter(|owed| owed.entry.is_some())
            .map(|owed| owed.effect)
            .collect();
        // what was parked stands behind what was on its way when the customer wrote
        owed.sort_unstable();
        let known: Vec<_> = self.line.keys().copied().collect();
        law(owed == known, || format!("owed {owed:?}, known {known:?}"))
    }
}
