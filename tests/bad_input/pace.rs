//! Too slow and too much: cut off, or refused with a time to come back.

use std::net::SocketAddr;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use segue::clock::monotonic;
use segue::conversation::words::Role;
use segue::http::chat::visitor::Visitor;
use segue::http::listen::serve_within;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::customer::Line;
use crate::{Bed, FORM, head, raw, status_of};

/// How long a body may take; the listener's own limit and some room.
const BODY_WITHIN: Duration = Duration::from_secs(15);

/// Sends this head and then a body, very slowly; it is cut off in time, and told so.
async fn check_is_cut_off(host: SocketAddr, head: String) {
    let began = monotonic();
    let mut stream = TcpStream::connect(host).await.expect("a connection");
    stream.write_all(head.as_bytes()).await.expect("written");
    let (mut reader, mut writer) = stream.into_split();
    let drip = tokio::spawn(async move {
        while writer.write_all(b"a").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    });
    let mut answer = vec![0; 12];
    let read = tokio::time::timeout(BODY_WITHIN * 2, reader.read_exact(&mut answer)).await;
    drip.abort();
    read.unwrap_or_else(|_| panic!("no answer to {head}"))
        .expect("an answer");
    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 408", "{head}");
    let took = began.elapsed();
    assert!(
        (BODY_WITHIN..BODY_WITHIN * 2).contains(&took),
        "after {took:?}: {head}"
    );
}

#[tokio::test]
async fn who_sends_a_body_too_slowly_is_cut_off() {
    let bed = Bed::new().await;
    let host = bed.address();
    let ana = bed.person("ana", Role::Admin);
    let visitor = Visitor::mint().reveal();
    let heads = [
        ("/webhooks/sms", FORM, ""),
        ("/api/v1/messages", "application/json", "gate-token"),
        // Nobody needs to be anybody to sign in.
        ("/api/v1/session", "application/json", ""),
        ("/api/v1/agents", "application/json", &ana),
        ("/chat/web/messages", "application/json", &visitor),
    ];
    let mut under_way: JoinSet<()> = heads
        .into_iter()
        .map(|(path, kind, token)| check_is_cut_off(host, head(host, path, kind, token, 1_000)))
        .collect();
    while let Some(done) = under_way.join_next().await {
        done.expect("it was cut off");
    }
    bed.app.stop().await;
}

#[tokio::test]
async fn who_is_refused_anyway_is_refused_before_the_body() {
    let bed = Bed::new().await;
    let host = bed.address();
    let json = "application/json";
    let (long, longer) = (64 * 1024 + 1, 1024 * 1024 + 1);
    let visitor = Visitor::mint().reveal();
    let ana = bed.person("ana", Role::Admin);
    let mut table = vec![
        (head(host, "/webhooks/sms", FORM, "", longer), 413),
        (
            head(host, "/api/v1/messages", json, "gate-token", longer),
            413,
        ),
        (head(host, "/api/v1/session", json, "", long), 413),
        (head(host, "/api/v1/agents", json, &ana, long), 413),
        (head(host, "/chat/web/messages", json, &visitor, long), 413),
        (head(host, "/api/v1/messages", json, "gate-tokem", 100), 403),
        (head(host, "/api/v1/messages", json, "", 100), 401),
    ];
    let nobody = head(host, "/api/v1/messages", json, "", 100);
    table.push((nobody.replace("authorization: Bearer \r\n", ""), 401));
    let unsigned = head(host, "/webhooks/sms", FORM, "", 100);
    table.push((
        unsigned.replace("x-twilio-signature: c2lnbmVk\r\n", ""),
        401,
    ));
    for (head, expected) in table {
        // Nothing of the body is ever sent.
        let began = monotonic();
        let answer = raw(host, head.as_bytes(), false).await;
        assert_eq!(status_of(&answer), Some(expected), "{head}{answer}");
        assert!(began.elapsed() < BODY_WITHIN / 3, "{head}");
    }
    bed.app.stop().await;
}

#[tokio::test]
async fn who_sends_a_head_too_slowly_is_cut_off() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let host = listener.local_addr().expect("an address");
    let router = axum::Router::new().route("/", axum::routing::get(|| async { "here" }));
    let (stop, within) = (CancellationToken::new(), Duration::from_millis(400));
    let served = tokio::spawn(serve_within(listener, router, stop.clone(), within, within));
    let began = monotonic();
    let mut stream = TcpStream::connect(host).await.expect("a connection");
    stream
        .write_all(b"GET / HTTP/1.1\r\n")
        .await
        .expect("written");
    let (mut reader, mut writer) = stream.into_split();
    let drip = tokio::spawn(async move {
        while writer.write_all(b"x: 1\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let mut answer = Vec::new();
    let _a_reset_is_an_end_too = reader.read_to_end(&mut answer).await;
    let took = began.elapsed();
    assert!(took >= within && took < within * 10, "after {took:?}");
    assert!(!String::from_utf8_lossy(&answer).contains("here"));
    drip.abort();
    assert!(
        raw(host, b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n", false)
            .await
            .ends_with("here")
    );
    stop.cancel();
    served.await.expect("it ends");
}

/// One conversation may not take the whole house: the 65th message under way is refused, and nothing of the 64 is lost.
#[test]
fn too_much_at_once_in_one_conversation_is_refused_with_a_time_to_come_back() {
    const READERS: usize = 4;
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder
        .worker_threads(2)
        .max_blocking_threads(READERS)
        .enable_all()
        .build()
        .expect("threads");
    runtime.block_on(async {
        let bed = Bed::new().await;
        // Nothing can be read from disk until the gates open, so what comes for the conversation has to wait.
        let gates: Vec<_> = (0..READERS)
            .map(|_| {
                let (open, gate) = sync_channel::<()>(1);
                tokio::task::spawn_blocking(move || gate.recv());
                open
            })
            .collect();
        let mut posts = JoinSet::new();
        for n in 0..80 {
            let line = bed.line.clone();
            posts.spawn(async move {
                let form = Line::form(&format!("SM{n}"), "+17000000001", "hello");
                let answer = line.post("/webhooks/sms", &form).await.expect("an answer");
                let later = answer
                    .headers()
                    .get("retry-after")
                    .and_then(|later| later.to_str().ok()?.parse::<u64>().ok());
                (answer.status().as_u16(), later)
            });
        }
        let mut refused = Vec::new();
        while refused.len() < 16 {
            refused.push(
                posts
                    .join_next()
                    .await
                    .expect("sixteen too many")
                    .expect("no panic"),
            );
        }
        assert!(
            refused
                .iter()
                .all(|(status, later)| *status == 429 && later.is_some_and(|later| later > 0)),
            "{refused:?}"
        );
        drop(gates);
        let taken = posts.join_all().await;
        assert!(
            taken.len() == 64 && taken.iter().all(|(status, _)| *status == 200),
            "{taken:?}"
        );
        let id = bed.id("+17000000001");
        let trail = bed
            .app
            .doors()
            .runtime
            .trail(id, 0, 1_000)
            .await
            .expect("a trail");
        let written = trail.iter().filter(|entry| {
            matches!(
                entry.fact,
                segue::conversation::trail::Fact::CustomerWrote { .. }
            )
        });
        assert_eq!(written.count(), 64);
        bed.app.stop().await;
    });
}
