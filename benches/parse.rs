//! What one webhook costs before anything is stored: check the signature, read the parameters, build the message.
//!
//! The webhook is an ordinary WhatsApp text of 421 bytes. `refuse` is the same with a wrong signature, which costs
//! every form of the URL and every key: what a flood of forgeries costs.

use std::hint::black_box;

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Method};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use segue::channel::twilio::signature::{SIGNATURE, sign};
use segue::channel::twilio::{Sender, Twilio, TwilioSettings};
use segue::channel::{Channel, Webhook};
use segue::secret::Secret;

const BODY: &str = "MessageSid=SM00000000000000000000000000000001&SmsSid=SM00000000000000000000000000000001\
&AccountSid=AC00000000000000000000000000000000&From=whatsapp%3A%2B5491155550001&To=whatsapp%3A%2B14155238886\
&Body=Hola%2C+%C2%BFpuedo+hablar+con+alguien%3F+Gracias+de+antemano+y+buen+dia&NumMedia=0&NumSegments=1&SmsStatus=received\
&ProfileName=Ana+P%C3%A9rez&WaId=5491155550001&MessageType=text&ReferralNumMedia=0&ApiVersion=2010-04-01";
const TARGET: &str = "/webhooks/wa";

fn twilio(token: &Secret) -> Twilio {
    Twilio::new(TwilioSettings {
        name: "wa".into(),
        account_sid: "AC00000000000000000000000000000000".into(),
        auth_tokens: vec![token.clone()],
        shared_keys: Vec::new(),
        sender: Sender::From("whatsapp:+14155238886".into()),
        public_url: "https://h.example".into(),
        status_path: None,
        api_base_url: None,
    })
}

fn headers(signature: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-www-form-urlencoded; charset=UTF-8"),
    );
    let signature = HeaderValue::from_str(signature).expect("base64 is visible ASCII");
    headers.insert(SIGNATURE, signature);
    headers
}

fn webhooks(criterion: &mut Criterion) {
    assert_eq!(BODY.len(), 421, "the size that the figures are told for");
    let token = Secret::from("0123456789abcdef0123456789abcdef");
    let twilio = twilio(&token);
    let good = headers(&sign(
        &token,
        &format!("https://h.example{TARGET}"),
        BODY.as_bytes(),
    ));
    let wrong = headers("AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    let webhook = |headers| Webhook {
        method: &Method::POST,
        path_and_query: TARGET,
        headers,
        body: BODY.as_bytes(),
    };
    assert!(twilio.parse(&webhook(&good)).is_ok());
    assert!(twilio.parse(&webhook(&wrong)).is_err());
    let mut group = criterion.benchmark_group("twilio");
    group.throughput(Throughput::Elements(1));
    group.bench_function("parse", |b| {
        b.iter(|| twilio.parse(black_box(&webhook(&good))))
    });
    group.bench_function("refuse", |b| {
        b.iter(|| twilio.parse(black_box(&webhook(&wrong))))
    });
    group.finish();
}

criterion_group!(benches, webhooks);
criterion_main!(benches);
