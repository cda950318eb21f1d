//! Approvals: one decision of a person, and nobody waits for it.
//!
//! Whoever asks (an agent, or another system with an agent's token) does not decide. One decision stands: whoever comes
//! second is told who decided what, and when. What is asked is read from the trail, where it cannot be changed any more.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::acts::{Told, act};
use super::asked::{Asked, Named, Wanted, part};
use super::bodies::Done;
use super::caller::Caller;
use super::door::{Door, Guard};
use super::view::{Light, View};
use crate::clock::Timestamp;
use crate::conversation::approval;
use crate::conversation::event::Act;
use crate::conversation::trail::{Entry, Fact};
use crate::conversation::words::Role;
use crate::desk::approvals::{ApprovalsError, Place};
use crate::http::Doors;
use crate::http::problem::Problem;
use crate::ids::{AgentName, ConversationId};
use crate::runtime::Unavailable;

/// Approvals on a page, unless said otherwise.
const LIMIT: usize = 100;
/// The most on a page: each costs a look at its conversation.
const LIMIT_MAX: usize = 200;
/// Entries read at once while the decision is looked for.
const ENTRIES_PAGE: usize = 500;

pub fn doors() -> Vec<Door> {
    let agent = Guard::Signed(Role::Agent);
    vec![
        Door::get("/api/v1/approvals", list)
            .about("What waits for one decision, the oldest first, of the conversations the caller may see.")
            .query("limit", "at most so many, 1 to 200; 100 unless said otherwise")
            .query("cursor", "`next` of the page before")
            .gives::<ApprovalPage>(200),
        Door::post("/api/v1/conversations/{id}/approvals", ask)
            .about("Has a person decide something while nobody waits: who speaks goes on speaking, the customer is told nothing. The AI reads question and decision with its next answer. At most 8 are open in a conversation.")
            .guarded(agent)
            .takes::<Question>()
            .gives::<Done>(200),
        Door::post("/api/v1/conversations/{id}/approvals/{approval}/decide", decide)
            .about("Decides, once: 409 `already_decided` tells a second one who decided what, and when. Whoever asked does not decide.")
            .guarded(agent)
            .takes::<Decision>()
            .gives::<Done>(200),
    ]
}

/// What a person is to decide.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ApprovalQuestion)]
struct Question {
    /// The question, at most 2 KiB.
    question: String,
    /// How much it is about, such as `40.00 EUR`; at most 64 bytes.
    #[serde(default)]
    amount: String,
}

/// A decision.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ApprovalDecision)]
struct Decision {
    /// Yes, or no.
    approved: bool,
    /// In words, for the AI too; at most 2 KiB.
    #[serde(default)]
    note: String,
}

/// Open approvals, the oldest first.
#[derive(Serialize, ToSchema)]
struct ApprovalPage {
    /// The approvals.
    items: Vec<ApprovalView>,
    /// Where the next page begins; none: this was the last.
    next: Option<String>,
}

/// Something that one of us is to decide.
#[derive(Serialize, ToSchema)]
#[schema(as = Approval)]
struct ApprovalView {
    /// Its id within the conversation: the entry that asks.
    id: String,
    /// The question.
    question: String,
    /// How much it is about; empty: about none.
    amount: String,
    /// Who asks.
    asked_by: String,
    /// Since when.
    asked_at: String,
    /// Where.
    conversation: View,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    limit: Option<usize>,
    cursor: Option<String>,
}

fn cursor(text: &str) -> Result<Place, Problem> {
    let read = || {
        let mut parts = text.splitn(3, '.');
        let at = parts.next()?.parse().ok()?;
        let id = parts.next()?.parse().ok()?;
        let n = parts.next()?.parse().ok()?;
        Some((Timestamp::from_millis(at), id, n))
    };
    read().ok_or_else(|| Problem::bad_request("the cursor is not one of this list's"))
}

async fn list(
    State(doors): State<Doors>,
    caller: Caller,
    Wanted(query): Wanted<Query>,
) -> Result<Json<ApprovalPage>, Problem> {
    let limit = query.limit.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Problem::bad_request(format!("limit is 1 to {LIMIT_MAX}")));
    }
    let after = query.cursor.as_deref().map(cursor).transpose()?;
    let places = doors.desk.approvals().standing().page(after, limit);
    let next = match places.last() {
        Some((at, id, n)) if places.len() == limit => Some(format!("{}.{id}.{n}", at.as_millis())),
        Some(_) | None => None,
    };
    let mut items = Vec::with_capacity(places.len());
    for (_, id, n) in places {
        items.extend(shown(&doors, &caller, id, n).await?);
    }
    Ok(Json(ApprovalPage { items, next }))
}

/// The approval as its conversation has it; none if it is open no more, or none of the caller's business.
async fn shown(
    doors: &Doors,
    caller: &Caller,
    id: ConversationId,
    n: u64,
) -> Result<Option<ApprovalView>, Problem> {
    let conversation = doors.runtime.read(id).await?;
    let open = |one: &crate::conversation::Conversation| approval::open(one.common()).contains(&n);
    let Some(conversation) = conversation.filter(open) else {
        doors.desk.approvals().standing().forget(id, n);
        return Ok(None);
    };
    if !caller.person.sees(&conversation) {
        return Ok(None);
    }
    let Some((entry, question, amount, asker)) = asked(doors, id, n).await? else {
        return Ok(None);
    };
    let policy = doors.runtime.policy();
    let light = Light {
        policy: &policy,
        presence: doors.desk.presence(),
    };
    let seen = doors.desk.board().get(id);
    let on_board = seen.and_then(|seen| View::of_sighting(&seen, &light));
    Ok(Some(ApprovalView {
        id: n.to_string(),
        question,
        amount,
        asked_by: asker.to_string(),
        asked_at: entry.at.rfc3339(),
        conversation: on_board.unwrap_or_else(|| View::of(&conversation, &light)),
    }))
}

/// The entry that asks, with the question, the amount and who asked; none if that entry asks nothing.
async fn asked(
    doors: &Doors,
    id: ConversationId,
    n: u64,
) -> Result<Option<(Entry, String, String, AgentName)>, Problem> {
    let found = doors.runtime.trail(id, n, 1).await?.into_iter().next();
    let Some(entry) = found.filter(|entry| entry.n == n) else {
        return Ok(None);
    };
    let Fact::ApprovalAsked {
        agent,
        question,
        amount,
    } = entry.fact.clone()
    else {
        return Ok(None);
    };
    Ok(Some((entry, question, amount, agent)))
}

async fn ask(State(doors): State<Doors>, Named(id): Named, asked: Asked<Question>) -> Told {
    let Asked {
        caller,
        value: Question { question, amount },
        key,
    } = asked;
    caller.at_least(Role::Agent)?;
    super::one::seen(&doors, &caller, id).await?;
    let desk = doors.desk.clone();
    let expecting = tokio::task::spawn_blocking(move || desk.approvals().expect(id)).await;
    expecting.map_err(|_| Problem::from(Unavailable::Lost))??;
    let told = act(
        &doors,
        &caller,
        id,
        Act::AskApproval { question, amount },
        key,
    )
    .await;
    doors.desk.approvals().settled(id);
    told
}

/// The approval a path names.
struct Approval(u64);

impl FromRequestParts<Doors> for Approval {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Problem> {
        let n = part(parts, doors, "approval").await?;
        n.parse().map(Self).map_err(|_| nothing())
    }
}

async fn decide(
    State(doors): State<Doors>,
    Named(id): Named,
    Approval(n): Approval,
    given: Asked<Decision>,
) -> Told {
    let Asked {
        caller,
        value: Decision { approved, note },
        key,
    } = given;
    caller.at_least(Role::Agent)?;
    caller.may_see(&doors, id).await?;
    let (_, question, _, asker) = asked(&doors, id, n).await?.ok_or_else(nothing)?;
    if asker == *caller.name() {
        return Err(Problem::forbidden("whoever asks does not decide"));
    }
    let decided = Act::Decide {
        approval: n,
        approved,
        note,
        question,
    };
    let told = act(&doors, &caller, id, decided, key).await;
    match told {
        Err(problem) if problem.code() == "not_open" => Err(already(&doors, id, n).await?),
        told => told,
    }
}

/// Who decided, what, and when.
async fn already(doors: &Doors, id: ConversationId, n: u64) -> Result<Problem, Problem> {
    let mut from = n + 1;
    loop {
        let entries = doors.runtime.trail(id, from, ENTRIES_PAGE).await?;
        let Some(last) = entries.last() else {
            return Ok(nothing());
        };
        from = last.n + 1;
        for entry in &entries {
            if let Fact::ApprovalDecided {
                approval,
                agent,
                approved,
                note,
                ..
            } = &entry.fact
                && *approval == n
            {
                let word = if *approved { "approved" } else { "declined" };
                let at = entry.at.rfc3339();
                let detail = format!("`{agent}` {word} it at {at}");
                let title = "It is decided already";
                let status = axum::http::StatusCode::CONFLICT;
                return Ok(Problem::new(status, "already_decided", title, detail)
                    .with("decided_by", agent.as_str())
                    .with("approved", *approved)
                    .with("at", at)
                    .with("note", note.as_str()));
            }
        }
    }
}

fn nothing() -> Problem {
    Problem::not_found("there is no such approval")
}

impl From<ApprovalsError> for Problem {
    fn from(fault: ApprovalsError) -> Self {
        match fault {
            ApprovalsError::TooMany => Self::unprocessable("too_many_approvals", fault.to_string()),
            ApprovalsError::Store(fault) => Self::from(Unavailable::Store(fault)),
        }
    }
}
