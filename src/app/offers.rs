//! Tells conversations that wait who is present, so that the core can offer them to somebody.
//!
//! Looks whenever somebody comes or goes, and once a second. It decides nothing: it counts what everybody has, leaves
//! out who is away, sees another queue or has no room, and wakes a conversation only when the core would make an offer.
//! What everybody has is counted from the board, so nothing of this has to survive a restart.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::clock::Timestamp;
use crate::conversation::event::Event;
use crate::conversation::policy::{Policy, QueuePolicy};
use crate::conversation::routes::{Assignment, Pin};
use crate::conversation::words::{ModeName, Role};
use crate::conversation::{Conversation, Mode, Present};
use crate::desk::presence::{Sign, State};
use crate::desk::{Desk, Person, Sighting};
use crate::http::Doors;
use crate::ids::{AgentName, ConversationId};

/// How often it is looked without a sign.
const EVERY: Duration = Duration::from_secs(1);
/// The most offers of one look: each is a commit, and who came in the meantime must be seen.
const OFFERS_MAX: usize = 256;

/// What everybody has, and when they were last given something.
type Given = BTreeMap<AgentName, (u32, Timestamp)>;

/// Until `stop`.
pub async fn run(doors: Doors, stop: CancellationToken) {
    let mut signs = doors.desk.presence().signs();
    let mut given = BTreeMap::new();
    loop {
        look(&doors, &mut given).await;
        let next = tokio::time::sleep(EVERY);
        tokio::pin!(next);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = &mut next => break,
                sign = signs.recv() => match sign {
                    Ok(Sign::Presence { .. }) | Err(RecvError::Lagged(_)) => break,
                    Ok(Sign::Mark { .. } | Sign::Customer { .. }) => {}
                    Err(RecvError::Closed) => return,
                },
            }
        }
    }
}

/// Whether `queue` ever offers anything to one person.
fn offers(queue: &QueuePolicy) -> bool {
    queue.assignment != Assignment::Claim || queue.pin != Pin::default() || queue.asks_lead()
}

async fn look(doors: &Doors, last: &mut BTreeMap<AgentName, Timestamp>) {
    let policy = doors.runtime.policy();
    if !policy.queues.values().any(offers) {
        return;
    }
    let desk = doors.desk.clone();
    let rules = Arc::clone(&policy);
    let read = tokio::task::spawn_blocking(move || (waiting(&desk, &rules), counted(&desk))).await;
    let Ok((waiting, mut given)) = read else {
        return;
    };
    for (agent, at) in last.iter() {
        let entry = given.entry(agent.clone()).or_default();
        entry.1 = entry.1.max(*at);
    }
    let people = doors.desk.people().list();
    let mut left = OFFERS_MAX;
    for seen in waiting {
        let Some(conversation) = seen.conversation() else {
            continue;
        };
        let now = doors.runtime.now();
        let present = present(&doors.desk, &people, conversation, &given, &policy);
        if !conversation.takes_offer(&present, now, &policy) {
            continue;
        }
        let id = conversation.common().id;
        let event = Event::PeoplePresent { people: present };
        if doors.runtime.router().ask(id, event, None).await.is_err() {
            return;
        }
        // The board knows of the commit before the answer came.
        if let Some(agent) = offered_to(&doors.desk, id) {
            let entry = given.entry(agent.clone()).or_default();
            *entry = (entry.0 + 1, now);
            last.insert(agent, now);
        }
        left -= 1;
        if left == 0 {
            return;
        }
    }
}

fn offered_to(desk: &Desk, id: ConversationId) -> Option<AgentName> {
    let seen = desk.board().get(id)?;
    match seen.conversation()?.mode() {
        Mode::Waiting(waiting) => waiting.offered_to().cloned(),
        Mode::Ai(_) | Mode::Human(_) | Mode::Closed(_) => None,
    }
}

/// What waits in queues that offer: the most urgent first, then whoever has waited longest.
fn waiting(desk: &Desk, policy: &Policy) -> Vec<Arc<Sighting>> {
    let mut found: Vec<_> = desk
        .board()
        .all(ModeName::Waiting)
        .filter_map(|seen| {
            let common = seen.conversation()?.common();
            let priority = common.priority;
            offers(policy.queue_rules(&common.queue)).then_some((priority, seen))
        })
        .collect();
    found.sort_by_key(|(priority, _)| std::cmp::Reverse(*priority));
    found.into_iter().map(|(_, seen)| seen).collect()
}

/// What everybody has or is offered.
fn counted(desk: &Desk) -> Given {
    let mut given = Given::new();
    for mode in [ModeName::Human, ModeName::Waiting] {
        for seen in desk.board().all(mode) {
            let Some(conversation) = seen.conversation() else {
                continue;
            };
            let (agent, at) = match conversation.mode() {
                Mode::Human(human) => (human.agent(), human.since()),
                Mode::Waiting(waiting) => match waiting.offered_to() {
                    Some(agent) => (agent, conversation.common().updated_at),
                    None => continue,
                },
                Mode::Ai(_) | Mode::Closed(_) => continue,
            };
            let entry = given.entry(agent.clone()).or_default();
            *entry = (entry.0 + 1, entry.1.max(at));
        }
    }
    given
}

/// Who is there for `conversation` and has room; whoever it is offered to keeps the room that it takes.
fn present(
    desk: &Desk,
    people: &[Arc<Person>],
    conversation: &Conversation,
    given: &Given,
    policy: &Policy,
) -> Vec<Present> {
    let queue = &conversation.common().queue;
    let capacity = policy.queue_rules(queue).capacity;
    let offered = match conversation.mode() {
        Mode::Waiting(waiting) => waiting.offered_to(),
        Mode::Ai(_) | Mode::Human(_) | Mode::Closed(_) => None,
    };
    people
        .iter()
        .filter(|person| person.role != Role::Observer && person.sees_queue(queue))
        .filter(|person| desk.presence().of(&person.name) == State::Available)
        .filter_map(|person| {
            let (load, last_given) = given.get(&person.name).copied().unwrap_or_default();
            let room = load < capacity || offered == Some(&person.name);
            room.then(|| Present {
                agent: person.name.clone(),
                load,
                last_given,
                leads: matches!(person.role, Role::Lead | Role::Admin),
            })
        })
        .collect()
}
