//! The handoff log, and verdicts on its entries.
//!
//! Read off the trails: it needs no index that every message would have to keep up. While there are few conversations the
//! whole log is told newest first ([`newest`]); beyond that, conversation by conversation, the one whose mode changed last
//! first ([`walked`]); a narrow filter may return a short page with a cursor to go on from.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::asked::{Asked, Wanted, part};
use super::bodies::{Done, Judgement, Review};
use super::caller::Caller;
use super::door::{Door, Guard};
use super::newest::{self, Place};
use super::{acts, asked, walked};
use crate::clock::Timestamp;
use crate::conversation::Conversation;
use crate::conversation::event::Act;
use crate::conversation::words::{Reason, Role, Verdict};
use crate::http::Doors;
use crate::http::problem::Problem;
use crate::ids::{ConversationId, HandoffId};
use crate::learning::shown::{Shown, parse_id};
use crate::learning::source::Facts;
use crate::learning::{Handoff, Record, fold};
use crate::runtime::blocking;
use crate::store::{LoadError, Store};

/// Conversations on a page, unless said otherwise.
const LIMIT: usize = 50;
/// The most handoffs asked for in one page.
const LIMIT_MAX: usize = 200;
/// Entries read at once.
const ENTRIES_PAGE: usize = 1_000;

pub fn doors() -> Vec<Door> {
    let lead = Guard::Signed(Role::Lead);
    vec![
        Door::get("/api/v1/handoffs", list)
            .about("The handoff log: why, by which rule, how long until whom, how it ended, the verdict. Newest first, as long as there are no more than 5,000 conversations; beyond that by the conversation, the one whose mode changed last first, each page newest first in itself. Follow `next` to the end: a page may be short, and even empty.")
            .guarded(lead)
            .query("since", "only those requested at or after this time (RFC 3339)")
            .query("until", "only those requested before this time (RFC 3339)")
            .query("reason", "only with this reason")
            .query("queue", "only those that waited in this queue last")
            .query("verdict", "only with this verdict; `none`: not judged yet")
            .query("limit", "at most so many, 1 to 200, and the rest of the conversation of the last; 50 unless said otherwise")
            .query("cursor", "`next` of the page before")
            .gives::<Log>(200),
        Door::post("/api/v1/handoffs/{id}/review", review)
            .about("Judges a handoff. The newest verdict counts; the same one again changes nothing.")
            .takes::<Judgement>()
            .guarded(lead)
            .gives::<Done>(200),
        Door::post("/api/v1/conversations/{id}/review", review_conversation)
            .about("Judges a handoff of the conversation, or the conversation as a whole: `missed`, above all.")
            .takes::<Review>()
            .guarded(lead)
            .gives::<Done>(200),
    ]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    since: Option<String>,
    until: Option<String>,
    reason: Option<String>,
    queue: Option<String>,
    verdict: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

/// A page of the handoff log.
#[derive(Serialize, ToSchema, Default)]
#[schema(as = HandoffPage)]
pub(super) struct Log {
    /// The handoffs.
    pub(super) items: Vec<Shown>,
    /// Where the next page begins; none: this was the last.
    pub(super) next: Option<String>,
}

/// What is looked for.
pub(super) struct Filter {
    pub(super) since: Timestamp,
    until: Timestamp,
    reason: Option<Reason>,
    queue: Option<String>,
    /// `Some(None)`: not judged yet.
    verdict: Option<Option<Verdict>>,
}

impl Filter {
    fn of(query: &Query) -> Result<Self, Problem> {
        let time = |name: &str, text: &Option<String>, or| match text {
            None => Ok(or),
            Some(text) => Timestamp::parse(text).ok_or_else(|| {
                let hint = "like 2026-01-31T08:00:00Z";
                Problem::bad_request(format!("`{name}` is not a time of RFC 3339")).hint(hint)
            }),
        };
        let unknown = |name, words: Vec<&str>| {
            Problem::bad_request(format!("`{name}` is one of {}", words.join(", ")))
        };
        let reason = query.reason.as_deref().map(|word| {
            let all = || Reason::ALL.iter().map(|one| one.as_str()).collect();
            Reason::parse(word).ok_or_else(|| unknown("reason", all()))
        });
        let verdict = query.verdict.as_deref().map(|word| match word {
            "none" => Ok(None),
            word => Verdict::parse(word).map(Some).ok_or_else(|| {
                unknown(
                    "verdict",
                    vec!["justified", "unnecessary", "missed", "none"],
                )
            }),
        });
        Ok(Self {
            since: time("since", &query.since, Timestamp::ZERO)?,
            until: time("until", &query.until, Timestamp::MAX)?,
            reason: reason.transpose()?,
            queue: query.queue.clone(),
            verdict: verdict.transpose()?,
        })
    }

    pub(super) fn takes(&self, handoff: &Handoff) -> bool {
        let given = handoff.verdict.as_ref().map(|given| given.verdict);
        (self.since..self.until).contains(&handoff.requested_at)
            && self.reason.is_none_or(|reason| reason == handoff.reason)
            && self.verdict.is_none_or(|verdict| verdict == given)
            && self
                .queue
                .as_ref()
                .is_none_or(|queue| handoff.queue.as_str() == queue)
    }
}

async fn list(
    State(doors): State<Doors>,
    caller: Caller,
    Wanted(query): Wanted<Query>,
) -> Result<Json<Log>, Problem> {
    caller.at_least(Role::Lead)?;
    let limit = query.limit.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Problem::bad_request(format!("limit is 1 to {LIMIT_MAX}")));
    }
    let filter = Filter::of(&query)?;
    let from = query
        .cursor
        .as_deref()
        .map(str::parse::<Begin>)
        .transpose()?;
    let (store, now) = (doors.runtime.store().clone(), doors.runtime.now());
    let sees = move |conversation: &Conversation| caller.person.sees(conversation);
    let looked = move || {
        let few = || -> Result<bool, LoadError> {
            Ok(store.conversation_count()? <= newest::CONVERSATIONS_MAX)
        };
        match from {
            Some(Begin::Walked(place)) => {
                walked::look(&store, &filter, (Some(place), limit), now, sees)
            }
            Some(Begin::Before(place)) => {
                newest::look(&store, &filter, (Some(place), limit), now, sees)
            }
            None if few()? => newest::look(&store, &filter, (None, limit), now, sees),
            None => walked::look(&store, &filter, (None, limit), now, sees),
        }
    };
    Ok(Json(blocking(looked).await?))
}

/// Where a page begins.
enum Begin {
    /// Before this conversation, in the order in which they came into their modes.
    Walked(walked::Place),
    /// Before this handoff, in the order of time.
    Before(Place),
}

impl std::str::FromStr for Begin {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let walked = walked::parse(text).map(Self::Walked);
        walked
            .or_else(|| newest::parse(text).map(Self::Before))
            .ok_or_else(|| Problem::bad_request("the cursor is not one of this list's"))
    }
}

pub(super) fn head(store: &Store, id: ConversationId) -> Result<Option<Conversation>, LoadError> {
    let loaded = store.load(id, 0)?;
    let decoded = loaded.map(|loaded| Conversation::decode(&loaded.head));
    decoded
        .transpose()
        .map_err(|fault| LoadError::Corrupt(fault.to_string()))
}

/// The whole trail of a conversation, folded; and how many entries that were.
pub(super) fn record(
    store: &Store,
    conversation: &Conversation,
    now: Timestamp,
) -> Result<(Record, usize), LoadError> {
    let id = conversation.common().id;
    let mut entries = store.trail(id, 0, ENTRIES_PAGE)?;
    let mut full = entries.len() == ENTRIES_PAGE;
    while let (true, Some(last)) = (full, entries.last()) {
        let more = store.trail(id, last.n + 1, ENTRIES_PAGE)?;
        full = more.len() == ENTRIES_PAGE;
        entries.extend(more);
    }
    let record = fold(Facts::of(conversation), &entries, Timestamp::ZERO, now);
    Ok((record, entries.len()))
}

/// The handoff that a path names.
struct Which(ConversationId, HandoffId);

impl FromRequestParts<Doors> for Which {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Problem> {
        let id = part(parts, doors, "id").await?;
        match parse_id(&id) {
            Some((conversation, handoff)) => Ok(Self(conversation, handoff)),
            None => {
                // A stranger is asked who they are before anything else.
                Caller::from_request_parts(parts, doors).await?;
                Err(no_handoff())
            }
        }
    }
}

fn no_handoff() -> Problem {
    Problem::not_found("there is no such handoff").hint("GET /api/v1/handoffs lists them")
}

async fn review(
    State(doors): State<Doors>,
    Which(id, handoff): Which,
    asked: Asked<Judgement>,
) -> acts::Told {
    let Judgement { verdict } = asked.value;
    asked.caller.at_least(Role::Lead)?;
    let act = (Some(handoff), verdict);
    let done = judge(&doors, &asked.caller, id, act, asked.key).await;
    done.map_err(|problem| match problem.code() {
        "unknown_handoff" | "not_found" => no_handoff(),
        _ => problem,
    })
}

async fn review_conversation(
    State(doors): State<Doors>,
    asked::Named(id): asked::Named,
    asked: Asked<Review>,
) -> acts::Told {
    let Review { verdict, handoff } = asked.value;
    asked.caller.at_least(Role::Lead)?;
    let unknown = || Problem::unprocessable("unknown_handoff", "no such handoff");
    let handoff = handoff
        .map(|text| text.parse().map(HandoffId).map_err(|_| unknown()))
        .transpose()?;
    judge(&doors, &asked.caller, id, (handoff, verdict), asked.key).await
}

/// A verdict on a handoff that was made cannot be that it was missed. One that stands already is not given again.
async fn judge(
    doors: &Doors,
    caller: &Caller,
    id: ConversationId,
    (handoff, verdict): (Option<HandoffId>, Verdict),
    key: acts::Key,
) -> acts::Told {
    if handoff.is_some() && verdict == Verdict::Missed {
        let detail = "a handoff that was made was not missed";
        return Err(Problem::unprocessable("not_missed", detail)
            .hint("POST /api/v1/conversations/{id}/review judges the conversation as a whole"));
    }
    caller.may_see(doors, id).await?;
    let (store, now) = (doors.runtime.store().clone(), doors.runtime.now());
    let known = blocking(move || match head(&store, id)? {
        Some(conversation) => record(&store, &conversation, now).map(|(record, _)| Some(record)),
        None => Ok(None),
    });
    let stands = known.await?.is_some_and(|record| {
        let given = match (handoff, verdict) {
            (Some(handoff), _) => {
                let of = record.handoffs.iter().rev().find(|one| one.id == handoff);
                of.and_then(|one| one.verdict.as_ref())
            }
            (None, Verdict::Missed) => record.verdict.as_ref(),
            (None, Verdict::Justified | Verdict::Unnecessary) => match record.handoffs.last() {
                Some(last) => last.verdict.as_ref(),
                None => record.verdict.as_ref(),
            },
        };
        given.is_some_and(|given| given.verdict == verdict && given.by == *caller.name())
    });
    if stands && key.is_none() {
        return Ok(Json(Done {
            result: "ignored",
            ..Done::default()
        }));
    }
    acts::act(doors, caller, id, Act::Review { handoff, verdict }, key).await
}
