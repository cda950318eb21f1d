//! `segue agent`: the people who answer, and their tokens. Asks the running process, or opens the store itself.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::place::{Data, Place};
use super::{complain, ended, remark, say};
use crate::clock::SystemClock;
use crate::control::{self, Agent, Reply, Request};
use crate::conversation::words::Role;
use crate::desk::Desk;
use crate::store::{Observer, OpenError, Options, Position, Store, Turn};

/// How long closing the store may take.
const CLOSE_WITHIN: Duration = Duration::from_secs(10);

/// The people who answer, and their tokens.
#[derive(Args, Debug)]
pub struct AgentArguments {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    place: Place,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Add somebody and print their token: the only time it is shown.
    Add {
        /// Their name, as customers see it.
        name: String,
        /// What they may do: observer, agent, lead or admin.
        #[arg(long, value_parser = role, default_value = "agent")]
        role: Role,
        /// Limit them to this queue; may be given several times.
        #[arg(long = "queue", value_name = "QUEUE")]
        queues: Vec<String>,
    },
    /// List everybody.
    List,
    /// Give somebody a new token; the old one ends.
    Token {
        /// Whom.
        name: String,
    },
    /// Remove somebody; their token ends.
    Revoke {
        /// Whom.
        name: String,
    },
}

fn role(word: &str) -> Result<Role, String> {
    Role::parse(word).ok_or_else(|| "one of observer, agent, lead, admin".to_owned())
}

/// Does what the arguments say. Exit 0 or 1; 2 for a configuration that cannot be read.
pub fn run(arguments: &AgentArguments) -> ExitCode {
    let request = request(&arguments.action);
    let data = match arguments.place.find() {
        Ok(data) => data,
        Err(code) => return code,
    };
    let reply = match control::ask(&data.dir, &request) {
        Ok(Some(reply)) => reply,
        Ok(None) => match alone(&data, &request) {
            Ok(reply) => reply,
            Err((what, mend)) => {
                complain(&what, &mend);
                return ExitCode::FAILURE;
            }
        },
        Err(fault) => {
            complain(
                &fault.to_string(),
                "run the command as the user that runs Segue, or restart Segue",
            );
            return ExitCode::FAILURE;
        }
    };
    tell(&arguments.action, reply)
}

fn request(action: &Action) -> Request {
    match action {
        Action::Add { name, role, queues } => {
            let queues = queues
                .iter()
                .map(|queue| queue.as_str().into())
                .collect::<BTreeSet<_>>();
            Request::AgentAdd {
                name: name.clone(),
                role: *role,
                queues,
            }
        }
        Action::List => Request::AgentList,
        Action::Token { name } => Request::AgentToken { name: name.clone() },
        Action::Revoke { name } => Request::AgentRevoke { name: name.clone() },
    }
}

/// Nothing is committed while a command has the store, so nobody has to watch.
struct Nobody;

impl Observer for Nobody {
    fn committed(&self, _: Position, _: &[Arc<Turn>]) {}
}

/// Opens the store and does it here. What is wrong, and how to mend it, if it cannot.
fn alone(data: &Data, request: &Request) -> Result<Reply, (String, String)> {
    let dir = data.dir.as_path();
    let adds = matches!(request, Request::AgentAdd { .. });
    let begins = !data.is_there();
    if begins && !adds {
        return Err(data.missing());
    }
    if begins {
        // The first person of a house may be added before it first opens; whoever meant another house must see it.
        let (what, mend) = data.missing();
        remark(&format!(
            "segue: {what}: a new store is begun there\n  hint: if there should be one, {mend}"
        ));
    }
    let opened = Store::open(dir, Options::default(), Arc::new(Nobody));
    let (store, _) = opened.map_err(|fault| {
        let mend = match &fault {
            OpenError::InUse => {
                "its control socket does not answer: wait until it has started, or stop it"
                    .to_owned()
            }
            OpenError::NewerVersion { .. }
            | OpenError::ForeignStore
            | OpenError::JournalGap { .. }
            | OpenError::Full { .. }
            | OpenError::Io(_)
            | OpenError::Corrupt(_) => String::new(),
        };
        (
            format!("`{}` cannot be opened: {fault}", dir.display()),
            mend,
        )
    })?;
    let done = Desk::open(&store, Arc::new(SystemClock::start()))
        .map(|desk| control::people(&desk, request));
    store.shutdown(CLOSE_WITHIN);
    let done = done.map_err(|fault| (fault.to_string(), "restore a backup".to_owned()))?;
    done.ok_or_else(|| {
        (
            "only a running Segue can do this".to_owned(),
            "start it: segue serve".to_owned(),
        )
    })
}

fn tell(action: &Action, reply: Reply) -> ExitCode {
    match reply {
        Reply::Token { token } => {
            let name = match action {
                Action::Add { name, .. } | Action::Token { name } | Action::Revoke { name } => name,
                Action::List => "",
            };
            let said = io::stdout()
                .lock()
                .write_all(format!("{}\n", token.reveal()).as_bytes());
            if let Err(fault) = said.and_then(|()| io::stdout().flush()) {
                // Nobody has seen the token, whoever closed the pipe: that is never "read enough".
                complain(
                    &format!("agent `{name}` exists, but the token could not be shown: {fault}"),
                    &format!("get a new one with: segue agent token {name:?}"),
                );
                return ExitCode::FAILURE;
            }
            remark(&format!(
                "This is the token of `{name}`. Keep it: it is shown once and stored only as a hash."
            ));
            ExitCode::SUCCESS
        }
        Reply::Done => ended(say("done\n")),
        Reply::Agents { agents } => ended(say(&table(&agents))),
        Reply::Failed { what, mend } => {
            complain(&what, &mend);
            ExitCode::FAILURE
        }
        Reply::Status { .. } | Reply::Ai { .. } | Reply::Read { .. } => {
            complain(
                "the running process answered something else",
                "it may be of another version",
            );
            ExitCode::FAILURE
        }
    }
}

fn table(agents: &[Agent]) -> String {
    if agents.is_empty() {
        return "nobody yet: segue agent add NAME --role agent\n".to_owned();
    }
    let width = agents
        .iter()
        .map(|agent| agent.name.chars().count())
        .max()
        .unwrap_or(0);
    let row = |agent: &Agent| {
        let queues: Vec<_> = agent.queues.iter().map(ToString::to_string).collect();
        let queues = if queues.is_empty() {
            "all queues".to_owned()
        } else {
            queues.join(", ")
        };
        let since = agent.created_at.get(..10).unwrap_or_default();
        format!(
            "{:<width$}  {:<8}  since {since}  {queues}\n",
            agent.name,
            agent.role.as_str()
        )
    };
    agents.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::presence::State;

    fn add(name: &str) -> Request {
        Request::AgentAdd {
            name: name.into(),
            role: Role::Lead,
            queues: BTreeSet::from(["sales".into()]),
        }
    }

    #[test]
    fn without_a_running_process_the_store_is_opened() {
        let dir = tempfile::tempdir().expect("a folder");
        let data = Data::named(dir.path().to_owned());
        let carry = |request: &Request| alone(&data, request);
        assert!(
            carry(&Request::AgentList).is_err_and(|(what, _)| what.contains("no data of Segue"))
        );
        let Ok(Reply::Token { token }) = carry(&add("Ana")) else {
            panic!("no token")
        };
        assert!(token.reveal().starts_with("sgt_"));
        assert!(
            matches!(carry(&add("ana")), Ok(Reply::Failed { .. })),
            "the same name in another case"
        );
        let Ok(Reply::Agents { agents }) = carry(&Request::AgentList) else {
            panic!("no list")
        };
        assert_eq!(agents.len(), 1);
        assert_eq!(
            (agents[0].name.as_str(), agents[0].role, agents[0].presence),
            ("Ana", Role::Lead, State::Away)
        );
        assert_eq!(
            carry(&Request::AgentRevoke { name: "Ana".into() }),
            Ok(Reply::Done)
        );
        assert!(matches!(
            carry(&Request::AgentToken { name: "Ana".into() }),
            Ok(Reply::Failed { .. })
        ));
    }
}
