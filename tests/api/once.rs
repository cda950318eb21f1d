//! What is done under a key is done once, however often it is asked for.

use axum::http::Method;
use segue::conversation::words::Role;
use serde_json::{Value, json};

use crate::{house, request};

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_under_one_key_is_sent_once() {
    let house = house().await;
    let id = house.ask("visitor-1").await;
    let ana = house.token("Ana", Role::Agent);
    assert_eq!(
        house
            .post(&format!("/conversations/{id}/claim"), &ana, json!({}))
            .await
            .status,
        200
    );
    let path = format!("/conversations/{id}/reply");
    let keyed = |text: &str| {
        request(Method::POST, &path, &ana, json!({"text": text}))
            .body_of(&[("idempotency-key", "k1")])
    };
    let first = house.send(keyed("Hello, how can I help?")).await;
    assert_eq!(
        (first.status, first.body["result"].as_str()),
        (200, Some("wrote"))
    );
    let again = house.send(keyed("Hello, how can I help?")).await;
    assert_eq!(again.body, first.body);
    assert_eq!(
        house.send(keyed("Something else")).await.code(),
        (422, "key_reused")
    );
    let trail = house
        .get(&format!("/conversations/{id}/trail"), &ana)
        .await
        .body;
    let entries = trail["items"].as_array().expect("a list");
    let written: Vec<_> = entries
        .iter()
        .filter(|entry| entry["kind"] == "human_wrote")
        .collect();
    assert_eq!(written.len(), 1);
    assert_eq!(written[0]["message"], first.body["message"]);
    assert!(written[0]["state"].is_string(), "{}", written[0]);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_under_a_key_is_done_once_and_a_token_is_told_once() {
    let house = house().await;
    let root = house.token("Root", Role::Admin);
    let under = async |key: &str, path: &str, body: Value| {
        let asking = request(Method::POST, path, &root, body);
        house
            .send(asking.body_of(&[("idempotency-key", key)]))
            .await
    };
    let ana = json!({"name": "Ana", "role": "agent"});
    assert_eq!(under("k1", "/agents", ana.clone()).await.status, 201);
    let told = under("k1", "/agents", ana.clone()).await;
    assert_eq!(told.code(), (409, "already_done"), "{}", told.body);
    assert_eq!(
        under("k2", "/agents", ana).await.code(),
        (409, "agent_exists")
    );
    let cleo = json!({"name": "Cleo", "role": "agent"});
    let eight = (0..8).map(|_| under("k8", "/agents", cleo.clone()));
    let mut told: Vec<_> = futures_util::future::join_all(eight)
        .await
        .iter()
        .map(|told| told.code().1.to_owned())
        .collect();
    told.sort();
    let mut expected = vec!["already_done"; 8];
    expected[0] = "";
    assert_eq!(told, expected, "at once: one adds, the others learn of it");
    let bob = json!({"name": "Bob", "role": "agent"});
    assert_eq!(
        under("k1", "/agents", bob).await.code(),
        (422, "key_reused")
    );
    let renewed = under("k3", "/agents/Ana/token", Value::Null).await;
    let token = renewed.body["token"].as_str().expect("a token").to_owned();
    let told = under("k3", "/agents/Ana/token", Value::Null).await;
    assert_eq!(told.code(), (409, "already_done"), "{}", told.body);
    assert_eq!(
        house.get("/agents/me", &token).await.status,
        200,
        "still the same"
    );
    let doors = house.app.doors();
    let store = doors.runtime.store();
    let id = store.park("webhook", "x", b"", "a test", doors.runtime.now());
    let path = format!("/parked/{}/discard", id.expect("parked"));
    let first = under("k4", &path, Value::Null).await;
    let second = under("k4", &path, Value::Null).await;
    assert_eq!((first.status, second.status), (200, 200), "{}", second.body);
    assert_eq!(first.body, second.body);
    assert_eq!(under("k5", &path, Value::Null).await.status, 404);
    house.app.stop().await;
}
