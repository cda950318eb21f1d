//! The people on our side: what waits for them, what they are told live, who they are, who is there.
//!
//! | room | holds |
//! |---|---|
//! | [`board`] | the conversations that wait for a person or have one, in memory |
//! | [`approvals`] | what waits for one decision while nobody waits |
//! | [`stream`] | the last commits, for event streams that resume |
//! | [`sighting`] | one committed turn, as board and stream share it |
//! | [`names`] | what an agent can be called |
//! | `departed` | who has left, until nothing is theirs any more |
//! | [`people`] | agents, roles, queues, tokens |
//! | [`sessions`], [`signins`] | sessions of the inbox page; who signed in, was refused, signed out |
//! | [`canned`], [`drafts`] | texts kept to answer with, and begun ones |
//! | [`presence`] | who is there, who looks at what |
//! | [`replays`] | what was done under a key |
//! | [`switches`] | which switch of the AI is turned |
//!
//! A desk never decides about a conversation and never writes one: it watches commits and knows people. What it keeps
//! of conversations can be read again from the store at any time.

pub mod approvals;
pub mod board;
pub mod canned;
mod departed;
pub mod drafts;
pub mod names;
pub mod people;
pub mod presence;
pub mod replays;
pub mod sessions;
pub mod sighting;
pub mod signins;
pub mod stream;
pub mod switches;

use std::sync::Arc;

use tokio::sync::Semaphore;

pub use self::board::{Board, Place};
pub use self::people::{PeopleError, Person, Token};
pub use self::sighting::{Change, EventId, Sighting};

use self::people::People;
use self::presence::Presence;
use self::sessions::Sessions;
use self::stream::Ring;
use crate::clock::Clock;
use crate::conversation::words::ModeName;
use crate::store::{LoadError, Observer, Position, Store, Turn};

/// Event streams open at once; each costs a task and a socket.
pub const STREAMS_MAX: usize = 1_024;

/// See the head of this file. Cheap to clone.
#[derive(Clone)]
pub struct Desk {
    inner: Arc<Inner>,
}

struct Inner {
    feed: Feed,
    people: People,
    sessions: Sessions,
    sign_ins: signins::SignIns,
    replays: replays::Replays,
    canned: canned::CannedReplies,
    approvals: approvals::Approvals,
    drafts: drafts::Drafts,
    presence: Presence,
    incarnation: u64,
    streams: Arc<Semaphore>,
}

impl Desk {
    /// Reads the people and the open conversations from `store`. To be called before anything is committed; from then
    /// on every commit has to be told to [`Desk::committed`] (or to [`Desk::feed`]). Blocks.
    ///
    /// # Errors
    /// [`LoadError`] when the store cannot be read.
    pub fn open(store: &Store, clock: Arc<dyn Clock>) -> Result<Self, LoadError> {
        let feed = Feed::default();
        feed.board.fill(store)?;
        let standing = Arc::clone(&feed.approvals);
        let approvals = approvals::Approvals::open(store.clone(), standing)?;
        Ok(Self {
            inner: Arc::new(Inner {
                feed,
                people: People::open(store.clone(), Arc::clone(&clock))?,
                sessions: Sessions::new(Arc::clone(&clock)),
                sign_ins: signins::SignIns::open(store.clone(), Arc::clone(&clock))?,
                replays: replays::Replays::default(),
                canned: canned::CannedReplies::open(store.clone())?,
                approvals,
                drafts: drafts::Drafts::default(),
                presence: Presence::new(clock),
                incarnation: store.incarnation(),
                streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            }),
        })
    }

    /// These turns are durable. Called on the writer's thread; never waits.
    pub fn committed(&self, position: Position, turns: &[Arc<Turn>]) {
        self.inner.feed.committed(position, turns);
    }

    /// The watching side alone. It holds no store, so a store may hold it without keeping itself alive.
    pub fn feed(&self) -> &Feed {
        &self.inner.feed
    }

    /// The conversations that wait for a person or have one.
    pub fn board(&self) -> &Board {
        &self.inner.feed.board
    }

    /// Agents and their tokens.
    pub fn people(&self) -> &People {
        &self.inner.people
    }

    /// Sign-ins of the inbox page.
    pub fn sessions(&self) -> &Sessions {
        &self.inner.sessions
    }

    /// Who signed in, was refused and signed out.
    pub fn sign_ins(&self) -> &signins::SignIns {
        &self.inner.sign_ins
    }

    /// What was done under a key.
    pub fn replays(&self) -> &replays::Replays {
        &self.inner.replays
    }

    /// Texts kept to answer with.
    pub fn canned(&self) -> &canned::CannedReplies {
        &self.inner.canned
    }

    /// What waits for one decision.
    pub fn approvals(&self) -> &approvals::Approvals {
        &self.inner.approvals
    }

    /// Begun replies.
    pub fn drafts(&self) -> &drafts::Drafts {
        &self.inner.drafts
    }

    /// Who is there.
    pub fn presence(&self) -> &Presence {
        &self.inner.presence
    }

    /// The last commits that concern people.
    pub fn desk_ring(&self) -> &Arc<Ring> {
        &self.inner.feed.desk
    }

    /// The last commits of everything.
    pub fn whole_ring(&self) -> &Arc<Ring> {
        &self.inner.feed.whole
    }

    /// The store's number of this opening, which event ids carry.
    pub fn incarnation(&self) -> u64 {
        self.inner.incarnation
    }

    /// A place for one event stream, if there is one.
    pub fn stream_place(&self) -> Option<tokio::sync::OwnedSemaphorePermit> {
        Arc::clone(&self.inner.streams).try_acquire_owned().ok()
    }

    /// Grants a role to somebody who is not stored, until the process ends (the demonstration).
    ///
    /// # Errors
    /// [`PeopleError`] when the name is not one, is taken, or no randomness can be had.
    pub fn grant(
        &self,
        name: &str,
        role: crate::conversation::words::Role,
    ) -> Result<Token, PeopleError> {
        self.inner.people.grant(name, role)
    }
}

/// Board and rings: what watches the commits. Cheap to clone.
#[derive(Clone, Default)]
pub struct Feed {
    board: Arc<Board>,
    approvals: Arc<approvals::Standing>,
    desk: Arc<Ring>,
    whole: Arc<Ring>,
}

impl Observer for Feed {
    fn committed(&self, position: Position, turns: &[Arc<Turn>]) {
        let mut of_desk = Vec::new();
        let mut all = Vec::with_capacity(turns.len());
        for (change, concerns_people) in self.board.committed(position, turns) {
            let asks = self.approvals.committed(change.now.turn());
            if concerns_people || asks {
                of_desk.push(change.clone());
            }
            all.push(change);
        }
        self.desk.push(of_desk);
        self.whole.push(all);
    }
}

/// Whether a conversation in this mode stands on the board.
const fn on_board(mode: ModeName) -> bool {
    match mode {
        ModeName::Waiting | ModeName::Human => true,
        ModeName::Ai | ModeName::Closed => false,
    }
}
