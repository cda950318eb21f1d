//! Agents that are added for a run, through the control socket of the server's data directory, and removed after it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::LoadError;
use crate::control::{self, Reply, Request};
use crate::conversation::words::Role;
use crate::secret::Secret;

/// Agents that were added for a run; removed when this is dropped.
pub struct Hired {
    data: PathBuf,
    names: Vec<String>,
    /// Their tokens.
    pub tokens: Vec<Secret>,
}

impl Hired {
    /// Adds `count` people with this role to the process that runs on `data`. `run` makes their names new.
    ///
    /// # Errors
    /// When there is no such process, or it refuses.
    pub fn hire(data: &Path, role: Role, count: usize, run: u64) -> Result<Self, LoadError> {
        let mut hired = Self {
            data: data.to_owned(),
            names: Vec::new(),
            tokens: Vec::new(),
        };
        for n in 1..=count {
            let name = format!("Load {:04x} {role} {n}", run & 0xffff);
            let request = Request::AgentAdd {
                name: name.clone(),
                role,
                queues: BTreeSet::new(),
            };
            let mend = "agents are added through the data directory's control socket: run this beside the server and as its user, or say --agents 0";
            let asked = control::ask(data, &request)
                .map_err(|fault| LoadError::new(fault.to_string(), mend))?;
            match asked {
                Some(Reply::Token { token }) => {
                    hired.names.push(name);
                    hired.tokens.push(Secret::from(token.reveal()));
                }
                Some(Reply::Failed { what, mend }) => return Err(LoadError::new(what, mend)),
                None => {
                    let what = format!("nobody runs on `{}`", data.display());
                    return Err(LoadError::new(what, mend));
                }
                Some(
                    Reply::Done
                    | Reply::Agents { .. }
                    | Reply::Status { .. }
                    | Reply::Ai { .. }
                    | Reply::Read { .. },
                ) => {
                    return Err(LoadError::new(
                        "the server answered something else",
                        "it may be of another version",
                    ));
                }
            }
        }
        Ok(hired)
    }
}

impl Drop for Hired {
    fn drop(&mut self) {
        for name in &self.names {
            let request = Request::AgentRevoke { name: name.clone() };
            // A server that is gone has no agents.
            let _gone = control::ask(&self.data, &request);
        }
    }
}
