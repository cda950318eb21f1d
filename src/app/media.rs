//! Forgets files that no message refers to: those of conversations that retention has forgotten, and those that one of us
//! chose and never sent.
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
        drop_unsent(&doors).await;
    }
}

/// Files of our own side that no reply has named in time.
async fn drop_unsent(doors: &Doors) {
    let (shelf, now) = (doors.media.clone(), doors.runtime.now());
    let dropping = move || {
        for file in shelf.unsent().take_old(now) {
            if let Err(fault) = shelf.remove(&file) {
                tracing::error!(%file, %fault, "a file that was never sent cannot be removed");
            }
        }
    };
    if tokio::task::spawn_blocking(dropping).await.is_err() {
        tracing::error!("files that were never sent cannot be removed for now");
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::App;
    use crate::config::Config;
    use crate::conversation::message::{Body, Customer, Inbound, Medium};
    use crate::store::media::{FileId, KEPT_FOR, Kind};

    fn put(doors: &Doors, of: ConversationId) -> FileId {
        let mut draft = doors.media.begin(of, 10).expect("room");
        draft.write(b"x").expect("written");
        draft.finish(Kind::Text).expect("kept")
    }

    fn age(doors: &Doors, id: &FileId, by: Duration) {
        let (file, _) = doors.media.find(id).expect("readable").expect("there");
        let written = file.metadata().and_then(|data| data.modified());
        let before = written.expect("known") - by;
        file.set_modified(before).expect("ours");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn files_go_with_their_conversation_and_not_before() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut config = Config::demonstration();
        config.storage.data_dir = dir.path().to_owned();
        config.server.listen = "127.0.0.1:0".parse().expect("an address");
        config.server.ops_listen = "127.0.0.1:0".parse().expect("an address");
        let app = App::start(config).await.expect("it starts");
        let doors = app.doors().clone();
        let inbound = Inbound {
            channel: "web".into(),
            medium: Medium::Webchat,
            from: Customer {
                address: "web:1".into(),
                name: None,
                language: None,
            },
            to: String::new(),
            id: "m1".into(),
            sent_at: None,
            body: Body::Text("hello".into()),
        };
        doors.runtime.deliver(inbound).await.expect("delivered");
        let known = doors.runtime.conversation_id(&"web".into(), "web:1");
        let forgotten = ConversationId::from_bytes([7; 16]);
        let (fresh, stays) = (put(&doors, forgotten), put(&doors, known));
        let (gone, of_before) = (put(&doors, forgotten), put(&doors, known));
        // Longer ago than an upload lasts, and for the known one: from before it was forgotten and begun again.
        age(&doors, &gone, 2 * GRACE);
        age(&doors, &of_before, 2 * GRACE);
        age(&doors, &stays, GRACE / 2);
        sweep(&doors, &CancellationToken::new()).await;
        let now = doors.runtime.now();
        let (unsent, named) = (put(&doors, known), put(&doors, known));
        for file in [unsent, named] {
            doors.media.unsent().add(file, now - KEPT_FOR);
        }
        doors.media.unsent().named(&named);
        let chosen = put(&doors, known);
        doors.media.unsent().add(chosen, now);
        drop_unsent(&doors).await;
        for (file, there) in [
            (unsent, false),
            (named, true),
            (chosen, true),
            (fresh, true),
            (stays, true),
            (gone, false),
            (of_before, false),
        ] {
            let found = doors.media.find(&file).expect("readable");
            assert_eq!(found.is_some(), there, "{file}");
        }
        app.stop().await;
    }
}
