//! From something to be said to `POST …/Messages.json`, and what the answer to that means.
//!
//! A text longer than Twilio takes becomes several calls. Twilio has no buttons without a pre-approved template, so
//! choices become lines of text; and it shows no sender's name, so a person's name stands before their words.
//! CreateMessage has no idempotency key: whether a lost answer meant a delivered message is [`Attempt::Unknown`],
//! and the report to the status URL, which carries our own reference, settles it.
//!
//! Facts: Twilio's "Messages resource" page and its OpenAPI document.

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use bytes::Bytes;
use serde::Deserialize;

use super::errors::{self, TOO_MANY_MS};
use super::{Sender, Twilio};
use crate::channel::text::{cut, split};
use crate::channel::{Call, Outbound, SendError};
use crate::conversation::message::{Attempt, FailureCause, Medium, Retry};

/// The longest `Body` that Twilio takes, in characters; counted in UTF-16 units, which is never fewer.
pub const PART_MAX: usize = 1_600;
/// The most parts of one message. More is not a message but a mistake, and each part costs money.
pub const PARTS_MAX: usize = 10;

const WHATSAPP: &str = "whatsapp:";
/// The longest `Retry-After` believed, in seconds: longer than any message's patience.
const RETRY_AFTER_MAX_S: u64 = 3_600;
/// The most that is told of a provider's own words, in bytes.
const DETAIL_BYTES_MAX: usize = 200;

/// The calls that send `outbound`, in order.
pub(super) fn calls(twilio: &Twilio, outbound: &Outbound<'_>) -> Result<Vec<Call>, SendError> {
    if outbound.to.is_empty() {
        return Err(never(
            "no_recipient",
            FailureCause::InvalidRecipient,
            "there is no address to send to".to_owned(),
        ));
    }
    let text = text(outbound);
    if text.trim().is_empty() {
        return Err(never(
            "empty_text",
            FailureCause::Other,
            "the text is empty".to_owned(),
        ));
    }
    let parts = split(&text, PART_MAX);
    if parts.len() > PARTS_MAX {
        return Err(never(
            "too_long",
            FailureCause::Other,
            format!(
                "the text needs {} messages, {PARTS_MAX} is the most",
                parts.len()
            ),
        ));
    }
    Ok(parts
        .into_iter()
        .map(|part| call(twilio, outbound, part))
        .collect())
}

fn never(code: &'static str, cause: FailureCause, detail: String) -> SendError {
    SendError {
        code,
        cause,
        retry: Retry::Never,
        detail,
    }
}

/// Whether the customer sees who wrote: a number has no room for a name.
const fn shows_sender(medium: Medium) -> bool {
    match medium {
        Medium::Whatsapp | Medium::Sms => false,
        Medium::Telegram | Medium::Webchat | Medium::Voice | Medium::Http | Medium::Other => true,
    }
}

fn text(outbound: &Outbound<'_>) -> String {
    let mut text = match outbound.agent.filter(|_| !shows_sender(outbound.medium)) {
        Some(agent) => format!("{agent}: {}", outbound.text),
        None => outbound.text.to_owned(),
    };
    for (_, title) in outbound.choices {
        // A plain hyphen: a bullet is not in the GSM alphabet and would double the price of an SMS.
        text.push_str("\n- ");
        text.push_str(title);
    }
    text
}

fn call(twilio: &Twilio, outbound: &Outbound<'_>, part: &str) -> Call {
    let mut form = form_urlencoded::Serializer::new(String::with_capacity(part.len() + 512));
    form.append_pair("To", outbound.to);
    match &twilio.sender {
        _ if !outbound.from.is_empty() => form.append_pair("From", outbound.from),
        Sender::From(from) => form.append_pair("From", &same_medium(from, outbound.to)),
        Sender::MessagingServiceSid(sid) => form.append_pair("MessagingServiceSid", sid),
    };
    form.append_pair("Body", part);
    form.append_pair(
        "StatusCallback",
        &format!(
            "{}?c={}&e={}",
            twilio.status_url, outbound.conversation, outbound.effect
        ),
    );
    let mut headers = HeaderMap::with_capacity(2);
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-www-form-urlencoded"),
    );
    headers.insert(AUTHORIZATION, twilio.authorization.clone());
    Call {
        method: Method::POST,
        url: twilio.messages_url.clone(),
        headers,
        body: Bytes::from(form.finish()),
    }
}

/// Our number on the medium of `to`: Twilio refuses a WhatsApp message from a bare number and the reverse.
fn same_medium(from: &str, to: &str) -> String {
    let number = from.strip_prefix(WHATSAPP).unwrap_or(from);
    match to.starts_with(WHATSAPP) {
        true => format!("{WHATSAPP}{number}"),
        false => number.to_owned(),
    }
}

#[derive(Deserialize)]
struct Created {
    sid: String,
}

#[derive(Deserialize)]
struct Refused {
    code: u32,
}

/// What Twilio's answer means.
pub(super) fn read(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Attempt {
    if status.is_success() {
        return match serde_json::from_slice(body) {
            Ok(Created { sid }) => Attempt::Accepted { provider_id: sid },
            // Taken, as far as one can see, but by whom? A proxy's page is no proof that it was Twilio.
            Err(_) => unknown(status, body),
        };
    }
    match status.as_u16() {
        // 20429 and its like are refused at the door: never processed.
        429 => too_many(headers, body),
        // Overload protection answers 503 before the request is taken in.
        503 => Attempt::Rejected {
            code: code(body).map_or_else(|| "503".to_owned(), |code| code.to_string()),
            cause: FailureCause::ProviderError,
            retry: retry_after(headers).map_or(Retry::Soon, Retry::After),
        },
        // A handler that broke (500) or a gateway that lost its answer (502, 504) may have created the message
        // before it did, and there is no key by which a repetition would be recognised.
        500..=599 => unknown(status, body),
        // The server gave up waiting for the request.
        408 => rejected("408".to_owned(), FailureCause::Timeout, Retry::Soon),
        _ => refused(status, body),
    }
}

fn refused(status: StatusCode, body: &[u8]) -> Attempt {
    let Some(code) = code(body) else {
        // A redirect, a proxy's page or a wrong base URL: nothing that repeating would mend.
        let code = format!("http_{}", status.as_u16());
        return rejected(code, FailureCause::ProviderError, Retry::Never);
    };
    let (cause, retry) = errors::meaning(code).unwrap_or((FailureCause::Other, Retry::Never));
    rejected(code.to_string(), cause, retry)
}

fn too_many(headers: &HeaderMap, body: &[u8]) -> Attempt {
    let code = code(body);
    let known = code.and_then(errors::meaning);
    let retry = match known {
        Some((_, Retry::Never)) => Retry::Never,
        Some((_, Retry::StopForThisCustomer)) => Retry::StopForThisCustomer,
        Some((_, Retry::Soon)) | None => Retry::After(retry_after(headers).unwrap_or(TOO_MANY_MS)),
        Some((_, Retry::After(ms))) => Retry::After(retry_after(headers).unwrap_or(ms)),
    };
    let code = code.map_or_else(|| "429".to_owned(), |code| code.to_string());
    rejected(code, FailureCause::RateLimited, retry)
}

fn rejected(code: String, cause: FailureCause, retry: Retry) -> Attempt {
    Attempt::Rejected { code, cause, retry }
}

fn unknown(status: StatusCode, body: &[u8]) -> Attempt {
    let words = String::from_utf8_lossy(&body[..body.len().min(DETAIL_BYTES_MAX)]);
    let detail = format!("answer {} {words}", status.as_u16());
    Attempt::Unknown {
        detail: cut(detail.trim_end(), DETAIL_BYTES_MAX),
    }
}

fn code(body: &[u8]) -> Option<u32> {
    serde_json::from_slice(body)
        .ok()
        .map(|Refused { code }| code)
}

/// `Retry-After` in milliseconds. Its date form is not read: there is no clock here, and Twilio sends seconds.
pub(in crate::channel) fn retry_after(headers: &HeaderMap) -> Option<u64> {
    let seconds: u64 = headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(seconds.min(RETRY_AFTER_MAX_S) * 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_read(status: u16, body: &str, attempt: Attempt) {
        let status = StatusCode::from_u16(status).expect("a status");
        assert_eq!(
            read(status, &HeaderMap::new(), body.as_bytes()),
            attempt,
            "{status} {body}"
        );
    }

    fn check_refused(status: u16, body: &str, code: &str, cause: FailureCause, retry: Retry) {
        check_read(status, body, rejected(code.to_owned(), cause, retry));
    }

    #[test]
    fn a_created_message_is_accepted_under_its_sid() {
        check_read(
            201,
            r#"{"sid":"SM1","status":"queued","error_code":null}"#,
            Attempt::Accepted {
                provider_id: "SM1".into(),
            },
        );
    }

    #[test]
    fn every_code_has_its_kind_of_retry() {
        use FailureCause::{
            Blocked, InvalidRecipient, Other, ProviderError, RateLimited, WindowClosed,
        };
        let said = |code: u32| format!(r#"{{"code":{code},"message":"m","status":400}}"#);
        for (code, cause, retry) in [
            (21610, Blocked, Retry::StopForThisCustomer),
            (63014, Blocked, Retry::StopForThisCustomer),
            (21211, InvalidRecipient, Retry::Never),
            (21614, InvalidRecipient, Retry::Never),
            (63016, WindowClosed, Retry::Never),
            (21611, RateLimited, Retry::After(30_000)),
            (20003, ProviderError, Retry::Never),
            (99999, Other, Retry::Never),
        ] {
            check_refused(400, &said(code), &code.to_string(), cause, retry);
        }
    }

    #[test]
    fn too_many_requests_wait_as_long_as_was_asked() {
        check_refused(
            429,
            "",
            "429",
            FailureCause::RateLimited,
            Retry::After(1_000),
        );
        check_refused(
            429,
            r#"{"code":63038}"#,
            "63038",
            FailureCause::RateLimited,
            Retry::Never,
        );
        let mut headers = HeaderMap::new();
        for (header, ms) in [("7", 7_000), ("999999999999", 3_600_000), ("soon", 1_000)] {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(header));
            let attempt = read(
                StatusCode::TOO_MANY_REQUESTS,
                &headers,
                br#"{"code":20429}"#,
            );
            let expected = rejected("20429".into(), FailureCause::RateLimited, Retry::After(ms));
            assert_eq!(attempt, expected, "Retry-After: {header}");
        }
    }

    #[test]
    fn a_5xx_leaves_doubt_except_overload() {
        for status in [500, 502, 504, 599] {
            check_read(
                status,
                "<html>",
                Attempt::Unknown {
                    detail: format!("answer {status} <html>"),
                },
            );
        }
        check_refused(503, "", "503", FailureCause::ProviderError, Retry::Soon);
    }

    #[test]
    fn an_answer_that_is_not_twilios_is_no_acceptance() {
        check_read(
            200,
            "OK",
            Attempt::Unknown {
                detail: "answer 200 OK".into(),
            },
        );
        check_read(
            201,
            "",
            Attempt::Unknown {
                detail: "answer 201".into(),
            },
        );
        check_refused(
            302,
            "",
            "http_302",
            FailureCause::ProviderError,
            Retry::Never,
        );
        check_refused(
            404,
            "<p>",
            "http_404",
            FailureCause::ProviderError,
            Retry::Never,
        );
    }
}
