//! Canned replies: texts that people keep to answer with. Kept as one setting; read from memory.
//!
//! A canned reply is only text: it is put before whoever writes, who sends it or not. `{name}` and `{agent}` in it are
//! filled in by the page.

use std::sync::{Mutex, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use crate::store::{CommitError, LoadError, Store};

/// Canned replies that can be kept: what people can find their way in, with room.
pub const CANNED_MAX: usize = 500;
/// The longest text, in bytes: what a reply may be at most.
pub const TEXT_BYTES_MAX: usize = 8 * 1024;
/// The longest name, in characters.
pub const NAME_CHARS_MAX: usize = 40;
const SETTING: &str = "canned";

/// A canned reply.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Canned {
    /// Its id; never used twice.
    pub id: u64,
    /// What is typed after `/` to find it.
    pub name: String,
    /// The text; `{name}` is the customer's name, `{agent}` the writer's.
    pub text: String,
    /// The language it is in; none: any.
    #[serde(default)]
    pub language: Option<String>,
}

/// Why nothing was changed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CannedError {
    /// The name cannot be one.
    #[error("a name is 1 to {NAME_CHARS_MAX} characters without blanks or `/`")]
    Name,
    /// The text is empty or too long.
    #[error("a text is 1 to {TEXT_BYTES_MAX} bytes long")]
    Text,
    /// The language cannot be one.
    #[error("a language is 2 to 16 letters, digits and hyphens")]
    Language,
    /// There is one of that name in that language.
    #[error("there is a canned reply `{0}` already")]
    Exists(String),
    /// There is none with that id.
    #[error("there is no such canned reply")]
    Unknown,
    /// There are too many.
    #[error("{CANNED_MAX} canned replies are the most that can be kept")]
    TooMany,
    /// The store did not take it.
    #[error("it could not be stored: {0}")]
    Store(#[from] CommitError),
}

/// The stored form: new fields may be added to either.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Shelf {
    next: u64,
    items: Vec<Canned>,
}

/// See the head of this file.
pub struct CannedReplies {
    store: Store,
    shelf: RwLock<Shelf>,
    changing: Mutex<()>,
}

impl CannedReplies {
    pub(super) fn open(store: Store) -> Result<Self, LoadError> {
        let shelf = match store.setting(SETTING)? {
            None => Shelf::default(),
            Some(bytes) => serde_json::from_slice(&bytes)
                .map_err(|fault| LoadError::Corrupt(format!("canned replies: {fault}")))?,
        };
        Ok(Self {
            store,
            shelf: RwLock::new(shelf),
            changing: Mutex::default(),
        })
    }

    /// All of them, by name.
    pub fn list(&self) -> Vec<Canned> {
        let shelf = self.shelf.read().unwrap_or_else(PoisonError::into_inner);
        let mut items = shelf.items.clone();
        items.sort_by(|a, b| (&a.name, &a.language).cmp(&(&b.name, &b.language)));
        items
    }

    /// Adds one; durable before it returns. Blocks. The id is drawn here.
    ///
    /// # Errors
    /// [`CannedError`].
    pub fn add(&self, canned: Canned) -> Result<Canned, CannedError> {
        self.change(|shelf| {
            if shelf.items.len() >= CANNED_MAX {
                return Err(CannedError::TooMany);
            }
            shelf.next += 1;
            let canned = Canned {
                id: shelf.next,
                ..checked(canned, shelf)?
            };
            shelf.items.push(canned.clone());
            Ok(canned)
        })
    }

    /// Replaces the one with this id. Blocks.
    ///
    /// # Errors
    /// [`CannedError`].
    pub fn replace(&self, canned: Canned) -> Result<Canned, CannedError> {
        self.change(|shelf| {
            let canned = checked(canned, shelf)?;
            let found = shelf.items.iter_mut().find(|one| one.id == canned.id);
            found.ok_or(CannedError::Unknown)?.clone_from(&canned);
            Ok(canned)
        })
    }

    /// Removes one. Blocks.
    ///
    /// # Errors
    /// [`CannedError`].
    pub fn remove(&self, id: u64) -> Result<(), CannedError> {
        self.change(|shelf| {
            let before = shelf.items.len();
            shelf.items.retain(|one| one.id != id);
            if shelf.items.len() == before {
                return Err(CannedError::Unknown);
            }
            Ok(())
        })
    }

    fn change<T>(
        &self,
        work: impl FnOnce(&mut Shelf) -> Result<T, CannedError>,
    ) -> Result<T, CannedError> {
        let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut shelf = self
            .shelf
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let done = work(&mut shelf)?;
        let bytes = serde_json::to_vec(&shelf).expect("texts are plain data");
        self.store.put_setting(SETTING, &bytes)?;
        *self.shelf.write().unwrap_or_else(PoisonError::into_inner) = shelf;
        Ok(done)
    }
}

fn checked(canned: Canned, shelf: &Shelf) -> Result<Canned, CannedError> {
    let Canned {
        id,
        name,
        text,
        language,
    } = canned;
    let name = name.trim().to_owned();
    let odd = |c: char| c.is_whitespace() || c.is_control() || c == '/';
    if !(1..=NAME_CHARS_MAX).contains(&name.chars().count()) || name.contains(odd) {
        return Err(CannedError::Name);
    }
    if text.trim().is_empty() || text.len() > TEXT_BYTES_MAX {
        return Err(CannedError::Text);
    }
    let language = language.filter(|language| !language.is_empty());
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if language
        .as_ref()
        .is_some_and(|one| !(2..=16).contains(&one.len()) || !one.chars().all(plain))
    {
        return Err(CannedError::Language);
    }
    let same = |one: &&Canned| one.id != id && one.name == name && one.language == language;
    if shelf.items.iter().any(|one| same(&one)) {
        return Err(CannedError::Exists(name));
    }
    Ok(Canned {
        id,
        name,
        text,
        language,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canned(id: u64, name: &str, text: &str, language: Option<&str>) -> Canned {
        Canned {
            id,
            name: name.into(),
            text: text.into(),
            language: language.map(str::to_owned),
        }
    }

    #[test]
    fn what_cannot_be_found_or_sent_is_refused() {
        let shelf = Shelf {
            next: 1,
            items: vec![canned(1, "hello", "Hello!", None)],
        };
        let check = |one: Canned, fault: CannedError| {
            assert_eq!(checked(one.clone(), &shelf), Err(fault), "{one:?}");
        };
        check(canned(0, "", "x", None), CannedError::Name);
        check(canned(0, "two words", "x", None), CannedError::Name);
        check(canned(0, "a/b", "x", None), CannedError::Name);
        check(canned(0, &"n".repeat(41), "x", None), CannedError::Name);
        check(canned(0, "bye", " ", None), CannedError::Text);
        check(canned(0, "bye", "x", Some("e")), CannedError::Language);
        check(canned(0, "bye", "x", Some("en us")), CannedError::Language);
        check(
            canned(0, "hello", "x", None),
            CannedError::Exists("hello".into()),
        );
        assert!(checked(canned(0, "hello", "Hola", Some("es")), &shelf).is_ok());
        assert!(checked(canned(1, "hello", "Hi!", None), &shelf).is_ok());
    }
}
