//! `GET /events`: what happens, as server-sent events, resumable by `Last-Event-ID`.
//!
//! `conversation` carries the conversation and what is new on its trail; `gone` names one that left the caller's sight;
//! `reset` says that something was missed and everything has to be read again, after which the stream goes on. `presence`
//! and `mark` (who looks and who writes; without an agent: the customer) are passing signs without an id. Every few seconds the newest id is sent alone, so that a quiet caller can
//! resume too, and it is asked again whether the caller may still be here.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::asked::Wanted;
use super::caller::Caller;
use super::door::Door;
use super::facts::{self, States};
use super::view::{Light, View};
use crate::desk::presence::{Doing, Sign};
use crate::desk::stream::{Next, Subscription};
use crate::desk::{Change, EventId};
use crate::http::Doors;
use crate::http::problem::Problem;
use crate::ids::ConversationId;
use crate::runtime::Unavailable;

/// How often the connection is looked after: the process may be stopping, the caller revoked.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Every so many looks the newest id is sent, so that nobody on the way takes the connection for dead; and whoever
/// listens is there, far more often than presence lapses.
const BEAT_EVERY_LOOKS: u32 = 10;
/// What a client waits before it comes back.
const RETRY: Duration = Duration::from_secs(2);

pub fn doors() -> Vec<Door> {
    vec![
        Door::get("/api/v1/events", listen)
            .about("What happens, as server-sent events: conversation, gone, reset, presence, mark. Resumes by Last-Event-ID.")
            .query("scope", "desk (what concerns people; unless said otherwise) or all")
            .query("conversation", "only this one; implies all")
            .query("last_event_id", "where to resume, for clients that cannot send Last-Event-ID")
            .media("text/event-stream")
            .gives_nothing(200),
    ]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    #[serde(default)]
    scope: Scope,
    conversation: Option<String>,
    last_event_id: Option<String>,
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Scope {
    #[default]
    Desk,
    All,
}

/// One open stream.
struct Ear {
    doors: Doors,
    caller: Caller,
    only: Option<ConversationId>,
    events: Subscription,
    signs: tokio::sync::broadcast::Receiver<Sign>,
    looks: Interval,
    looked: u32,
    waiting: std::collections::VecDeque<Event>,
    _place: OwnedSemaphorePermit,
}

async fn listen(
    State(doors): State<Doors>,
    caller: Caller,
    headers: HeaderMap,
    Wanted(query): Wanted<Query>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let place = doors.desk.stream_place().ok_or(Unavailable::Busy)?;
    let only = match &query.conversation {
        None => None,
        Some(id) => {
            let id = id.parse().map_err(|_| Problem::no_conversation())?;
            super::one::seen(&doors, &caller, id).await?;
            Some(id)
        }
    };
    let ring = match (query.scope, only) {
        (Scope::Desk, None) => doors.desk.desk_ring(),
        (Scope::All, _) | (Scope::Desk, Some(_)) => doors.desk.whole_ring(),
    };
    let header = headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok())
        .map(str::to_owned);
    let last = header.or(query.last_event_id).filter(|id| !id.is_empty());
    let from = last
        .as_ref()
        .map(|id| EventId::read(id, doors.desk.incarnation()));
    // An id that is none, or of another opening of the store: a place that no ring knows, so that a reset follows.
    let from = from.map(|id| {
        id.unwrap_or(EventId {
            position: u64::MAX,
            n: u32::MAX,
        })
    });
    let events = ring.subscribe(from);
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut ear = Ear {
        signs: doors.desk.presence().signs(),
        only,
        events,
        looks,
        looked: 0,
        waiting: std::collections::VecDeque::new(),
        _place: place,
        caller,
        doors,
    };
    // Behind the subscription to signs: whoever comes back is told so on this very stream.
    ear.doors.desk.presence().touch(ear.caller.name());
    if from.is_none() {
        let hello = ear.id(Event::default(), ear.events.at()).retry(RETRY);
        ear.waiting.push_back(hello);
    }
    Ok(Sse::new(unfold(ear, |mut ear| async move {
        let event = ear.next().await?;
        Some((Ok(event), ear))
    })))
}

impl Ear {
    /// The next event; none when the stream is over.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            tokio::select! {
                next = self.events.next() => match next {
                    Next::Events(events) => {
                        for change in &events {
                            self.waiting.extend(self.told(change));
                        }
                    }
                    Next::Reset => {
                        let reset = Event::default().event("reset").data("{}");
                        self.waiting.push_back(self.id(reset, self.events.at()));
                    }
                },
                sign = self.signs.recv() => match sign {
                    Ok(sign) => self.waiting.extend(self.sign(sign)),
                    // Signs pass; leases mend what was missed.
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                },
                _ = self.looks.tick() => self.look()?,
            }
        }
    }

    /// Whether the stream may go on; now and then its place is told.
    fn look(&mut self) -> Option<()> {
        if self.doors.runtime.router().is_stopping() {
            return None;
        }
        self.caller.person = self.caller.again(&self.doors.desk)?;
        self.looked += 1;
        if self.looked.is_multiple_of(BEAT_EVERY_LOOKS) {
            self.doors.desk.presence().touch(self.caller.name());
            // An id without data dispatches nothing and is remembered all the same (HTML, 9.2.6).
            self.waiting
                .push_back(self.id(Event::default().comment("beat"), self.events.at()));
        }
        Some(())
    }

    fn id(&self, event: Event, id: EventId) -> Event {
        event.id(id.text(self.doors.desk.incarnation()))
    }

    /// What the caller is told of a commit.
    fn told(&self, change: &Change) -> Option<Event> {
        let seen = &change.now;
        if self.only.is_some_and(|only| only != seen.conversation_id()) {
            return None;
        }
        let now = seen.conversation()?;
        if self.caller.person.sees(now) {
            let policy = self.doors.runtime.policy();
            let light = Light {
                policy: &policy,
                presence: self.doors.desk.presence(),
            };
            let view = View::of_sighting(seen, &light)?;
            let entries = &seen.turn().entries;
            let states = States::of(entries, Some(now));
            let entries: Vec<_> = entries
                .iter()
                .map(|entry| facts::show(entry, &states))
                .collect();
            let data = json!({"conversation": view, "entries": entries}).to_string();
            return Some(self.id(Event::default().event("conversation").data(data), seen.id()));
        }
        let before = change.before.as_ref();
        let left = before
            .and_then(|before| before.conversation())
            .is_some_and(|before| self.caller.person.sees(before));
        left.then(|| {
            let data = json!({"id": seen.conversation_id().to_string()}).to_string();
            self.id(Event::default().event("gone").data(data), seen.id())
        })
    }

    fn sign(&self, sign: Sign) -> Option<Event> {
        match sign {
            Sign::Presence { agent, state } => {
                let data = json!({"agent": agent, "presence": state}).to_string();
                self.only
                    .is_none()
                    .then(|| Event::default().event("presence").data(data))
            }
            Sign::Mark {
                conversation,
                agent,
                doing,
            } => {
                let doing = match doing {
                    Doing::Viewing => "viewing",
                    Doing::Typing => "typing",
                };
                let data = json!({"conversation": conversation.to_string(), "agent": agent, "doing": doing});
                (self.concerns(conversation)
                    || (self.only.is_none() && self.caller.person.sees_all()))
                .then(|| Event::default().event("mark").data(data.to_string()))
            }
            Sign::Customer { conversation } => {
                let data = json!({"conversation": conversation.to_string(), "agent": null, "doing": "typing"});
                self.concerns(conversation)
                    .then(|| Event::default().event("mark").data(data.to_string()))
            }
        }
    }

    /// Whether a passing sign of this conversation is the listener's business: customers write to the AI all day long.
    fn concerns(&self, conversation: ConversationId) -> bool {
        if let Some(only) = self.only {
            return only == conversation;
        }
        let seen = self.doors.desk.board().get(conversation);
        let on_board = seen.as_ref().and_then(|seen| seen.conversation());
        on_board.is_some_and(|it| self.caller.person.sees(it))
    }
}
