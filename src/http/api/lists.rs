//! Lists of conversations, paged by an opaque cursor.
//!
//! What waits for a person or has one comes from the board in memory; the rest from the store's index. A page looks at
//! a bounded number of conversations: a narrow filter may return a short page with a cursor to go on from.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::asked::Wanted;
use super::caller::Caller;
use super::door::Door;
use super::search::Sought;
use super::view::{Light, View};
use crate::clock::Timestamp;
use crate::conversation::Conversation;
use crate::conversation::words::ModeName;
use crate::desk::board::turn_of;
use crate::desk::{EventId, Person, Place, Sighting};
use crate::http::Doors;
use crate::http::problem::Problem;
use crate::ids::ConversationId;
use crate::store::LoadError;

/// Conversations on a page, unless said otherwise.
const LIMIT: usize = 50;
/// The most conversations on a page.
const LIMIT_MAX: usize = 200;
/// Conversations in memory that one request looks at.
const LOOKED_AT_IN_MEMORY_MAX: usize = 20_000;
/// Conversations on disk, or in what is said, that one request looks at: some tens of microseconds each.
const LOOKED_AT_ON_DISK_MAX: usize = 1_000;
/// Entries read with a conversation on disk, so that a list can show the last words.
const LAST_ENTRIES: usize = 8;
/// Where every list begins.
const BEFORE_ALL: Place = (
    Timestamp::from_millis(i64::MIN),
    ConversationId::from_bytes([0; 16]),
);
/// The longest search text, in bytes.
const SEARCH_BYTES_MAX: usize = 200;

pub fn doors() -> Vec<Door> {
    vec![
        Door::get("/api/v1/conversations", list)
            .about("Conversations: those that wait for a person and those that have one, longest first; others by mode.")
            .query("mode", "ai, waiting, human or closed; without it: waiting, then human")
            .query("queue", "only in this queue")
            .query("assignee", "only of this agent; `me` is the caller")
            .query("q", "part of an address, a name, a tag or of what was said or noted lately; a whole address is found in any mode")
            .query("order", "oldest (unless said otherwise), or newest: those that came into `mode` last first; only with ai and closed")
            .query("limit", "at most so many, 1 to 200; 50 unless said otherwise")
            .query("cursor", "`next` of the page before")
            .gives::<Page>(200),
    ]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    mode: Option<String>,
    queue: Option<String>,
    assignee: Option<String>,
    q: Option<String>,
    #[serde(default)]
    order: Order,
    limit: Option<usize>,
    cursor: Option<String>,
}

/// From which end a list is read.
#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Order {
    #[default]
    Oldest,
    Newest,
}

/// A page of conversations.
#[derive(Serialize, ToSchema)]
#[schema(as = ConversationPage)]
pub struct Page {
    /// The conversations.
    items: Vec<View>,
    /// Where the next page begins; none: this was the last.
    next: Option<String>,
}

/// What is looked for.
struct Filter {
    queue: Option<String>,
    assignee: Option<String>,
    q: Option<Sought>,
    order: Order,
    person: std::sync::Arc<Person>,
}

impl Filter {
    /// Whether it is where it is looked for, and the caller's business.
    fn passes(&self, conversation: &Conversation) -> bool {
        let common = conversation.common();
        let queue = self
            .queue
            .as_ref()
            .is_none_or(|queue| common.queue.as_str() == queue);
        let assignee = self.assignee.as_ref().is_none_or(|wanted| {
            conversation
                .assignee()
                .is_some_and(|assignee| assignee.as_str() == wanted)
        });
        queue && assignee && self.person.sees(conversation)
    }

    /// Whether it is one of those that are looked for; may read from the disk.
    fn takes(&self, doors: &Doors, conversation: &Conversation) -> Result<bool, LoadError> {
        let Some(q) = &self.q else {
            return Ok(self.passes(conversation));
        };
        Ok(self.passes(conversation)
            && (q.names(conversation) || q.said_in(doors.runtime.store(), conversation)?))
    }
}

/// Where a page ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Cursor {
    mode: ModeName,
    place: Place,
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}.{}.{}",
            self.mode,
            self.place.0.as_millis(),
            self.place.1
        )
    }
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(3, '.');
        let mut part = || parts.next().ok_or(());
        let mode = ModeName::parse(part()?).ok_or(())?;
        let since = part()?.parse().map_err(|_| ())?;
        let id: ConversationId = part()?.parse().map_err(|_| ())?;
        Ok(Self {
            mode,
            place: (Timestamp::from_millis(since), id),
        })
    }
}

async fn list(
    axum::extract::State(doors): axum::extract::State<Doors>,
    caller: Caller,
    Wanted(query): Wanted<Query>,
) -> Result<axum::Json<Page>, Problem> {
    let limit = query.limit.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Problem::bad_request(format!("limit is 1 to {LIMIT_MAX}")));
    }
    let modes = modes(query.mode.as_deref())?;
    let cursor = match query.cursor {
        None => None,
        Some(text) => {
            let cursor = text
                .parse::<Cursor>()
                .ok()
                .filter(|cursor| modes.contains(&cursor.mode));
            Some(
                cursor
                    .ok_or_else(|| Problem::bad_request("the cursor is not one of this list's"))?,
            )
        }
    };
    let q = query
        .q
        .map(|q| q.trim().to_owned())
        .filter(|q| !q.is_empty());
    if q.as_ref().is_some_and(|q| q.len() > SEARCH_BYTES_MAX) {
        return Err(Problem::bad_request(format!(
            "q is at most {SEARCH_BYTES_MAX} bytes long"
        )));
    }
    if query.order == Order::Newest && !matches!(modes[..], [ModeName::Ai | ModeName::Closed]) {
        return Err(Problem::bad_request(
            "order=newest goes with mode=ai or mode=closed",
        ));
    }
    let me = || caller.name().to_string();
    let filter = Filter {
        queue: query.queue,
        assignee: query
            .assignee
            .map(|name| if name == "me" { me() } else { name }),
        q: q.as_ref().map(|q| Sought::new(q)),
        order: query.order,
        person: caller.person,
    };
    let by_address = if query.mode.is_none() && cursor.is_none() {
        q
    } else {
        None
    };
    // Reading heads may wait for the disk, and filtering thousands of them takes milliseconds.
    let looked = tokio::task::spawn_blocking(move || {
        look(&doors, &modes, cursor, limit, &filter, by_address)
    });
    let page = looked
        .await
        .map_err(|fault| LoadError::Retry(fault.to_string()))??;
    Ok(axum::Json(page))
}

fn modes(word: Option<&str>) -> Result<Vec<ModeName>, Problem> {
    let Some(word) = word else {
        return Ok(vec![ModeName::Waiting, ModeName::Human]);
    };
    let unknown = || Problem::bad_request("mode is one of ai, waiting, human, closed");
    ModeName::parse(word)
        .map(|mode| vec![mode])
        .ok_or_else(unknown)
}

fn look(
    doors: &Doors,
    modes: &[ModeName],
    cursor: Option<Cursor>,
    limit: usize,
    filter: &Filter,
    by_address: Option<String>,
) -> Result<Page, LoadError> {
    let policy = doors.runtime.policy();
    let light = Light {
        policy: &policy,
        presence: doors.desk.presence(),
    };
    let mut found = match by_address {
        Some(address) => at_address(doors, &address, filter)?,
        None => Vec::new(),
    };
    let begin = cursor.map_or(0, |cursor| {
        modes
            .iter()
            .position(|mode| *mode == cursor.mode)
            .unwrap_or(0)
    });
    let mut next = None;
    for (at, mode) in modes.iter().enumerate().skip(begin) {
        let after = cursor.filter(|_| at == begin).map(|cursor| cursor.place);
        let ended = gather(doors, *mode, after, limit, filter, &mut found)?;
        if let Some(place) = ended {
            next = Some(Cursor { mode: *mode, place }.to_string());
            break;
        }
    }
    let items = found
        .iter()
        .filter_map(|seen| View::of_sighting(seen, &light))
        .collect();
    Ok(Page { items, next })
}

/// Adds what passes the filter; says where it stopped if there may be more.
fn gather(
    doors: &Doors,
    mode: ModeName,
    mut after: Option<Place>,
    limit: usize,
    filter: &Filter,
    found: &mut Vec<std::sync::Arc<Sighting>>,
) -> Result<Option<Place>, LoadError> {
    let in_memory = matches!(mode, ModeName::Waiting | ModeName::Human);
    let mut left = if in_memory && filter.q.is_none() {
        LOOKED_AT_IN_MEMORY_MAX
    } else {
        LOOKED_AT_ON_DISK_MAX
    };
    loop {
        let page = page(doors, mode, after, filter.order)?;
        if page.is_empty() {
            return Ok(None);
        }
        for (place, seen) in page {
            if found.len() >= limit || left == 0 {
                return Ok(Some(after.unwrap_or(BEFORE_ALL)));
            }
            left -= 1;
            after = Some(place);
            if let Some(conversation) = seen.conversation()
                && filter.takes(doors, conversation)?
            {
                found.push(seen);
            }
        }
    }
}

type Rows = Vec<(Place, std::sync::Arc<Sighting>)>;

fn page(
    doors: &Doors,
    mode: ModeName,
    after: Option<Place>,
    order: Order,
) -> Result<Rows, LoadError> {
    /// Few enough that reading a page that is not needed whole costs little.
    const ROWS: usize = 64;
    if matches!(mode, ModeName::Waiting | ModeName::Human) {
        return Ok(doors.desk.board().page(mode, after, ROWS));
    }
    let store = doors.runtime.store();
    let mut rows = Vec::new();
    let places = match order {
        Order::Oldest => store.list(mode, after, ROWS)?,
        Order::Newest => store.newest(mode, after, ROWS)?,
    };
    for place in places {
        if let Some(loaded) = store.load(place.1, LAST_ENTRIES)? {
            let turn = std::sync::Arc::new(turn_of(place.1, loaded));
            rows.push((
                place,
                std::sync::Arc::new(Sighting::new(EventId::default(), &turn, None)),
            ));
        }
    }
    Ok(rows)
}

/// Conversations of exactly this address that are with the AI or closed: the id follows from the address.
fn at_address(
    doors: &Doors,
    address: &str,
    filter: &Filter,
) -> Result<Vec<std::sync::Arc<Sighting>>, LoadError> {
    let (policy, store) = (doors.runtime.policy(), doors.runtime.store());
    let mut found = Vec::new();
    for channel in policy.channels.keys() {
        let id = doors.runtime.conversation_id(channel, address);
        if doors.desk.board().get(id).is_some() {
            continue;
        }
        if let Some(loaded) = store.load(id, 0)? {
            let turn = std::sync::Arc::new(turn_of(id, loaded));
            let seen = Sighting::new(EventId::default(), &turn, None);
            if seen
                .conversation()
                .is_some_and(|conversation| filter.passes(conversation))
            {
                found.push(std::sync::Arc::new(seen));
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_being_printed_and_nonsense_is_none() {
        let place = (
            Timestamp::from_millis(-5),
            ConversationId::from_bytes([9; 16]),
        );
        let cursor = Cursor {
            mode: ModeName::Closed,
            place,
        };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        let check = |text: &str| assert_eq!(text.parse::<Cursor>(), Err(()), "{text}");
        check("");
        check("closed");
        check("closed.1");
        check("closed.x.c09090909090909090909090909090909");
        check("open.1.c09090909090909090909090909090909");
        check("closed.1.c0909");
    }
}
