//! What a tab may not: read another's thread, come from a stranger's page, be too long, too fast or too many.

use std::path::Path;
use std::time::Duration;

use futures_util::SinkExt;
use segue::config::{Config, Environment};
use segue::http::chat::protocol::{FromVisitor, Hello, ToVisitor};
use segue::http::chat::visitor::Visitor;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Message as Wire};

use crate::{House, Tab};

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
