//! Agents: who they are, what they may do, and the tokens they show.
//!
//! A token is 256 random bits, printed once. Only its SHA-256 is kept: a hash without salt or stretching is enough for
//! a secret that nobody can guess, and looking it up by hash compares nothing of the secret itself. People are written
//! to the store before anybody is told; a granted identity (the demonstration) lives in memory alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::departed;
use super::names::{NAME_CHARS_MAX, check_name};
use crate::clock::{Clock, Timestamp};
use crate::conversation::Conversation;
use crate::conversation::Mode;
use crate::conversation::words::Role;
use crate::ids::{AgentName, QueueName};
use crate::store::{CommitError, LoadError, Store};

/// Agents that can be kept: far above any team, far below what would hurt.
pub const PEOPLE_MAX: usize = 5_000;
/// Queues one agent can be limited to.
pub const QUEUES_MAX: usize = 64;
/// What every token begins with, so that a leaked one is recognised.
pub const TOKEN_PREFIX: &str = "sgt_";
/// The version of the stored form.
const VERSION: u8 = 1;

type Hash = [u8; 32];

/// Somebody on our side.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Person {
    /// Their name; customers see it.
    pub name: AgentName,
    /// What they may do.
    pub role: Role,
    /// The queues they are limited to; empty: all.
    pub queues: BTreeSet<QueueName>,
    /// Since when they are known.
    pub created_at: Timestamp,
    /// Whether they are kept beyond this process.
    pub stored: bool,
}

impl Person {
    /// Whether they see everything, whatever the queue.
    pub fn sees_all(&self) -> bool {
        self.queues.is_empty() || self.role == Role::Admin
    }

    /// Whether they see this conversation: it is in one of their queues, theirs, or offered to them.
    pub fn sees(&self, conversation: &Conversation) -> bool {
        let theirs = match conversation.mode() {
            Mode::Human(human) => *human.agent() == self.name,
            Mode::Waiting(waiting) => waiting.offered_to() == Some(&self.name),
            Mode::Ai(_) | Mode::Closed(_) => false,
        };
        theirs || self.sees_queue(&conversation.common().queue)
    }

    /// Whether they see what is in `queue`.
    pub fn sees_queue(&self, queue: &QueueName) -> bool {
        self.sees_all() || self.queues.contains(queue)
    }
}

/// A secret that is shown once. Prints only where it is asked for by name.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(String);

impl Token {
    /// Draws one.
    fn draw() -> Result<Self, PeopleError> {
        Ok(Self(format!(
            "{TOKEN_PREFIX}{}",
            random_text().map_err(|_| PeopleError::NoRandomness)?
        )))
    }

    /// The secret itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// 256 random bits as text.
///
/// # Errors
/// When the system gives no randomness.
pub(super) fn random_text() -> Result<String, getrandom::Error> {
    let mut bits = [0; 32];
    getrandom::fill(&mut bits)?;
    Ok(URL_SAFE_NO_PAD.encode(bits))
}

/// SHA-256 of a secret: what is kept instead of it.
pub(super) fn hash_of(secret: &str) -> Hash {
    Sha256::digest(secret.as_bytes()).into()
}

/// Why nothing was changed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PeopleError {
    /// The name cannot be one.
    #[error(
        "a name is 1 to {NAME_CHARS_MAX} visible characters, without blanks at its ends, and neither `me` nor `control socket`"
    )]
    Name,
    /// There is somebody of that name.
    #[error("there is an agent `{0}` already")]
    Exists(AgentName),
    /// There is nobody of that name.
    #[error("there is no agent `{0}`")]
    Unknown(AgentName),
    /// There are too many.
    #[error("{PEOPLE_MAX} agents are the most that can be kept")]
    TooMany,
    /// Too many queues.
    #[error("an agent can be limited to at most {QUEUES_MAX} queues")]
    TooManyQueues,
    /// The system gives no randomness.
    #[error("the system gives no randomness for a token")]
    NoRandomness,
    /// The store did not take it.
    #[error("the agents could not be stored: {0}")]
    Store(#[from] CommitError),
}

/// The stored form.
#[derive(Serialize, Deserialize)]
struct Stored {
    v: u8,
    role: Role,
    queues: BTreeSet<QueueName>,
    token_sha256: String,
    created_at: Timestamp,
}

#[derive(Default)]
struct Known {
    by_name: BTreeMap<AgentName, (Arc<Person>, Hash)>,
    by_token: HashMap<Hash, Arc<Person>>,
}

/// See the head of this file.
pub struct People {
    store: Store,
    clock: Arc<dyn Clock>,
    known: RwLock<Known>,
    changing: Mutex<()>,
}

impl People {
    /// Reads everybody from the store.
    pub(super) fn open(store: Store, clock: Arc<dyn Clock>) -> Result<Self, LoadError> {
        let mut known = Known::default();
        for (name, bytes) in store.agents()? {
            match read(&name, &bytes) {
                Ok((person, hash)) => known.put(person, hash),
                Err(why) => return Err(LoadError::Corrupt(format!("agent `{name}`: {why}"))),
            }
        }
        Ok(Self {
            store,
            clock,
            known: RwLock::new(known),
            changing: Mutex::default(),
        })
    }

    /// Whoever this token belongs to.
    pub fn by_token(&self, token: &str) -> Option<Arc<Person>> {
        if !token.starts_with(TOKEN_PREFIX) {
            return None;
        }
        self.read().by_token.get(&hash_of(token)).cloned()
    }

    /// Whoever is called this.
    pub fn by_name(&self, name: &AgentName) -> Option<Arc<Person>> {
        self.read()
            .by_name
            .get(name)
            .map(|(person, _)| Arc::clone(person))
    }

    /// Everybody, by name.
    pub fn list(&self) -> Vec<Arc<Person>> {
        self.read()
            .by_name
            .values()
            .map(|(person, _)| Arc::clone(person))
            .collect()
    }

    /// Adds somebody; durable before it returns. Blocks.
    ///
    /// # Errors
    /// [`PeopleError`]; nothing has changed then, except that after `Store(Unknown)` it may have.
    pub fn add(
        &self,
        name: &str,
        role: Role,
        queues: BTreeSet<QueueName>,
    ) -> Result<Token, PeopleError> {
        self.admit(name, role, queues, true)
    }

    /// Adds somebody in memory alone.
    ///
    /// # Errors
    /// [`PeopleError`].
    pub fn grant(&self, name: &str, role: Role) -> Result<Token, PeopleError> {
        self.admit(name, role, BTreeSet::new(), false)
    }

    fn admit(
        &self,
        name: &str,
        role: Role,
        queues: BTreeSet<QueueName>,
        stored: bool,
    ) -> Result<Token, PeopleError> {
        check_name(name)?;
        if queues.len() > QUEUES_MAX {
            return Err(PeopleError::TooManyQueues);
        }
        let _changing = self.change();
        {
            let known = self.read();
            // Two names that differ only in case would be one to a customer.
            let folded = name.to_lowercase();
            if let Some(taken) = known
                .by_name
                .keys()
                .find(|known| known.as_str().to_lowercase() == folded)
            {
                return Err(PeopleError::Exists(taken.clone()));
            }
            if known.by_name.len() >= PEOPLE_MAX {
                return Err(PeopleError::TooMany);
            }
        }
        let person = Person {
            name: name.into(),
            role,
            queues,
            created_at: self.clock.now(),
            stored,
        };
        self.equip(person)
    }

    /// Gives somebody a new token; the old one is refused from now on. Blocks.
    ///
    /// # Errors
    /// [`PeopleError`], as for [`People::add`].
    pub fn renew(&self, name: &AgentName) -> Result<Token, PeopleError> {
        let _changing = self.change();
        let unknown = || PeopleError::Unknown(name.clone());
        let person = self.by_name(name).ok_or_else(unknown)?;
        self.equip(Person::clone(&person))
    }

    /// Forgets somebody; their token is refused from now on. What they hold has to be let go next: until
    /// [`Self::let_go`] they stand in [`Self::departed`], and may be revoked again. Blocks.
    ///
    /// # Errors
    /// [`PeopleError`], as for [`People::add`].
    pub fn revoke(&self, name: &AgentName) -> Result<(), PeopleError> {
        let _changing = self.change();
        let Some(person) = self.by_name(name) else {
            let again = departed::all(&self.store).is_ok_and(|all| all.contains(name));
            let unknown = || PeopleError::Unknown(name.clone());
            return again.then_some(()).ok_or_else(unknown);
        };
        departed::note(&self.store, name, true)?;
        if person.stored {
            self.store.remove_agent(name.as_str())?;
        }
        self.write().remove(name);
        Ok(())
    }

    /// Who was revoked and may still hold something. Blocks.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn departed(&self) -> Result<Vec<AgentName>, LoadError> {
        departed::all(&self.store)
    }

    /// Nothing is held by the `name` that was revoked any more. Blocks.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub fn let_go(&self, name: &AgentName) -> Result<(), CommitError> {
        let _changing = self.change();
        departed::note(&self.store, name, false)
    }

    /// Stores `person` under a new token.
    fn equip(&self, person: Person) -> Result<Token, PeopleError> {
        let token = Token::draw()?;
        let hash = hash_of(token.reveal());
        if person.stored {
            self.store
                .put_agent(person.name.as_str(), &write(&person, &hash))?;
        }
        self.write().put(person, hash);
        Ok(token)
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Known> {
        self.known
            .read()
            .expect("nobody panics while holding the people")
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Known> {
        self.known
            .write()
            .expect("nobody panics while holding the people")
    }

    fn change(&self) -> MutexGuard<'_, ()> {
        self.changing
            .lock()
            .expect("nobody panics while changing people")
    }
}

impl Known {
    fn put(&mut self, person: Person, hash: Hash) {
        self.remove(&person.name.clone());
        let person = Arc::new(person);
        self.by_token.insert(hash, Arc::clone(&person));
        self.by_name.insert(person.name.clone(), (person, hash));
    }

    fn remove(&mut self, name: &AgentName) {
        if let Some((_, hash)) = self.by_name.remove(name) {
            self.by_token.remove(&hash);
        }
    }
}

fn write(person: &Person, hash: &Hash) -> Vec<u8> {
    let stored = Stored {
        v: VERSION,
        role: person.role,
        queues: person.queues.clone(),
        token_sha256: URL_SAFE_NO_PAD.encode(hash),
        created_at: person.created_at,
    };
    serde_json::to_vec(&stored).expect("an agent is plain data")
}

fn read(name: &str, bytes: &[u8]) -> Result<(Person, Hash), String> {
    let stored: Stored = serde_json::from_slice(bytes).map_err(|fault| fault.to_string())?;
    if stored.v > VERSION {
        return Err(format!("written by a newer version (format {})", stored.v));
    }
    let hash = URL_SAFE_NO_PAD
        .decode(&stored.token_sha256)
        .map_err(|fault| fault.to_string())?;
    let hash = hash
        .try_into()
        .map_err(|_| "its token's hash is of the wrong length".to_owned())?;
    let Stored {
        role,
        queues,
        created_at,
        ..
    } = stored;
    Ok((
        Person {
            name: name.into(),
            role,
            queues,
            created_at,
            stored: true,
        },
        hash,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_form_is_read_back_and_holds_no_secret() {
        let person = Person {
            name: "Ana".into(),
            role: Role::Lead,
            queues: BTreeSet::from(["sales".into()]),
            created_at: Timestamp::from_millis(7),
            stored: true,
        };
        let token = Token::draw().expect("random");
        let bytes = write(&person, &hash_of(token.reveal()));
        assert_eq!(read("Ana", &bytes), Ok((person, hash_of(token.reveal()))));
        assert!(!String::from_utf8_lossy(&bytes).contains(&token.reveal()[TOKEN_PREFIX.len()..]));
        assert!(read("Ana", b"{\"v\":9}").is_err());
    }

    #[test]
    fn tokens_are_long_and_differ() {
        let (one, other) = (
            Token::draw().expect("random"),
            Token::draw().expect("random"),
        );
        assert_ne!(one, other);
        assert_eq!(one.reveal().len(), TOKEN_PREFIX.len() + 43);
        assert_eq!(format!("{one:?}"), "Token(…)");
    }
}
