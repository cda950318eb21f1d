//! What becomes of the conversations of an agent who is one of us no more: back to their queues at once.
//!
//! Whoever revokes an agent, by the API or by a command, ends here; so does the next start, for what was revoked while
//! nothing ran. What this never does: decide where a conversation goes.

use super::Doors;
use crate::conversation::event::Event;
use crate::ids::AgentName;
use crate::runtime::Unavailable;

/// How often the board is read again: whoever claimed in the very moment of the revocation shows up late.
const ROUNDS: usize = 3;

/// Lets go of everything that `name` holds or is offered. Durable before it returns.
///
/// # Errors
/// [`Unavailable`]: something is still theirs; they stay on record, so that it can be done again.
pub async fn let_go(doors: &Doors, name: &AgentName) -> Result<(), Unavailable> {
    for _ in 0..ROUNDS {
        let (desk, of) = (doors.desk.clone(), name.clone());
        let theirs = tokio::task::spawn_blocking(move || desk.board().of_agent(&of)).await;
        let theirs = theirs.map_err(|_| Unavailable::Lost)?;
        if theirs.is_empty() {
            break;
        }
        for id in theirs {
            let agent = name.clone();
            let gone = Event::OwnerGone { agent };
            doors.runtime.router().ask(id, gone, None).await?;
            tracing::info!(conversation = %id, agent = %name, "let go: its agent was revoked");
        }
    }
    let (desk, of) = (doors.desk.clone(), name.clone());
    let struck = tokio::task::spawn_blocking(move || desk.people().let_go(&of)).await;
    struck
        .map_err(|_| Unavailable::Lost)?
        .map_err(Unavailable::Store)
}

/// Lets go of whatever was not let go before the last end.
pub async fn let_go_of_all(doors: &Doors) {
    let desk = doors.desk.clone();
    let departed = tokio::task::spawn_blocking(move || desk.people().departed()).await;
    let departed = match departed {
        Ok(Ok(departed)) => departed,
        Ok(Err(fault)) => return tracing::error!(%fault, "it is not known who was revoked last"),
        Err(_panicked) => return,
    };
    for name in departed {
        if let Err(fault) = let_go(doors, &name).await {
            tracing::error!(agent = %name, %fault, "conversations of a revoked agent are still theirs");
        }
    }
}
