//! How conversations that nobody uses leave memory: first what is only at hand for speed, then all of it.

use std::time::Duration;

use ractor::ActorRef;

use super::letter::Letter;
use super::router::{Router, State};
use super::window::REST;
use crate::ids::ConversationId;

impl Router {
    /// Lets conversations that nobody has used for a while rest, and then leave memory.
    pub(super) async fn passivate_idle(self) {
        let every =
            (self.inner.idle_after / 4).clamp(Duration::from_millis(50), Duration::from_secs(15));
        let mut rested = self.inner.clock.now() - REST;
        while !self.is_stopping() {
            tokio::time::sleep(every).await;
            let idle_since = self.inner.clock.now() - self.inner.idle_after;
            // Whoever fell quiet before the last look has been told already.
            let quiet = rested..self.inner.clock.now() - REST;
            rested = quiet.end;
            for map in &self.inner.maps {
                for slot in map
                    .lock()
                    .expect("nobody panics while holding the map")
                    .values()
                {
                    let State::Live { keeper, used_at } = &slot.state else {
                        continue;
                    };
                    if *used_at < idle_since {
                        let _ = keeper.cast(Letter::Retire);
                    } else if quiet.contains(used_at) {
                        let _ = keeper.cast(Letter::Rest);
                    }
                }
                tokio::task::yield_now().await;
            }
        }
    }

    /// A keeper has gone to sleep with nothing left to do: forget it, unless somebody has written meanwhile.
    pub(super) fn slept(&self, id: ConversationId, keeper: &ActorRef<Letter>) {
        let mut map = self.map(id);
        let gone = map.get(&id).is_some_and(|slot| match &slot.state {
            State::Live { keeper: live, .. } => live.get_id() == keeper.get_id(),
            State::Waking(_) => false,
        });
        if gone {
            map.remove(&id);
        }
    }
}
