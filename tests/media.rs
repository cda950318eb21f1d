//! Files of customers through a real server: what is taken, who has it back and how, and when it is gone.

#![expect(
    clippy::too_many_lines,
    reason = "a test tells one story from beginning to end"
)]

use std::collections::BTreeSet;
use std::path::Path;

use reqwest::{Client, Response, StatusCode};
use segue::app::App;
use segue::config::{Config, Environment};
use segue::conversation::event::Act;
use segue::conversation::message::Body;
use segue::conversation::trail::Fact;
use segue::conversation::words::Role;
use segue::http::chat::visitor::Visitor;
use segue::ids::{ConversationId, QueueName};
use segue::store::media::FILES_MAX;

const CONFIG: &str = "[channels.web]\nkind = \"webchat\"\nupload_mb = 1\nqueue = \"support\"\n\
                      [channels.plain]\nkind = \"webchat\"\nupload_mb = 0\n\
                      [queues.support]\n[queues.sales]\n";
const GIF: &[u8] =
    b"GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

struct House {
    app: App,
    client: Client,
    _dir: tempfile::TempDir,
}

impl House {
    async fn open() -> Self {
        let nothing = Environment::from_iter(Vec::<(&str, &str)>::new());
        let mut config = Config::parse("t.toml", CONFIG, Path::new(""), &nothing).expect("valid");
        let dir = tempfile::tempdir().expect("a folder");
        config.server.listen = "127.0.0.1:0".parse().expect("an address");
        config.server.ops_listen = "127.0.0.1:0".parse().expect("an address");
        config.storage.data_dir = dir.path().join("data");
        Self {
            app: App::start(config).await.expect("it starts"),
            client: Client::builder().build().expect("a client"),
            _dir: dir,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.app.public_address())
    }

    fn conversation(&self, visitor: &Visitor) -> ConversationId {
        let runtime = &self.app.doors().runtime;
        runtime.conversation_id(&"web".into(), &visitor.address())
    }

    async fn send(&self, visitor: &Visitor, id: &str, name: &str, bytes: &[u8]) -> Response {
        let asked = self
            .client
            .post(self.url("/chat/web/files"))
            .bearer_auth(visitor.reveal())
            .header("x-message-id", id)
            .header("x-file-name", name)
            .body(bytes.to_vec());
        asked.send().await.expect("an answer")
    }

    /// The addresses of the files in a thread, as its messages name them.
    async fn files(&self, visitor: &Visitor) -> Vec<String> {
        let id = self.conversation(visitor);
        let entries = self.app.doors().runtime.trail(id, 0, 500).await;
        let mut found = Vec::new();
        for entry in entries.expect("readable") {
            if let Fact::CustomerWrote {
                body: Body::Media { attachments, .. },
                ..
            } = entry.fact
            {
                found.extend(attachments.into_iter().map(|one| one.url));
            }
        }
        found
    }

    async fn get(&self, path: &str, bearer: Option<&str>) -> Response {
        let mut asked = self.client.get(self.url(path));
        if let Some(bearer) = bearer {
            asked = asked.bearer_auth(bearer);
        }
        asked.send().await.expect("an answer")
    }

    fn person(&self, name: &str, role: Role, queues: &[&str]) -> String {
        let queues: BTreeSet<QueueName> = queues.iter().map(|&queue| queue.into()).collect();
        let people = self.app.doors().desk.people();
        let token = people.add(name, role, queues).expect("a new name");
        token.reveal().to_owned()
    }
}

fn header<'r>(answer: &'r Response, name: &str) -> &'r str {
    answer.headers()[name].to_str().expect("ascii")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_comes_back_to_its_visitor_and_to_staff_and_to_nobody_else() {
    let house = House::open().await;
    let (visitor, stranger) = (Visitor::mint(), Visitor::mint());
    let sent = house
        .send(&visitor, "m1", "gr%C3%B6%C3%9Fe.html", GIF)
        .await;
    assert_eq!(sent.status(), 200);
    assert_eq!(
        sent.text().await.expect("a body"),
        r#"{"type":"stored","id":"m1"}"#
    );
    // The same again is the same message, and leaves no second file.
    assert_eq!(
        house.send(&visitor, "m1", "again.gif", GIF).await.status(),
        200
    );
    let files = house.files(&visitor).await;
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(house.app.doors().media.bytes(), GIF.len() as u64);

    let address = &files[0];
    let id = address
        .trim_start_matches("/api/v1/media/")
        .split('?')
        .next()
        .expect("an id");
    let theirs = format!("/chat/web/files/{id}");
    let agent = house.person("ana", Role::Agent, &[]);
    let elsewhere = house.person("ben", Role::Agent, &["sales"]);
    let (mine, other) = (visitor.reveal(), stranger.reveal());
    for (path, bearer, expected) in [
        (theirs.as_str(), Some(mine.as_str()), 200),
        (&theirs, Some(&other), 404),
        (&theirs, Some(&agent), 401),
        (&theirs, None, 401),
        (address, Some(&agent), 200),
        (address, Some(&elsewhere), 404),
        (address, Some(&mine), 401),
        (address, None, 401),
        ("/chat/plain/files/x", Some(&mine), 404),
        ("/api/v1/media/m..%2F..%2Fjournal.redb", Some(&agent), 404),
    ] {
        let answer = house.get(path, bearer).await;
        assert_eq!(answer.status().as_u16(), expected, "{path} as {bearer:?}");
    }
    for (path, bearer) in [(&theirs, &mine), (address, &agent)] {
        let answer = house.get(path, Some(bearer)).await;
        assert_eq!(header(&answer, "content-type"), "image/gif");
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
        assert!(header(&answer, "content-disposition").starts_with("attachment"));
        assert!(header(&answer, "content-security-policy").contains("sandbox"));
        assert_eq!(header(&answer, "cache-control"), "no-store");
        assert_eq!(answer.bytes().await.expect("a body"), GIF);
    }
    let saved = house.get(address, Some(&agent)).await;
    let name = header(&saved, "content-disposition");
    assert!(
        name.ends_with("filename*=UTF-8''gr%C3%B6%C3%9Fe.html.gif"),
        "{name}"
    );
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_taken_leaves_nothing_behind() {
    let house = House::open().await;
    let visitor = Visitor::mint();
    async fn check(house: &House, visitor: &Visitor, bytes: &[u8], expected: StatusCode) {
        let answer = house.send(visitor, "x1", "a.png", bytes).await;
        assert_eq!(answer.status(), expected);
        let told = answer.text().await.expect("a body");
        assert!(told.contains("\"type\":\"refused\""), "{told}");
    }
    let page = b"<!doctype html><script>alert(1)</script>";
    check(&house, &visitor, page, StatusCode::UNSUPPORTED_MEDIA_TYPE).await;
    check(&house, &visitor, b"", StatusCode::UNSUPPORTED_MEDIA_TYPE).await;
    let mut late = vec![b'a'; 4_096];
    late.push(0);
    check(&house, &visitor, &late, StatusCode::UNSUPPORTED_MEDIA_TYPE).await;
    let long = vec![b'a'; 1024 * 1024 + 1];
    check(&house, &visitor, &long, StatusCode::PAYLOAD_TOO_LARGE).await;
    // Of unknown length: it is read until it is too long.
    let pieces = (0..40).map(|_| Ok::<_, std::io::Error>(vec![b'a'; 64 * 1024]));
    let endless = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
    let asked = house
        .client
        .post(house.url("/chat/web/files"))
        .bearer_auth(visitor.reveal())
        .header("x-message-id", "x2");
    // Where the connection is closed before all was sent there may be no answer to read.
    if let Ok(answer) = asked.body(endless).send().await {
        assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
    let bad_id = house.send(&visitor, "a b", "a.gif", GIF).await;
    assert_eq!(bad_id.status(), StatusCode::UNPROCESSABLE_ENTITY);
    for (path, bearer, expected) in [
        ("/chat/web/files", None, 401),
        ("/chat/plain/files", Some(visitor.reveal()), 403),
        ("/chat/nope/files", Some(visitor.reveal()), 404),
    ] {
        let mut asked = house
            .client
            .post(house.url(path))
            .header("x-message-id", "x3")
            .body(GIF);
        if let Some(bearer) = bearer {
            asked = asked.bearer_auth(bearer);
        }
        let answer = asked.send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), expected, "{path}");
    }
    assert_eq!(house.app.doors().media.bytes(), 0);
    assert!(house.files(&visitor).await.is_empty());
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visitor_has_only_so_many_and_their_conversation_takes_them_along() {
    let house = House::open().await;
    let visitor = Visitor::mint();
    let mut taken = 0;
    for n in 0..=FILES_MAX {
        let answer = loop {
            let answer = house.send(&visitor, &format!("m{n}"), "a.gif", GIF).await;
            // Faster than anybody sends: it says when to come again.
            if answer.status() != StatusCode::TOO_MANY_REQUESTS {
                break answer;
            }
            assert_eq!(header(&answer, "retry-after"), "1");
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        };
        if answer.status() == StatusCode::OK {
            taken += 1;
        } else {
            assert_eq!(answer.status(), StatusCode::CONFLICT);
        }
    }
    assert_eq!(taken, FILES_MAX);
    let id = house.conversation(&visitor);
    let shelf = house.app.doors().media.clone();
    shelf.forget(id).expect("forgotten");
    assert_eq!(shelf.bytes(), 0);
    let address = &house.files(&visitor).await[0];
    let agent = house.person("ana", Role::Agent, &[]);
    assert_eq!(house.get(address, Some(&agent)).await.status(), 404);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_a_conversation_sends_files_with_a_reply_and_nobody_else() {
    let house = House::open().await;
    let (visitor, stranger) = (Visitor::mint(), Visitor::mint());
    house.send(&visitor, "m1", "mine.gif", GIF).await;
    house.send(&stranger, "m1", "other.gif", GIF).await;
    let (id, others) = (house.conversation(&visitor), house.conversation(&stranger));
    let (ana, ben) = (
        house.person("ana", Role::Agent, &[]),
        house.person("ben", Role::Agent, &[]),
    );
    let observer = house.person("olga", Role::Observer, &[]);
    let to =
        |of: ConversationId, what: &str| house.url(&format!("/api/v1/conversations/{of}/{what}"));
    let put = async |who: &str, of: ConversationId, bytes: &'static [u8]| {
        let asked = house.client.post(to(of, "files")).bearer_auth(who);
        let asked = asked.header("x-file-name", "Weg%20%3Cb%3E.png").body(bytes);
        let answer = asked.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let told: serde_json::Value = answer.json().await.expect("JSON");
        (status, told)
    };
    let reply = async |who: &str, body: serde_json::Value| {
        let asked = house.client.post(to(id, "reply")).bearer_auth(who);
        let asked = asked.header("content-type", "application/json");
        let answer = asked.body(body.to_string()).send().await;
        let answer = answer.expect("an answer");
        let status = answer.status().as_u16();
        let told: serde_json::Value = answer.json().await.expect("JSON");
        (status, told["code"].as_str().unwrap_or_default().to_owned())
    };
    let code = |told: (u16, serde_json::Value)| {
        (
            told.0,
            told.1["code"].as_str().unwrap_or_default().to_owned(),
        )
    };
    assert_eq!(code(put(&ana, id, GIF).await), (409, "held_by_ai".into()));
    for of in [id, others] {
        let take = Act::TakeOver { force: false };
        let runtime = &house.app.doors().runtime;
        let done = runtime.act(of, "ana".into(), Role::Agent, take, None).await;
        assert!(done.is_ok(), "{done:?}");
    }
    assert_eq!(code(put(&ben, id, GIF).await), (409, "taken".into()));
    assert_eq!(
        code(put(&observer, id, GIF).await),
        (403, "not_allowed".into())
    );
    assert_eq!(
        code(put(&ana, id, b"<html><script>alert(1)</script>").await),
        (415, "file_kind".into())
    );
    static LONG: [u8; 1024 * 1024 + 1] = [b'a'; 1024 * 1024 + 1];
    assert_eq!(
        code(put(&ana, id, &LONG).await),
        (413, "file_too_long".into())
    );
    // However much too long it is, its sender hears why.
    let huge = house.client.post(to(id, "files")).bearer_auth(&ana);
    let answer = huge.body(vec![b'a'; 40 * 1024 * 1024]).send().await;
    let answer = answer.expect("an answer, not a broken connection");
    assert_eq!(answer.status().as_u16(), 413);
    let told: serde_json::Value = answer.json().await.expect("JSON");
    assert_eq!(
        (&told["code"], &told["max_bytes"]),
        (&"file_too_long".into(), &(1024 * 1024).into())
    );
    let before = house.app.doors().media.bytes();
    // Under one key a file is kept once.
    let keyed = async |bytes: &'static [u8]| {
        let asked = house.client.post(to(id, "files")).bearer_auth(&ana);
        let asked = asked.header("idempotency-key", "k1").body(bytes);
        let answer = asked.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let told: serde_json::Value = answer.json().await.expect("JSON");
        (status, told)
    };
    let first = keyed(GIF).await;
    assert_eq!(first.0, 201, "{first:?}");
    assert_eq!(keyed(GIF).await, first);
    let other = code(keyed(b"a plain text, and not that picture").await);
    assert_eq!(other, (422, "key_reused".into()));
    let once = house.app.doors().media.bytes();
    assert_eq!(once, before + GIF.len() as u64);
    let before = once;
    let (status, kept) = put(&ana, id, GIF).await;
    assert_eq!(status, 201, "{kept}");
    assert_eq!(house.app.doors().media.bytes(), before + GIF.len() as u64);
    // By what it holds, under a name that is only a name.
    assert_eq!(kept["name"], "Weg _b_.png.gif");
    assert_eq!(kept["content_type"], "image/gif");
    let url = kept["url"].as_str().expect("an address");
    // It is not the customer's before a reply names it, whoever knows its address.
    let foreign = house.files(&stranger).await;
    for wrong in [
        foreign[0].as_str(),
        "https://evil.example/x.png",
        "/api/v1/media/m0000.gif?name=x&bytes=1",
    ] {
        let body = serde_json::json!({"text": "look", "attachments": [wrong]});
        assert_eq!(
            reply(&ana, body).await,
            (422, "unknown_file".into()),
            "{wrong}"
        );
    }
    let many = serde_json::json!({"attachments": vec![url; 17]});
    assert_eq!(reply(&ana, many).await, (422, "too_many_files".into()));
    let body = serde_json::json!({"attachments": [url]});
    assert_eq!(reply(&ben, body.clone()).await, (409, "taken".into()));
    assert_eq!(
        reply(&ana, serde_json::json!({})).await,
        (422, "empty".into())
    );
    assert_eq!(reply(&ana, body).await, (200, String::new()));
    let template = serde_json::json!({"template": "come_back", "owner_epoch": 1});
    assert_eq!(
        reply(&ana, template).await,
        (422, "unknown_template".into())
    );
    // The trail tells it beside the words that stand for it.
    let trail = house
        .app
        .doors()
        .runtime
        .trail(id, 0, 500)
        .await
        .expect("readable");
    let at = trail
        .iter()
        .position(
            |entry| matches!(&entry.fact, Fact::FilesAdded { files, .. } if files[0].url == url),
        )
        .expect("it stands there");
    assert!(
        matches!(&trail[at + 1].fact, Fact::HumanWrote { text, .. } if text == "[Weg _b_.png.gif]"),
        "{:?}",
        trail[at + 1]
    );
    let named = url
        .trim_start_matches("/api/v1/media/")
        .split('?')
        .next()
        .expect("an id");
    let theirs = format!("/chat/web/files/{named}");
    for (bearer, expected) in [(visitor.reveal(), 200), (stranger.reveal(), 404)] {
        assert_eq!(
            house.get(&theirs, Some(&bearer)).await.status().as_u16(),
            expected
        );
    }
    house.app.stop().await;
}
