//! The laws, and a small model of ownership, handoffs, messages and clocks that they are held against.

mod line;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use segue::clock::Timestamp;
use segue::conversation::decision::{Answer, Decision, Perform, Signal};
use segue::conversation::event::{Act, Event};
use segue::conversation::message::Medium;
use segue::conversation::policy::Policy;
use segue::conversation::trail::{Entry, Fact, GhostCause};
use segue::conversation::words::{By, Class, MessageState, ModeName, Role, SlaClock};
use segue::conversation::{Conversation, HEAD_BYTES_ALARM, LINE_MAX, Mode};
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
    /// A person's words, or an answer of the AI: what they answered, unless something else has.
    answers: Option<Answers>,
}

/// What a person's words answered; taken back before they left, they have answered nothing.
#[derive(Clone, Copy)]
struct Answers {
    since: Option<Timestamp>,
    /// The handoff whose first human word they were.
    first_of: Option<u64>,
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
    /// Every answer of the AI; company beside a promised person is none.
    answered: BTreeSet<EffectId>,
    /// Whether a provider may tell late what became of a message.
    reports: bool,
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
            answered: BTreeSet::new(),
            reports: !matches!(c.common().medium, Medium::Webchat | Medium::Http),
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
                effect,
                ..
            } => {
                let answered = matches!(event, Event::ModelAnswered { ask: of, .. } if of == ask);
                law(answered, || "the AI spoke without having answered".into())?;
                let meanwhile = self.meanwhile.take();
                if self.mode == ModeName::Ai {
                    let since = std::mem::replace(&mut self.waiting_since, meanwhile);
                    let shown = |one: &Entry| matches!(&one.fact, Fact::Settled { effect: of, state: MessageState::Sent, .. } if of == effect);
                    // What was shown while it was written has arrived.
                    let line = !d.entries.iter().any(shown);
                    self.answered_by_ai(*effect, since, line);
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
