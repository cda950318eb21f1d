//! The control socket, `DIR/segue.sock`: what commands on the same machine ask of the running process.
//!
//! One request a line, one reply a line, as JSON. Whoever can open the socket may do everything: it belongs to the user
//! that runs Segue (mode 0600, and never open to others even for a moment), and nothing of it is on the network.

pub mod client;
pub mod server;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use self::client::{ControlError, ask};
pub use self::server::listen;

use crate::conversation::policy::Switches;
use crate::conversation::words::Role;
use crate::desk::presence::State;
use crate::desk::switches::Turn;
use crate::desk::{Desk, PeopleError, Token};
use crate::ids::QueueName;
use crate::learning::{Ask, Found};

/// The socket's name in the data directory.
pub const SOCKET: &str = "segue.sock";
/// The longest line, request or reply, in bytes: a list of all agents there can be fits.
pub const LINE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What is asked.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Adds an agent.
    AgentAdd {
        /// Their name.
        name: String,
        /// What they may do.
        role: Role,
        /// The queues they are limited to; empty: all.
        queues: BTreeSet<QueueName>,
    },
    /// Lists the agents.
    AgentList,
    /// Gives an agent a new token.
    AgentToken {
        /// Whom.
        name: String,
    },
    /// Removes an agent.
    AgentRevoke {
        /// Whom.
        name: String,
    },
    /// How the process is.
    Status,
    /// Turns the AI on or off.
    Ai {
        /// Where.
        turn: Turn,
    },
    /// Conversations, for commands that look back.
    Read {
        /// What of them.
        ask: Ask,
    },
}

/// What came of it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Reply {
    /// Done; this is the agent's token, told once.
    Token {
        /// The token.
        token: Token,
    },
    /// Done.
    Done,
    /// The agents.
    Agents {
        /// By name.
        agents: Vec<Agent>,
    },
    /// How the process is.
    Status {
        /// Its version.
        version: String,
        /// Conversations in memory.
        resident: usize,
        /// Conversations that wait for a person.
        waiting: usize,
        /// Conversations with a person.
        human: usize,
        /// Where the AI is on and off.
        ai: Switches,
    },
    /// Where the AI is on and off from here on.
    Ai {
        /// The switches.
        ai: Switches,
    },
    /// What was to be read.
    Read {
        /// It.
        found: Box<Found>,
    },
    /// Not done.
    Failed {
        /// What is wrong.
        what: String,
        /// How to mend it; may be empty.
        mend: String,
    },
}

/// An agent, as commands list them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Agent {
    /// Their name.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The queues they are limited to; empty: all.
    pub queues: BTreeSet<QueueName>,
    /// How they are.
    pub presence: State,
    /// Since when they are known, in RFC 3339.
    pub created_at: String,
}

/// Where the socket of this data directory is.
pub fn socket(dir: &Path) -> PathBuf {
    dir.join(SOCKET)
}

/// Does what concerns people alone; none if the request is of another kind. Blocks. The same whether the process that
/// runs does it or a command that opened the store itself.
pub fn people(desk: &Desk, request: &Request) -> Option<Reply> {
    let (people, sessions) = (desk.people(), desk.sessions());
    match request {
        Request::AgentAdd { name, role, queues } => Some(
            people
                .add(name, *role, queues.clone())
                .map_or_else(failed, |token| Reply::Token { token }),
        ),
        Request::AgentToken { name } => {
            let name = name.as_str().into();
            let renewed = people.renew(&name);
            sessions.end_all_of(&name);
            Some(renewed.map_or_else(failed, |token| Reply::Token { token }))
        }
        Request::AgentRevoke { name } => {
            let name = name.as_str().into();
            let revoked = people.revoke(&name);
            sessions.end_all_of(&name);
            desk.presence().forget(&name);
            Some(revoked.map_or_else(failed, |()| Reply::Done))
        }
        Request::AgentList => {
            let agents = people.list().into_iter().map(|person| Agent {
                name: person.name.to_string(),
                role: person.role,
                queues: person.queues.clone(),
                presence: desk.presence().of(&person.name),
                created_at: person.created_at.rfc3339(),
            });
            Some(Reply::Agents {
                agents: agents.collect(),
            })
        }
        Request::Status | Request::Ai { .. } | Request::Read { .. } => None,
    }
}

fn failed(fault: PeopleError) -> Reply {
    let mend = match &fault {
        PeopleError::Exists(_) => {
            "choose another name, or give the agent a new token: segue agent token NAME"
        }
        PeopleError::Unknown(_) => "segue agent list shows who there is",
        PeopleError::Store(_) => {
            "look at `segue agent list` before you try again: it may have been done"
        }
        PeopleError::NoRandomness => "try again",
        PeopleError::TooMany => "revoke those who have left",
        PeopleError::Name | PeopleError::TooManyQueues => "",
    };
    Reply::Failed {
        what: fault.to_string(),
        mend: mend.to_owned(),
    }
}
