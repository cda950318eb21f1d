//! Supervision: one supervisor, a handful of shards under it, the keepers under those. No message passes through here.
//!
//! A dead keeper is not restarted here: the next thing that is addressed to its conversation, be it a message or its
//! own deadline, wakes it again from what is on disk. Shards only keep one dead child from taking others with it.

use std::time::Duration;

use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SupervisionEvent};

/// How many shards there are.
pub const SHARDS: usize = 16;

/// The root of the tree.
pub struct Supervisor;

/// One branch of it.
pub struct Shard;

impl Actor for Supervisor {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _me: ActorRef<()>, _: ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _me: ActorRef<()>,
        event: SupervisionEvent,
        _: &mut (),
    ) -> Result<(), ActorProcessingErr> {
        report(&event, "shard");
        Ok(())
    }
}

impl Actor for Shard {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _me: ActorRef<()>, _: ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    /// The default would stop the shard, and with it every sibling, when one child dies.
    async fn handle_supervisor_evt(
        &self,
        _me: ActorRef<()>,
        event: SupervisionEvent,
        _: &mut (),
    ) -> Result<(), ActorProcessingErr> {
        report(&event, "keeper");
        Ok(())
    }
}

fn report(event: &SupervisionEvent, who: &str) {
    match event {
        SupervisionEvent::ActorFailed(cell, fault) => {
            tracing::error!(actor = %cell.get_id(), %fault, "a {who} failed; it is woken again from disk");
        }
        SupervisionEvent::ActorStarted(_)
        | SupervisionEvent::ActorTerminated(..)
        | SupervisionEvent::ProcessGroupChanged(_) => {}
    }
}

/// The tree, without its leaves.
pub struct Tree {
    root: ActorRef<()>,
    shards: Vec<ActorRef<()>>,
}

impl Tree {
    /// Grows it.
    ///
    /// # Errors
    /// When an actor cannot be started.
    pub async fn grow() -> Result<Self, ractor::SpawnErr> {
        let (root, _) = Actor::spawn(None, Supervisor, ()).await?;
        let mut shards = Vec::with_capacity(SHARDS);
        for _ in 0..SHARDS {
            let (shard, _) = Actor::spawn_linked(None, Shard, (), root.get_cell()).await?;
            shards.push(shard);
        }
        Ok(Self { root, shards })
    }

    /// The shard that looks after what hashes to `place`.
    pub fn shard(&self, place: usize) -> ActorCell {
        self.shards[place % SHARDS].get_cell()
    }

    /// Lets every keeper finish what is in its mailbox, for at most `patience` each shard at once.
    pub async fn drain(&self, patience: Duration) {
        let shards = self.shards.iter().map(|shard| async move {
            shard
                .get_cell()
                .drain_children_and_wait(Some(patience))
                .await;
        });
        futures_util::future::join_all(shards).await;
        self.root.stop(Some("shutdown".to_owned()));
    }
}
