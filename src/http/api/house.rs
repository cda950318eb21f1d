//! The house as a whole: queues, figures, the AI's switches.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::asked::Asked;
use super::caller::Caller;
use super::door::{Door, Guard};
use crate::clock::Timestamp;
use crate::conversation::policy::{Policy, Switches};
use crate::conversation::words::{ModeName, Role};
use crate::desk::switches::Turn;
use crate::http::Doors;
use crate::http::problem::Problem;
use crate::ids::QueueName;
use crate::runtime::{Switched, Unavailable};
use crate::store::LoadError;

const LEAD: Guard = Guard::Signed(Role::Lead);
/// Conversations with the AI or closed are counted up to here: beyond, the figure is "at least".
const COUNTED_MAX: usize = 20_000;

pub fn doors() -> Vec<Door> {
    vec![
        Door::get("/api/v1/queues", queues)
            .about("The queues: how many wait, since when, how many are with people.")
            .gives::<Queues>(200),
        Door::get("/api/v1/stats", stats)
            .about("How many conversations are in which mode.")
            .gives::<Stats>(200),
        Door::get("/api/v1/ai", show_ai)
            .about("Where the AI is on and off, and who turned it last.")
            .gives::<AiAndChanges>(200),
        Door::put("/api/v1/ai", turn_ai)
            .about("Turns the AI on or off: everywhere, on a channel, in a queue. Durable.")
            .guarded(LEAD)
            .takes::<Turn>()
            .gives::<Ai>(200),
    ]
}

/// The queues.
#[derive(Serialize, ToSchema)]
struct Queues {
    /// By name.
    items: Vec<Queue>,
}

/// A queue.
#[derive(Serialize, ToSchema)]
struct Queue {
    /// Its name.
    name: String,
    /// How urgent its conversations are where nothing says otherwise.
    priority: u8,
    /// How many wait for a person.
    waiting: usize,
    /// Since when the one waits that waits longest.
    oldest_waiting_since: Option<String>,
    /// How many are with a person.
    human: usize,
    /// Whether the AI may answer in it.
    ai: bool,
    /// Whether somebody is there at this hour; a queue without opening hours is always open.
    open: bool,
    /// When it opens next, while it is shut; none: it is open, or no opening is to be found.
    opens_at: Option<String>,
}

#[derive(Default)]
struct Tally {
    waiting: usize,
    oldest: Option<Timestamp>,
    human: usize,
}

async fn queues(State(doors): State<Doors>, caller: Caller) -> Result<Json<Queues>, Problem> {
    let policy = doors.runtime.policy();
    let board = doors.desk.clone();
    let names: Vec<QueueName> = policy.queues.keys().cloned().collect();
    let tallied = tokio::task::spawn_blocking(move || {
        let mut tallies: BTreeMap<QueueName, Tally> = names
            .into_iter()
            .map(|name| (name, Tally::default()))
            .collect();
        for seen in board.board().all(ModeName::Waiting) {
            let Some(conversation) = seen.conversation() else {
                continue;
            };
            let tally = tallies
                .entry(conversation.common().queue.clone())
                .or_default();
            tally.waiting += 1;
            let since = match conversation.mode() {
                crate::conversation::Mode::Waiting(waiting) => waiting.since(),
                crate::conversation::Mode::Ai(_)
                | crate::conversation::Mode::Human(_)
                | crate::conversation::Mode::Closed(_) => conversation.common().mode_since,
            };
            tally.oldest = Some(tally.oldest.map_or(since, |oldest| oldest.min(since)));
        }
        for seen in board.board().all(ModeName::Human) {
            if let Some(conversation) = seen.conversation() {
                tallies
                    .entry(conversation.common().queue.clone())
                    .or_default()
                    .human += 1;
            }
        }
        tallies
    });
    let tallies = tallied
        .await
        .map_err(|_| Problem::from(Unavailable::Unread))?;
    let now = doors.runtime.now();
    let items = tallies
        .into_iter()
        .filter(|(name, _)| caller.person.sees_queue(name))
        .map(|(name, tally)| {
            let opens = next_opening(&policy, &name, now);
            (name, tally, opens)
        })
        .map(|(name, tally, opens)| Queue {
            open: opens.is_none(),
            opens_at: opens.flatten().map(Timestamp::rfc3339),
            ai: policy.switches.all && !policy.switches.queues_off.contains(&name),
            priority: policy.queues.get(&name).map_or(0, |queue| queue.priority),
            name: name.to_string(),
            waiting: tally.waiting,
            oldest_waiting_since: tally.oldest.map(Timestamp::rfc3339),
            human: tally.human,
        });
    Ok(Json(Queues {
        items: items.collect(),
    }))
}

/// When a queue that is shut opens next, if it ever does; none: it is open.
fn next_opening(policy: &Policy, queue: &QueueName, now: Timestamp) -> Option<Option<Timestamp>> {
    let calendar = policy.calendar(policy.queue_rules(queue))?;
    let opens = calendar.opens(now);
    (opens != Some(now)).then_some(opens)
}

/// How many conversations there are.
#[derive(Serialize, ToSchema)]
struct Stats {
    /// By mode.
    conversations: Counts,
    /// Conversations in memory.
    resident: usize,
    /// Things parked for people.
    parked: u64,
}

/// Conversations by mode. `ai` and `closed` are counted up to `counted_up_to`; that many means "at least".
#[derive(Serialize, ToSchema)]
struct Counts {
    /// With the AI.
    ai: usize,
    /// Waiting for a person.
    waiting: usize,
    /// With a person.
    human: usize,
    /// Over.
    closed: usize,
    /// Where counting stops.
    counted_up_to: usize,
}

async fn stats(State(doors): State<Doors>, caller: Caller) -> Result<Json<Stats>, Problem> {
    if !caller.person.sees_all() {
        return Err(Problem::forbidden(
            "figures of the whole house are for those who see all queues",
        )
        .hint("GET /api/v1/queues tells those of yours"));
    }
    let counted = tokio::task::spawn_blocking(move || {
        let board = doors.desk.board();
        let conversations = Counts {
            ai: count(&doors, ModeName::Ai)?,
            waiting: board.count(ModeName::Waiting),
            human: board.count(ModeName::Human),
            closed: count(&doors, ModeName::Closed)?,
            counted_up_to: COUNTED_MAX,
        };
        let parked = doors.runtime.store().parked_count()?;
        Ok::<_, LoadError>(Stats {
            conversations,
            resident: doors.runtime.router().resident(),
            parked,
        })
    });
    Ok(Json(
        counted
            .await
            .map_err(|_| Problem::from(Unavailable::Unread))??,
    ))
}

fn count(doors: &Doors, mode: ModeName) -> Result<usize, LoadError> {
    let (mut count, mut after) = (0, None);
    while count < COUNTED_MAX {
        let page = doors
            .runtime
            .store()
            .list(mode, after, COUNTED_MAX - count)?;
        let Some(last) = page.last() else { break };
        count += page.len();
        after = Some(*last);
    }
    Ok(count)
}

/// Where the AI is on and off.
#[derive(Serialize, ToSchema)]
struct Ai {
    /// On at all.
    all: bool,
    /// Channels where it is off.
    #[schema(value_type = Vec<String>)]
    channels_off: BTreeSet<crate::ids::ChannelName>,
    /// Queues where it is off.
    #[schema(value_type = Vec<String>)]
    queues_off: BTreeSet<QueueName>,
}

impl From<Switches> for Ai {
    fn from(switches: Switches) -> Self {
        let Switches {
            all,
            channels_off,
            queues_off,
        } = switches;
        Self {
            all,
            channels_off,
            queues_off,
        }
    }
}

/// Where the AI is on and off, and how it came to be.
#[derive(Serialize, ToSchema)]
struct AiAndChanges {
    /// How it is.
    #[serde(flatten)]
    now: Ai,
    /// Who turned it, newest first; the last 200.
    changes: Vec<AiChange>,
}

/// A switch of the AI was turned.
#[derive(Serialize, ToSchema)]
struct AiChange {
    /// When.
    at: String,
    /// An agent, or `control socket`.
    by: String,
    /// How it was afterwards.
    ai: Ai,
}

async fn show_ai(
    State(doors): State<Doors>,
    _caller: Caller,
) -> Result<Json<AiAndChanges>, Problem> {
    let changes = doors.runtime.switched().await?;
    let shown = |Switched { at, by, switches }| AiChange {
        at: Timestamp::rfc3339(at),
        by,
        ai: switches.into(),
    };
    Ok(Json(AiAndChanges {
        now: doors.runtime.policy().switches.clone().into(),
        changes: changes.into_iter().map(shown).collect(),
    }))
}

async fn turn_ai(State(doors): State<Doors>, asked: Asked<Turn>) -> Result<Json<Ai>, Problem> {
    asked.caller.at_least(Role::Lead)?;
    let by = asked.caller.name().as_str();
    let turned = doors.runtime.switch(by, |policy| {
        let applied = asked.value.applied(policy);
        applied.map_err(|fault| Problem::unprocessable("no_switch", fault.to_string()))
    });
    Ok(Json(turned.await?.into()))
}
