//! One conversation, and its trail.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::asked::{Named, Wanted};
use super::caller::Caller;
use super::door::Door;
use super::explain;
use super::facts::{self, States};
use super::view::{Light, OtherView, View};
use crate::conversation::Conversation;
use crate::conversation::trail::Entry;
use crate::http::Doors;
use crate::http::problem::Problem;
use crate::ids::ConversationId;

/// Entries on a page, unless said otherwise.
const LIMIT: usize = 100;
/// The most entries on a page.
const LIMIT_MAX: usize = 500;
/// Entries read beyond a page, to know what became of its last messages.
const AHEAD: usize = 64;

pub fn doors() -> Vec<Door> {
    vec![
        Door::get("/api/v1/conversations/{id}", show)
            .about("One conversation.")
            .gives::<View>(200),
        Door::get("/api/v1/conversations/{id}/trail", trail)
            .about("What happened, oldest first; every message with where it stands now.")
            .query("after", "only entries with a greater number")
            .query("before", "the last `limit` entries with a smaller number, still oldest first; a huge one: the newest")
            .query(
                "limit",
                "at most so many, 1 to 500; 100 unless said otherwise",
            )
            .gives::<Trail>(200),
        Door::get("/api/v1/conversations/{id}/explain", explain::show)
            .about("What was decided, and why: one item for each decision.")
            .query("after", "only decisions after this entry")
            .query(
                "limit",
                "looks at so many entries, 1 to 500; 100 unless said otherwise",
            )
            .gives::<explain::Explanation>(200),
    ]
}

/// Which part of a trail is wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    after: Option<u64>,
    limit: Option<usize>,
}

impl Part {
    /// From which entry, and how many.
    ///
    /// # Errors
    /// 400 when that is out of bounds.
    pub fn bounds(&self) -> Result<(u64, usize), Problem> {
        let limit = self.limit.unwrap_or(LIMIT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(Problem::bad_request(format!("limit is 1 to {LIMIT_MAX}")));
        }
        Ok((self.after.map_or(0, |after| after.saturating_add(1)), limit))
    }
}

/// A part of a trail.
#[derive(Serialize, ToSchema)]
pub struct Trail {
    /// The entries: `n`, `at`, `kind`, and what belongs to the kind.
    #[schema(value_type = Vec<Object>)]
    items: Vec<Value>,
    /// `after` of the next page; none: these are the newest.
    next: Option<u64>,
    /// `before` of the page before this one, where pages are read backwards; none: these are the oldest.
    earlier: Option<u64>,
}

/// Which part of a trail is wanted, from either end.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stretch {
    after: Option<u64>,
    before: Option<u64>,
    limit: Option<usize>,
}

/// Reads a conversation that the caller may see.
///
/// # Errors
/// 404, or what reading it ends in.
pub async fn seen(
    doors: &Doors,
    caller: &Caller,
    id: ConversationId,
) -> Result<Conversation, Problem> {
    let conversation = doors.runtime.read(id).await?;
    conversation
        .filter(|conversation| caller.person.sees(conversation))
        .ok_or_else(Problem::no_conversation)
}

/// Reads part of a trail: the entries wanted, those ahead of them, and whether there are more than wanted.
///
/// # Errors
/// What reading ends in.
pub async fn part(
    doors: &Doors,
    id: ConversationId,
    part: &Part,
) -> Result<(Vec<Entry>, usize), Problem> {
    let (from, limit) = part.bounds()?;
    let entries = doors.runtime.trail(id, from, limit + AHEAD).await?;
    let wanted = entries.len().min(limit);
    Ok((entries, wanted))
}

async fn show(
    State(doors): State<Doors>,
    caller: Caller,
    Named(id): Named,
) -> Result<Json<View>, Problem> {
    let conversation = seen(&doors, &caller, id).await?;
    let others = doors.runtime.others(&conversation).await?;
    let policy = doors.runtime.policy();
    let light = Light {
        policy: &policy,
        presence: doors.desk.presence(),
    };
    let visible = others.iter().filter(|other| caller.person.sees(other));
    Ok(Json(View {
        others: Some(visible.map(OtherView::of).collect()),
        ..View::of(&conversation, &light)
    }))
}

async fn trail(
    State(doors): State<Doors>,
    caller: Caller,
    Named(id): Named,
    Wanted(wanted): Wanted<Stretch>,
) -> Result<Json<Trail>, Problem> {
    let conversation = seen(&doors, &caller, id).await?;
    let Stretch {
        after,
        before,
        limit,
    } = wanted;
    if let Some(before) = before {
        if after.is_some() {
            return Err(Problem::bad_request("name `after` or `before`, not both"));
        }
        return back(&doors, &conversation, before, Part { after, limit }).await;
    }
    let (entries, count) = part(&doors, id, &Part { after, limit }).await?;
    let states = States::of(&entries, Some(&conversation));
    let items: Vec<_> = entries[..count]
        .iter()
        .map(|entry| facts::show(entry, &states))
        .collect();
    let next = (entries.len() > count).then(|| entries[count - 1].n);
    Ok(Json(Trail {
        items,
        next,
        earlier: None,
    }))
}

/// The last entries before `before`.
async fn back(
    doors: &Doors,
    conversation: &Conversation,
    before: u64,
    part: Part,
) -> Result<Json<Trail>, Problem> {
    let (_, limit) = part.bounds()?;
    let before = before.min(conversation.next_entry());
    let from = before.saturating_sub(limit as u64);
    let id = conversation.common().id;
    let entries = doors.runtime.trail(id, from, limit + AHEAD).await?;
    let states = States::of(&entries, Some(conversation));
    let count = entries.partition_point(|entry| entry.n < before);
    let items: Vec<_> = entries[..count]
        .iter()
        .map(|entry| facts::show(entry, &states))
        .collect();
    // What retention has dropped is not there any more: then the first one is not the one that was asked for.
    let first = entries.first().map(|entry| entry.n);
    let earlier = first.filter(|n| count > 0 && *n == from && from > 0);
    let last = entries[..count].last().map(|entry| entry.n);
    let next = last.filter(|n| n + 1 < conversation.next_entry());
    Ok(Json(Trail {
        items,
        next,
        earlier,
    }))
}
