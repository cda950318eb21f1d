//! Bodies that are broken or break off: told why, and what was signed is kept and taken up again.

use reqwest::{Method, StatusCode};
use segue::channel::twilio::signature::sign;
use segue::conversation::words::Role;
use segue::secret::Secret;
use serde_json::{Value, json};

use crate::customer::Line;
use crate::{Bed, FORM, check, check_each, customer, raw, status_of};

#[tokio::test]
async fn a_signed_webhook_that_cannot_be_taken_is_told_why() {
    let bed = Bed::new().await;
    let url = format!("{}/webhooks/sms", bed.line.base);
    let form = Line::form("SM1", "+17000000001", "hello");
    let signature = sign(&Secret::from(customer::AUTH_TOKEN), &url, form.as_bytes());
    let plain = |to: &str, kind: &str, body: String| {
        let request = bed.line.client.post(to).header("content-type", kind);
        request.body(body)
    };
    let signed = |to: &str, kind: &str, body: &str| {
        plain(to, kind, body.to_owned()).header("x-twilio-signature", &signature)
    };
    let (query, nowhere) = (format!("{url}?x=1"), url.replace("sms", "sm"));
    let (other, long) = (form.replace("hello", "hallo"), "a".repeat(2 * 1024 * 1024));
    let table = [
        ("no signature", plain(&url, FORM, form.clone()), 401),
        ("another body", signed(&url, FORM, &other), 403),
        ("another URL", signed(&query, FORM, &form), 403),
        (
            "no form by its name",
            signed(&url, "text/plain", &form),
            403,
        ),
        (
            "no channel of this name",
            signed(&nowhere, FORM, &form),
            404,
        ),
        ("another method", bed.line.client.put(&url), 405),
        ("too large", signed(&url, FORM, &long), 413),
        ("in order, after all that", signed(&url, FORM, &form), 200),
    ];
    check_each(&bed, table).await;
    let runtime = &bed.app.doors().runtime;
    let trail = runtime.trail(bed.id("+17000000001"), 0, 100).await;
    assert!(!trail.expect("a trail").is_empty());
    bed.app.stop().await;
}

#[tokio::test]
async fn a_gateways_message_that_cannot_be_taken_is_told_why() {
    let bed = Bed::new().await;
    let gate = format!("{}/api/v1/messages", bed.line.base);
    let message = json!({"channel": "gate", "from": "ana", "id": "1", "text": "hello"});
    let nameless = json!({"channel": "gate", "from": "ana", "text": "hello"}).to_string();
    let anybody = |kind: &str, body: &str| {
        let request = bed.line.client.post(&gate).header("content-type", kind);
        request.body(body.to_owned())
    };
    let ours = |kind: &str, body: &str| anybody(kind, body).bearer_auth("gate-token");
    let (json, message) = ("application/json", message.to_string());
    let stranger = anybody(json, &message).bearer_auth("gate-tokem");
    let table = [
        ("no token", anybody(json, &message), 401),
        ("another token", stranger, 403),
        ("no JSON by its name", ours("text/plain", &message), 415),
        ("no JSON", ours(json, "{\"channel\":"), 422),
        ("in order, after all that", ours(json, &message), 200),
    ];
    check_each(&bed, table).await;
    let problem = check(&bed, "no id", ours(json, &nameless), 422).await;
    let detail = problem["detail"].as_str().expect("a text");
    assert!(detail.contains("id"), "it names the field: {detail}");
    bed.app.stop().await;
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused_and_the_signed_nonsense_is_kept_for_people() {
    let bed = Bed::new().await;
    let host = bed.address();
    let head = format!(
        "POST /webhooks/sms HTTP/1.1\r\nhost: {host}\r\ncontent-type: {FORM}\r\n\
         x-twilio-signature: c2lnbmVk\r\ncontent-length: 100\r\n\r\nMessageSid="
    );
    let answer = raw(host, head.as_bytes(), true).await;
    assert_eq!(status_of(&answer), Some(400), "{answer}");
    for nonsense in ["NumMedia=0&Body=hello", "MessageSid=SM1", ""] {
        let answer = bed
            .line
            .post("/webhooks/sms", nonsense)
            .await
            .expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK, "{nonsense}");
    }
    let admin = bed.person("root", Role::Admin);
    let parked = bed.parked(&admin).await;
    let raws: Vec<&str> = parked
        .iter()
        .filter_map(|one| one["raw"].as_str())
        .collect();
    assert_eq!(raws, ["NumMedia=0&Body=hello", "MessageSid=SM1", ""]);
    assert!(
        parked
            .iter()
            .all(|one| one["origin"] == "sms" && one["kind"] == "webhook"),
        "{parked:?}"
    );
    bed.app.stop().await;
}

#[tokio::test]
async fn a_kept_body_is_taken_up_again_and_stays_while_nobody_understands_it() {
    let bed = Bed::new().await;
    let answer = bed
        .line
        .post("/webhooks/sms", "NumMedia=0&Body=hello")
        .await;
    assert_eq!(answer.expect("an answer").status(), StatusCode::OK);
    let store = bed.app.doors().runtime.store().clone();
    let whole = "MessageSid=SM1&From=%2B17000000001&To=%2B15005550006&Body=hello&NumMedia=0";
    let at = bed.app.doors().runtime.now();
    let understood = store
        .park("webhook", "sms", whole.as_bytes(), "a test", at)
        .expect("parked");
    store
        .park("damaged_head", "", b"\0", "a test", at)
        .expect("parked");
    let (lead, agent) = (
        bed.person("lea", Role::Lead),
        bed.person("ana", Role::Agent),
    );
    let again = async |id: u64, token: &str| {
        let path = format!("/api/v1/parked/{id}/retry");
        let answer = bed.ask(Method::POST, &path, token, None).await;
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.expect("JSON");
        (status, body["code"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(again(understood, &agent).await.0, 403);
    assert_eq!(again(1, &lead).await, (409, "still_parked".to_owned()));
    assert_eq!(
        again(understood + 1, &lead).await,
        (422, "not_retryable".to_owned())
    );
    assert_eq!(again(understood, &lead).await, (200, String::new()));
    assert_eq!(again(understood, &lead).await.0, 404, "it is settled");
    let read = bed.app.doors().runtime.read(bed.id("+17000000001")).await;
    assert!(
        read.expect("readable").is_some(),
        "the customer has been heard"
    );
    let left = bed.parked(&lead).await;
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(
        left[0]["why"]
            .as_str()
            .is_some_and(|why| why.contains("MessageSid")),
        "{left:?}"
    );
    bed.app.stop().await;
}
