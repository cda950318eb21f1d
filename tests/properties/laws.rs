//! The laws, and a small model of ownership, handoffs, messages and clocks that they are held against.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use segue::clock::Timestamp;
use segue::conversation::decision::{Answer, Decision, Perform, Refusal, Signal};
use segue::conversation::event::{Act, Event};
use segue::conversation::message::{Attempt, ReportState};
use segue::conversation::policy::Policy;
use segue::conversation::trail::{Entry, Fact, GhostCause};
use segue::conversation::words::{By, Class, MessageState, ModeName, Role, SlaClock};
use segue::conversation::{
    Conversation, HEAD_BYTES_ALARM, LINE_MAX, Mode, OwedState, PARKED_MAX, SENT_MAX,
};
use segue::ids::{AgentName, AskId, EffectId, HandoffId, OwnerEpoch};

type Law = Result<(), String>;

fn law(holds: bool, said: impl Fn() -> String) -> Law {
    if holds { Ok(()) } else { Err(said()) }
}

/// A message that was decided and has not left the line.
#[derive(Clone, Copy)]
struct Message {
    class: Class,
    decided_at: Timestamp,
    /// Its last attempt surely did not arrive, or it is marked in doubt: it may be sent (again).
    may_go: bool,
    /// An attempt had no outcome: it may have arrived.
    doubted: bool,
    /// It was parked: others have had their turn meanwhile.
    was_kept: bool,
    /// A person's words: what they answered, unless something else has.
    answers: Option<Answers>,
}

/// What a person's words answered; taken back before they left, they have answered nothing.
#[derive(Clone, Copy)]
struct Answers {
    since: Option<Timestamp>,
    /// The handoff whose first human word they were.
    first_of: Option<u64>,
}

/// How long a provider may take to refuse what it had taken.
const TOLD_WITHIN: Duration = Duration::from_hours(1);

/// What the words answered is not given back any more.
fn forget(words: &mut Option<Message>) {
    if let Some(words) = words {
        words.answers = None;
    }
}

/// What is known from the events and the trail alone.
pub struct Laws {
    next_entry: u64,
    last_at: Timestamp,
    rev: u64,
    mode: ModeName,
    epoch: OwnerEpoch,
    owner: Option<AgentName>,
    open: bool,
    episode: u32,
    waiting: Option<HandoffId>,
    requested: u64,
    /// Since when the customer waits for a person, over transfers and lapses.
    chain: Option<Timestamp>,
    claimed_at: Timestamp,
    waiting_since: Option<Timestamp>,
    /// The first message beside a question that is let finish: it waits on.
    meanwhile: Option<Timestamp>,
    line: BTreeMap<EffectId, Message>,
    /// Out of the line until the customer writes.
    parked: BTreeMap<EffectId, Message>,
    left: BTreeMap<EffectId, MessageState>,
    /// The last that left, the newest last; a person's words may still turn out not to have arrived.
    sent: VecDeque<(EffectId, Option<Message>)>,
    /// Every message that is a person's words.
    human: BTreeSet<EffectId>,
    /// Nothing can be delivered: nobody waits for it.
    unreachable: bool,
    last_released: EffectId,
    asked: Option<AskId>,
    ended: BTreeSet<AskId>,
    drafts: BTreeSet<AskId>,
    wrote: BTreeSet<String>,
    evaluated: BTreeSet<(u64, SlaClock)>,
    ghosts: BTreeSet<(HandoffId, bool)>,
    first_words: BTreeSet<u64>,
    current: Option<HandoffId>,
}

impl Laws {
    pub fn new(c: &Conversation) -> Self {
        Self {
            next_entry: 0,
            last_at: Timestamp::ZERO,
            rev: 0,
            mode: ModeName::Closed,
            epoch: c.common().epoch,
            owner: None,
            open: false,
            episode: 0,
            waiting: None,
            requested: 0,
            chain: None,
            claimed_at: Timestamp::ZERO,
            waiting_since: None,
            meanwhile: None,
            line: BTreeMap::new(),
            parked: BTreeMap::new(),
            left: BTreeMap::new(),
            sent: VecDeque::new(),
            human: BTreeSet::new(),
            unreachable: false,
            last_released: EffectId(0),
            asked: None,
            ended: BTreeSet::new(),
            drafts: BTreeSet::new(),
            wrote: BTreeSet::new(),
            evaluated: BTreeSet::new(),
            ghosts: BTreeSet::new(),
            first_words: BTreeSet::new(),
            current: None,
        }
    }

    pub fn check(
        &mut self,
        event: &Event,
        d: &Decision,
        c: &Conversation,
        (before, after): (&[u8], &[u8]),
        now: Timestamp,
        policy: &Policy,
    ) -> Law {
        self.nothing_of_nothing(event, d, c, before, after)?;
        self.outcome(event);
        self.unreachable = c.common().unreachable;
        let owner_before = self.owner.clone();
        for entry in &d.entries {
            self.entry(entry, event, d, now)?;
        }
        self.acts(event, d, c, owner_before.as_ref())?;
        self.customer(event, d, policy)?;
        self.releases(d, c, policy, now)?;
        self.one_voice(d, c, policy, now)?;
        self.no_ghost(d, c)?;
        self.line_is_known(c)?;
        self.parked(event, d, c, now)?;
        self.owners(c)?;
        self.due(event, c, now)?;
        self.bounded(c, after)
    }

    /// Refused, repeated and ignored events change nothing; whatever changes is one revision.
    fn nothing_of_nothing(
        &mut self,
        event: &Event,
        d: &Decision,
        c: &Conversation,
        before: &[u8],
        after: &[u8],
    ) -> Law {
        let nothing = match d.answer {
            Answer::Refused(_) | Answer::Duplicate | Answer::Ignored => true,
            Answer::Accepted
            | Answer::Claimed { .. }
            | Answer::Wrote { .. }
            | Answer::Parked { .. }
            | Answer::Asked { .. } => false,
        };
        law(!(nothing && d.changed), || {
            format!("{:?} changed something", d.answer)
        })?;
        law(d.changed == (before != after), || {
            "changed is not what changed".into()
        })?;
        let empty = d.entries.is_empty()
            && d.perform.is_empty()
            && d.signals.is_empty()
            && d.evicted.is_empty();
        law(d.changed || empty, || format!("unchanged, and yet {d:?}"))?;
        law(c.rev() == self.rev + u64::from(d.changed), || {
            format!("revision {}", c.rev())
        })?;
        self.rev = c.rev();
        let again = match event {
            Event::CustomerWrote { inbound, .. } => self.wrote.contains(&inbound.id),
            _ => false,
        };
        law(!again || d.answer == Answer::Duplicate, || {
            "a repetition was taken for new".into()
        })
    }

    /// What the event alone says of a message.
    fn outcome(&mut self, event: &Event) {
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

    fn entry(&mut self, entry: &Entry, event: &Event, d: &Decision, now: Timestamp) -> Law {
        law(entry.n == self.next_entry, || {
            format!("entry {} has a gap before it", entry.n)
        })?;
        law(entry.at >= self.last_at, || {
            format!("time runs backwards at entry {}", entry.n)
        })?;
        law(entry.at >= now, || {
            "an entry is older than its event".into()
        })?;
        self.next_entry += 1;
        self.last_at = entry.at;
        self.episodes(entry)?;
        self.handoffs(entry)?;
        self.messages(entry, event, now)?;
        self.questions(entry, event, d)?;
        self.clocks(entry)
    }

    fn episodes(&mut self, entry: &Entry) -> Law {
        match &entry.fact {
            Fact::Opened { episode, .. } => {
                law(!self.open, || "an open episode was opened".into())?;
                law(*episode == self.episode + 1, || {
                    format!("episode {episode}")
                })?;
                self.episode = *episode;
                self.open = true;
                self.waiting_since = None;
                self.chain = None;
            }
            Fact::Closed { .. } => {
                law(self.open, || "a closed episode was closed".into())?;
                self.open = false;
                self.owner = None;
                self.chain = None;
                self.waiting_since = None;
                self.answered_otherwise();
            }
            Fact::CustomerWrote { id, .. } => {
                law(self.open, || "a message outside an episode".into())?;
                law(self.wrote.insert(id.clone()), || {
                    format!("{id} stands twice")
                })?;
                self.waiting_since.get_or_insert(entry.at);
                if self.asked.is_some() {
                    self.meanwhile.get_or_insert(entry.at);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn handoffs(&mut self, entry: &Entry) -> Law {
        match &entry.fact {
            Fact::HandoffRequested {
                handoff,
                rule,
                deadline,
                ..
            } => {
                law(self.waiting.is_none(), || {
                    format!("{handoff} beside {:?}", self.waiting)
                })?;
                law(handoff.0 == self.requested + 1, || {
                    format!("handoff {handoff}")
                })?;
                law(*deadline >= entry.at, || "a deadline in the past".into())?;
                self.requested += 1;
                self.waiting = Some(*handoff);
                self.chain = match rule.as_str() {
                    "lease.lapsed" => self.chain.or(Some(self.claimed_at)),
                    "agent.transfer" => self.chain.or(Some(entry.at)),
                    _ => Some(entry.at),
                };
                self.owner = None;
            }
            Fact::HandoffSettled { handoff, .. } => {
                law(self.waiting == Some(*handoff), || {
                    format!("{handoff} settled again")
                })?;
                self.waiting = None;
            }
            Fact::Claimed {
                agent,
                handoff,
                from,
                ..
            } => {
                law(self.owner == *from, || {
                    format!("{agent} has it beside {:?}", self.owner)
                })?;
                if self.owner.is_none() {
                    self.claimed_at = entry.at;
                    self.current = *handoff;
                }
                if handoff.is_none() && from.is_none() {
                    self.chain = None;
                }
                if from.is_some() && handoff.is_none() {
                    self.claimed_at = entry.at;
                }
                self.owner = Some(agent.clone());
            }
            Fact::HandedBack { by, .. } => {
                self.owner = None;
                self.chain = None;
                if *by == By::Customer {
                    self.waiting_since = None;
                    self.answered_otherwise();
                }
            }
            Fact::LeaseLapsed { agent, .. } => {
                law(self.owner.as_ref() == Some(agent), || {
                    format!("{agent} lapsed")
                })?;
                self.owner = None;
            }
            _ => {}
        }
        Ok(())
    }

    fn messages(&mut self, entry: &Entry, event: &Event, now: Timestamp) -> Law {
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
        let kept = message.filter(|one| one.class == Class::Human && taken && !one.doubted);
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
    fn parked(&self, event: &Event, d: &Decision, c: &Conversation, now: Timestamp) -> Law {
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
            (_, MessageState::Delivered | MessageState::Read) if self.human.contains(&effect) => {
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
        let taken = self.sent.iter_mut();
        let taken = taken
            .filter(|(other, _)| *other > effect && human.contains(other) && may_arrive(*other));
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

    fn answered_otherwise(&mut self) {
        for message in self.line.values_mut().chain(self.parked.values_mut()) {
            message.answers = None;
        }
        self.sent.iter_mut().for_each(|(_, words)| forget(words));
    }

    /// Each question ends once; whoever withdraws one says so to the caller at once.
    fn questions(&mut self, entry: &Entry, event: &Event, d: &Decision) -> Law {
        let cancels = |ask: &AskId| d.signals.contains(&Signal::CancelAsk(*ask));
        match &entry.fact {
            Fact::ModelAsked { ask, messages } => {
                law(self.asked.is_none(), || {
                    format!("{ask} beside {:?}", self.asked)
                })?;
                law(*messages > 0, || "a question about nothing".into())?;
                self.asked = Some(*ask);
                self.meanwhile = None;
            }
            Fact::ModelAnswered { ask, .. } | Fact::ModelFailed { ask, .. } => {
                law(self.asked.take() == Some(*ask), || {
                    format!("{ask} was not out")
                })?;
                law(self.ended.insert(*ask), || format!("{ask} ended twice"))?;
                let by_clock = !matches!(
                    event,
                    Event::ModelAnswered { .. } | Event::ModelFailed { .. }
                );
                law(!by_clock || cancels(ask), || {
                    format!("{ask} given up and not cancelled")
                })?;
            }
            Fact::AskCancelled { ask, .. } => {
                law(self.asked.take() == Some(*ask), || {
                    format!("{ask} was not out")
                })?;
                law(self.ended.insert(*ask), || format!("{ask} ended twice"))?;
                law(cancels(ask), || {
                    format!("{ask} withdrawn and not cancelled")
                })?;
            }
            Fact::DraftKept { ask, .. } => {
                law(self.ended.contains(ask), || {
                    format!("a draft of {ask}, which is out")
                })?;
                law(self.drafts.insert(*ask), || format!("two drafts of {ask}"))?;
            }
            Fact::AiWrote {
                ask,
                partial: false,
                ..
            } => {
                let answered = matches!(event, Event::ModelAnswered { ask: of, .. } if of == ask);
                law(answered, || "the AI spoke without having answered".into())?;
                let meanwhile = self.meanwhile.take();
                if self.mode == ModeName::Ai {
                    self.waiting_since = meanwhile;
                    self.answered_otherwise();
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn clocks(&mut self, entry: &Entry) -> Law {
        match &entry.fact {
            Fact::SlaEvaluated { clock, .. } => {
                let of = match clock {
                    SlaClock::Claim => self.waiting.map(|handoff| handoff.0),
                    SlaClock::FirstResponse => {
                        self.waiting.or(self.current).map(|handoff| handoff.0)
                    }
                    SlaClock::Resolution => Some(u64::from(self.episode)),
                    SlaClock::NextResponse => return Ok(()),
                };
                let of = of.ok_or_else(|| format!("{clock} of nothing"))?;
                law(self.evaluated.insert((of, *clock)), || {
                    format!("{clock} of {of} twice")
                })
            }
            Fact::GhostDeclared { handoff, cause } => {
                let claimed = match cause {
                    GhostCause::NeverClaimed | GhostCause::RoutingFailed => false,
                    GhostCause::ClaimedSilent => true,
                };
                law(self.ghosts.insert((*handoff, claimed)), || {
                    format!("{handoff} twice a ghost")
                })
            }
            Fact::HumanWrote {
                effect,
                agent,
                first_response_ms,
                reply_ms,
                ..
            } => {
                law(self.owner.as_ref() == Some(agent), || {
                    format!("{agent} spoke, not the owner")
                })?;
                let wait = self.waiting_since.take();
                let waited = wait.map(|at| entry.at.since(at).as_millis());
                law(reply_ms.map(u128::from) == waited, || {
                    format!("answered after {reply_ms:?}, not {waited:?}")
                })?;
                let handoff = self.current.map_or(0, |handoff| handoff.0);
                let first = first_response_ms.is_none() || self.first_words.insert(handoff);
                if let Some(message) = self.line.get_mut(effect) {
                    message.answers = Some(Answers {
                        since: wait,
                        first_of: first_response_ms.map(|_| handoff),
                    });
                }
                law(first, || "two first words".into())
            }
            _ => Ok(()),
        }
    }

    fn acts(
        &self,
        event: &Event,
        d: &Decision,
        c: &Conversation,
        owner_before: Option<&AgentName>,
    ) -> Law {
        let Event::Acted {
            agent,
            role,
            act,
            key,
        } = event
        else {
            return Ok(());
        };
        if *role == Role::Observer {
            return law(
                !d.changed && key.is_some() | matches!(d.answer, Answer::Refused(_)),
                || "an observer acted".into(),
            );
        }
        // what was answered under a key before may be long over
        if matches!(d.answer, Answer::Claimed { .. }) && (key.is_none() || d.changed) {
            law(c.assignee() == Some(agent), || {
                "claimed, and somebody else has it".into()
            })?;
            let forced = match act {
                Act::Claim { force } | Act::TakeOver { force } => *force,
                _ => false,
            };
            let leads = matches!(role, Role::Lead | Role::Admin);
            let free = owner_before.is_none_or(|owner| owner == agent);
            law(free || (forced && leads), || {
                format!("{agent} took it from {owner_before:?}")
            })?;
        }
        if let Act::Reply {
            epoch: Some(seen), ..
        } = act
            && matches!(d.answer, Answer::Wrote { .. } | Answer::Parked { .. })
            && (key.is_none() || d.changed)
        {
            law(*seen == self.epoch, || "a reply under a stale epoch".into())?;
        }
        if let Act::Undo { effect } = act
            && d.answer == Answer::Accepted
            && d.changed
            && let Some(state) = self.left.get(effect)
        {
            law(*state == MessageState::Suppressed, || {
                "undone, and yet it left".into()
            })?;
        }
        Ok(())
    }

    /// A new message stands on the trail; a request for a person is obeyed in the same step.
    fn customer(&self, event: &Event, d: &Decision, policy: &Policy) -> Law {
        let Event::CustomerWrote { inbound, .. } = event else {
            return Ok(());
        };
        if d.answer != Answer::Accepted {
            return Ok(());
        }
        law(self.wrote.contains(&inbound.id), || {
            "a message was lost".into()
        })?;
        let wants = policy
            .phrases
            .wants_person(inbound.body.text(), None)
            .is_some();
        let with_ai = matches!(self.mode, ModeName::Ai | ModeName::Closed);
        let asks = d.perform.iter().any(|p| matches!(p, Perform::Ask { .. }));
        law(!(wants && with_ai && asks), || {
            "asked the model about a request for a person".into()
        })?;
        law(!(wants && with_ai) || self.waiting.is_some(), || {
            "a request was not obeyed".into()
        })
    }

    /// In order, one at a time, once unless marked, within its patience, and only while the window is open.
    fn releases(&mut self, d: &Decision, c: &Conversation, policy: &Policy, now: Timestamp) -> Law {
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

    /// Once people have it, the AI neither speaks nor is asked, unless the queue wants company while waiting.
    fn one_voice(&self, d: &Decision, c: &Conversation, policy: &Policy, now: Timestamp) -> Law {
        let company = policy.queue_rules(&c.common().queue).ai_while_waiting;
        let on = policy
            .switches
            .ai_on(&c.common().channel, &c.common().queue);
        let may = match c.mode() {
            Mode::Ai(_) => true,
            Mode::Waiting(_) => company,
            Mode::Human(_) | Mode::Closed(_) => false,
        };
        for perform in &d.perform {
            match perform {
                Perform::Ask { .. } => {
                    law(may && on, || "the model was asked".into())?;
                }
                Perform::Send(effect) => {
                    let owed = c.common().outbox.find(*effect);
                    let ai = owed.is_some_and(|owed| owed.class == Class::Ai);
                    law(!ai || (may && on), || "the AI was given the word".into())?;
                }
            }
        }
        for owed in c.common().outbox.owed() {
            let out = c.outgoing(owed.effect, now, policy).is_some();
            let theirs = owed.class == Class::Ai
                && (owed.handoff.is_some() || owed.epoch != c.common().epoch);
            let waiting = matches!(c.mode(), Mode::Waiting(_));
            law(!(out && owed.class == Class::Ai && !(may && on)), || {
                "the AI speaks".into()
            })?;
            law(!(out && theirs && !waiting), || {
                "the AI speaks under an old epoch".into()
            })?;
            let human = matches!(c.mode(), Mode::Human(_));
            let working = owed.class == Class::Progress;
            law(!(out && human && working), || {
                "`still working` beside a person".into()
            })?;
        }
        if let Mode::Human(_) | Mode::Closed(_) = c.mode() {
            let streams = self
                .ended
                .iter()
                .next_back()
                .is_some_and(|ask| c.may_stream(*ask));
            law(!streams && self.asked.is_none(), || {
                "a stream goes on".into()
            })?;
        }
        Ok(())
    }

    /// Acknowledged if and only if promised, in the same step; a promise has a live deadline.
    fn no_ghost(&self, d: &Decision, c: &Conversation) -> Law {
        let mut promised = 0;
        let mut acknowledged = 0;
        for entry in &d.entries {
            match &entry.fact {
                Fact::HandoffRequested { rule, .. } if rule != "lease.lapsed" => promised += 1,
                Fact::SystemWrote {
                    class: Class::Ack, ..
                } => {
                    acknowledged += 1;
                    law(acknowledged <= promised, || {
                        "acknowledged before promised".into()
                    })?;
                }
                _ => {}
            }
        }
        law(promised == acknowledged, || {
            format!("{promised} promised, {acknowledged} acknowledged")
        })?;
        let waits = match c.mode() {
            Mode::Waiting(waiting) => {
                let due = c.due().ok_or("a wait without a deadline")?;
                law(due <= waiting.deadline(), || {
                    "due after the deadline".into()
                })?;
                law(self.chain == Some(waiting.since()), || {
                    format!("waits since {:?}, not {:?}", waiting.since(), self.chain)
                })?;
                Some(waiting.handoff().id)
            }
            Mode::Ai(_) | Mode::Human(_) | Mode::Closed(_) => None,
        };
        law(waits == self.waiting, || {
            format!("{waits:?} waits, {:?} is open", self.waiting)
        })
    }

    /// What is owed is what was decided and not settled.
    fn line_is_known(&self, c: &Conversation) -> Law {
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

    fn owners(&mut self, c: &Conversation) -> Law {
        let (mode, epoch) = (c.mode().name(), c.common().epoch);
        law(c.assignee() == self.owner.as_ref(), || {
            format!("{:?} has it, {:?} should", c.assignee(), self.owner)
        })?;
        law((mode == ModeName::Closed) != self.open, || {
            "closed and open at once".into()
        })?;
        law(epoch >= self.epoch, || "the epoch fell".into())?;
        law(mode == self.mode || epoch > self.epoch, || {
            format!("{} to {mode}, same epoch", self.mode)
        })?;
        let waits = c.common().episode.waiting_since;
        law(waits == self.waiting_since, || {
            format!(
                "the customer waits since {waits:?}, not {:?}",
                self.waiting_since
            )
        })?;
        self.mode = mode;
        self.epoch = epoch;
        Ok(())
    }

    fn due(&self, event: &Event, c: &Conversation, now: Timestamp) -> Law {
        law(self.mode == ModeName::Closed || c.due().is_some(), || {
            "nothing will ever wake it".into()
        })?;
        let rang = matches!(event, Event::DeadlinePassed);
        law(!rang || c.due().is_none_or(|due| due > now), || {
            "due, and nothing is done".into()
        })
    }

    fn bounded(&self, c: &Conversation, after: &[u8]) -> Law {
        law(after.len() <= HEAD_BYTES_ALARM, || {
            format!("a head of {} bytes", after.len())
        })?;
        let owed = c.common().outbox.owed().count();
        law(owed <= LINE_MAX, || format!("{owed} messages in the line"))
    }
}
