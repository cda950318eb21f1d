//! What people do with a conversation. Each act goes to the conversation itself; what it refuses comes back as a problem.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;

use super::asked::{Asked, Named, part};
use super::bodies::{
    Change, Done, Escalate, Force, HandBack, InFlight, Nothing, Reply, Resolve, Text, Transfer,
};
use super::caller::Caller;
use super::door::{Door, Guard};
use super::{canned, files};
use crate::conversation::decision::Answer;
use crate::conversation::event::{Act, Edit};
use crate::conversation::snooze::SNOOZED_UNTIL;
use crate::conversation::words::{MessageState, Role};
use crate::conversation::{Mode, language_tag};
use crate::desk::presence::Doing;
use crate::http::Doors;
use crate::http::problem::Problem;
use crate::ids::{ConversationId, EffectId, IdHash, OwnerEpoch};
use crate::runtime::Frame;

pub fn doors() -> Vec<Door> {
    let doors = vec![
        Door::post("/api/v1/conversations/{id}/claim", claim)
            .about("Takes a waiting conversation. Of any number who claim at once exactly one gets it.")
            .takes::<Force>(),
        Door::post("/api/v1/conversations/{id}/takeover", take_over)
            .about("Takes a conversation that nobody offered, from the AI or (leads, with `force`) from a person.")
            .takes::<Force>(),
        Door::post("/api/v1/conversations/{id}/reply", reply)
            .about("Writes to the customer. With `owner_epoch`, refused if the conversation changed hands since. While the channel's window is shut the reply is `parked`: it leaves when the customer writes again, or is given up at `until`.")
            .takes::<Reply>(),
        Door::post("/api/v1/conversations/{id}/note", note)
            .about("Leaves a private note.")
            .takes::<Text>(),
        Door::post("/api/v1/conversations/{id}/typing", typing)
            .about("Says that the caller is writing; renews the lease. Repeat every few seconds.")
            .takes::<Nothing>(),
        Door::post("/api/v1/conversations/{id}/viewing", viewing)
            .about("Says that the caller is looking; renews the lease. Repeat every 20 seconds.")
            .takes::<Nothing>(),
        Door::post("/api/v1/conversations/{id}/transfer", transfer)
            .about("Sends it on to a queue or a person.")
            .takes::<Transfer>(),
        Door::post("/api/v1/conversations/{id}/handback", hand_back)
            .about("Gives it back to the AI, with a note on what was resolved.")
            .takes::<HandBack>(),
        Door::post("/api/v1/conversations/{id}/keep", keep)
            .about("Answers \"are you done?\": not yet.")
            .takes::<Nothing>(),
        Door::post("/api/v1/conversations/{id}/resolve", resolve)
            .about("Ends the episode.")
            .takes::<Resolve>(),
        Door::post("/api/v1/conversations/{id}/escalate", escalate)
            .about("Asks for a person on the customer's behalf.")
            .takes::<Escalate>(),
        Door::patch("/api/v1/conversations/{id}", edit)
            .about("Changes tags, attributes, priority, language or name; what is not named stays.")
            .takes::<Change>(),
        Door::delete("/api/v1/conversations/{id}/pending/{message}", undo)
            .about("Takes a message back that has not left yet; a parked one too."),
    ];
    doors
        .into_iter()
        .map(|door| agents(door).gives::<Done>(200))
        .collect()
}

fn agents(door: Door) -> Door {
    door.guarded(Guard::Signed(Role::Agent))
}

/// What came of an act.
pub type Told = Result<Json<Done>, Problem>;
/// An idempotency key with the digest of its request.
pub type Key = Option<(IdHash, IdHash)>;

/// Has somebody do something with a conversation.
///
/// # Errors
/// What the core refuses, as a problem.
pub async fn act(doors: &Doors, caller: &Caller, id: ConversationId, act: Act, key: Key) -> Told {
    caller.at_least(Role::Agent)?;
    caller.may_see(doors, id).await?;
    let answer = doors
        .runtime
        .act(id, caller.name().clone(), caller.role(), act, key)
        .await?;
    if doors.desk.people().by_name(caller.name()).is_none() {
        // Revoked while this was under way: it must not be theirs.
        crate::http::departed::let_go(doors, caller.name()).await?;
    }
    let done = |result| Done {
        result,
        ..Done::default()
    };
    let done = match answer {
        Answer::Accepted => done("accepted"),
        Answer::Duplicate | Answer::Ignored => done("ignored"),
        Answer::Claimed {
            epoch,
            handoff,
            in_flight,
        } => {
            let shown = |(effect, text): (EffectId, String)| InFlight {
                message: effect.to_string(),
                text,
            };
            Done {
                owner_epoch: Some(epoch.0),
                handoff: handoff.map(|handoff| handoff.to_string()),
                in_flight: Some(in_flight.into_iter().map(shown).collect()),
                ..done("claimed")
            }
        }
        Answer::Wrote { effect, entry } => Done {
            message: Some(effect.to_string()),
            entry: Some(entry),
            ..done("wrote")
        },
        Answer::Parked {
            effect,
            entry,
            until,
        } => Done {
            message: Some(effect.to_string()),
            entry: Some(entry),
            state: Some(MessageState::Parked),
            until: Some(until.rfc3339()),
            ..done("wrote")
        },
        Answer::Asked { approval } => Done {
            approval: Some(approval.to_string()),
            entry: Some(approval),
            ..done("asked")
        },
        Answer::Refused(refusal) => return Err(Problem::refused(&refusal)),
    };
    Ok(Json(done))
}

async fn claim(State(doors): State<Doors>, Named(id): Named, asked: Asked<Force>) -> Told {
    let Asked {
        caller,
        value: Force { force },
        key,
    } = asked;
    act(&doors, &caller, id, Act::Claim { force }, key).await
}

async fn take_over(State(doors): State<Doors>, Named(id): Named, asked: Asked<Force>) -> Told {
    let Asked {
        caller,
        value: Force { force },
        key,
    } = asked;
    act(&doors, &caller, id, Act::TakeOver { force }, key).await
}

async fn reply(State(doors): State<Doors>, Named(id): Named, asked: Asked<Reply>) -> Told {
    let Asked {
        caller,
        value:
            Reply {
                text,
                owner_epoch,
                template,
                attachments,
            },
        key,
    } = asked;
    let epoch = owner_epoch.map(OwnerEpoch);
    if let Some(template) = template {
        return Err(canned::no_template(&template));
    }
    if attachments.is_empty() {
        return act(&doors, &caller, id, Act::Reply { text, epoch }, key).await;
    }
    caller.at_least(Role::Agent)?;
    caller.may_see(&doors, id).await?;
    let files = files::named(&doors, id, &attachments).await?;
    let text = match text.trim().is_empty() {
        true => files::caption(&files),
        false => text,
    };
    let send = Act::SendFiles { text, files, epoch };
    act(&doors, &caller, id, send, key).await
}

async fn note(State(doors): State<Doors>, Named(id): Named, asked: Asked<Text>) -> Told {
    let Asked {
        caller,
        value: Text { text },
        key,
    } = asked;
    act(&doors, &caller, id, Act::Note { text }, key).await
}

async fn typing(State(doors): State<Doors>, Named(id): Named, asked: Asked<Nothing>) -> Told {
    let told = mark(&doors, &asked.caller, id, Doing::Typing, asked.key).await?;
    if owns(&doors, &asked.caller, id) {
        doors.runtime.hub().publish(
            id,
            Frame::Typing {
                agent: asked.caller.name().to_string(),
            },
        );
    }
    Ok(told)
}

async fn viewing(State(doors): State<Doors>, Named(id): Named, asked: Asked<Nothing>) -> Told {
    mark(&doors, &asked.caller, id, Doing::Viewing, asked.key).await
}

/// Marks what the caller does. Only the owner's marks concern the conversation itself; a crowd that watches one that
/// the AI has must not wake it again and again.
async fn mark(doors: &Doors, caller: &Caller, id: ConversationId, doing: Doing, key: Key) -> Told {
    caller.at_least(Role::Agent)?;
    let told = if owns(doors, caller, id) {
        let sign = match doing {
            Doing::Viewing => Act::Viewing,
            Doing::Typing => Act::Typing,
        };
        act(doors, caller, id, sign, key).await?
    } else {
        super::one::seen(doors, caller, id).await?;
        Json(Done {
            result: "accepted",
            ..Done::default()
        })
    };
    doors.desk.presence().mark(id, caller.name(), doing);
    Ok(told)
}

fn owns(doors: &Doors, caller: &Caller, id: ConversationId) -> bool {
    let seen = doors.desk.board().get(id);
    let conversation = seen.as_ref().and_then(|seen| seen.conversation());
    conversation.is_some_and(|conversation| match conversation.mode() {
        Mode::Human(human) => human.agent() == caller.name(),
        Mode::Ai(_) | Mode::Waiting(_) | Mode::Closed(_) => false,
    })
}

async fn transfer(State(doors): State<Doors>, Named(id): Named, asked: Asked<Transfer>) -> Told {
    let Asked {
        caller,
        value: Transfer { queue, agent },
        key,
    } = asked;
    if queue.is_none() && agent.is_none() {
        return Err(Problem::unprocessable(
            "bad_body",
            "name a `queue`, an `agent`, or both",
        ));
    }
    let to = agent.map(|agent| agent.into());
    if let Some(to) = &to {
        let person = doors.desk.people().by_name(to);
        let person = person.ok_or_else(|| {
            Problem::unprocessable("unknown_agent", format!("there is no agent `{to}`"))
        })?;
        if person.role == Role::Observer {
            return Err(Problem::unprocessable(
                "unknown_agent",
                format!("`{to}` is an observer and cannot answer"),
            ));
        }
    }
    act(
        &doors,
        &caller,
        id,
        Act::Transfer {
            queue: queue.map(Into::into),
            to,
        },
        key,
    )
    .await
}

async fn hand_back(State(doors): State<Doors>, Named(id): Named, asked: Asked<HandBack>) -> Told {
    let Asked {
        caller,
        value: HandBack { note, seen },
        key,
    } = asked;
    act(&doors, &caller, id, Act::HandBack { note, seen }, key).await
}

async fn keep(State(doors): State<Doors>, Named(id): Named, asked: Asked<Nothing>) -> Told {
    act(&doors, &asked.caller, id, Act::Keep, asked.key).await
}

async fn resolve(State(doors): State<Doors>, Named(id): Named, asked: Asked<Resolve>) -> Told {
    let Asked {
        caller,
        value: Resolve { outcome, note },
        key,
    } = asked;
    act(&doors, &caller, id, Act::Resolve { outcome, note }, key).await
}

async fn escalate(State(doors): State<Doors>, Named(id): Named, asked: Asked<Escalate>) -> Told {
    let Asked {
        caller,
        value: Escalate { queue },
        key,
    } = asked;
    act(
        &doors,
        &caller,
        id,
        Act::Escalate {
            queue: queue.map(Into::into),
        },
        key,
    )
    .await
}

async fn edit(State(doors): State<Doors>, Named(id): Named, asked: Asked<Change>) -> Told {
    let Asked {
        caller,
        value:
            Change {
                tags,
                attributes,
                priority,
                language,
                name,
            },
        key,
    } = asked;
    if attributes.contains_key(SNOOZED_UNTIL) {
        let what = format!("the attribute `{SNOOZED_UNTIL}` is Segue's own");
        return Err(
            Problem::forbidden(what).hint("POST /conversations/{id}/snooze sets and ends it")
        );
    }
    let attributes = attributes.into_iter().collect();
    let language = language
        .map(|tag| language_tag(&tag).ok_or(tag))
        .transpose();
    let language = language.map_err(|tag| {
        let what = format!("`{tag}` is no language tag such as `en` or `pt-br`");
        Problem::unprocessable("bad_language", what)
    })?;
    act(
        &doors,
        &caller,
        id,
        Act::Edit(Edit {
            tags,
            attributes,
            priority,
            language,
            name,
        }),
        key,
    )
    .await
}

/// The message a path names.
struct Message(EffectId);

impl FromRequestParts<Doors> for Message {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Problem> {
        let id = part(parts, doors, "message").await?;
        id.parse()
            .map(|id| Self(EffectId(id)))
            .map_err(|_| Problem::not_found("no such message"))
    }
}

async fn undo(
    State(doors): State<Doors>,
    caller: Caller,
    Named(id): Named,
    Message(effect): Message,
) -> Told {
    act(&doors, &caller, id, Act::Undo { effect }, None).await
}
