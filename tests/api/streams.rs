//! The stream of the agents' page: nothing lost and nothing twice, and nothing that one may not see.

use std::time::Duration;

use axum::http::Method;
use futures_util::StreamExt as _;
use segue::conversation::words::Role;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::{House, house, request};

/// A server-sent event.
#[derive(Debug, Default, Clone)]
struct Heard {
    id: String,
    event: String,
    data: Value,
}

/// Listens from `last` until `enough` says so or `within` is over.
async fn hear(
    house: &House,
    token: &str,
    query: &str,
    last: &str,
    mut enough: impl FnMut(&Heard) -> bool,
) -> Vec<Heard> {
    let mut headers = Vec::new();
    if !last.is_empty() {
        headers.push(("last-event-id", last));
    }
    let request =
        request(Method::GET, &format!("/events{query}"), token, Value::Null).body_of(&headers);
    let answer = house
        .router
        .clone()
        .oneshot(request)
        .await
        .expect("infallible");
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut body = answer.into_body().into_data_stream();
    let (mut text, mut heard) = (String::new(), Vec::new());
    let listening = async {
        while let Some(piece) = body.next().await {
            text.push_str(std::str::from_utf8(&piece.expect("a piece")).expect("text"));
            while let Some(end) = text.find("\n\n") {
                let block: String = text.drain(..end + 2).collect();
                let mut one = Heard::default();
                for line in block.lines() {
                    match line.split_once(':') {
                        Some(("id", id)) => one.id = id.trim().to_owned(),
                        Some(("event", event)) => one.event = event.trim().to_owned(),
                        Some(("data", data)) => {
                            one.data = serde_json::from_str(data).expect("JSON")
                        }
                        _ => {}
                    }
                }
                let done = enough(&one);
                heard.push(one);
                if done {
                    return;
                }
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), listening)
        .await
        .expect("heard in time");
    heard
}

/// How many agents of the queue `sales` the figures call available.
async fn available(house: &House) -> f64 {
    let url = format!("http://{}/metrics", house.app.ops_address());
    let scrape = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client")
        .get(url)
        .send()
        .await
        .expect("a scrape");
    let scrape = scrape.text().await.expect("text");
    let series = "segue_agents{queue=\"sales\",state=\"available\"} ";
    let value = scrape.lines().find_map(|line| line.strip_prefix(series));
    value.expect("it is exported").parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_only_reads_is_not_there_and_an_open_stream_is_a_sign_of_life() {
    let house = std::sync::Arc::new(house().await);
    let ana = house.token("Ana", Role::Admin);
    let ben = house.token("Ben", Role::Agent);
    let olga = house.token("Olga", Role::Observer);
    let id = house.ask("visitor").await;
    let presence_of = async |name: &str| {
        let told = house.get("/agents", &ana).await;
        let items = told.body["items"].as_array().expect("items").clone();
        let one = items.into_iter().find(|one| one["name"] == name);
        one.expect("they are there")["presence"].clone()
    };
    // Reads alone, and what administers: nobody is there.
    house.get("/conversations", &ana).await;
    let off = json!({"queue": "sales", "on": false});
    let told = house.call(Method::PUT, "/ai", &ana, off).await;
    assert_eq!(told.status, 200);
    assert_eq!(presence_of("Ana").await, "away");
    assert_eq!(available(&house).await, 0.0);
    // An observer's page is open, and they cannot answer anybody.
    hear(&house, &olga, "", "", |one| !one.id.is_empty()).await;
    assert_eq!(presence_of("Olga").await, "available");
    assert_eq!(available(&house).await, 0.0);
    // An act makes them present; from here on they only read, and Ben listens, and says nothing.
    let note = json!({"text": "looked at it"});
    let path = format!("/conversations/{id}/note");
    assert_eq!(house.post(&path, &ana, note).await.status, 200);
    assert_eq!(presence_of("Ana").await, "available");
    let listening = tokio::spawn({
        let house = std::sync::Arc::clone(&house);
        async move {
            let request = request(Method::GET, "/events", &ben, Value::Null).body_of(&[]);
            let answer = house.router.clone().oneshot(request).await;
            let mut body = answer.expect("infallible").into_body().into_data_stream();
            while body.next().await.is_some() {}
        }
    });
    let lapsed = segue::clock::monotonic() + segue::desk::presence::LEASE + Duration::from_secs(2);
    while segue::clock::monotonic() < lapsed {
        house.get("/conversations", &ana).await;
        house.get("/agents", &ana).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(presence_of("Ana").await, "away");
    assert_eq!(presence_of("Ben").await, "available");
    assert_eq!(available(&house).await, 1.0);
    listening.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_cut_again_and_again_loses_and_doubles_nothing() {
    const MESSAGES: usize = 120;
    let house = std::sync::Arc::new(house().await);
    let ana = house.token("Ana", Role::Agent);
    let hello = hear(&house, &ana, "", "", |one| !one.id.is_empty()).await;
    let mut last = hello.last().expect("a hello").id.clone();
    let writing = {
        let house = std::sync::Arc::clone(&house);
        tokio::spawn(async move {
            let writers = (0..4).map(|n| {
                let house = std::sync::Arc::clone(&house);
                async move {
                    let from = format!("visitor-{n}");
                    let id = house.ask(&from).await;
                    for m in 0..MESSAGES / 4 {
                        house.write(&from, &format!("message {m}")).await;
                    }
                    id
                }
            });
            futures_util::future::join_all(writers).await
        })
    };
    let mut entries: std::collections::BTreeMap<String, Vec<u64>> =
        std::collections::BTreeMap::new();
    let mut messages = 0;
    let mut cuts = 0;
    while messages < MESSAGES + 4 {
        let mut left = 7;
        let mut counted = messages;
        let heard = hear(&house, &ana, "", &last, |one| {
            assert_ne!(one.event, "reset");
            if one.event == "conversation" {
                left -= 1;
                counted += said(one);
            }
            left == 0 || counted >= MESSAGES + 4
        })
        .await;
        cuts += 1;
        for one in heard {
            if !one.id.is_empty() {
                last.clone_from(&one.id);
            }
            if one.event == "conversation" {
                messages += said(&one);
                let id = one.data["conversation"]["id"]
                    .as_str()
                    .expect("an id")
                    .to_owned();
                let numbers = one.data["entries"].as_array().expect("entries").iter();
                let numbers = numbers.map(|entry| entry["n"].as_u64().expect("a number"));
                entries.entry(id).or_default().extend(numbers);
            }
        }
    }
    let ids = writing.await.expect("written");
    assert!(cuts > 5, "cut {cuts} times");
    for id in ids {
        let numbers = &entries[&id.to_string()];
        let expected: Vec<u64> = (0..numbers.len() as u64).collect();
        assert_eq!(*numbers, expected, "every entry of {id} once, in order");
    }
}

/// How many messages of customers an event brings.
fn said(one: &Heard) -> usize {
    let entries = one.data["entries"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    entries
        .iter()
        .filter(|entry| entry["kind"] == "customer_wrote")
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_resets_where_it_cannot_resume_and_shows_only_what_one_may_see() {
    let house = house().await;
    let (ana, sam) = (
        house.token("Ana", Role::Agent),
        house.limited("Sam", "sales"),
    );
    let id = house.ask("visitor-1").await;
    for old in ["nonsense", "1-1-0", "ffffffffffffffff-9-9"] {
        // That Ana is there now, because she listens, may be told before.
        let heard = hear(&house, &ana, "", old, |one| one.event != "presence").await;
        let first = heard.last().expect("an event");
        assert_eq!(
            (first.event.as_str(), first.id.is_empty()),
            ("reset", false),
            "{old}"
        );
    }
    let ask_sales = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let claim = format!("/conversations/{id}/claim");
        house.post(&claim, &ana, json!({})).await;
        house
            .post(
                &format!("/conversations/{id}/transfer"),
                &ana,
                json!({"queue": "sales"}),
            )
            .await;
        let took = house.post(&claim, &sam, json!({})).await;
        let back = house
            .post(
                &format!("/conversations/{id}/transfer"),
                &sam,
                json!({"queue": "support"}),
            )
            .await;
        assert_eq!((took.status, back.status), (200, 200));
    };
    let (heard, ()) = tokio::join!(
        hear(&house, &sam, "", "", |one| one.event == "gone"),
        ask_sales
    );
    let shown: Vec<_> = heard
        .iter()
        .filter(|one| one.event == "conversation")
        .collect();
    assert!(!shown.is_empty());
    for one in shown {
        assert_eq!(
            one.data["conversation"]["queue"], "sales",
            "only their queue"
        );
    }
    assert_eq!(heard.last().expect("an event").data["id"], id.to_string());
    house.app.stop().await;
}
