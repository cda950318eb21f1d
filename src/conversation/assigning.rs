//! Offering a waiting conversation to one person at a time.
//!
//! Who is there is an argument: the shell says who is present, may see the queue and has room, and the core picks. The
//! offer and its end are in the head, so that they survive a restart. Whoever lets an offer or the conversation itself
//! lapse is asked last. From the ladder's step `lead` on only leads are asked, in every queue. An offer keeps nobody out:
//! whoever claims first has it.

use super::Conversation;
use super::common::Cx;
use super::event::Event;
use super::policy::{Policy, QueuePolicy, Rung, RungAction};
use super::routes::Assignment;
use super::trail::Fact;
use super::waiting::Waiting;
use crate::clock::Timestamp;
use crate::ids::AgentName;

/// How many people who let it lapse are remembered.
const LAPSED_MAX: usize = 16;

/// Somebody who is present, sees the queue and has room for one more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Present {
    /// Who.
    pub agent: AgentName,
    /// How many conversations they have or are offered.
    pub load: u32,
    /// When they were last given one.
    pub last_given: Timestamp,
    /// Whether they lead: a lead or an admin.
    pub leads: bool,
}

impl QueuePolicy {
    /// Whether its ladder ever asks a lead.
    pub fn asks_lead(&self) -> bool {
        let lead = |rung: &Rung| rung.action == RungAction::Lead;
        self.ladder.iter().any(lead)
    }
}

impl Conversation {
    /// Whether it would be offered to one of `people`: asked before it is woken for nothing.
    pub fn takes_offer(&self, people: &[Present], now: Timestamp, policy: &Policy) -> bool {
        let people = people.to_vec();
        let mut offered = self.clone();
        let event = Event::PeoplePresent { people };
        offered.decide(event, now, policy).changed
    }
}

impl Waiting {
    /// Offers the conversation to one of `people`, unless an offer stands. Whether anything changed.
    pub(super) fn offer(&mut self, people: &[Present], cx: &mut Cx<'_>) -> bool {
        // Nobody is asked to work at night; and what somebody passed on to one person is not taken from them.
        let passed_on = self.to.is_some() && cx.common.routing.offered_until.is_none();
        if passed_on || cx.gap().is_some() {
            return false;
        }
        let for_leads = self.for_leads(cx);
        let asked = people.iter().filter(|one| one.leads || !for_leads);
        let people: Vec<&Present> = asked.collect();
        let there = |agent: &AgentName| people.iter().any(|one| one.agent == *agent);
        if self.to.as_ref().is_some_and(there) {
            return false;
        }
        let Some(next) = Self::next(&people, for_leads, cx) else {
            // Whoever it was offered to has gone, and nobody else is there.
            return self.to.is_some() && self.offer_to(None, cx);
        };
        self.offer_to(Some(next), cx)
    }

    /// The offer was not taken up in time: somebody else is asked, and this person last.
    pub(super) fn offer_lapsed(&mut self, cx: &mut Cx<'_>) {
        if let Some(agent) = self.to.clone() {
            remember_lapse(agent, cx);
        }
        self.offer_to(None, cx);
    }

    /// A step of the ladder asks somebody else: what was offered or passed on to one person is so no more.
    pub(super) fn asked_anew(mut self, cx: &mut Cx<'_>) -> Self {
        match cx.common.routing.offered_until {
            Some(_) => self.offer_lapsed(cx),
            None => self.to = None,
        }
        self
    }

    /// Whether the last step that asked somebody asked a lead.
    fn for_leads(&self, cx: &Cx<'_>) -> bool {
        let taken = cx.queue().ladder.iter().take(usize::from(self.rung));
        let asked = taken.rev().find_map(|rung| match rung.action {
            RungAction::Lead => Some(true),
            RungAction::Reassign => Some(false),
            RungAction::Notify | RungAction::Transfer(_) | RungAction::Apologise => None,
        });
        asked.unwrap_or(false)
    }

    /// Whom to ask: the person it is pinned to, else by the queue's way of assigning. Leads take turns where it has none.
    fn next(people: &[&Present], for_leads: bool, cx: &Cx<'_>) -> Option<AgentName> {
        let (queue, routing) = (cx.queue(), &cx.common.routing);
        let manager = queue.pin.attribute.as_ref();
        let manager = manager.and_then(|key| cx.common.attributes.get(key));
        let manager = manager.map(|name| AgentName::from(name.as_str()));
        let last = routing.last_agent.clone();
        let last = last.filter(|_| queue.pin.last_agent);
        let pinned = [manager, last].into_iter().flatten().find(|agent| {
            !routing.lapsed.contains(agent) && people.iter().any(|one| one.agent == *agent)
        });
        if pinned.is_some() {
            return pinned;
        }
        // The one who let it lapse last is asked last.
        let lapse = |one: &Present| {
            let place = routing.lapsed.iter().position(|agent| *agent == one.agent);
            place.map_or(0, |place| place + 1)
        };
        let by_load = match queue.assignment {
            Assignment::Claim if !for_leads => return None,
            Assignment::Claim | Assignment::RoundRobin => false,
            Assignment::LeastLoaded => true,
        };
        let load = |one: &Present| if by_load { one.load } else { 0 };
        people
            .iter()
            .copied()
            .min_by_key(|one| (lapse(one), load(one), one.last_given, &one.agent))
            .map(|one| one.agent.clone())
    }

    fn offer_to(&mut self, to: Option<AgentName>, cx: &mut Cx<'_>) -> bool {
        let until = to.is_some().then(|| cx.after(cx.queue().offer_for));
        cx.common.routing.offered_until = until;
        self.to.clone_from(&to);
        cx.note(Fact::Transferred {
            agent: None,
            queue: cx.common.queue.clone(),
            to,
            handoff: self.handoff.id,
            epoch: cx.common.epoch,
            held_ms: None,
        });
        true
    }
}

/// `agent` let it lapse: they are asked after everybody else.
pub(super) fn remember_lapse(agent: AgentName, cx: &mut Cx<'_>) {
    let lapsed = &mut cx.common.routing.lapsed;
    lapsed.retain(|one| *one != agent);
    if lapsed.len() == LAPSED_MAX {
        lapsed.remove(0);
    }
    lapsed.push(agent);
}
