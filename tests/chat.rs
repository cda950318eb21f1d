//! The web chat through a real server: sockets, events, the terminal client; nothing but the model is small.

#[path = "chat/limits.rs"]
mod limits;
#[path = "chat/pages.rs"]
mod pages;
#[path = "chat/shown.rs"]
mod shown;
#[path = "chat/tabs.rs"]
mod tabs;
#[path = "chat/terminal.rs"]
mod terminal;
#[path = "chat/waiting.rs"]
mod waiting;

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use segue::app::App;
use segue::config::Config;
use segue::conversation::event::Act;
use segue::conversation::words::{ModeName, Role};
use segue::http::chat::protocol::{FromVisitor, Hello, Message, Profile, Speaker, ToVisitor};
use segue::http::chat::visitor::Visitor;
use segue::ids::ConversationId;
use segue::metrics::Figures;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{self, Message as Wire};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// Longer than anything here takes; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

struct House {
    app: App,
    _dir: tempfile::TempDir,
}

impl House {
    async fn open() -> Self {
        Self::of(Config::demonstration()).await
    }

    async fn of(mut config: Config) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        config.storage.data_dir = dir.path().join("data");
        config.server.listen = "127.0.0.1:0".parse().expect("an address");
        config.server.ops_listen = "127.0.0.1:0".parse().expect("an address");
        let app = App::start(config).await.expect("it starts");
        Self { app, _dir: dir }
    }

    fn url(&self, scheme: &str, path: &str) -> String {
        format!("{scheme}://{}{path}", self.app.public_address())
    }

    async fn tab(&self, visitor: Option<&str>, last: Option<u64>) -> Tab {
        let url = self.url("ws", "/chat/web/socket");
        let (socket, _) = tokio_tungstenite::connect_async(url)
            .await
            .expect("it opens");
        let mut tab = Tab {
            socket,
            visitor: String::new(),
            after: None,
            seen: Vec::new(),
        };
        let visitor = visitor.map(str::to_owned);
        tab.say(&FromVisitor::Hello(Hello {
            visitor,
            last,
            profile: Profile::default(),
        }))
        .await;
        let first = tab.next().await;
        let ToVisitor::Welcome { visitor, after, .. } = first else {
            panic!("no welcome: {first:?}")
        };
        (tab.visitor, tab.after) = (visitor, after);
        tab
    }

    fn conversation(&self, visitor: &str) -> ConversationId {
        let address = Visitor::parse(visitor).expect("a visitor").address();
        self.app
            .doors()
            .runtime
            .conversation_id(&"web".into(), &address)
    }

    async fn act(&self, visitor: &str, act: Act) {
        let id = self.conversation(visitor);
        let done = self
            .app
            .doors()
            .runtime
            .act(id, "Ana".into(), Role::Agent, act, None)
            .await;
        assert!(
            !matches!(
                done,
                Err(_) | Ok(segue::conversation::decision::Answer::Refused(_))
            ),
            "refused: {done:?}"
        );
    }
}

struct Tab {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    visitor: String,
    after: Option<u64>,
    /// Everything it was told.
    seen: Vec<ToVisitor>,
}

impl Tab {
    async fn say(&mut self, said: &FromVisitor) {
        let text = serde_json::to_string(said).expect("plain data");
        self.socket
            .send(Wire::Text(text.into()))
            .await
            .expect("it is open");
    }

    async fn text(&mut self, id: &str, text: &str) {
        self.say(&FromVisitor::Say {
            id: id.into(),
            text: text.into(),
        })
        .await;
    }

    async fn frame(&mut self) -> Option<Result<Wire, tungstenite::Error>> {
        let next = tokio::time::timeout(PATIENCE, self.socket.next()).await;
        next.unwrap_or_else(|_| panic!("nothing more came after {:#?}", self.seen))
    }

    async fn next(&mut self) -> ToVisitor {
        loop {
            let frame = self
                .frame()
                .await
                .expect("it is open")
                .expect("it is sound");
            if let Wire::Text(text) = frame {
                let told: ToVisitor = serde_json::from_str(text.as_str()).expect("our own words");
                self.seen.push(told.clone());
                return told;
            }
        }
    }

    async fn until(&mut self, wanted: impl Fn(&ToVisitor) -> bool) -> ToVisitor {
        loop {
            let told = self.next().await;
            if wanted(&told) {
                return told;
            }
        }
    }

    async fn stored(&mut self, id: &str) {
        self.until(|told| matches!(told, ToVisitor::Stored { id: stored } if stored == id))
            .await;
    }

    async fn message(&mut self, from: Speaker) -> Message {
        let is =
            |told: &ToVisitor| matches!(told, ToVisitor::Message(message) if message.from == from);
        let ToVisitor::Message(message) = self.until(is).await else {
            unreachable!("just looked")
        };
        message
    }

    /// The messages told so far.
    fn messages(&self) -> Vec<Message> {
        let message = |told: &ToVisitor| {
            let ToVisitor::Message(message) = told else {
                return None;
            };
            Some(message.clone())
        };
        self.seen.iter().filter_map(message).collect()
    }

    /// Nothing more comes for a while.
    async fn quiet(&mut self) {
        let next = tokio::time::timeout(Duration::from_millis(300), self.socket.next()).await;
        if let Ok(Some(Ok(Wire::Text(text)))) = next {
            panic!("more came: {text}");
        }
    }

    /// Reads what comes until nothing comes for a while.
    async fn quiet_after_backlog(&mut self) {
        while let Ok(Some(Ok(frame))) =
            tokio::time::timeout(Duration::from_millis(250), self.socket.next()).await
        {
            if let Wire::Text(text) = frame {
                self.seen
                    .push(serde_json::from_str(text.as_str()).expect("our own words"));
            }
        }
    }

    async fn close_code(&mut self) -> Option<u16> {
        loop {
            match self.frame().await {
                Some(Ok(Wire::Close(close))) => return close.map(|close| close.code.into()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_is_answered_in_a_stream_and_gets_a_person() {
    let house = House::open().await;
    let mut tab = house.tab(None, None).await;
    tab.text("m1", "How long does shipping take?").await;
    let answer = tab.message(Speaker::Ai).await;
    tab.quiet_after_backlog().await;
    let pieces: String = tab
        .seen
        .iter()
        .filter_map(|told| {
            let ToVisitor::Streamed { effect, text } = told else {
                return None;
            };
            (Some(*effect) == answer.effect).then_some(text.as_str())
        })
        .collect();
    assert_eq!(pieces, answer.text, "the whole is what was streamed");
    assert!(tab.seen.contains(&ToVisitor::Stored { id: "m1".into() }));
    let figures = house.app.metrics().render(&Figures::default());
    for family in [
        "segue_actor_turn_seconds_count ",
        "segue_mailbox_wait_seconds_count ",
        "segue_commit_seconds_count ",
        "segue_commit_batch_events_sum ",
        "segue_ai_first_chunk_seconds_count{provider=\"offline\",model=\"offline\"} ",
    ] {
        let value = figures.lines().find_map(|line| line.strip_prefix(family));
        assert!(
            value.is_some_and(|value| value != "0"),
            "{family}: {value:?}"
        );
    }

    tab.text("m2", "I would like to talk to a person").await;
    tab.message(Speaker::System).await;
    assert!(tab.seen.contains(&ToVisitor::Who {
        mode: Some(ModeName::Waiting),
        name: None,
        may_end: false,
    }));

    house
        .act(&tab.visitor.clone(), Act::Claim { force: false })
        .await;
    tab.until(|told| {
        matches!(told, ToVisitor::Who { mode: Some(ModeName::Human), name, may_end: true } if name.as_deref() == Some("Ana"))
    })
    .await;
    house
        .act(
            &tab.visitor.clone(),
            Act::Reply {
                text: "<b>Hello</b>".into(),
                epoch: None,
            },
        )
        .await;
    let reply = tab.message(Speaker::Human).await;
    assert_eq!(
        (reply.text.as_str(), reply.name.as_deref()),
        ("<b>Hello</b>", Some("Ana"))
    );
    let entries: Vec<u64> = tab.messages().iter().map(|message| message.entry).collect();
    assert!(entries.is_sorted_by(|a, b| a < b), "{entries:?}");
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_websocket_the_same_thread_is_had_by_post_and_events() {
    let house = House::open().await;
    let client = reqwest::Client::builder().build().expect("a client");
    let mut tab = house.tab(None, None).await;
    let post = |body: &'static str, bearer: Option<String>| {
        let mut request = client
            .post(house.url("http", "/chat/web/messages"))
            .header("content-type", "application/json");
        if let Some(bearer) = bearer {
            request = request.bearer_auth(bearer);
        }
        request.body(body).send()
    };
    let say = r#"{"type":"say","id":"p1","text":"How long does shipping take?","language":"en"}"#;
    let visitor = Some(tab.visitor.clone());
    assert_eq!(post(say, None).await.expect("an answer").status(), 401);
    for _twice in 0..2 {
        let answer = post(say, visitor.clone()).await.expect("an answer");
        assert_eq!(answer.status(), 200);
        assert_eq!(
            answer.text().await.expect("a body"),
            r#"{"type":"stored","id":"p1"}"#
        );
    }
    for (body, status) in [
        (r#"{"type":"say","id":"p 1","text":"x"}"#, 422),
        ("{}", 422),
    ] {
        assert_eq!(
            post(body, visitor.clone())
                .await
                .expect("an answer")
                .status(),
            status,
            "{body}"
        );
    }
    tab.message(Speaker::Ai).await;
    tab.quiet_after_backlog().await;
    let whole = tab.messages();

    let events = client
        .get(house.url("http", "/chat/web/events"))
        .bearer_auth(&tab.visitor);
    let answer = events
        .header("last-event-id", whole[0].entry.to_string())
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut bytes = answer.bytes_stream();
    let mut text = String::new();
    while !text.contains(r#""type":"message""#) {
        let more = tokio::time::timeout(PATIENCE, bytes.next())
            .await
            .expect("in time")
            .expect("more")
            .expect("sound");
        text.push_str(&String::from_utf8_lossy(&more));
    }
    assert!(text.contains(r#""type":"welcome""#), "{text}");
    assert!(
        text.contains(&format!("id: {}\n", whole[1].entry)),
        "{text}"
    );
    assert!(
        !text.contains(r#""from":"you""#),
        "that was shown already: {text}"
    );
    house.app.stop().await;
}
