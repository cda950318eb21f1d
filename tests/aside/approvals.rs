//! Approvals: one decision of a person while nobody waits, asked for by another system or an agent.

use std::collections::BTreeSet;

use segue::conversation::words::Role;
use serde_json::{Value, json};

use crate::House;

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_decided_once_and_switches_nothing_off() {
    let house = House::open().await;
    // Kept beyond a restart, unlike those who are granted.
    let kept = |name: &str| {
        let people = house.app.doors().desk.people();
        let token = people.add(name, Role::Agent, BTreeSet::new());
        token.expect("a new name").reveal().to_owned()
    };
    let (shop, ana, ben) = (kept("Shop"), kept("Ana"), kept("Ben"));
    let watcher = house.token("Otto", Role::Observer);
    let id = house.write("visitor", "What are your hours?").await;
    let asks = format!("/conversations/{id}/approvals");
    let question = json!({"question": "Return the delivery fee?", "amount": "4.90 EUR"});
    let refused = |told: &(u16, Value)| (told.0, told.1["code"].as_str().map(str::to_owned));
    let told = house.post(&asks, &watcher, question.clone()).await;
    assert_eq!(told.0, 403, "{told:?}");
    let told = house.post(&asks, &shop, json!({"question": " "})).await;
    assert_eq!(refused(&told), (422, Some("empty".into())));
    let (status, told) = house.post(&asks, &shop, question.clone()).await;
    assert_eq!((status, &told["result"]), (200, &json!("asked")), "{told}");
    let approval = told["approval"].as_str().expect("an id").to_owned();

    let (_, seen) = house.get(&format!("/conversations/{id}"), &ana).await;
    assert_eq!(
        (&seen["mode"], &seen["approvals"]),
        (&json!("ai"), &json!([approval]))
    );
    let tampered = json!({"attributes": {"open_approvals": null}});
    let path = format!("/conversations/{id}");
    let told = house
        .call(axum::http::Method::PATCH, &path, &ana, tampered)
        .await;
    assert_eq!(told.0, 403, "{told:?}");

    // Killed or stopped: what was asked is still asked.
    let House { app, dir, .. } = house;
    app.stop().await;
    let house = House::again(dir).await;
    let (_, list) = house.get("/approvals", &ana).await;
    let one = &list["items"][0];
    assert_eq!(
        (
            &one["id"],
            &one["question"],
            &one["amount"],
            &one["asked_by"]
        ),
        (
            &json!(approval),
            &question["question"],
            &question["amount"],
            &json!("Shop")
        ),
        "{list}"
    );
    assert_eq!(one["conversation"]["id"], json!(id.to_string()));

    let decide = format!("{asks}/{approval}/decide");
    let told = house.post(&decide, &shop, json!({"approved": true})).await;
    assert_eq!(told.0, 403, "whoever asks does not decide: {told:?}");
    let missing = format!("{asks}/9999/decide");
    assert_eq!(
        house
            .post(&missing, &ana, json!({"approved": true}))
            .await
            .0,
        404
    );
    assert_eq!(
        house
            .post(&format!("{asks}/x/decide"), &ana, json!({"approved": true}))
            .await
            .0,
        404
    );
    let yes = json!({"approved": true, "note": "once, as a gesture"});
    let (first, second) = tokio::join!(
        house.post(&decide, &ana, yes.clone()),
        house.post(&decide, &ben, json!({"approved": false}))
    );
    let (winner, won, lost) = match first.0 {
        200 => ("Ana", first, second),
        _ => ("Ben", second, first),
    };
    assert_eq!(won.0, 200, "{won:?}");
    assert_eq!(refused(&lost), (409, Some("already_decided".into())));
    let told = (&lost.1["decided_by"], &lost.1["approved"]);
    assert_eq!(told, (&json!(winner), &json!(winner == "Ana")), "{lost:?}");
    assert!(lost.1["at"].is_string(), "{lost:?}");

    let (_, list) = house.get("/approvals", &ana).await;
    assert_eq!(list["items"], json!([]));
    let (_, trail) = house.get(&format!("/conversations/{id}/trail"), &ana).await;
    let kinds = trail["items"].as_array().expect("entries").iter();
    let decisions = kinds.filter(|entry| entry["kind"] == "approval_decided");
    assert_eq!(decisions.count(), 1, "{trail}");
    let (_, why) = house
        .get(&format!("/conversations/{id}/explain"), &ana)
        .await;
    assert!(
        why.to_string().contains("asked one of us to decide"),
        "{why}"
    );
    assert_eq!(
        house.post(&asks, &shop, question).await.0,
        200,
        "asked anew"
    );
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_approvals_is_paged_and_a_conversation_holds_eight() {
    let house = House::open().await;
    let (shop, ana) = (
        house.token("Shop", Role::Agent),
        house.token("Ana", Role::Agent),
    );
    let id = house.write("visitor", "What are your hours?").await;
    let asks = format!("/conversations/{id}/approvals");
    let mut asked = Vec::new();
    for n in 0..8 {
        let (status, told) = house
            .post(&asks, &shop, json!({"question": format!("no {n}?")}))
            .await;
        assert_eq!(status, 200, "{told}");
        asked.push(told["approval"].as_str().expect("an id").to_owned());
    }
    let (status, told) = house.post(&asks, &shop, json!({"question": "no 9?"})).await;
    assert_eq!(
        (status, &told["code"]),
        (422, &json!("too_many_approvals")),
        "{told}"
    );
    let mut read = Vec::new();
    let mut cursor = String::new();
    loop {
        let (status, page) = house
            .get(&format!("/approvals?limit=3{cursor}"), &ana)
            .await;
        assert_eq!(status, 200, "{page}");
        let items = page["items"].as_array().expect("a list").iter();
        read.extend(items.map(|one| one["id"].as_str().expect("an id").to_owned()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(read, asked);
    assert_eq!(house.get("/approvals?cursor=x", &ana).await.0, 400);
    assert_eq!(house.get("/approvals?limit=0", &ana).await.0, 400);
    house.app.stop().await;
}
