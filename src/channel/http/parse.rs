//! From a gateway's JSON to what arrived.
//!
//! Every refusal names the field and what was expected of it, because whoever reads it wrote the request. Unknown
//! fields are ignored: a gateway may pass on more than we know. A customer's text is cut rather than refused, since
//! the customer cannot be asked to write less.

use axum::http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use crate::channel::text::cut;
use crate::channel::twilio::parse::with_dropped;
use crate::channel::{Arrival, TurnedAway, Webhook};
use crate::clock::Timestamp;
use crate::conversation::message::{
    ATTACHMENTS_MAX, Attachment, Body, Customer, FailureCause, Inbound, Medium, Report,
    ReportState, TEXT_BYTES_MAX,
};
use crate::ids::{ChannelName, EffectId};

/// The longest address or message id, in bytes: they are kept with every message and looked up by.
pub const ID_BYTES_MAX: usize = 256;
/// The longest name, label or code, in bytes.
pub const WORD_BYTES_MAX: usize = 512;
/// The longest URL of an attachment, in bytes; signed URLs of object stores reach 1,500.
pub const URL_BYTES_MAX: usize = 4_096;
/// The longest language tag, in bytes (RFC 5646 §4.4.1 asks for 35).
const LANGUAGE_BYTES_MAX: usize = 35;

type Object = Map<String, Value>;

/// The body as a JSON object.
///
/// # Errors
/// `ContentType` when it does not claim to be JSON, `Invalid` when it is none.
pub(super) fn object(webhook: &Webhook<'_>) -> Result<Object, TurnedAway> {
    let claimed = webhook.headers.get(CONTENT_TYPE);
    let json = claimed
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    if !json {
        return Err(TurnedAway::ContentType {
            expected: "application/json",
        });
    }
    match serde_json::from_slice(webhook.body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => Err(invalid(
            "body",
            &format!("expected an object, got {}", kind(&other)),
        )),
        Err(error) => Err(invalid("body", &format!("not JSON: {error}"))),
    }
}

/// The instance that the body names, if it does.
pub(super) fn channel(object: &Object) -> Result<Option<&str>, TurnedAway> {
    optional(object, "channel", WORD_BYTES_MAX)
}

/// A customer's message, or one of our own people's.
pub(super) fn message(name: &ChannelName, object: &Object) -> Result<Arrival, TurnedAway> {
    let inbound = Inbound {
        channel: name.clone(),
        medium: Medium::Http,
        from: Customer {
            address: required(object, "from", ID_BYTES_MAX)?.to_owned(),
            name: optional(object, "name", WORD_BYTES_MAX)?.map(str::to_owned),
            language: language(object)?,
        },
        to: optional(object, "to", ID_BYTES_MAX)?
            .unwrap_or("")
            .to_owned(),
        id: required(object, "id", ID_BYTES_MAX)?.to_owned(),
        sent_at: sent_at(object)?,
        body: body(object)?,
    };
    match object.get("from_me") {
        None | Some(Value::Null | Value::Bool(false)) => Ok(Arrival::Message(inbound)),
        Some(Value::Bool(true)) => Ok(Arrival::FromUs(inbound)),
        Some(other) => Err(mismatch("from_me", "true or false", other)),
    }
}

/// A report on something that we sent.
pub(super) fn report(object: &Object) -> Result<Arrival, TurnedAway> {
    let conversation = required(object, "conversation", ID_BYTES_MAX)?
        .parse()
        .map_err(|error| invalid("conversation", &format!("{error}")))?;
    let message = match object.get("message") {
        Some(Value::Number(number)) => number.as_u64(),
        _ => required(object, "message", ID_BYTES_MAX)?.parse().ok(),
    };
    let message = message.ok_or_else(|| {
        invalid(
            "message",
            "expected the `message` of the reply that it is about",
        )
    })?;
    let state = match required(object, "state", WORD_BYTES_MAX)? {
        "sent" => ReportState::Sent,
        "delivered" => ReportState::Delivered,
        "read" => ReportState::Read,
        "failed" => ReportState::Failed,
        other => {
            let known = "expected one of sent, delivered, read, failed";
            return Err(invalid(
                "state",
                &format!("{known}, got `{}`", cut(other, 40)),
            ));
        }
    };
    let failed = state == ReportState::Failed;
    let code = optional(object, "code", WORD_BYTES_MAX)?.filter(|_| failed);
    Ok(Arrival::Report(Report {
        effect: Some((conversation, EffectId(message))),
        provider_id: optional(object, "id", ID_BYTES_MAX)?
            .unwrap_or("")
            .to_owned(),
        state,
        code: code.map(str::to_owned),
        failure: failed.then(|| cause(code)),
    }))
}

/// A gateway may say why in our own words; any other code is kept and means nothing to us.
fn cause(code: Option<&str>) -> FailureCause {
    FailureCause::ALL
        .into_iter()
        .find(|cause| code == Some(cause.as_str()))
        .unwrap_or(FailureCause::Other)
}

fn body(object: &Object) -> Result<Body, TurnedAway> {
    let text = optional(object, "text", usize::MAX)?;
    if let Some(media) = media(object, text.unwrap_or(""))? {
        return Ok(media);
    }
    match object.get("choice") {
        None | Some(Value::Null) => {}
        Some(Value::String(id)) => return choice(id, text),
        Some(Value::Object(choice_)) => {
            let id = required(choice_, "id", WORD_BYTES_MAX).map_err(|e| inside("choice", e))?;
            let title =
                optional(choice_, "title", WORD_BYTES_MAX).map_err(|e| inside("choice", e))?;
            return choice(id, title.or(text));
        }
        Some(other) => return Err(mismatch("choice", "an object or text", other)),
    }
    text.map(|text| Body::Text(cut(text, TEXT_BYTES_MAX)))
        .ok_or_else(|| {
            invalid(
                "text",
                "is missing, and there is no choice and no attachment",
            )
        })
}

fn choice(id: &str, title: Option<&str>) -> Result<Body, TurnedAway> {
    bounded("choice", id, WORD_BYTES_MAX)?;
    Ok(Body::Choice {
        id: id.to_owned(),
        title: cut(title.unwrap_or(id), WORD_BYTES_MAX),
    })
}

fn media(object: &Object, caption: &str) -> Result<Option<Body>, TurnedAway> {
    let listed = match object.get("attachments") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(listed)) if listed.is_empty() => return Ok(None),
        Some(Value::Array(listed)) => listed,
        Some(other) => return Err(mismatch("attachments", "a list", other)),
    };
    let attachments = listed
        .iter()
        .take(ATTACHMENTS_MAX)
        .map(attachment)
        .collect::<Result<Vec<_>, _>>()?;
    let dropped = listed.len() - attachments.len();
    Ok(Some(Body::Media {
        caption: with_dropped(caption, dropped),
        attachments,
    }))
}

fn attachment(listed: &Value) -> Result<Attachment, TurnedAway> {
    let Value::Object(listed) = listed else {
        return Err(mismatch(
            "attachments",
            "objects with `url` and `content_type`",
            listed,
        ));
    };
    let url = required(listed, "url", URL_BYTES_MAX).map_err(|e| inside("attachments", e))?;
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Err(invalid("attachments.url", "expected an http or https URL"));
    }
    let content_type =
        optional(listed, "content_type", WORD_BYTES_MAX).map_err(|e| inside("attachments", e))?;
    Ok(Attachment {
        url: url.to_owned(),
        content_type: content_type
            .unwrap_or("application/octet-stream")
            .to_owned(),
    })
}

fn language(object: &Object) -> Result<Option<String>, TurnedAway> {
    let Some(tag) = optional(object, "language", LANGUAGE_BYTES_MAX)? else {
        return Ok(None);
    };
    let tag = tag.to_ascii_lowercase().replace('_', "-");
    match tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        true => Ok(Some(tag)),
        false => Err(invalid(
            "language",
            "expected a tag such as `en` or `pt-br`",
        )),
    }
}

fn sent_at(object: &Object) -> Result<Option<Timestamp>, TurnedAway> {
    let Some(text) = optional(object, "sent_at", WORD_BYTES_MAX)? else {
        return Ok(None);
    };
    let at: jiff::Timestamp = text.parse().map_err(|_| {
        invalid(
            "sent_at",
            "expected a time as in RFC 3339: 2026-11-21T09:00:00Z",
        )
    })?;
    Ok(Some(Timestamp::from_millis(at.as_millisecond())))
}

/// The text under `field`, not empty and within `max` bytes.
fn required<'a>(object: &'a Object, field: &str, max: usize) -> Result<&'a str, TurnedAway> {
    optional(object, field, max)?.ok_or_else(|| match object.get(field) {
        Some(Value::String(_)) => invalid(field, "must not be empty"),
        Some(_) | None => invalid(field, "is missing"),
    })
}

/// The text under `field` within `max` bytes; `None` when it is absent, null or empty.
fn optional<'a>(
    object: &'a Object,
    field: &str,
    max: usize,
) -> Result<Option<&'a str>, TurnedAway> {
    match object.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => bounded(field, text, max).map(|()| Some(text.as_str())),
        Some(other) => Err(mismatch(field, "text", other)),
    }
}

fn bounded(field: &str, text: &str, max: usize) -> Result<(), TurnedAway> {
    match text.len() <= max {
        true => Ok(()),
        false => Err(invalid(
            field,
            &format!("must be at most {max} bytes, got {}", text.len()),
        )),
    }
}

fn invalid(field: &str, what: &str) -> TurnedAway {
    TurnedAway::Invalid(format!("`{field}`: {what}"))
}

fn mismatch(field: &str, expected: &str, got: &Value) -> TurnedAway {
    invalid(field, &format!("expected {expected}, got {}", kind(got)))
}

/// The same refusal, its field named by the whole path.
fn inside(outer: &str, refusal: TurnedAway) -> TurnedAway {
    match refusal {
        TurnedAway::Invalid(text) => {
            TurnedAway::Invalid(format!("`{outer}.{}", text.trim_start_matches('`')))
        }
        other @ (TurnedAway::Unsigned(_)
        | TurnedAway::BadSignature(_)
        | TurnedAway::ContentType { .. }
        | TurnedAway::Unparseable(_)) => other,
    }
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
