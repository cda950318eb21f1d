//! Agents: who they are, who is there, and (for admins) who comes and goes.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::asked::{Asked, part, path_key, replayed};
use super::caller::{Caller, Proof};
use super::door::{Door, Guard};
use crate::conversation::words::{ModeName, Role};
use crate::desk::people::People;
use crate::desk::presence::State as Presence;
use crate::desk::{PeopleError, Person, Token};
use crate::http::Doors;
use crate::http::problem::Problem;
use crate::ids::AgentName;
use crate::runtime::Unavailable;

const ADMIN: Guard = Guard::Signed(Role::Admin);

pub fn doors() -> Vec<Door> {
    vec![
        Door::get("/api/v1/agents", list)
            .about("The agents: role, queues, presence, conversations held.")
            .gives::<Agents>(200),
        Door::post("/api/v1/agents", add)
            .about("Adds an agent; the token is told once.")
            .guarded(ADMIN)
            .takes::<NewAgent>()
            .gives::<Equipped>(201),
        Door::get("/api/v1/agents/me", me)
            .about("The caller; with a session, its token against forged requests.")
            .gives::<Me>(200),
        Door::put("/api/v1/agents/me/presence", set_presence)
            .about("Says how the caller is; lapses to away after a minute without a sign of life.")
            .takes::<SetPresence>()
            .gives::<Agent>(200),
        Door::post("/api/v1/agents/{name}/token", renew)
            .about("Gives an agent a new token; the old one and its sessions end.")
            .guarded(ADMIN)
            .gives::<Equipped>(200),
        Door::delete("/api/v1/agents/{name}", revoke)
            .about("Removes an agent; token and sessions end. What they wrote stays, what they held is back in its queue.")
            .guarded(ADMIN)
            .gives_nothing(204),
    ]
}

/// Somebody who answers customers.
#[derive(Serialize, ToSchema)]
pub struct Agent {
    /// Their name; customers see it.
    name: String,
    /// What they may do.
    role: Role,
    /// The queues they are limited to; empty: all.
    queues: Vec<String>,
    /// How they are.
    presence: Presence,
    /// Since when they are known.
    created_at: String,
    /// Conversations they have.
    holding: usize,
}

/// The agents.
#[derive(Serialize, ToSchema)]
struct Agents {
    /// By name.
    items: Vec<Agent>,
}

/// The caller.
#[derive(Serialize, ToSchema)]
struct Me {
    /// Who.
    #[serde(flatten)]
    agent: Agent,
    /// To be sent in X-CSRF-Token with everything that changes something; none with a bearer token.
    csrf: Option<String>,
}

/// Somebody to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewAgent {
    /// 1 to 40 visible characters.
    name: String,
    /// What they may do.
    role: Role,
    /// The queues they are limited to; empty: all.
    #[serde(default)]
    queues: BTreeSet<String>,
}

/// An agent and their token.
#[derive(Serialize, ToSchema)]
struct Equipped {
    /// Who.
    name: String,
    /// The token: told once, kept only as a hash.
    token: String,
}

/// How somebody is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SetPresence {
    /// How.
    presence: Presence,
}

fn shown(doors: &Doors, person: &Person, holding: usize) -> Agent {
    Agent {
        name: person.name.to_string(),
        role: person.role,
        queues: person.queues.iter().map(ToString::to_string).collect(),
        presence: doors.desk.presence().of(&person.name),
        created_at: person.created_at.rfc3339(),
        holding,
    }
}

fn holding(doors: &Doors, name: &AgentName) -> usize {
    let held = doors.desk.board().all(ModeName::Human);
    held.filter(|seen| seen.conversation().and_then(|one| one.assignee()) == Some(name))
        .count()
}

async fn list(State(doors): State<Doors>, _caller: Caller) -> Result<Json<Agents>, Problem> {
    let counted = tokio::task::spawn_blocking(move || {
        let mut held = std::collections::HashMap::<AgentName, usize>::new();
        for seen in doors.desk.board().all(ModeName::Human) {
            if let Some(name) = seen.conversation().and_then(|one| one.assignee()) {
                *held.entry(name.clone()).or_default() += 1;
            }
        }
        let of = |person: &Person| held.get(&person.name).copied().unwrap_or(0);
        doors
            .desk
            .people()
            .list()
            .iter()
            .map(|person| shown(&doors, person, of(person)))
            .collect()
    });
    Ok(Json(Agents {
        items: counted
            .await
            .map_err(|_| Problem::from(Unavailable::Unread))?,
    }))
}

async fn me(State(doors): State<Doors>, caller: Caller) -> Json<Me> {
    let csrf = match &caller.proof {
        Proof::Token(_) => None,
        Proof::Cookie(cookie) => doors
            .desk
            .sessions()
            .find(cookie.expose())
            .map(|session| session.csrf().to_owned()),
    };
    Json(Me {
        agent: shown(&doors, &caller.person, holding(&doors, caller.name())),
        csrf,
    })
}

async fn set_presence(State(doors): State<Doors>, asked: Asked<SetPresence>) -> Json<Agent> {
    doors
        .desk
        .presence()
        .set(asked.caller.name(), asked.value.presence);
    Json(shown(
        &doors,
        &asked.caller.person,
        holding(&doors, asked.caller.name()),
    ))
}

/// The agent a path names.
struct NamedAgent(AgentName);

impl FromRequestParts<Doors> for NamedAgent {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Problem> {
        Ok(Self(part(parts, doors, "name").await?.into()))
    }
}

async fn add(
    State(doors): State<Doors>,
    asked: Asked<NewAgent>,
) -> Result<(StatusCode, Json<Equipped>), Problem> {
    asked.caller.at_least(Role::Admin)?;
    let _alone = doors.desk.replays().alone(asked.key).await;
    replayed(&doors, asked.key)?;
    let NewAgent { name, role, queues } = asked.value;
    let policy = doors.runtime.policy();
    let queues: BTreeSet<crate::ids::QueueName> = queues.into_iter().map(Into::into).collect();
    if let Some(unknown) = queues
        .iter()
        .find(|queue| !policy.queues.contains_key(*queue))
    {
        return Err(Problem::unprocessable(
            "unknown_queue",
            format!("there is no queue `{unknown}`"),
        ));
    }
    // Nobody inherits what somebody of that name may still hold.
    crate::http::departed::let_go_of_all(&doors).await;
    let of = name.clone();
    let token = changing(&doors, move |people| people.add(&of, role, queues)).await?;
    doors
        .desk
        .replays()
        .keep(asked.key, None, doors.runtime.now());
    tracing::info!(by = %asked.caller.name(), agent = name, %role, "an agent was added");
    Ok((StatusCode::CREATED, Json(equipped(name, &token))))
}

async fn renew(
    State(doors): State<Doors>,
    caller: Caller,
    NamedAgent(name): NamedAgent,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Json<Equipped>, Problem> {
    caller.at_least(Role::Admin)?;
    let key = path_key(&headers, &caller, &uri)?;
    let _alone = doors.desk.replays().alone(key).await;
    replayed(&doors, key)?;
    let of = name.clone();
    let token = changing(&doors, move |people| people.renew(&of)).await?;
    doors.desk.sessions().end_all_of(&name);
    doors.desk.replays().keep(key, None, doors.runtime.now());
    tracing::info!(by = %caller.name(), agent = %name, "an agent got a new token");
    Ok(Json(equipped(name.to_string(), &token)))
}

async fn revoke(
    State(doors): State<Doors>,
    caller: Caller,
    NamedAgent(name): NamedAgent,
) -> Result<StatusCode, Problem> {
    caller.at_least(Role::Admin)?;
    let of = name.clone();
    changing(&doors, move |people| people.revoke(&of)).await?;
    doors.desk.sessions().end_all_of(&name);
    doors.desk.presence().forget(&name);
    doors.desk.drafts().forget(&name);
    crate::http::departed::let_go(&doors, &name).await?;
    tracing::info!(by = %caller.name(), agent = %name, "an agent was revoked");
    Ok(StatusCode::NO_CONTENT)
}

fn equipped(name: String, token: &Token) -> Equipped {
    Equipped {
        name,
        token: token.reveal().to_owned(),
    }
}

/// Changes who there is, where waiting for the disk harms nobody.
async fn changing<T: Send + 'static>(
    doors: &Doors,
    work: impl FnOnce(&People) -> Result<T, PeopleError> + Send + 'static,
) -> Result<T, Problem> {
    let desk = doors.desk.clone();
    let done = tokio::task::spawn_blocking(move || work(desk.people())).await;
    Ok(done.map_err(|_| Problem::from(Unavailable::Lost))??)
}
