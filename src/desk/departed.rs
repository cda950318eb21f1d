//! Who is one of us no more, and whose conversations have perhaps not all been let go yet.
//!
//! Written before somebody is forgotten and struck once nothing is theirs any more: whatever dies in between, the next
//! start knows whom to ask about, and a new person of the same name inherits nothing.

use crate::ids::AgentName;
use crate::store::{CommitError, LoadError, Store};

/// The setting that holds their names.
const DEPARTED: &str = "departed";

/// Their names. Blocks.
pub(super) fn all(store: &Store) -> Result<Vec<AgentName>, LoadError> {
    let Some(bytes) = store.setting(DEPARTED)? else {
        return Ok(Vec::new());
    };
    serde_json::from_slice(&bytes)
        .map_err(|fault| LoadError::Corrupt(format!("who is one of us no more: {fault}")))
}

/// Adds or strikes `name`. Blocks. For one caller at a time.
pub(super) fn note(store: &Store, name: &AgentName, departed: bool) -> Result<(), CommitError> {
    // A list that cannot be read must not keep anybody from being revoked.
    let mut names = all(store).unwrap_or_default();
    if names.contains(name) == departed {
        return Ok(());
    }
    names.retain(|one| one != name);
    if departed {
        names.push(name.clone());
    }
    let bytes = serde_json::to_vec(&names).expect("names are plain data");
    store.put_setting(DEPARTED, &bytes)
}
