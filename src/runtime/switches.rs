//! Where the AI's switches are kept, and who turned them: the two are written in one transaction, so that no change
//! stands without its line and no line without its change.
//!
//! What this never does: decide which switch is turned, or put it in force.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::conversation::policy::Switches;
use crate::store::{CommitError, LoadError, Store};

/// The setting that holds the switches.
pub const SWITCHES: &str = "switches";
/// The setting that holds who turned them.
const SWITCHED: &str = "switched";
/// How many changes are remembered: years of incidents, and still a small row.
const SWITCHED_MAX: usize = 200;

/// A switch of the AI was turned.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Switched {
    /// When.
    pub at: Timestamp,
    /// By whom: an agent's name, or `control socket`.
    pub by: String,
    /// How they all stood afterwards.
    pub switches: Switches,
}

/// Keeps the switches and adds a line. Blocks. For one caller at a time.
pub(super) fn keep(store: &Store, one: Switched) -> Result<(), CommitError> {
    let bytes = serde_json::to_vec(&one.switches).expect("switches are plain data");
    // A list that cannot be read must not keep anybody from switching the AI off.
    let mut lines = kept(store).unwrap_or_default();
    lines.insert(0, one);
    lines.truncate(SWITCHED_MAX);
    let lines = serde_json::to_vec(&lines).expect("lines are plain data");
    store.put_settings(&[(SWITCHES, &bytes), (SWITCHED, &lines)])
}

/// Who turned them, newest first.
pub(super) fn kept(store: &Store) -> Result<Vec<Switched>, LoadError> {
    let Some(bytes) = store.setting(SWITCHED)? else {
        return Ok(Vec::new());
    };
    serde_json::from_slice(&bytes)
        .map_err(|fault| LoadError::Corrupt(format!("who turned the AI's switches: {fault}")))
}
