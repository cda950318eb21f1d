//! From the parameters of a signed webhook to what arrived.
//!
//! A message and a delivery report have the same shape and are told apart by their status word, on either route.
//! Only `MessageSid` and `From` must be there; anything that is missing or new is borne. Texts are cut to what Segue
//! keeps, attachments are counted, nothing is fetched.
//!
//! Facts: Twilio's "Messaging webhooks" and "Outbound message status" pages.

use crate::channel::text::cut;
use crate::channel::{Arrival, TurnedAway};
use crate::conversation::message::{
    ATTACHMENTS_MAX, Attachment, Body, Customer, Inbound, Medium, Report, ReportState,
    TEXT_BYTES_MAX,
};
use crate::ids::{ChannelName, ConversationId, EffectId};

use super::errors;
use super::form::Form;
use super::signature::query;

/// The longest name, label or address kept, in bytes; WhatsApp allows names of 25 characters.
const WORD_BYTES_MAX: usize = 512;

/// The parameters that mean something to us. Values are as received; the first of a repeated one counts.
#[derive(Default)]
struct Fields<'a> {
    message_sid: &'a str,
    legacy_sid: &'a str,
    message_status: &'a str,
    sms_status: &'a str,
    error_code: &'a str,
    from: &'a str,
    to: &'a str,
    body: &'a str,
    profile_name: &'a str,
    message_type: &'a str,
    button_text: &'a str,
    button_payload: &'a str,
    latitude: &'a str,
    longitude: &'a str,
    label: &'a str,
    address: &'a str,
    num_media: &'a str,
}

impl<'a> Fields<'a> {
    fn of(form: &'a Form<'_>) -> Self {
        let mut fields = Self::default();
        for (name, value) in form.iter() {
            let field = match name {
                "MessageSid" => &mut fields.message_sid,
                "SmsMessageSid" | "SmsSid" => &mut fields.legacy_sid,
                "MessageStatus" => &mut fields.message_status,
                "SmsStatus" => &mut fields.sms_status,
                "ErrorCode" => &mut fields.error_code,
                "From" => &mut fields.from,
                "To" => &mut fields.to,
                "Body" => &mut fields.body,
                "ProfileName" => &mut fields.profile_name,
                "MessageType" => &mut fields.message_type,
                "ButtonText" => &mut fields.button_text,
                "ButtonPayload" => &mut fields.button_payload,
                "Latitude" => &mut fields.latitude,
                "Longitude" => &mut fields.longitude,
                "Label" => &mut fields.label,
                "Address" => &mut fields.address,
                "NumMedia" => &mut fields.num_media,
                _ => continue,
            };
            if field.is_empty() {
                *field = value;
            }
        }
        fields
    }

    fn sid(&self) -> Result<&'a str, TurnedAway> {
        first_filled([self.message_sid, self.legacy_sid])
            .ok_or_else(|| TurnedAway::Unparseable("no MessageSid".to_owned()))
    }

    /// The status word of a report; empty for a customer's message, whose only status is that it was received.
    fn report_status(&self) -> &'a str {
        match first_filled([self.message_status, self.sms_status]) {
            None | Some("received" | "receiving") => "",
            Some(status) => status,
        }
    }
}

/// What a signed webhook holds.
///
/// # Errors
/// `Unparseable` when it has no message id, or is a message from nobody.
pub(super) fn arrival(
    channel: &ChannelName,
    form: &Form<'_>,
    path_and_query: &str,
) -> Result<Arrival, TurnedAway> {
    let fields = Fields::of(form);
    match fields.report_status() {
        "" => message(channel, form, &fields).map(Arrival::Message),
        status => report(&fields, status, path_and_query),
    }
}

fn message(
    channel: &ChannelName,
    form: &Form<'_>,
    fields: &Fields<'_>,
) -> Result<Inbound, TurnedAway> {
    let id = fields.sid()?;
    if fields.from.is_empty() || fields.from.len() > WORD_BYTES_MAX {
        return Err(TurnedAway::Unparseable("no usable From".to_owned()));
    }
    Ok(Inbound {
        channel: channel.clone(),
        medium: medium(fields.from),
        from: Customer {
            address: fields.from.to_owned(),
            name: first_filled([fields.profile_name.trim()]).map(word),
            language: None,
        },
        to: fields.to.to_owned(),
        id: id.to_owned(),
        sent_at: None,
        body: body(form, fields),
    })
}

/// The medium of an address: Twilio prefixes every one that is not a telephone number.
pub(super) fn medium(address: &str) -> Medium {
    match address.split_once(':') {
        None => Medium::Sms,
        Some(("whatsapp", _)) => Medium::Whatsapp,
        Some(_) => Medium::Other,
    }
}

fn body(form: &Form<'_>, fields: &Fields<'_>) -> Body {
    if !matches!(fields.num_media, "" | "0")
        && let Some(media) = media(form, fields.body)
    {
        return media;
    }
    if !fields.latitude.is_empty() && !fields.longitude.is_empty() {
        return Body::Location {
            latitude: word(fields.latitude),
            longitude: word(fields.longitude),
            label: word(first_filled([fields.label, fields.address, fields.body]).unwrap_or("")),
        };
    }
    // A button without a payload still names what was pressed; its label also stands in Body.
    if let Some(id) = first_filled([fields.button_payload, fields.button_text]) {
        let title = first_filled([fields.button_text, fields.body]).unwrap_or(id);
        return Body::Choice {
            id: word(id),
            title: word(title),
        };
    }
    match fields.message_type {
        "" | "text" => Body::Text(cut(fields.body, TEXT_BYTES_MAX)),
        kind if fields.body.is_empty() => Body::Unknown(word(kind)),
        _ => Body::Text(cut(fields.body, TEXT_BYTES_MAX)),
    }
}

/// The files, numbered from 0 without a gap; `None` if there is not even one. `NumMedia` is not believed.
fn media(form: &Form<'_>, caption: &str) -> Option<Body> {
    let mut attachments = Vec::new();
    let mut dropped = 0;
    for n in 0.. {
        let Some(url) = form.get(&format!("MediaUrl{n}")) else {
            break;
        };
        if attachments.len() == ATTACHMENTS_MAX {
            dropped += 1;
            continue;
        }
        let content_type = form.get(&format!("MediaContentType{n}")).unwrap_or("");
        attachments.push(Attachment {
            url: url.to_owned(),
            content_type: word(content_type),
        });
    }
    (!attachments.is_empty()).then(|| Body::Media {
        caption: with_dropped(caption, dropped),
        attachments,
    })
}

/// `caption`, cut, with a note of how many files were dropped.
pub(in crate::channel) fn with_dropped(caption: &str, dropped: usize) -> String {
    if dropped == 0 {
        return cut(caption, TEXT_BYTES_MAX);
    }
    let note = format!("[+{dropped}]");
    let caption = cut(caption, TEXT_BYTES_MAX - note.len() - 1);
    format!("{caption} {note}").trim_start().to_owned()
}

fn report(fields: &Fields<'_>, status: &str, path_and_query: &str) -> Result<Arrival, TurnedAway> {
    let state = match status {
        // The first four say only that Twilio has it. That is all that `Accepted` says too, and when the answer to
        // the send was lost it is what settles the doubt. A part of several that arrived is not yet a delivery.
        "accepted" | "scheduled" | "queued" | "sending" | "sent" | "partially_delivered" => {
            ReportState::Sent
        }
        "delivered" => ReportState::Delivered,
        "read" => ReportState::Read,
        "failed" | "undelivered" | "canceled" => ReportState::Failed,
        _ => {
            return Ok(Arrival::Ignored(
                "a message status this version does not know",
            ));
        }
    };
    let failed = state == ReportState::Failed;
    let code = first_filled([fields.error_code]).filter(|_| failed);
    Ok(Arrival::Report(Report {
        effect: effect(path_and_query),
        provider_id: fields.sid()?.to_owned(),
        state,
        code: code.map(word),
        failure: failed.then(|| errors::cause(code)),
    }))
}

/// Our own reference, which went out in the status URL and is covered by the signature.
fn effect(path_and_query: &str) -> Option<(ConversationId, EffectId)> {
    let mut conversation = None;
    let mut effect = None;
    for (name, value) in form_urlencoded::parse(query(path_and_query).as_bytes()) {
        match &*name {
            "c" => conversation = value.parse().ok(),
            "e" => effect = value.parse().ok().map(EffectId),
            _ => {}
        }
    }
    conversation.zip(effect)
}

fn first_filled<const N: usize>(texts: [&str; N]) -> Option<&str> {
    texts.into_iter().find(|text| !text.is_empty())
}

fn word(text: &str) -> String {
    cut(text, WORD_BYTES_MAX)
}
