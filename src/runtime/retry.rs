//! A parked event, once more: how it is written down, and how it is taken up again by the way on which it came.
//!
//! What this never does: park anything. Whatever fails again is told, and stays parked under the number it has.

use serde::{Deserialize, Serialize};

use super::{Runtime, Unavailable};
use crate::conversation::decision::Answer;
use crate::conversation::event::{Act, Event};
use crate::conversation::message::Inbound;
use crate::conversation::words::Role;
use crate::ids::{AgentName, IdHash};
use crate::store::Parked;

/// What became of a parked thing that was taken up again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Retried {
    /// It was handled.
    Done,
    /// It failed again, for this reason.
    Failed(String),
    /// Nobody can take up such a thing.
    Never,
}

/// An event as it is parked: JSON, which people can read.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Written {
    CustomerWrote(Inbound),
    #[serde(rename = "written_elsewhere")]
    Elsewhere(Inbound),
    Acted {
        agent: AgentName,
        role: Role,
        act: Act,
        key: Option<(IdHash, IdHash)>,
    },
}

/// The bytes of an event that is parked; none: there is nothing in it to be kept.
pub(super) fn written(event: &Event) -> Option<Vec<u8>> {
    let written = match event {
        Event::CustomerWrote { inbound, .. } => Written::CustomerWrote(inbound.clone()),
        Event::WrittenElsewhere { inbound } => Written::Elsewhere(inbound.clone()),
        Event::Acted {
            agent,
            role,
            act,
            key,
        } => Written::Acted {
            agent: agent.clone(),
            role: *role,
            act: act.clone(),
            key: *key,
        },
        Event::Reported(_)
        | Event::ModelAnswered { .. }
        | Event::ModelFailed { .. }
        | Event::StreamStopped { .. }
        | Event::SendSettled { .. }
        | Event::SendSuppressed { .. }
        | Event::DeadlinePassed
        | Event::SwitchTurned
        | Event::OwnerGone { .. }
        | Event::PeoplePresent { .. }
        | Event::Revived { .. }
        | Event::Faulted { .. } => return None,
    };
    Some(serde_json::to_vec(&written).expect("an event is plain data"))
}

fn read(parked: &Parked) -> Option<Event> {
    Some(match serde_json::from_slice(&parked.raw).ok()? {
        Written::CustomerWrote(inbound) => Event::CustomerWrote {
            inbound,
            seen_before: false,
        },
        Written::Elsewhere(inbound) => Event::WrittenElsewhere { inbound },
        Written::Acted {
            agent,
            role,
            act,
            key,
        } => {
            // Should the process end between the act and its settling, the act is not done a second time.
            let own = || {
                (
                    IdHash::of(&format!("parked\0{}", parked.id)),
                    IdHash::of_bytes(&parked.raw),
                )
            };
            Event::Acted {
                agent,
                role,
                act,
                key: key.or_else(|| Some(own())),
            }
        }
    })
}

impl Runtime {
    /// Held while something parked is taken up, so that nothing is taken up twice at once.
    pub async fn retrying(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.retrying.lock().await
    }

    /// Takes a parked event up again. The caller settles it when it is done.
    ///
    /// # Errors
    /// [`Unavailable`]: it was not tried, or nobody knows what became of it.
    pub async fn retry(&self, parked: &Parked) -> Result<Retried, Unavailable> {
        let (Some(event), Ok(id)) = (read(parked), parked.origin.parse()) else {
            return Ok(Retried::Never);
        };
        let permit = self.admit().await?;
        match self.router.ask_again(id, event, permit).await {
            Ok(Answer::Refused(refusal)) => Ok(Retried::Failed(refusal.to_string())),
            Ok(
                Answer::Accepted
                | Answer::Duplicate
                | Answer::Ignored
                | Answer::Claimed { .. }
                | Answer::Wrote { .. }
                | Answer::Parked { .. }
                | Answer::Asked { .. },
            ) => Ok(Retried::Done),
            Err(Unavailable::StillParked(why)) => Ok(Retried::Failed(why.to_owned())),
            Err(fault) => Err(fault),
        }
    }
}
