//! A whole day: customers, people, a model and a provider, and everything that goes wrong in one.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use segue::clock::monotonic;
use serde_json::{Value, json};

use crate::customer::Line;
use crate::house::{House, free_port, said};
use crate::outside::{ANSWER, NO_ANSWER, NOT_US, Outside, REFUSED};
use crate::{LOST, NUMBERS, PATIENCE, THEIR_SPAN, THEIRS, VISITOR, configure, exported, until};

/// One Segue, and whoever talks to it.
pub struct Day<'a> {
    pub dir: &'a Path,
    pub line: Line,
    pub outside: &'a Outside,
    pub agent: String,
}

impl Day<'_> {
    pub async fn hears(&self, door: &str, text: &str) {
        let encoded = form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let heard = |body: &[u8]| {
            let body = String::from_utf8_lossy(body);
            body.contains(text) || body.contains(&encoded)
        };
        until(&format!("{door}: {text}"), self.dir, || {
            let calls = self.outside.calls(door);
            calls.iter().any(|call| heard(&call.body)).then_some(())
        })
        .await;
    }

    pub async fn writes(&self, channel: &str, from: &str, id: &str, text: &str) {
        let form = Line::form(id, from, text) + "&ProfileName=Quetzalcoatl";
        let answer = self.line.post(&format!("/webhooks/{channel}"), &form).await;
        let status = answer.expect("an answer").status();
        assert_eq!(status, StatusCode::OK, "{}", said(self.dir));
    }

    pub async fn call(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: &Value,
    ) -> (u16, Value) {
        let url = format!("{}{path}", self.line.base);
        let request = self.line.client.request(method, url).bearer_auth(token);
        let answer = request.json(body).send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or(Value::Null))
    }

    pub async fn acts(&self, id: &str, act: &str, body: Value) {
        let path = format!("/api/v1/conversations/{id}/{act}");
        let (status, told) = self.call(Method::POST, &path, &self.agent, &body).await;
        assert_eq!(status, 200, "{act}: {told}");
    }

    /// The conversation that waits.
    pub async fn waiting(&self) -> String {
        let end = monotonic() + PATIENCE;
        loop {
            let path = "/api/v1/conversations?mode=waiting";
            let (_, told) = self
                .call(Method::GET, path, &self.agent, &Value::Null)
                .await;
            if let Some(id) = told.pointer("/items/0/id").and_then(Value::as_str) {
                return id.to_owned();
            }
            assert!(monotonic() < end, "nobody waits: {told}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Every channel, answered by the model.
    pub async fn answers(&self) {
        let wa = "whatsapp:+34600111222";
        self.writes("wa", wa, "SM01", "Where is my zebra parcel?")
            .await;
        self.hears("messages", ANSWER).await;
        self.writes("wa", wa, "SM01", "Where is my zebra parcel?")
            .await;
        let sent = self.outside.calls("messages");
        let status = form_urlencoded::parse(&sent[0].body)
            .find(|(name, _)| name == "StatusCallback")
            .expect("it wants reports")
            .1
            .into_owned();
        let path = status.strip_prefix(&self.line.base).expect("ours");
        let form = "MessageSid=SM1&MessageStatus=delivered&To=whatsapp%3A%2B34600111222";
        let told = self.line.post(path, form).await.expect("an answer");
        assert_eq!(told.status(), StatusCode::OK, "{}", said(self.dir));

        let url = format!("{}/api/v1/messages", self.line.base);
        let told = self
            .line
            .client
            .post(url)
            .bearer_auth("planted-gate-token")
            .header("traceparent", format!("00-{THEIRS}-{THEIR_SPAN}-01"))
            .json(
                &json!({"channel": "gate", "from": "customer-zebra", "id": "g1",
                          "text": "Is the zebra late?", "name": "Quetzalcoatl"}),
            )
            .send()
            .await
            .expect("an answer");
        assert_eq!(told.status(), StatusCode::OK);
        self.hears("callback", ANSWER).await;

        let said = json!({"type": "say", "id": "w1", "text": "A zebra on the web?", "name": "Quetzalcoatl"});
        let (status, told) = self
            .call(Method::POST, "/chat/web/messages", VISITOR, &said)
            .await;
        assert_eq!(status, 200, "{told}");
        self.hears("model", "A zebra on the web?").await;
    }

    /// A person is asked for, comes, writes, and hands back.
    pub async fn hands_over(&self) {
        let from = "+34600333444";
        self.writes(
            "sms",
            from,
            "SM11",
            "zebra! I want to talk to a human please",
        )
        .await;
        let id = self.waiting().await;
        self.acts(&id, "claim", json!({})).await;
        self.acts(&id, "reply", json!({"text": "The zebra is on its way."}))
            .await;
        self.hears("messages", "The zebra is on its way.").await;
        self.acts(&id, "note", json!({"text": "zebra, again"}))
            .await;
        self.acts(&id, "handback", json!({"note": "zebra explained"}))
            .await;
    }

    /// What goes wrong: the model, the provider, strangers, tokens, bodies, the configuration.
    pub async fn goes_wrong(&self, port: u16) {
        self.writes(
            "wa",
            "whatsapp:+34600111222",
            "SM21",
            &format!("And the {NO_ANSWER}?"),
        )
        .await;
        self.waiting().await;
        self.writes("sms", REFUSED, "SM31", "zebra to nowhere")
            .await;
        until("a refusal", self.dir, || {
            let calls = self.outside.calls("messages");
            let digits = NUMBERS[2];
            let refused = |body: &[u8]| String::from_utf8_lossy(body).contains(digits);
            calls.iter().any(|call| refused(&call.body)).then_some(())
        })
        .await;
        self.writes("sms", NOT_US, "SM32", "zebra, and nobody knows us")
            .await;
        until("a refusal for all", self.dir, || {
            said(self.dir).contains(LOST).then_some(())
        })
        .await;

        let Line { client, base } = &self.line;
        let form = Line::form("SM41", "whatsapp:+34600111222", "zebra by a stranger");
        let url = format!("{base}/webhooks/wa");
        let stranger = client
            .post(&url)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-twilio-signature", "planted-wrong-token")
            .body(form);
        let told = stranger.send().await.expect("an answer");
        assert_eq!(told.status(), StatusCode::FORBIDDEN);
        let told = self
            .line
            .post("/webhooks/wa", "zebra=1&From=%2B34600111222");
        assert_eq!(told.await.expect("an answer").status(), StatusCode::OK);
        let told = self.line.post("/webhooks/moved", "zebra=1").await;
        assert_eq!(told.expect("an answer").status(), StatusCode::NOT_FOUND);
        let messages = "/api/v1/messages";
        for (token, body, expected) in [
            ("planted-wrong-token", json!({"text": "zebra"}), 403),
            ("planted-gate-token", json!({"zebra": "+34600111222"}), 422),
            (
                "planted-gate-token",
                json!({"channel": "nowhere", "from": "+34600111222"}),
                403,
            ),
        ] {
            let (status, told) = self.call(Method::POST, messages, token, &body).await;
            assert_eq!(status, expected, "{told}");
        }
        for (path, body) in [
            ("/api/v1/conversations/zebra/claim", json!({})),
            ("/api/v1/session", json!({"token": "planted-wrong-token"})),
        ] {
            let (status, _) = self
                .call(Method::POST, path, "planted-wrong-token", &body)
                .await;
            assert!((400..500).contains(&status), "{path}: {status}");
        }
        let broken = "[channels.more]\nkind = \"http\"\ntoken = \"planted-in-a-fault\\u0007\"\n";
        configure(self.dir, port, &self.outside.url(), "debug", broken);
        until("a refused configuration", self.dir, || {
            said(self.dir).contains("is not put in force").then_some(())
        })
        .await;
    }
}

pub fn add_agent(dir: &Path) -> String {
    let added = Command::new(env!("CARGO_BIN_EXE_segue"))
        .args(["agent", "add", "Ana", "--role", "lead", "--data"])
        .arg(dir.join("data"))
        .output()
        .expect("it runs");
    let told = String::from_utf8(added.stdout).expect("text");
    let token = told
        .split_whitespace()
        .find(|word| word.starts_with("sgt_"));
    token.expect("a token is shown").to_owned()
}

/// A whole day, logged from `level` on: what was logged, who was there, and the agent's token.
pub async fn a_day(level: &str) -> (String, Outside, String) {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    let (outside, port) = (Outside::start().await, free_port());
    configure(dir, port, &outside.url(), level, &exported(&outside.url()));
    let house = House::start(dir);
    house.wait_ready(dir);
    let day = Day {
        dir,
        line: Line::to(format!("http://127.0.0.1:{port}")),
        outside: &outside,
        agent: add_agent(dir),
    };
    day.answers().await;
    day.hands_over().await;
    day.goes_wrong(port).await;
    let agent = day.agent;
    let ended = tokio::task::spawn_blocking(move || house.terminate()).await;
    assert!(ended.expect("it ends").success(), "{}", said(dir));
    (said(dir), outside, agent)
}
