//! The channel instances of this process, by name.
//!
//! Built once from the configuration and shared; nothing is added or taken away while it runs.

use std::sync::Arc;

use super::Channel;
use super::http::{Http, HttpDoor};
use crate::ids::ChannelName;

/// What speaks behind an instance: the word under `kind` in the configuration.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// SMS and WhatsApp through Twilio.
    Twilio,
    /// WhatsApp's own API.
    Whatsapp,
    /// A Telegram bot.
    Telegram,
    /// The web chat.
    Webchat,
    /// Telephone calls through Twilio.
    Voice,
    /// Any gateway, through the API.
    Http,
}

impl Kind {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Twilio => "twilio",
            Self::Whatsapp => "whatsapp",
            Self::Telegram => "telegram",
            Self::Webchat => "webchat",
            Self::Voice => "voice",
            Self::Http => "http",
        }
    }
}

/// One instance.
#[derive(Clone)]
pub struct Instance {
    /// What speaks behind it.
    pub kind: Kind,
    /// Its translator.
    pub channel: Arc<dyn Channel>,
}

/// Two instances have the same name.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("there are two channels named `{0}`")]
pub struct NameTaken(pub ChannelName);

/// All instances, in the order of their names.
#[derive(Clone, Default)]
pub struct Channels {
    instances: Vec<Instance>,
    door: HttpDoor,
}

impl Channels {
    /// Adds an instance of any kind but [`Kind::Http`].
    ///
    /// # Errors
    /// [`NameTaken`].
    pub fn add(&mut self, kind: Kind, channel: Arc<dyn Channel>) -> Result<(), NameTaken> {
        match self.place(channel.name().as_str()) {
            Ok(_) => Err(NameTaken(channel.name().clone())),
            Err(place) => {
                self.instances.insert(place, Instance { kind, channel });
                Ok(())
            }
        }
    }

    /// Adds an instance of the generic channel, which also takes part in `POST /api/v1/messages`.
    ///
    /// # Errors
    /// [`NameTaken`].
    pub fn add_http(&mut self, http: Arc<Http>) -> Result<(), NameTaken> {
        self.add(Kind::Http, Arc::clone(&http) as Arc<dyn Channel>)?;
        self.door.add(http);
        Ok(())
    }

    /// The instance of that name.
    pub fn get(&self, name: &ChannelName) -> Option<&Arc<dyn Channel>> {
        self.find(name.as_str()).map(|instance| &instance.channel)
    }

    /// The instance of that name with its kind, as a route names it.
    pub fn find(&self, name: &str) -> Option<&Instance> {
        self.place(name).ok().map(|place| &self.instances[place])
    }

    /// All of them, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Instance> {
        self.instances.iter()
    }

    /// Those of one kind, in the order of their names.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Arc<dyn Channel>> {
        self.iter()
            .filter(move |instance| instance.kind == kind)
            .map(|instance| &instance.channel)
    }

    /// Where `POST /api/v1/messages` comes in.
    pub const fn http_door(&self) -> &HttpDoor {
        &self.door
    }

    fn place(&self, name: &str) -> Result<usize, usize> {
        self.instances
            .binary_search_by(|instance| instance.channel.name().as_str().cmp(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::webchat::WebChat;

    #[test]
    fn channels_are_found_by_name_and_listed_in_order() {
        let mut channels = Channels::default();
        for name in ["site", "app", "shop"] {
            let added = channels.add(Kind::Webchat, Arc::new(WebChat::new(name.into())));
            assert_eq!(added, Ok(()));
        }
        let again = channels.add(Kind::Webchat, Arc::new(WebChat::new("app".into())));
        assert_eq!(again, Err(NameTaken("app".into())));
        let names: Vec<_> = channels.iter().map(|i| i.channel.name().as_str()).collect();
        assert_eq!(names, ["app", "shop", "site"]);
        assert!(channels.get(&"shop".into()).is_some());
        assert!(channels.find("sho").is_none());
        assert_eq!(channels.of_kind(Kind::Webchat).count(), 3);
        assert_eq!(channels.of_kind(Kind::Twilio).count(), 0);
    }
}
