//! The generic channel: any gateway that can speak JSON over HTTP.
//!
//! In: `POST /api/v1/messages` with the instance's bearer token. Out: a signed POST to the instance's
//! `callback_url`. Reports, where the gateway has them: `POST /webhooks/{channel}/status`, same token.
//!
//! [`HttpDoor`] chooses the instance when there are several: the token must fit first, and only then the body's
//! `channel` is looked at. The token is compared with every instance's, each in constant time, so the time taken
//! does not tell which one was close. Nothing here retries; [`compose`] makes repeating safe with a key.

pub mod compose;
pub mod parse;

use std::fmt;
use std::sync::Arc;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use hmac::{Hmac, KeyInit};
use serde_json::{Map, Value};
use sha2::Sha256;

use super::{Arrival, Channel, Dispatch, Outbound, SendError, TurnedAway, Webhook};
use crate::conversation::message::Attempt;
use crate::ids::ChannelName;
use crate::secret::Secret;

/// One `[channels.NAME]` of kind `http`.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// The instance's name.
    pub name: ChannelName,
    /// What the gateway presents as `Authorization: Bearer …`.
    pub token: Secret,
    /// Where replies are posted.
    pub callback_url: String,
    /// The key that replies are signed with.
    pub callback_secret: Secret,
}

/// The translator for one configured instance.
pub struct Http {
    name: ChannelName,
    token: Secret,
    callback_url: String,
    signing: Hmac<Sha256>,
}

impl Http {
    /// From its settings.
    pub fn new(settings: HttpSettings) -> Self {
        let signing = Hmac::new_from_slice(settings.callback_secret.expose().as_bytes())
            .expect("HMAC takes a key of any length");
        Self {
            name: settings.name,
            token: settings.token,
            callback_url: settings.callback_url,
            signing,
        }
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Http({:?})", self.name)
    }
}

impl Channel for Http {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    fn admit(&self, headers: &HeaderMap) -> Result<(), TurnedAway> {
        authorise(bearer(headers)?, [self]).map(|_| ())
    }

    fn parse(&self, webhook: &Webhook<'_>) -> Result<Vec<Arrival>, TurnedAway> {
        authorise(bearer(webhook.headers)?, [self])?;
        let object = parse::object(webhook)?;
        match parse::channel(&object)? {
            Some(name) if name != self.name.as_str() => Err(TurnedAway::Invalid(format!(
                "`channel`: this is `{}`, got `{name}`",
                self.name
            ))),
            Some(_) | None => parse::message(&self.name, &object).map(|one| vec![one]),
        }
    }

    fn parse_status(&self, webhook: &Webhook<'_>) -> Result<Vec<Arrival>, TurnedAway> {
        authorise(bearer(webhook.headers)?, [self])?;
        let object = parse::object(webhook)?;
        parse::report(&object).map(|one| vec![one])
    }

    fn acknowledgement(&self) -> (&'static str, &'static str) {
        ("application/json", "{\"status\":\"accepted\"}")
    }

    fn compose(&self, outbound: &Outbound<'_>) -> Result<Dispatch, SendError> {
        compose::call(self, outbound).map(|call| Dispatch::Calls(vec![call]))
    }

    fn read(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Attempt {
        compose::read(status, headers, body)
    }
}

/// Where messages come in for all instances of this kind.
#[derive(Clone, Default, Debug)]
pub struct HttpDoor {
    instances: Vec<Arc<Http>>,
}

impl HttpDoor {
    /// Adds an instance.
    pub fn add(&mut self, instance: Arc<Http>) {
        self.instances.push(instance);
    }

    /// Whether the token of a request is anybody's; known before its body is read.
    ///
    /// # Errors
    /// `Unsigned` without a bearer token, `BadSignature` for one that fits no instance.
    pub fn admit(&self, headers: &HeaderMap) -> Result<(), TurnedAway> {
        let instances = self.instances.iter().map(|instance| &**instance);
        authorise(bearer(headers)?, instances).map(|_| ())
    }

    /// Reads a POST to `/api/v1/messages`. The instance is the one that the body's `channel` names; without one, the
    /// only one whose token was presented. The arrival says which it was.
    ///
    /// # Errors
    /// `Unsigned` without a bearer token, `BadSignature` for one that fits no instance or not the one named,
    /// `ContentType` for anything but JSON, `Invalid` with the field's name for the rest.
    pub fn parse(&self, webhook: &Webhook<'_>) -> Result<Vec<Arrival>, TurnedAway> {
        let token = bearer(webhook.headers)?;
        let fitting = authorise(token, self.instances.iter().map(|instance| &**instance))?;
        let object = parse::object(webhook)?;
        let instance = choose(&fitting, &object)?;
        parse::message(&instance.name, &object).map(|one| vec![one])
    }
}

fn choose<'a>(fitting: &[&'a Http], object: &Map<String, Value>) -> Result<&'a Http, TurnedAway> {
    match (parse::channel(object)?, fitting) {
        (Some(name), _) => fitting
            .iter()
            .copied()
            .find(|instance| instance.name.as_str() == name)
            .ok_or(TurnedAway::BadSignature(
                "this token is not for that channel",
            )),
        (None, [only]) => Ok(only),
        (None, _) => Err(TurnedAway::Invalid(
            "`channel`: must be given, this token is good for several".to_owned(),
        )),
    }
}

/// Those of `instances` whose token it is. All are compared, whichever fits.
fn authorise<'a>(
    token: &[u8],
    instances: impl IntoIterator<Item = &'a Http>,
) -> Result<Vec<&'a Http>, TurnedAway> {
    let fitting: Vec<_> = instances
        .into_iter()
        // An empty token in the configuration must not open the door to an empty one.
        .filter(|instance| instance.token.is(token) && !token.is_empty())
        .collect();
    match fitting.is_empty() {
        true => Err(TurnedAway::BadSignature("no channel has this token")),
        false => Ok(fitting),
    }
}

fn bearer(headers: &HeaderMap) -> Result<&[u8], TurnedAway> {
    let missing = TurnedAway::Unsigned("authorization: bearer token");
    let value = headers
        .get(AUTHORIZATION)
        .ok_or(missing.clone())?
        .as_bytes();
    let (scheme, token) = value
        .split_at_checked("Bearer ".len())
        .ok_or(missing.clone())?;
    match scheme.eq_ignore_ascii_case(b"Bearer ") {
        true => Ok(token.trim_ascii()),
        false => Err(missing),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Method;

    use super::*;

    fn http(name: &str, token: &str) -> Arc<Http> {
        Arc::new(Http::new(HttpSettings {
            name: name.into(),
            token: token.into(),
            callback_url: "https://gateway.example/replies".into(),
            callback_secret: "hush".into(),
        }))
    }

    fn check(
        door: &HttpDoor,
        token: Option<&str>,
        channel: &str,
        expected: &Result<&str, TurnedAway>,
    ) {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", "application/json".parse().expect("a value"));
        if let Some(token) = token {
            headers.insert(
                AUTHORIZATION,
                format!("Bearer {token}").parse().expect("a value"),
            );
        }
        let body = format!(r#"{{{channel}"from":"a","id":"1","text":"hi"}}"#);
        let result = door.parse(&Webhook {
            method: &Method::POST,
            path_and_query: "/api/v1/messages",
            headers: &headers,
            body: body.as_bytes(),
        });
        let found = match &result {
            Ok(arrivals) => match &arrivals[..] {
                [Arrival::Message(inbound)] => Ok(inbound.channel.as_str()),
                other => panic!("one message, got {other:?}"),
            },
            Err(away) => Err(away.clone()),
        };
        assert_eq!(&found, expected, "token {token:?}, {channel}");
    }

    #[test]
    fn the_token_fits_before_the_channel_is_looked_at() {
        let mut door = HttpDoor::default();
        for (name, token) in [("one", "t1"), ("two", "t2"), ("twin", "t2"), ("open", "")] {
            door.add(http(name, token));
        }
        let wrong = Err(TurnedAway::BadSignature("no channel has this token"));
        let other = Err(TurnedAway::BadSignature(
            "this token is not for that channel",
        ));
        check(
            &door,
            None,
            "",
            &Err(TurnedAway::Unsigned("authorization: bearer token")),
        );
        check(&door, Some(""), r#""channel":"open","#, &wrong);
        check(&door, Some("t"), r#""channel":"one","#, &wrong);
        check(&door, Some("t1"), "", &Ok("one"));
        check(&door, Some("t1"), r#""channel":"one","#, &Ok("one"));
        check(&door, Some("t1"), r#""channel":"two","#, &other);
        check(&door, Some("t2"), r#""channel":"twin","#, &Ok("twin"));
        check(
            &door,
            Some("t2"),
            "",
            &Err(TurnedAway::Invalid(
                "`channel`: must be given, this token is good for several".into(),
            )),
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        let http = http("one", "t1-token");
        let shown = format!("{http:?}");
        assert_eq!(shown, "Http(\"one\")");
    }
}
