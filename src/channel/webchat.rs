//! The web chat's translator: what we say is pushed to whoever is connected.
//!
//! Its customers come in through their own socket and event stream, which build [`Inbound`]s themselves, so there is
//! no webhook to parse and no provider to read. The sockets are not here.
//!
//! [`Inbound`]: crate::conversation::message::Inbound

use axum::http::{HeaderMap, StatusCode};

use super::{Arrival, Channel, Dispatch, Outbound, SendError, TurnedAway, Webhook};
use crate::conversation::message::{Attempt, FailureCause, Retry};
use crate::ids::ChannelName;

/// The translator for one configured instance.
#[derive(Clone, Debug)]
pub struct WebChat {
    name: ChannelName,
}

impl WebChat {
    /// Of that name.
    pub const fn new(name: ChannelName) -> Self {
        Self { name }
    }
}

impl Channel for WebChat {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    /// Always refuses.
    fn admit(&self, _headers: &HeaderMap) -> Result<(), TurnedAway> {
        Err(TurnedAway::Invalid(format!(
            "a web chat takes no webhooks; its customers write to /chat/{}/socket",
            self.name
        )))
    }

    /// Always refuses.
    fn parse(&self, webhook: &Webhook<'_>) -> Result<Vec<Arrival>, TurnedAway> {
        self.admit(webhook.headers).map(|()| Vec::new())
    }

    /// Always refuses.
    fn parse_status(&self, webhook: &Webhook<'_>) -> Result<Vec<Arrival>, TurnedAway> {
        self.parse(webhook)
    }

    fn acknowledgement(&self) -> (&'static str, &'static str) {
        ("application/json", "{}")
    }

    fn compose(&self, _outbound: &Outbound<'_>) -> Result<Dispatch, SendError> {
        Ok(Dispatch::Push)
    }

    /// Nobody answers a push; whoever asks has mistaken the channel.
    fn read(&self, status: StatusCode, _headers: &HeaderMap, _body: &[u8]) -> Attempt {
        Attempt::Rejected {
            code: format!("http_{}", status.as_u16()),
            cause: FailureCause::Other,
            retry: Retry::Never,
        }
    }
}
