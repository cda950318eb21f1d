//! What is shown: lists page by page, one conversation whole, verdicts, languages, one customer's other threads.

use std::collections::BTreeSet;

use axum::http::Method;
use segue::conversation::words::{ModeName, Role};
use segue::ids::ConversationId;
use serde_json::{Value, json};

use crate::{House, house, start_in};

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_stands_in_the_log_can_be_corrected_and_survives_a_restart() {
    let house = house().await;
    let (first, second) = (house.ask("visitor-1").await, house.ask("visitor-2").await);
    house.write("visitor-3", "hello").await;
    let ana = house.token("Ana", Role::Agent);
    // Known beyond a restart, other than those that are granted for the demonstration.
    let lead = |name: &str, queues: &[&str]| {
        let queues = queues.iter().map(|queue| (*queue).into()).collect();
        let people = house.app.doors().desk.people();
        let token = people.add(name, Role::Lead, queues).expect("a new name");
        token.reveal().to_owned()
    };
    let (lea, seller) = (lead("Lea", &[]), lead("Sal", &["sales"]));
    let claimed = house
        .post(&format!("/conversations/{first}/claim"), &ana, json!({}))
        .await;
    assert_eq!(claimed.status, 200);
    let log = house.get("/handoffs", &lea).await;
    assert_eq!(log.status, 200, "{}", log.body);
    let items = log.body["items"].as_array().expect("a list");
    assert_eq!((items.len(), &log.body["next"]), (2, &Value::Null));
    let of = |id: ConversationId| {
        let mut all = items.iter();
        let found = all.find(|one| one["conversation"] == id.to_string());
        found.expect("it is in the log").clone()
    };
    let one = of(first);
    assert_eq!(one["reason"], "user_request");
    assert_eq!(one["claimed_by"], "Ana");
    assert_eq!(of(second)["claimed_by"], Value::Null);
    let path = format!("/handoffs/{}/review", one["id"].as_str().expect("an id"));
    let judge = |token: &str, verdict: &str| {
        let (house, path, token) = (&house, &path, token.to_owned());
        let body = json!({"verdict": verdict});
        async move { house.post(path, &token, body).await }
    };
    assert_eq!(judge(&ana, "justified").await.code(), (403, "not_allowed"));
    assert_eq!(
        house.get("/handoffs", &ana).await.code(),
        (403, "not_allowed")
    );
    assert_eq!(judge(&seller, "justified").await.code(), (404, "not_found"));
    assert_eq!(
        house.get("/handoffs", &seller).await.body["items"],
        json!([])
    );
    assert_eq!(judge(&lea, "perhaps").await.code(), (422, "bad_body"));
    assert_eq!(judge(&lea, "missed").await.code(), (422, "not_missed"));
    for unknown in [
        format!("/handoffs/{first}.0/review"),
        format!("/handoffs/{first}.2/review"),
        format!("/handoffs/c{}.1/review", "0".repeat(32)),
        "/handoffs/7/review".to_owned(),
    ] {
        let told = house
            .post(&unknown, &lea, json!({"verdict": "justified"}))
            .await;
        assert_eq!(told.code(), (404, "not_found"), "{unknown}");
    }
    assert_eq!(judge(&lea, "justified").await.body["result"], "accepted");
    assert_eq!(judge(&lea, "justified").await.body["result"], "ignored");
    assert_eq!(judge(&lea, "unnecessary").await.body["result"], "accepted");
    let whole = format!("/conversations/{second}/review");
    let missed = house.post(&whole, &lea, json!({"verdict": "missed"})).await;
    assert_eq!(missed.status, 200, "{}", missed.body);
    let check = async |house: &House, query: &str, found: usize| {
        let told = house.get(&format!("/handoffs?{query}"), &lea).await;
        let items = told.body["items"].as_array().map(Vec::len);
        assert_eq!(items, Some(found), "{query}: {}", told.body);
    };
    check(&house, "verdict=unnecessary", 1).await;
    check(&house, "verdict=justified", 0).await;
    check(&house, "verdict=none", 1).await;
    check(&house, "reason=user_request&queue=support", 2).await;
    check(&house, "reason=deflection", 0).await;
    check(&house, "until=2020-01-01T00:00:00Z", 0).await;
    check(&house, "since=2020-01-01T00:00:00%2B02:00", 2).await;
    for wrong in [
        "since=yesterday",
        "reason=x",
        "verdict=x",
        "limit=0",
        "cursor=x",
        "page=2",
    ] {
        let told = house.get(&format!("/handoffs?{wrong}"), &lea).await;
        assert_eq!(told.code(), (400, "bad_request"), "{wrong}");
    }
    let page = house.get("/handoffs?limit=1", &lea).await.body;
    let next = page["next"].as_str().expect("there is more");
    let rest = house
        .get(&format!("/handoffs?limit=5&cursor={next}"), &lea)
        .await
        .body;
    assert_eq!(rest["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(rest["next"], Value::Null);
    let at = |page: &Value| page["items"][0]["requested_at"].as_str().map(str::to_owned);
    assert!(at(&page) >= at(&rest), "the newest first: {page} {rest}");
    assert_ne!(page["items"][0]["id"], rest["items"][0]["id"]);
    let House { app, dir, .. } = house;
    app.stop().await;
    let house = start_in(dir).await;
    check(&house, "verdict=unnecessary", 1).await;
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_paged_without_gaps_in_every_mode() {
    let house = house().await;
    let ana = house.token("Ana", Role::Agent);
    let mut waiting = Vec::new();
    for n in 0..7 {
        waiting.push(house.ask(&format!("waits-{n}")).await.to_string());
        // Who began to wait in the same millisecond stands in the order of ids.
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    let mut with_ai = BTreeSet::new();
    for n in 0..5 {
        with_ai.insert(
            house
                .write(&format!("chats-{n}"), "What are your opening hours?")
                .await
                .to_string(),
        );
    }
    let pages = async |query: &str| {
        let (mut found, mut cursor, mut sizes) = (Vec::new(), String::new(), Vec::new());
        loop {
            let page = house
                .get(&format!("/conversations?limit=3{query}{cursor}"), &ana)
                .await
                .body;
            let items = page["items"].as_array().expect("a list").clone();
            sizes.push(items.len());
            found.extend(
                items
                    .iter()
                    .map(|item| item["id"].as_str().expect("an id").to_owned()),
            );
            let Some(next) = page["next"].as_str() else {
                return (found, sizes);
            };
            cursor = format!("&cursor={next}");
        }
    };
    let (found, sizes) = pages("&mode=waiting").await;
    assert_eq!(found, waiting, "those that wait longest come first");
    assert_eq!(sizes, [3, 3, 1]);
    house
        .post(
            &format!("/conversations/{}/claim", waiting[0]),
            &ana,
            json!({}),
        )
        .await;
    let (found, _) = pages("").await;
    let expected: Vec<_> = waiting[1..].iter().chain(&waiting[..1]).cloned().collect();
    assert_eq!(found, expected, "waiting, then human");
    assert_eq!(pages("&assignee=me").await.0, [waiting[0].clone()]);
    assert_eq!(pages("&q=WAITS-3").await.0, [waiting[3].clone()]);
    assert_eq!(pages("&queue=sales").await.0, [""; 0]);
    let (found, _) = pages("&mode=ai").await;
    assert_eq!(found.len(), 5);
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), with_ai);
    let by_address = house.get("/conversations?q=chats-2", &ana).await.body;
    assert_eq!(
        by_address["items"][0]["customer"]["address"], "chats-2",
        "a whole address is found in any mode"
    );
    let queues = house.get("/queues", &ana).await.body;
    let support = queues["items"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|queue| queue["name"] == "support");
    let support = support.expect("the queue");
    assert_eq!(
        (&support["waiting"], &support["human"]),
        (&json!(6), &json!(1))
    );
    assert_eq!(
        (&support["open"], &support["opens_at"]),
        (&json!(true), &json!(null))
    );
    let stats = house.get("/stats", &ana).await.body;
    assert_eq!(stats["conversations"]["ai"], 5);
    assert_eq!(stats["conversations"]["waiting"], 6);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_language_is_settled_by_words_and_by_people() {
    let house = house().await;
    let ana = house.token("Ana", Role::Agent);
    let id = house
        .write("visitor-1", "hola, quiero hablar con una persona")
        .await;
    let one = format!("/conversations/{id}");
    let language = async || house.get(&one, &ana).await.body["customer"]["language"].clone();
    assert_eq!(language().await, "es");
    let patch = async |tag: &str| {
        house
            .call(Method::PATCH, &one, &ana, json!({"language": tag}))
            .await
    };
    assert_eq!(patch("Portuguese").await.code(), (422, "bad_language"));
    assert_eq!(patch("pt_BR").await.status, 200);
    house
        .write("visitor-1", "where is my order, and what does it cost?")
        .await;
    assert_eq!(language().await, "pt-br");
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_of_one_customer_know_each_other() {
    let house = house().await;
    let ana = house.token("Ana", Role::Agent);
    let (id, other) = (house.ask("visitor-1").await, house.ask("visitor-2").await);
    let one = format!("/conversations/{id}");
    let others = async |token: &str| house.get(&one, token).await.body["others"].clone();
    assert_eq!(others(&ana).await, json!([]));
    let link = json!({"attributes": {"customer": "visitor-2"}});
    assert_eq!(
        house.call(Method::PATCH, &one, &ana, link).await.status,
        200
    );
    let told = others(&ana).await;
    assert_eq!(told.as_array().map(Vec::len), Some(1), "{told}");
    assert_eq!(
        (&told[0]["id"], &told[0]["mode"], &told[0]["channel"]),
        (&json!(other.to_string()), &json!("waiting"), &json!("web"))
    );
    let page = house.get("/conversations", &ana).await.body;
    assert!(
        page["items"][0].get("others").is_none(),
        "lists do not look it up"
    );
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_shown_whole_and_explained() {
    let house = house().await;
    let id = house.ask("visitor-1").await;
    let ana = house.token("Ana", Role::Agent);
    let one = format!("/conversations/{id}");
    let shown = house.get(&one, &ana).await.body;
    for field in "id channel customer mode queue assignee priority reason owner_epoch waiting_since deadline unread window \
        summary tags attributes opened_at updated_at outbox handoff"
        .split_whitespace()
    {
        assert!(shown.as_object().expect("an object").contains_key(field), "{field} is missing");
    }
    assert_eq!(
        (&shown["mode"], &shown["reason"]),
        (&json!("waiting"), &json!("user_request"))
    );
    assert!(shown["deadline"].is_string() && shown["waiting_since"].is_string());
    let told = house.get(&format!("{one}/explain"), &ana).await.body;
    let first = &told["items"][0];
    assert_eq!(first["came_in"], "customer_wrote", "{told}");
    assert_eq!(first["rule"]["reason"], "user_request", "{told}");
    let edit = json!({"tags": ["vip"], "attributes": {"crm": "42"}, "priority": 3});
    assert_eq!(
        house.call(Method::PATCH, &one, &ana, edit).await.status,
        200
    );
    assert_eq!(
        house
            .post(&format!("{one}/viewing"), &ana, json!({}))
            .await
            .status,
        200
    );
    let shown = house.get(&one, &ana).await.body;
    assert_eq!(
        (
            &shown["tags"],
            &shown["attributes"]["crm"],
            &shown["priority"]
        ),
        (&json!(["vip"]), &json!("42"), &json!(3))
    );
    assert_eq!(shown["viewing"], json!(["Ana"]));
    let (mut numbers, mut after) = (Vec::new(), String::new());
    loop {
        let page = house
            .get(&format!("{one}/trail?limit=2{after}"), &ana)
            .await
            .body;
        numbers.extend(
            page["items"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|entry| entry["n"].as_u64().expect("n")),
        );
        let Some(next) = page["next"].as_u64() else {
            break;
        };
        after = format!("&after={next}");
    }
    assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
    assert!(numbers.len() > 3);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_board_is_what_the_store_says_after_a_restart() {
    let house = house().await;
    let ana = house.token("Ana", Role::Agent);
    let (first, second) = (house.ask("visitor-1").await, house.ask("visitor-2").await);
    house
        .write("visitor-3", "What are your opening hours?")
        .await;
    house
        .post(&format!("/conversations/{first}/claim"), &ana, json!({}))
        .await;
    let House { app, dir, .. } = house;
    app.stop().await;
    let house = start_in(dir).await;
    let board = house.app.doors().desk.board();
    let ids = |mode| {
        board
            .all(mode)
            .map(|seen| seen.conversation_id())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (ids(ModeName::Human), ids(ModeName::Waiting)),
        (vec![first], vec![second])
    );
    let ana = house.token("Ana", Role::Agent);
    assert_eq!(
        house.get("/conversations?assignee=me", &ana).await.body["items"][0]["id"],
        first.to_string()
    );
    house.app.stop().await;
}
