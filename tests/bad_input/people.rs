//! People who may not, and conversations that nobody can read any more.

use std::path::Path;

use redb::{Database, ReadableDatabase as _};
use reqwest::{Method, StatusCode};
use segue::conversation::words::Role;
use segue::ids::ConversationId;
use segue::store::state::HEADS;
use serde_json::{Value, json};

use crate::Bed;

#[tokio::test]
async fn people_who_may_not_or_ask_for_what_is_not_there_are_told_so() {
    let bed = Bed::new().await;
    let (agent, observer) = (
        bed.person("ana", Role::Agent),
        bed.person("olga", Role::Observer),
    );
    assert!(
        bed.write("SM1", "+17000000001", "I want to talk to a human")
            .await
            .status()
            .is_success()
    );
    let at = |act: &str| format!("/api/v1/conversations/{}/{act}", bed.id("+17000000001"));
    let check = async |token: &str, path: &str, body: Value, expected: u16| {
        let answer = bed.ask(Method::POST, path, token, Some(body)).await;
        let status = answer.status().as_u16();
        let body = answer.text().await.expect("text");
        assert_eq!(status, expected, "{path}: {body}");
        serde_json::from_str::<Value>(&body).expect("JSON")
    };
    check("sgt_nobody", &at("claim"), json!({}), 401).await;
    check(&observer, &at("claim"), json!({}), 403).await;
    let unknown = bed.id("+17009999999");
    check(
        &agent,
        &format!("/api/v1/conversations/{unknown}/claim"),
        json!({}),
        404,
    )
    .await;
    check(&agent, "/api/v1/conversations/c12/claim", json!({}), 404).await;
    check(&agent, &at("fly"), json!({}), 404).await;
    check(&agent, &at("reply"), json!({"text": "hello"}), 409).await;
    check(&agent, &at("claim"), json!({"force": "yes"}), 422).await;
    check(&agent, &at("claim"), json!({}), 200).await;
    check(&agent, &at("reply"), json!({"text": " "}), 422).await;
    check(
        &agent,
        &at("reply"),
        json!({"text": "a".repeat(9_000)}),
        422,
    )
    .await;
    check(&agent, &at("resolve"), json!({"note": "done"}), 200).await;
    let closed = check(&agent, &at("reply"), json!({"text": "one more thing"}), 409).await;
    assert_eq!(closed["code"], "already_closed", "{closed}");
    check(&agent, &at("claim"), json!({}), 409).await;
    check(&agent, "/api/v1/parked/99/discard", json!({}), 403).await;
    let admin = bed.person("root", Role::Admin);
    check(&admin, "/api/v1/parked/99/discard", json!({}), 404).await;
    bed.app.stop().await;
}

/// Changes the bytes of a head in the state file, so that its checksum does not match any more.
fn damage(data: &Path, id: ConversationId) {
    let database = Database::open(data.join("state.redb")).expect("a redb file");
    let key = id.as_bytes();
    let mut head = {
        let heads = database
            .begin_read()
            .expect("readable")
            .open_table(HEADS)
            .expect("a table");
        heads
            .get(key)
            .expect("readable")
            .expect("a head")
            .value()
            .to_vec()
    };
    let middle = head.len() / 2;
    head[middle] ^= 0xff;
    let writing = database.begin_write().expect("writable");
    writing
        .open_table(HEADS)
        .expect("a table")
        .insert(key, head.as_slice())
        .expect("written");
    writing.commit().expect("committed");
}

#[tokio::test]
async fn what_comes_for_an_unreadable_conversation_is_kept_for_people_and_the_others_go_on() {
    let bed = Bed::new().await;
    let (broken, sound) = ("+17000000001", "+17000000002");
    for (n, from) in [broken, sound].into_iter().enumerate() {
        assert!(
            bed.write(&format!("SM{n}"), from, "I want to talk to a human")
                .await
                .status()
                .is_success()
        );
    }
    let (id, dir) = (bed.id(broken), bed.dir);
    bed.app.stop().await;
    damage(&dir.path().join("data"), id);
    let bed = Bed::on(dir).await;
    let (agent, admin) = (
        bed.person("ana", Role::Agent),
        bed.person("root", Role::Admin),
    );
    for (n, text) in ["are you there?", "hello?"].into_iter().enumerate() {
        assert_eq!(
            bed.write(&format!("SMb{n}"), broken, text).await.status(),
            StatusCode::OK
        );
        assert_eq!(
            bed.write(&format!("SMs{n}"), sound, text).await.status(),
            StatusCode::OK
        );
    }
    let parked = bed.parked(&admin).await;
    assert_eq!(
        parked.len(),
        2,
        "the customer's words and nothing else: {parked:?}"
    );
    for (one, text) in parked.iter().zip(["are you there?", "hello?"]) {
        assert_eq!(one["origin"], id.to_string().as_str());
        assert!(
            one["raw"].as_str().is_some_and(|raw| raw.contains(text)),
            "{one}"
        );
    }
    let claim = format!("/api/v1/conversations/{id}/claim");
    let answer = bed.ask(Method::POST, &claim, &agent, Some(json!({}))).await;
    assert!(
        !answer.status().is_success(),
        "nobody can have what nobody can read: {}",
        answer.status()
    );
    let claim = format!("/api/v1/conversations/{}/claim", bed.id(sound));
    assert_eq!(
        bed.ask(Method::POST, &claim, &agent, Some(json!({})))
            .await
            .status(),
        StatusCode::OK
    );
    bed.app.stop().await;
}
