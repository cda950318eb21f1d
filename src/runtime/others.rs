//! The other conversations of one customer: the same address on other channels, or one that an attribute names.
//!
//! The id of a conversation follows from its channel and address, so that nothing is indexed and nothing is kept up to
//! date: whoever wants to know asks the store for the few ids that there could be. Looked up when a conversation comes into
//! memory and whenever what the AI is shown is read anew, for what it is told, and whenever somebody opens it. It changes nothing.

use std::collections::BTreeMap;

use super::{Runtime, blocking};
use crate::conversation::Conversation;
use crate::conversation::message::Medium;
use crate::conversation::policy::Policy;
use crate::conversation::words::ModeName;
use crate::ids::{ChannelName, ConversationId};
use crate::store::{LoadError, Store};

/// Attributes that may hold an address of the customer elsewhere.
const LINKS: [&str; 3] = ["customer", "phone", "email"];
/// What Twilio puts before a number that it reaches over WhatsApp: the same number without it gets SMS.
/// https://www.twilio.com/docs/whatsapp/api
const WHATSAPP: &str = "whatsapp:";
/// The most ids that are looked up for one conversation.
const LOOKED_UP_MAX: usize = 64;
/// The most that are told of.
const OTHERS_MAX: usize = 8;

/// The ids that other conversations of this customer would have, under the store's secret `key`.
fn candidates(
    key: &[u8; 32],
    policy: &Policy,
    own: (&ChannelName, &str),
    attributes: &BTreeMap<String, String>,
) -> Vec<ConversationId> {
    let id = |channel: &ChannelName, address: &str| {
        ConversationId::derive(key, channel.as_str(), address)
    };
    let linked = LINKS.iter().filter_map(|link| attributes.get(*link));
    let mut addresses: Vec<String> = Vec::new();
    for address in std::iter::once(own.1).chain(linked.map(String::as_str)) {
        let bare = address.strip_prefix(WHATSAPP).unwrap_or(address);
        let number = bare.starts_with('+');
        addresses.push(bare.to_owned());
        addresses.extend(number.then(|| format!("{WHATSAPP}{bare}")));
    }
    let me = id(own.0, own.1);
    let mut ids: Vec<ConversationId> = policy
        .channels
        .keys()
        .flat_map(|channel| addresses.iter().map(|address| id(channel, address)))
        .filter(|id| *id != me)
        .take(LOOKED_UP_MAX)
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Those of `ids` that there are, the one that changed last first. Waits for the disk.
pub(super) fn read(store: &Store, ids: &[ConversationId]) -> Result<Vec<Conversation>, LoadError> {
    let mut others = Vec::new();
    for id in ids {
        let Some(loaded) = store.load(*id, 0)? else {
            continue;
        };
        // One that cannot be read is told of elsewhere.
        let Ok(other) = Conversation::decode(&loaded.head) else {
            continue;
        };
        if other.common().episode.number > 0 {
            others.push(other);
        }
    }
    others.sort_by_key(|other| std::cmp::Reverse(other.common().updated_at));
    others.truncate(OTHERS_MAX);
    Ok(others)
}

/// The ids that other conversations of the customer of `conversation` would have.
pub(super) fn ids(
    store: &Store,
    policy: &Policy,
    conversation: &Conversation,
) -> Vec<ConversationId> {
    let common = conversation.common();
    let own = (&common.channel, common.customer.address.as_str());
    candidates(store.key(), policy, own, &common.attributes)
}

/// The other conversations of the customer of `conversation`. Waits for the disk.
///
/// # Errors
/// What reading them ends in.
pub(super) fn of(
    store: &Store,
    policy: &Policy,
    conversation: &Conversation,
) -> Result<Vec<Conversation>, LoadError> {
    read(store, &ids(store, policy, conversation))
}

/// What the AI is told of them: the media, and where a person has them. None: there are none.
pub(super) fn told(others: &[Conversation]) -> Option<Box<str>> {
    let mut words: Vec<String> = Vec::new();
    for other in others {
        let medium = other.common().medium;
        let place = match medium {
            Medium::Other => other.common().channel.to_string(),
            Medium::Whatsapp
            | Medium::Sms
            | Medium::Telegram
            | Medium::Webchat
            | Medium::Voice
            | Medium::Http => medium.as_str().to_owned(),
        };
        let state = match other.mode().name() {
            ModeName::Ai => "",
            ModeName::Waiting => " (a person is awaited there)",
            ModeName::Human => " (a person is with them there)",
            ModeName::Closed => " (closed)",
        };
        let word = format!("{place}{state}");
        if !words.contains(&word) {
            words.push(word);
        }
    }
    (!words.is_empty()).then(|| words.join(", ").into())
}

impl Runtime {
    /// The other conversations of the customer of `conversation`, the one that changed last first; at most eight.
    ///
    /// # Errors
    /// [`LoadError`] when they cannot be read.
    pub async fn others(
        &self,
        conversation: &Conversation,
    ) -> Result<Vec<Conversation>, LoadError> {
        let store = self.store().clone();
        let ids = ids(&store, &self.policy(), conversation);
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        blocking(move || read(&store, &ids)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::policy::ChannelPolicy;

    const KEY: [u8; 32] = [7; 32];

    fn found(
        channel: &str,
        address: &str,
        attributes: &[(&str, &str)],
        other: (&str, &str),
    ) -> bool {
        let mut policy = Policy::default();
        for (name, medium) in [("phone", Medium::Sms), ("gate", Medium::Http)] {
            let rules = ChannelPolicy::of(medium, "support".into());
            policy.channels.insert(name.into(), rules);
        }
        let attributes = attributes
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let channel = ChannelName::from(channel);
        let ids = candidates(&KEY, &policy, (&channel, address), &attributes);
        ids.contains(&ConversationId::derive(&KEY, other.0, other.1))
    }

    #[test]
    fn the_same_address_is_found_on_every_channel() {
        let number = "+15005550006";
        let over = "whatsapp:+15005550006";
        assert!(found("phone", number, &[], ("phone", over)));
        assert!(found("phone", over, &[], ("phone", number)));
        assert!(found("phone", over, &[], ("gate", number)));
        assert!(found("gate", "customer-17", &[], ("web", "customer-17")));
        assert!(!found("gate", "customer-17", &[], ("gate", "customer-17")));
        assert!(!found("gate", "customer-17", &[], ("gate", "customer-18")));
        assert!(!found("gate", "customer-17", &[], ("gone", "customer-17")));
    }

    #[test]
    fn an_attribute_links_what_addresses_do_not() {
        let linked = [("phone", "+15005550006")];
        assert!(found(
            "web",
            "visitor-1",
            &linked,
            ("phone", "whatsapp:+15005550006")
        ));
        assert!(!found(
            "web",
            "visitor-1",
            &[("plan", "+15005550006")],
            ("phone", "+15005550006")
        ));
    }
}
