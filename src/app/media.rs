//! Forgets files of customers that no message refers to any more: those of conversations that retention has forgotten.
//!
//! Every now and then, folder by folder. A conversation that was forgotten and begun again keeps what it was sent since.
//! A file is younger than the first entry that may name it only by what an upload lasts; [`GRACE`] is far more.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio_util::sync::CancellationToken;

use crate::clock::Timestamp;
use crate::http::Doors;
use crate::ids::ConversationId;

/// How often it is looked.
const EVERY: Duration = Duration::from_mins(10);
/// How much older than its conversation's first entry a file may be.
const GRACE: Duration = Duration::from_mins(30);

/// Until `stop`.
pub async fn run(doors: Doors, stop: CancellationToken) {
    while tokio::time::timeout(EVERY, stop.cancelled()).await.is_err() {
        sweep(&doors, &stop).await;
    }
}

async fn sweep(doors: &Doors, stop: &CancellationToken) {
    let shelf = doors.media.clone();
    let Ok(Ok(all)) = tokio::task::spawn_blocking(move || shelf.conversations()).await else {
        return tracing::error!("the files of customers cannot be listed");
    };
    for id in all {
        if stop.is_cancelled() {
            return;
        }
        let Some(limit) = kept_since(doors, id).await else {
            continue;
        };
        let shelf = doors.media.clone();
        let swept = tokio::task::spawn_blocking(move || shelf.forget_older(id, Some(limit))).await;
        if let Ok(Err(fault)) = swept {
            tracing::error!(conversation = %id, %fault, "files cannot be forgotten for now");
        }
    }
}

/// Files of `id` that were written before this are no longer referred to; none: it is not known just now.
async fn kept_since(doors: &Doors, id: ConversationId) -> Option<SystemTime> {
    let first = doors.runtime.trail(id, 0, 1).await.ok()?;
    let since: Timestamp = first.first().map_or(doors.runtime.now(), |entry| entry.at);
    let millis = u64::try_from(since.as_millis()).ok()?;
    (UNIX_EPOCH + Duration::from_millis(millis)).checked_sub(GRACE)
}
