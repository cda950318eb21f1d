//! The web chat through a real server: sockets, events, the terminal client; nothing but the model is small.

use std::path::Path;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use segue::app::App;
use segue::cli::chat::ChatArguments;
use segue::cli::screen::Screen;
use segue::cli::talk::talk;
use segue::config::{Config, Environment};
use segue::conversation::event::Act;
use segue::conversation::words::{ModeName, Role};
use segue::http::chat::protocol::{FromVisitor, Hello, Message, Profile, Speaker, ToVisitor};
use segue::http::chat::visitor::Visitor;
use segue::ids::ConversationId;
use segue::metrics::Figures;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
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

fn texts(messages: &[Message]) -> Vec<String> {
    messages
        .iter()
        .map(|message| format!("{:?}: {}", message.from, message.text))
        .collect()
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
async fn wherever_a_tab_was_torn_off_it_is_told_exactly_the_rest() {
    let house = House::open().await;
    let mut tab = house.tab(None, None).await;
    let visitor = tab.visitor.clone();
    tab.text("m1", "How long does shipping take?").await;
    tab.message(Speaker::Ai).await;
    tab.text("m2", "I would like to talk to a person").await;
    tab.message(Speaker::System).await;
    house.act(&visitor, Act::Claim { force: false }).await;
    house
        .act(
            &visitor,
            Act::Reply {
                text: "I am here".into(),
                epoch: None,
            },
        )
        .await;
    tab.message(Speaker::Human).await;
    tab.text("m3", "great").await;
    tab.stored("m3").await;
    tab.quiet_after_backlog().await;
    let whole = tab.messages();
    assert!(whole.len() >= 6, "{:?}", texts(&whole));

    let lasts: Vec<Option<u64>> = std::iter::once(None)
        .chain(whole.iter().map(|message| Some(message.entry)))
        .collect();
    for last in lasts {
        let mut again = house.tab(Some(&visitor), last).await;
        assert_eq!(again.after, last);
        again.quiet_after_backlog().await;
        let rest: Vec<Message> = whole
            .iter()
            .filter(|message| Some(message.entry) > last)
            .cloned()
            .collect();
        assert_eq!(again.messages(), rest, "resumed after {last:?}");
    }
    let mut lost = house.tab(Some(&visitor), Some(1_000_000)).await;
    assert_eq!(
        lost.after, None,
        "what was shown does not exist: it begins anew"
    );
    lost.quiet_after_backlog().await;
    assert_eq!(lost.messages(), whole);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tabs_show_the_same_and_a_repeated_message_changes_nothing() {
    let house = House::open().await;
    let mut one = house.tab(None, None).await;
    let mut two = house.tab(Some(&one.visitor), None).await;
    one.text("m1", "How long does shipping take?").await;
    one.message(Speaker::Ai).await;
    two.message(Speaker::Ai).await;
    two.text("m1", "How long does shipping take?").await;
    two.stored("m1").await;
    one.quiet_after_backlog().await;
    two.quiet_after_backlog().await;
    assert_eq!(one.messages(), two.messages());
    assert_eq!(one.messages().len(), 2, "{:?}", texts(&one.messages()));
    assert_eq!(one.messages()[0].id.as_deref(), Some("m1"));
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_with_another_secret_sees_nothing() {
    let house = House::open().await;
    let mut tab = house.tab(None, None).await;
    tab.text("m1", "my number is 4711").await;
    tab.stored("m1").await;
    for visitor in [
        None,
        Some("00112233445566778899aabbccddeeff"),
        Some("nonsense"),
    ] {
        let mut stranger = house.tab(visitor, None).await;
        assert_ne!(stranger.visitor, tab.visitor);
        stranger.quiet().await;
    }
    // The address that colleagues see opens nothing.
    let address = Visitor::parse(&tab.visitor).expect("a visitor").address();
    let mut stranger = house.tab(Some(&address), None).await;
    stranger.quiet().await;
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_strangers_may_not_open_a_socket() {
    let house = House::open().await;
    let own = format!("http://{}", house.app.public_address());
    for (origin, status) in [
        (own.as_str(), 101),
        ("https://evil.example", 403),
        ("null", 403),
    ] {
        let mut request = house
            .url("ws", "/chat/web/socket")
            .into_client_request()
            .expect("a request");
        request
            .headers_mut()
            .insert("origin", origin.parse().expect("a header"));
        let found = match tokio_tungstenite::connect_async(request).await {
            Ok((_, response)) => response.status().as_u16(),
            Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
            Err(fault) => panic!("{fault}"),
        };
        assert_eq!(found, status, "{origin}");
    }
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_long_or_too_fast_is_refused_and_the_tab_lives_on() {
    let house = House::open().await;
    let mut tab = house.tab(None, None).await;
    tab.text("long", &"x".repeat(9 * 1024)).await;
    let refused = tab.next().await;
    assert!(
        matches!(&refused, ToVisitor::Refused(refused) if refused.why.contains("longer") && refused.retry_after.is_none())
    );
    tab.socket
        .send(Wire::Text("{\"type\":\"shout\"}".into()))
        .await
        .expect("open");
    assert!(matches!(tab.next().await, ToVisitor::Error { .. }));
    for n in 0..40 {
        tab.text(&format!("m{n}"), "hello").await;
    }
    let hurried = tab
        .until(|told| matches!(told, ToVisitor::Refused(_)))
        .await;
    assert!(matches!(hurried, ToVisitor::Refused(refused) if refused.retry_after == Some(1)));
    tab.stored("m9").await;

    let mut flood = house.tab(None, None).await;
    let _ = flood
        .socket
        .send(Wire::Text("x".repeat(65 * 1024).into()))
        .await;
    assert_eq!(
        flood.close_code().await,
        Some(1009),
        "an oversized frame ends the connection, and is told why"
    );
    let mut flood = house.tab(None, None).await;
    for _ in 0..600 {
        if flood.socket.send(Wire::Text("{}".into())).await.is_err() {
            break;
        }
    }
    assert_eq!(flood.close_code().await, Some(1008), "a flood is told why");
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visitor_cannot_open_endless_tabs() {
    let house = House::open().await;
    let first = house.tab(None, None).await;
    let mut open = Vec::new();
    for _ in 1..8 {
        open.push(house.tab(Some(&first.visitor), None).await);
    }
    let (socket, _) = tokio_tungstenite::connect_async(house.url("ws", "/chat/web/socket"))
        .await
        .expect("it opens");
    let mut ninth = Tab {
        socket,
        visitor: String::new(),
        after: None,
        seen: Vec::new(),
    };
    let hello = Hello {
        visitor: Some(first.visitor.clone()),
        ..Hello::default()
    };
    ninth.say(&FromVisitor::Hello(hello)).await;
    assert_eq!(ninth.close_code().await, Some(1008));
    drop(open.pop());
    tokio::time::sleep(Duration::from_millis(200)).await;
    house.tab(Some(&first.visitor), None).await;
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_hello_is_refused() {
    let house = House::open().await;
    let mut tab = house.tab(None, None).await;
    tab.say(&FromVisitor::Hello(Hello::default())).await;
    tab.until(|told| matches!(told, ToVisitor::Refused(refused) if refused.id.is_empty()))
        .await;
    tab.text("m1", "What are your opening hours?").await;
    tab.stored("m1").await;
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_open_tab_is_told_that_the_house_restarts() {
    let house = House::open().await;
    let mut tabs = Vec::new();
    for _ in 0..6 {
        tabs.push(house.tab(None, None).await);
    }
    let codes = tokio::spawn(async move {
        let mut codes = Vec::new();
        for tab in &mut tabs {
            codes.push(tab.close_code().await);
        }
        codes
    });
    tokio::time::timeout(Duration::from_secs(10), house.app.stop())
        .await
        .expect("it does not wait for tabs");
    assert_eq!(codes.await.expect("runs"), [Some(1012); 6]);
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn foreign_pages_may_read_only_where_the_instance_names_them() {
    let text = "[channels.web]\nkind = \"webchat\"\nallowed_origins = [\"https://shop.example\"]\n";
    let nothing = Environment::from_iter(Vec::<(&str, &str)>::new());
    let house = House::of(Config::parse("t", text, Path::new(""), &nothing).expect("valid")).await;
    let client = reqwest::Client::builder().build().expect("a client");
    let embed = client.get(house.url("http", "/chat/embed")).send().await;
    let embed = embed.expect("an answer");
    let policy = embed.headers()["content-security-policy"]
        .to_str()
        .expect("ascii");
    assert!(
        policy.ends_with("frame-ancestors 'self' https://shop.example"),
        "{policy}"
    );
    let ask = async |origin: &str| {
        let url = house.url("http", "/chat/web/messages");
        let request = client
            .request(reqwest::Method::OPTIONS, url)
            .header("origin", origin);
        let answer = request.send().await.expect("an answer");
        let allowed = answer
            .headers()
            .get("access-control-allow-origin")
            .map(|value| value.as_bytes().to_vec());
        (answer.status().as_u16(), allowed)
    };
    assert_eq!(ask("https://evil.example").await, (403, None));
    assert_eq!(
        ask("https://shop.example").await,
        (204, Some(b"https://shop.example".to_vec()))
    );
    house.app.stop().await;
}

/// What a customer who asks for a person is told of the line under `queue`, a section of the configuration.
async fn line_under(queue: &str) -> ToVisitor {
    let text = format!("[channels.web]\nkind = \"webchat\"\n{queue}");
    let nothing = Environment::from_iter(Vec::<(&str, &str)>::new());
    let config = Config::parse("t", &text, Path::new(""), &nothing).expect("valid");
    let house = House::of(config).await;
    let mut tab = house.tab(None, None).await;
    tab.text("m1", "I would like to talk to a person").await;
    let told = tab
        .until(|told| matches!(told, ToVisitor::Line { .. }))
        .await;
    // Whoever comes back later is told the same, right after the welcome.
    let mut again = house.tab(Some(&tab.visitor), Some(0)).await;
    assert_eq!(again.next().await, told);
    house
        .act(&tab.visitor.clone(), Act::Claim { force: false })
        .await;
    again
        .until(|told| {
            matches!(
                told,
                ToVisitor::Who {
                    mode: Some(ModeName::Human),
                    ..
                }
            )
        })
        .await;
    house.app.stop().await;
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_is_told_their_place_where_the_queue_tells_it() {
    let told = line_under("[queues.support]\ntell_position = true\n").await;
    let expected = ToVisitor::Line {
        position: Some(1),
        minutes: None,
        closed: false,
        opens_at: None,
    };
    assert_eq!(told, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_at_night_is_told_when_it_opens() {
    let calendar = "[queues.support]\nhours = \"never\"\n[calendars.never]\ntime_zone = \"UTC\"\n\
                    daily = [\"00:00-00:01\"]\n";
    // One minute of the day nobody can test this.
    let told = line_under(calendar).await;
    let ToVisitor::Line {
        closed, opens_at, ..
    } = told
    else {
        unreachable!("just looked")
    };
    assert!(closed);
    let opens_at = opens_at.expect("known");
    assert!(opens_at.ends_with("T00:00:00.000Z"), "{opens_at}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_is_whole_and_guarded() {
    let house = House::open().await;
    let client = reqwest::Client::builder().build().expect("a client");
    let get = async |path: &str| {
        client
            .get(house.url("http", path))
            .send()
            .await
            .expect("an answer")
    };
    let page = get("/chat").await;
    assert_eq!(page.status(), 200);
    let policy = page.headers()["content-security-policy"]
        .to_str()
        .expect("ascii")
        .to_owned();
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    let html = page.text().await.expect("a body");
    assert!(
        html.contains("data-channel=\"web\"") && !html.contains("{{"),
        "{html}"
    );
    let files: Vec<&str> = html
        .split('"')
        .filter(|part| part.starts_with("/chat/"))
        .collect();
    assert_eq!(
        files.len(),
        11,
        "a style, a script and its modules: {files:?}"
    );
    for file in files {
        let answer = get(file).await;
        assert_eq!(answer.status(), 200, "{file}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        assert!(
            answer.headers()["cache-control"]
                .to_str()
                .expect("ascii")
                .contains("immutable")
        );
    }
    assert_eq!(
        get("/chat/chat.js?v=old").await.headers()["cache-control"],
        "no-cache"
    );
    assert_eq!(get("/chat/passwd").await.status(), 404);
    assert_eq!(get("/chat?channel=nope").await.status(), 404);
    assert_eq!(get("/chat/nope/events").await.status(), 404);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_widget_is_whole_and_its_frame_is_for_named_sites_only() {
    let house = House::open().await;
    let client = reqwest::Client::builder().build().expect("a client");
    let get = async |path: &str| {
        let asked = client.get(house.url("http", path)).send();
        asked.await.expect("an answer")
    };
    let page = get("/chat").await;
    let policy = page.headers()["content-security-policy"]
        .to_str()
        .expect("ascii")
        .to_owned();
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    let header = |answer: &reqwest::Response, name: &str| {
        let value = answer.headers().get(name).expect(name);
        value.to_str().expect("ascii").to_owned()
    };
    let embed = get("/chat/embed?channel=web&origin=https://evil.example").await;
    let policy = header(&embed, "content-security-policy");
    assert!(policy.ends_with("frame-ancestors 'self'"), "{policy}");
    assert!(embed.headers().get("x-frame-options").is_none());
    let demo = get("/chat/demo").await;
    assert_eq!(header(&demo, "referrer-policy"), "no-referrer");
    assert!(!demo.text().await.expect("a body").contains("{{"));
    let widget = get("/chat/widget.js").await;
    assert_eq!(widget.status(), 200);
    let tag = header(&widget, "etag");
    let again = client
        .get(house.url("http", "/chat/widget.js"))
        .header("if-none-match", &tag);
    let again = again.send().await.expect("an answer");
    assert_eq!(again.status(), 304);
    house.app.stop().await;
}

fn arguments(url: String, visitor: Option<std::path::PathBuf>) -> ChatArguments {
    ChatArguments {
        url,
        channel: "web".into(),
        name: Some("Eva".into()),
        language: None,
        visitor,
        wait: 1,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_terminal_client_holds_a_scripted_talk_and_finds_it_again() {
    let house = House::open().await;
    let url = house.url("http", "");
    let kept = house._dir.path().join("visitor");
    let script = "How long does shipping take?\nI would like to talk to a person\n";
    let mut shown = Vec::new();
    let screen = Screen::new(&mut shown, false);
    let asked = arguments(url.clone(), Some(kept.clone()));
    let talking = talk(&asked, script.as_bytes(), false, screen);
    tokio::time::timeout(PATIENCE, talking)
        .await
        .expect("in time")
        .expect("it works");
    let first = String::from_utf8(shown).expect("text");
    let lines: Vec<&str> = first.lines().collect();
    assert!(
        lines.iter().any(|line| line.starts_with("Assistant: ")),
        "{first}"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("* ") || line.starts_with("*: ")),
        "{first}"
    );
    assert!(lines.contains(&"-- waiting for a person --"), "{first}");

    let mut shown = Vec::new();
    let screen = Screen::new(&mut shown, false);
    let talking = talk(&asked, &b""[..], false, screen);
    tokio::time::timeout(PATIENCE, talking)
        .await
        .expect("in time")
        .expect("it works");
    let again = String::from_utf8(shown).expect("text");
    assert!(
        again.contains("You: How long does shipping take?\nAssistant: "),
        "{again}"
    );
    house.app.stop().await;
}

#[tokio::test]
async fn the_terminal_client_says_when_nobody_is_there() {
    let screen = Screen::new(Vec::new(), false);
    let done = talk(
        &arguments("http://127.0.0.1:9".into(), None),
        &b"hello\n"[..],
        false,
        screen,
    )
    .await;
    assert!(
        matches!(done, Err(segue::cli::chat::ChatError::Connect { .. })),
        "{done:?}"
    );
}
