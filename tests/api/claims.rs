//! Who gets a conversation: one of many who claim at once, nobody after a name was revoked, and never two unnoticed.

use axum::http::Method;
use segue::conversation::words::{ModeName, Role};
use segue::ids::ConversationId;
use serde_json::{Value, json};

use crate::{House, house, start_in};

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_claim_at_once_exactly_one_gets_it() {
    let house = house().await;
    let id = house.ask("visitor-1").await;
    let path = format!("/conversations/{id}/claim");
    let tokens: Vec<_> = (0..50)
        .map(|n| house.token(&format!("agent {n}"), Role::Agent))
        .collect();
    let claims = tokens
        .iter()
        .map(|token| house.post(&path, token, json!({})));
    let told = futures_util::future::join_all(claims).await;
    let won: Vec<_> = told.iter().filter(|one| one.status == 200).collect();
    assert_eq!(won.len(), 1);
    assert!(won[0].body["owner_epoch"].is_u64(), "{}", won[0].body);
    let shown = house
        .get(&format!("/conversations/{id}"), &tokens[0])
        .await
        .body;
    assert_eq!(shown["mode"], "human");
    for lost in told.iter().filter(|one| one.status != 200) {
        assert_eq!(lost.code(), (409, "taken"));
        assert_eq!(lost.body["taken_by"], shown["assignee"]);
        assert!(lost.body["since"].is_string());
        assert_eq!(lost.headers["content-type"], "application/problem+json");
    }
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_revoked_agent_held_waits_again_and_nobody_of_that_name_inherits_it() {
    use segue::control::{Reply, Request, ask};
    let house = house().await;
    let root = house.token("Root", Role::Admin);
    let held = async |from: &str, token: &str| {
        let id = house.ask(from).await;
        let path = format!("/conversations/{id}/claim");
        assert_eq!(house.post(&path, token, json!({})).await.status, 200);
        id
    };
    let waits = async |id: ConversationId| {
        let told = house.get(&format!("/conversations/{id}"), &root).await.body;
        assert_eq!(told["mode"], "waiting", "{told}");
        assert!(told["assignee"].is_null(), "{told}");
    };
    let ana = house.limited("Ana", "support");
    let (first, second) = (held("v1", &ana).await, held("v2", &ana).await);
    let gone = house
        .call(Method::DELETE, "/agents/Ana", &root, Value::Null)
        .await;
    assert_eq!(gone.status, 204);
    waits(first).await;
    waits(second).await;
    let why = house
        .get(&format!("/conversations/{first}/trail"), &root)
        .await;
    assert!(
        why.body.to_string().contains("agent.revoked"),
        "{}",
        why.body
    );
    let ana = house.limited("Ana", "support");
    let path = format!("/conversations/{first}/reply");
    let late = house
        .post(&path, &ana, json!({"text": "Hello again"}))
        .await;
    assert_eq!(late.code(), (409, "not_claimed"));
    // By a command, too.
    let third = held("v3", &ana).await;
    let dir = house.dir.path().to_owned();
    let revoke = Request::AgentRevoke { name: "Ana".into() };
    let done = tokio::task::spawn_blocking(move || ask(&dir, &revoke)).await;
    assert_eq!(done.expect("runs").expect("answers"), Some(Reply::Done));
    waits(third).await;
    // And when nothing let go of it: forgotten by a command that found nobody running.
    let ana = house.limited("Ana", "support");
    let fourth = held("v4", &ana).await;
    house
        .app
        .doors()
        .desk
        .people()
        .revoke(&"Ana".into())
        .expect("there");
    let House { app, dir, .. } = house;
    app.stop().await;
    let house = start_in(dir).await;
    let head = house.app.doors().runtime.read(fourth).await;
    let head = head.expect("readable").expect("there");
    assert_eq!(head.mode().name(), ModeName::Waiting);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_lost_the_conversation_cannot_speak_unnoticed() {
    let house = house().await;
    let id = house.ask("visitor-1").await;
    let (ana, lea) = (
        house.token("Ana", Role::Agent),
        house.token("Lea", Role::Lead),
    );
    let claim = format!("/conversations/{id}/claim");
    let old = house.post(&claim, &ana, json!({})).await.body["owner_epoch"].clone();
    assert_eq!(
        house.post(&claim, &lea, json!({})).await.code(),
        (409, "taken")
    );
    let new = house.post(&claim, &lea, json!({"force": true})).await;
    assert_eq!(new.status, 200, "{}", new.body);
    let reply = format!("/conversations/{id}/reply");
    let stale = house
        .post(
            &reply,
            &ana,
            json!({"text": "still me", "owner_epoch": old}),
        )
        .await;
    assert_eq!(stale.status, 409, "{}", stale.body);
    assert_eq!(stale.body["taken_by"], "Lea");
    let fresh = house
        .post(
            &reply,
            &lea,
            json!({"text": "hello", "owner_epoch": new.body["owner_epoch"]}),
        )
        .await;
    assert_eq!(fresh.status, 200, "{}", fresh.body);
    let outdated = house
        .post(&reply, &lea, json!({"text": "hello", "owner_epoch": old}))
        .await;
    assert_eq!(outdated.code(), (409, "stale_epoch"));
    assert_eq!(outdated.body["owner_epoch"], new.body["owner_epoch"]);
    let note = house
        .post(&format!("/conversations/{id}/handback"), &lea, json!({}))
        .await;
    assert_eq!(note.code(), (422, "note_required"));
    house.app.stop().await;
}
