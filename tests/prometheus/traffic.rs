//! Customers on four channels and the people who answer them: every way in which a conversation goes, a few times.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::Method;
use segue::channel::twilio::signature::sign;
use segue::clock::monotonic;
use segue::http::chat::visitor::Visitor;
use segue::secret::Secret;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message as Wire;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::outside::Outside;
use crate::truth::{Told, Truth};

const AUTH_TOKEN: &str = "a-token-of-the-tests";
const PATIENCE: Duration = Duration::from_secs(40);

/// What is done with a customer.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Story {
    /// The AI answers twice, and somebody files it as resolved.
    Answered,
    /// A person is asked for, comes, answers twice, resolves.
    Served,
    /// Handed back; asks for a person again.
    ComesBack,
    /// Promised a person, and nobody comes.
    Ghost,
    /// Handed back while waiting.
    Cancelled,
    /// The customer sends the person away before one came.
    Leaves,
    /// Claimed, passed on to another queue, resolved there.
    PassedOn,
    /// The model fails; somebody comes too late.
    Broken,
    /// A person is offered, and wanted.
    Offered,
    /// A person is offered, and not wanted.
    Declined,
    /// The queue is closed.
    Night,
    /// Nobody comes, and the customer is told so.
    TimedOut,
    /// A person takes over unasked.
    TakenOver,
    /// The same number on the line cannot be reached, or only in doubt.
    Hard(&'static str),
}

/// A channel of the configuration.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Line {
    /// Twilio, SMS.
    Sms,
    /// Twilio, WhatsApp.
    WhatsApp,
    /// A gateway of one's own; the name says into which queue it leads.
    Gate(&'static str),
    /// The web chat.
    Web,
}

/// A family and labels.
type Heard = (&'static str, Vec<(&'static str, String)>);
type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Everybody, and how they reach Segue.
pub struct Crowd {
    client: reqwest::Client,
    base: String,
    tokens: BTreeMap<&'static str, String>,
    /// Kept open to the end.
    sockets: Mutex<Vec<tokio::task::JoinHandle<()>>>,
    /// What the outside knows and no trail tells: family, labels, how often.
    pub told: Mutex<BTreeMap<Heard, f64>>,
}

/// One customer.
struct Customer<'a> {
    crowd: &'a Crowd,
    line: Line,
    address: String,
    written: u32,
    socket: Option<futures_util::stream::SplitSink<Socket, Wire>>,
}

impl Crowd {
    /// Customers of the Segue at `base`, and three people whose tokens are asked for in `data`.
    pub fn new(client: reqwest::Client, base: String, data: &Path) -> Self {
        let people = [("Ana", "agent"), ("Lea", "lead"), ("Root", "admin")];
        let token = |(name, role): (&'static str, &str)| {
            let output = Command::new(env!("CARGO_BIN_EXE_segue"))
                .args(["agent", "add", name, "--role", role, "--data"])
                .arg(data)
                .output()
                .expect("the program runs");
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let token = said
                .split_whitespace()
                .find(|word| word.starts_with("sgt_"));
            (
                name,
                token
                    .unwrap_or_else(|| panic!("no token: {output:?}"))
                    .to_owned(),
            )
        };
        Self {
            client,
            base,
            tokens: people.map(token).into(),
            sockets: Mutex::default(),
            told: Mutex::default(),
        }
    }

    fn tell(&self, family: &'static str, labels: &[(&'static str, &str)]) {
        let labels = labels.iter().map(|(l, v)| (*l, (*v).to_owned())).collect();
        *self
            .told
            .lock()
            .expect("no panic")
            .entry((family, labels))
            .or_default() += 1.0;
    }

    async fn api(&self, who: &str, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let mut request = self
            .client
            .request(method, format!("{}/api/v1{path}", self.base))
            .bearer_auth(&self.tokens[who]);
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("a body");
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// Somebody does something, and may.
    pub async fn act(&self, who: &str, path: &str, body: Value) {
        let method = if path.starts_with("/agents") || path == "/ai" {
            Method::PUT
        } else {
            Method::POST
        };
        let (status, said) = self.api(who, method, path, &body).await;
        assert!(status < 300, "{who}: {path}: {status} {said}");
    }

    /// All conversations, with their trails.
    pub async fn everything(&self) -> Vec<Told> {
        let mut all = Vec::new();
        for mode in ["ai", "waiting", "human", "closed"] {
            let path = format!("/conversations?mode={mode}&limit=200");
            let (_, page) = self.api("Root", Method::GET, &path, &Value::Null).await;
            assert!(page["next"].is_null(), "more than one page");
            for view in page["items"].as_array().expect("a list") {
                let id = view["id"].as_str().expect("an id");
                let path = format!("/conversations/{id}/trail?limit=500");
                let (_, trail) = self.api("Root", Method::GET, &path, &Value::Null).await;
                let trail = trail["items"].as_array().expect("a list").clone();
                all.push(Told {
                    view: view.clone(),
                    trail,
                });
            }
        }
        all
    }

    /// A webhook of Twilio, signed with `token`.
    async fn twilio(&self, path: &str, fields: &[(&str, &str)], token: &str) -> u16 {
        let form: String = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let url = format!("{}{path}", self.base);
        let request = self
            .client
            .post(&url)
            .header("content-type", "application/x-www-form-urlencoded")
            .header(
                "x-twilio-signature",
                sign(&Secret::from(token), &url, form.as_bytes()),
            )
            .body(form);
        request.send().await.expect("an answer").status().as_u16()
    }

    /// What is refused at the door, and what comes twice.
    pub async fn knock(&self) {
        let fields = [
            ("MessageSid", "SMdoor"),
            ("From", "+17005550001"),
            ("To", "+15005550006"),
            ("Body", "hello"),
            ("NumMedia", "0"),
        ];
        let rejected = "segue_webhooks_rejected_total";
        for _ in 0..3 {
            assert!(self.twilio("/webhooks/sms", &fields, "another token").await >= 400);
            self.tell(rejected, &[("channel", "sms"), ("cause", "signature")]);
        }
        // Signed and not understood: taken, kept, and parked for people.
        for _ in 0..2 {
            let status = self.twilio("/webhooks/sms", &fields[..1], AUTH_TOKEN).await;
            assert!(status < 300, "{status}");
            self.tell(rejected, &[("channel", "sms"), ("cause", "malformed")]);
            self.tell("segue_parked_events", &[]);
            self.tell("segue_events_parked_total", &[("cause", "unparsed")]);
        }
        assert_eq!(
            self.twilio("/webhooks/nowhere", &fields, AUTH_TOKEN).await,
            404
        );
        self.tell(rejected, &[("channel", "other"), ("cause", "unknown")]);
        for again in 0..5 {
            assert!(self.twilio("/webhooks/sms", &fields, AUTH_TOKEN).await < 300);
            if again > 0 {
                self.tell("segue_inbound_duplicates_total", &[("channel", "sms")]);
            }
        }
    }

    /// WhatsApp reports what arrived, and which of it was opened.
    pub async fn report(&self, outside: &Outside) {
        let sent = outside.seen(|seen| seen.sent.clone());
        for (at, one) in sent
            .iter()
            .filter(|one| one.to.starts_with("whatsapp:"))
            .enumerate()
        {
            let (_, path) = one.status_url.split_once(&self.base).expect("our own URL");
            let states: &[&str] = if at % 2 == 0 {
                &["delivered", "read"]
            } else {
                &["delivered"]
            };
            for state in states {
                let fields = [("MessageSid", one.sid.as_str()), ("MessageStatus", state)];
                assert!(self.twilio(path, &fields, AUTH_TOKEN).await < 300, "{path}");
                self.tell(
                    "segue_messages_inbound_total",
                    &[("channel", "whatsapp"), ("kind", "status")],
                );
            }
        }
    }

    /// Adds to the truth what no trail tells.
    pub fn testify(&self, truth: &mut Truth) {
        for ((family, labels), n) in self.told.lock().expect("no panic").iter() {
            let labels: Vec<(&str, &str)> = labels.iter().map(|(l, v)| (*l, v.as_str())).collect();
            truth.add(family, &labels, *n);
        }
        let open = self.sockets.lock().expect("no panic").len();
        truth.add(
            "segue_chat_sockets",
            &[],
            f64::from(u32::try_from(open).expect("few")),
        );
    }

    /// Tells a story with the customer `number`.
    pub async fn live(&self, story: Story, line: Line, number: usize) {
        let end = if let Story::Hard(end) = story {
            end
        } else {
            "00"
        };
        let address = match line {
            Line::Sms => format!("+1700{number:05}{end}"),
            Line::WhatsApp => format!("whatsapp:+4930{number:05}{end}"),
            Line::Gate(name) => format!("{name}-guest-{number}"),
            Line::Web => String::new(),
        };
        let mut customer = Customer {
            crowd: self,
            line,
            address,
            written: 0,
            socket: None,
        };
        customer.arrive().await;
        customer.live(story).await;
        if let Some(mut socket) = customer.socket.take() {
            // Held open: the sink must not be dropped.
            let held = tokio::spawn(async move {
                std::future::pending::<()>().await;
                let _never = socket.close().await;
            });
            self.sockets.lock().expect("no panic").push(held);
        }
    }
}

impl Customer<'_> {
    async fn arrive(&mut self) {
        if self.line != Line::Web {
            return;
        }
        let url = format!("{}/chat/web/socket", self.crowd.base.replace("http", "ws"));
        let (socket, _) = tokio_tungstenite::connect_async(url)
            .await
            .expect("it opens");
        let (mut sink, mut told) = socket.split();
        sink.send(Wire::Text(json!({"type": "hello"}).to_string().into()))
            .await
            .expect("it is open");
        let welcome = told.next().await.expect("an answer").expect("it is sound");
        let welcome: Value = serde_json::from_str(welcome.to_text().expect("text")).expect("JSON");
        let visitor = welcome["visitor"]
            .as_str()
            .unwrap_or_else(|| panic!("{welcome}"));
        self.address = Visitor::parse(visitor).expect("a visitor").address();
        self.socket = Some(sink);
        tokio::spawn(async move { while told.next().await.is_some_and(|one| one.is_ok()) {} });
    }

    async fn write(&mut self, text: &str) {
        self.written += 1;
        let id = format!(
            "SM{}{}",
            self.address.replace(['+', ':', '-'], ""),
            self.written
        );
        let (path, ours) = match self.line {
            Line::Sms => ("/webhooks/sms", "+15005550006"),
            Line::WhatsApp => ("/webhooks/wa", "whatsapp:+14155238886"),
            Line::Gate(name) => return self.post(name, &id, text).await,
            Line::Web => {
                let said = json!({"type": "say", "id": id, "text": text}).to_string();
                let socket = self.socket.as_mut().expect("it is open");
                return socket
                    .send(Wire::Text(said.into()))
                    .await
                    .expect("it is open");
            }
        };
        let fields = [
            ("MessageSid", id.as_str()),
            ("From", &self.address),
            ("To", ours),
            ("Body", text),
            ("NumMedia", "0"),
        ];
        let status = self.crowd.twilio(path, &fields, AUTH_TOKEN).await;
        assert!(status < 300, "{status}");
    }

    async fn post(&self, channel: &str, id: &str, text: &str) {
        let body = json!({"channel": channel, "from": self.address, "id": id, "text": text});
        let request = self
            .crowd
            .client
            .post(format!("{}/api/v1/messages", self.crowd.base));
        let answer = request
            .bearer_auth("gate-token")
            .json(&body)
            .send()
            .await
            .expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    async fn view(&self) -> Value {
        let q: String = form_urlencoded::byte_serialize(self.address.as_bytes()).collect();
        let (_, page) = self
            .crowd
            .api(
                "Root",
                Method::GET,
                &format!("/conversations?q={q}"),
                &Value::Null,
            )
            .await;
        page["items"][0].clone()
    }

    /// Waits for it to be so.
    async fn until(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let end = monotonic() + PATIENCE;
        loop {
            let view = self.view().await;
            if is(&view) {
                return view;
            }
            assert!(
                monotonic() < end,
                "{}: {what} does not happen: {view}",
                self.address
            );
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    }

    /// Waits for the mode; the path of the conversation.
    async fn mode(&self, mode: &str) -> String {
        let view = self.until(mode, |view| view["mode"] == mode).await;
        format!("/conversations/{}", view["id"].as_str().expect("an id"))
    }

    /// Asks, and waits until the AI has said something and it was taken.
    async fn ask(&mut self, text: &str) -> String {
        self.write(text).await;
        let end = monotonic() + PATIENCE;
        loop {
            let view = self.view().await;
            let path = format!("/conversations/{}", view["id"].as_str().unwrap_or_default());
            let (_, trail) = self
                .crowd
                .api(
                    "Root",
                    Method::GET,
                    &format!("{path}/trail?limit=500"),
                    &Value::Null,
                )
                .await;
            let entries = trail["items"].as_array().cloned().unwrap_or_default();
            let last = |kind: &str| entries.iter().rposition(|entry| entry["kind"] == kind);
            let answered = last("settled") > last("customer_wrote")
                && view["outbox"].as_array().is_some_and(Vec::is_empty);
            let written = entries
                .iter()
                .filter(|entry| entry["kind"] == "customer_wrote");
            // A socket does not wait until what was said is stored.
            if written.count() >= usize::try_from(self.written).expect("few") && answered {
                return path;
            }
            assert!(monotonic() < end, "{}: not answered: {view}", self.address);
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    }

    async fn for_a_person(&mut self) -> String {
        self.write("I want to talk to a human").await;
        self.mode("waiting").await
    }

    async fn act(&self, who: &str, path: &str, act: &str, body: Value) {
        self.crowd.act(who, &format!("{path}/{act}"), body).await;
    }

    async fn serve(&mut self, who: &str, path: &str) {
        self.act(who, path, "claim", json!({})).await;
        pause(200).await;
        self.act(
            who,
            path,
            "reply",
            json!({"text": "Hello, how can I help?"}),
        )
        .await;
    }

    async fn resolve(&self, who: &str, path: &str) {
        pause(300).await;
        self.act(who, path, "resolve", json!({"note": "done"}))
            .await;
    }

    async fn live(&mut self, story: Story) {
        match story {
            Story::Answered => {
                self.ask("When do you open?").await;
                let path = self.ask("Answer SLOWLY please: when do you close?").await;
                self.act(
                    "Lea",
                    &path,
                    "resolve",
                    json!({"outcome": "ai_resolved", "note": "said"}),
                )
                .await;
            }
            Story::Served => {
                let path = self.for_a_person().await;
                pause(400).await;
                self.serve("Ana", &path).await;
                self.write("My parcel is late").await;
                pause(700).await;
                self.act("Ana", &path, "reply", json!({"text": "It comes today."}))
                    .await;
                self.resolve("Ana", &path).await;
                self.act("Lea", &path, "review", json!({"verdict": "justified"}))
                    .await;
            }
            Story::ComesBack => {
                self.ask("When do you open?").await;
                let path = self.for_a_person().await;
                self.serve("Ana", &path).await;
                self.act("Ana", &path, "handback", json!({"note": "told the hours"}))
                    .await;
                self.for_a_person().await;
                self.serve("Lea", &path).await;
                self.resolve("Lea", &path).await;
                self.act("Lea", &path, "review", json!({"verdict": "unnecessary"}))
                    .await;
            }
            Story::Ghost | Story::Night => {
                self.for_a_person().await;
            }
            Story::Cancelled => {
                let path = self.for_a_person().await;
                self.act("Lea", &path, "handback", json!({"note": "a mistake"}))
                    .await;
            }
            Story::Leaves => {
                self.for_a_person().await;
                pause(1_300).await;
                self.write("/end").await;
                self.mode("ai").await;
            }
            Story::PassedOn => {
                let path = self.for_a_person().await;
                self.act("Ana", &path, "claim", json!({})).await;
                pause(300).await;
                self.act("Ana", &path, "transfer", json!({"queue": "sales"}))
                    .await;
                self.mode("waiting").await;
                self.serve("Lea", &path).await;
                self.resolve("Lea", &path).await;
            }
            Story::Broken => {
                self.write("This will BREAK the model").await;
                let path = self.mode("waiting").await;
                pause(7_500).await;
                self.serve("Ana", &path).await;
                self.resolve("Ana", &path).await;
            }
            Story::Offered | Story::Declined => self.offered(story == Story::Offered).await,
            Story::TimedOut => {
                self.for_a_person().await;
                self.mode("ai").await;
            }
            Story::TakenOver => {
                let path = self.ask("When do you open?").await;
                self.act("Lea", &path, "takeover", json!({})).await;
                self.act(
                    "Lea",
                    &path,
                    "reply",
                    json!({"text": "I can help with that."}),
                )
                .await;
            }
            Story::Hard(_) => self.write("When do you open?").await,
        }
    }

    async fn offered(&mut self, wanted: bool) {
        self.ask("where is my parcel?").await;
        self.ask("but WHERE is the parcel").await;
        self.ask("i asked where my parcel is!").await;
        if !wanted {
            self.ask("no thanks").await;
            return;
        }
        self.write("yes please").await;
        let path = self.mode("waiting").await;
        self.serve("Lea", &path).await;
        self.resolve("Lea", &path).await;
    }
}

async fn pause(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}
