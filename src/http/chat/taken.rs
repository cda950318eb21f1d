//! What a browser says, before it is believed: ids, texts and buttons are taken whole or refused; of what a page knows of
//! the customer, the impossible is dropped. Looks at words only, never at a conversation.

use super::protocol::{ID_CHARS_MAX, Profile, Refused};
use crate::conversation::message::{Body, Customer, Inbound, Medium, TEXT_BYTES_MAX};
use crate::ids::ChannelName;

/// The longest name and language that are taken over; longer ones are cut, or ignored.
const NAME_CHARS_MAX: usize = 80;
const LANGUAGE_CHARS_MAX: usize = 35;
/// The longest id and label of a button.
const CHOICE_BYTES_MAX: usize = 256;

impl Profile {
    /// What of it can be believed: control characters and impossible languages are dropped.
    pub fn tidied(self) -> Self {
        let plain = |name: String| -> String {
            name.chars()
                .filter(|c| !c.is_control())
                .take(NAME_CHARS_MAX)
                .collect::<String>()
                .trim()
                .to_owned()
        };
        let name = self.name.map(plain).filter(|name| !name.is_empty());
        let language = self
            .language
            .map(|language| language.to_ascii_lowercase())
            .filter(|l| is_language(l));
        Self { name, language }
    }
}

fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let primary = parts.next().unwrap_or_default();
    let word = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    tag.len() <= LANGUAGE_CHARS_MAX
        && (2..=3).contains(&primary.len())
        && primary.bytes().all(|b| b.is_ascii_lowercase())
        && parts.all(word)
}

/// One of the customer's messages, checked: the browser's id of it, and what it says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written {
    /// The browser's id.
    pub id: String,
    /// What.
    pub body: Body,
}

impl Written {
    /// A text.
    ///
    /// # Errors
    /// [`Refused`]: the id or the text cannot be taken.
    pub fn text(id: String, text: String) -> Result<Self, Refused> {
        check_id(&id)?;
        if text.trim().is_empty() {
            return Err(Refused::for_good(&id, "the text is empty"));
        }
        if text.len() > TEXT_BYTES_MAX {
            let why = format!("the text is longer than {TEXT_BYTES_MAX} bytes");
            return Err(Refused::for_good(&id, why));
        }
        let body = Body::Text(text);
        Ok(Self { id, body })
    }

    /// A button. What is written on it is what everybody sees; a browser that lies about it speaks for itself only.
    ///
    /// # Errors
    /// [`Refused`]: the id or the button cannot be taken.
    pub fn choice(id: String, choice: String, title: Option<String>) -> Result<Self, Refused> {
        check_id(&id)?;
        let title = title
            .filter(|title| !title.trim().is_empty())
            .unwrap_or_else(|| choice.clone());
        if choice.trim().is_empty()
            || choice.len() > CHOICE_BYTES_MAX
            || title.len() > CHOICE_BYTES_MAX
        {
            return Err(Refused::for_good(&id, "there is no such button"));
        }
        Ok(Self {
            id,
            body: Body::Choice { id: choice, title },
        })
    }

    /// The message as every other channel would bring it.
    pub fn inbound(&self, channel: ChannelName, address: &str, profile: &Profile) -> Inbound {
        Inbound {
            channel,
            medium: Medium::Webchat,
            from: Customer {
                address: address.to_owned(),
                name: profile.name.clone(),
                language: profile.language.clone(),
            },
            to: String::new(),
            id: format!("{address}:{}", self.id),
            sent_at: None,
            body: self.body.clone(),
        }
    }
}

/// The browser's own id in the id of a stored message.
pub fn own_id(stored: &str) -> &str {
    // an address is `web:…`, and a browser's id has no colon
    stored.rsplit_once(':').map_or(stored, |(_address, id)| id)
}

pub(super) fn check_id(id: &str) -> Result<(), Refused> {
    let fits = |c: u8| c.is_ascii_alphanumeric() || b"-_.".contains(&c);
    if (1..=ID_CHARS_MAX).contains(&id.len()) && id.bytes().all(fits) {
        return Ok(());
    }
    Err(Refused::for_good(
        id,
        "an id has 1 to 64 letters, digits, dots, hyphens and underscores",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_taken_whole_or_refused() {
        fn check(id: &str, text: &str, why: Option<&str>) {
            let found = Written::text(id.into(), text.into())
                .map_err(|refused| refused.why)
                .err();
            let fits = match (why, &found) {
                (None, None) => true,
                (Some(why), Some(found)) => found.contains(why),
                (None, Some(_)) | (Some(_), None) => false,
            };
            assert!(fits, "{id:?}: expected {why:?}, found {found:?}");
        }
        check("a-1_b.2", "hello", None);
        check("a", &"x".repeat(TEXT_BYTES_MAX), None);
        check("a", &"x".repeat(TEXT_BYTES_MAX + 1), Some("longer"));
        check("a", " \n\t", Some("empty"));
        check("", "hello", Some("an id has"));
        check("a:b", "hello", Some("an id has"));
        check(&"a".repeat(65), "hello", Some("an id has"));
    }

    #[test]
    fn a_refusal_does_not_echo_an_endless_id() {
        let refused = Written::text("é".repeat(9000), "hello".into()).expect_err("no such id");
        assert_eq!(refused.id.chars().count(), ID_CHARS_MAX);
    }

    #[test]
    fn a_stored_id_gives_the_browsers_own_back() {
        let written = Written::text("m-1".into(), "hello".into()).expect("valid");
        let inbound = written.inbound("web".into(), "web:00ff", &Profile::default());
        assert_eq!(inbound.id, "web:00ff:m-1");
        assert_eq!(own_id(&inbound.id), "m-1");
    }

    #[test]
    fn a_profile_is_tidied() {
        fn check(name: &str, language: &str, expected: (Option<&str>, Option<&str>)) {
            let tidied = Profile {
                name: Some(name.into()),
                language: Some(language.into()),
            }
            .tidied();
            assert_eq!(
                (tidied.name.as_deref(), tidied.language.as_deref()),
                expected
            );
        }
        check(" Ana\u{7}\n ", "es-MX", (Some("Ana"), Some("es-mx")));
        check("\u{0}", "english", (None, None));
        check("A", "e", (Some("A"), None));
        check("A", "en-", (Some("A"), None));
        check("A", "../etc", (Some("A"), None));
    }
}
