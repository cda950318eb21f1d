//! What is refused, to whom, and how it is said: roles, wrong requests, sessions without their token.

use axum::body::Body;
use axum::http::Method;
use segue::conversation::words::Role;
use segue::ids::ConversationId;
use segue::metrics::Figures;
use serde_json::{Value, json};

use crate::{Told, house, request};

#[tokio::test(flavor = "multi_thread")]
async fn a_role_does_what_it_may_and_no_more() {
    let house = house().await;
    let id = house.ask("visitor-1").await;
    let observer = house.token("Olga", Role::Observer);
    let agent = house.token("Ana", Role::Agent);
    let lead = house.token("Lea", Role::Lead);
    let admin = house.token("Ada", Role::Admin);
    let seller = house.limited("Sam", "sales");
    let one = format!("/conversations/{id}");
    let claim = format!("{one}/claim");
    let off = json!({"all": true, "on": false});
    let check = async |method: Method, path: &str, token: &str, body: Value, status: u16| {
        let told = house.call(method.clone(), path, token, body).await;
        assert_eq!(told.status, status, "{method} {path}: {}", told.body);
    };
    check(Method::GET, &one, "", Value::Null, 401).await;
    check(Method::GET, &one, "sgt_wrong", Value::Null, 401).await;
    check(Method::GET, &one, &observer, Value::Null, 200).await;
    check(Method::POST, &claim, &observer, json!({}), 403).await;
    check(Method::GET, &one, &seller, Value::Null, 404).await;
    check(
        Method::GET,
        &format!("{one}/trail"),
        &seller,
        Value::Null,
        404,
    )
    .await;
    check(Method::POST, &claim, &seller, json!({}), 404).await;
    check(Method::GET, "/stats", &seller, Value::Null, 403).await;
    check(Method::PUT, "/ai", &agent, off.clone(), 403).await;
    check(Method::PUT, "/ai", &lead, off, 200).await;
    check(Method::GET, "/parked", &agent, Value::Null, 403).await;
    check(Method::GET, "/parked", &lead, Value::Null, 200).await;
    check(Method::POST, "/parked/77/discard", &lead, Value::Null, 404).await;
    check(
        Method::POST,
        "/agents",
        &lead,
        json!({"name": "Nia", "role": "agent"}),
        403,
    )
    .await;
    check(
        Method::POST,
        "/agents",
        &admin,
        json!({"name": "Nia", "role": "agent"}),
        201,
    )
    .await;
    check(
        Method::POST,
        "/agents",
        &admin,
        json!({"name": "nia", "role": "agent"}),
        409,
    )
    .await;
    check(
        Method::POST,
        &format!("{one}/review"),
        &agent,
        json!({"verdict": "justified"}),
        403,
    )
    .await;
    check(
        Method::POST,
        &format!("{one}/review"),
        &lead,
        json!({"verdict": "justified"}),
        200,
    )
    .await;
    assert_eq!(
        house.get("/conversations", &seller).await.body["items"],
        json!([])
    );
    assert_eq!(
        house.get("/conversations", &agent).await.body["items"][0]["id"],
        id.to_string()
    );
    // Sent to their queue, the limited agent sees it; and may take it.
    assert_eq!(house.post(&claim, &agent, json!({})).await.status, 200);
    check(
        Method::POST,
        &format!("{one}/transfer"),
        &agent,
        json!({"queue": "sales"}),
        200,
    )
    .await;
    check(Method::POST, &claim, &seller, json!({}), 200).await;
    check(Method::DELETE, "/agents/Sam", &admin, Value::Null, 204).await;
    check(Method::GET, &one, &seller, Value::Null, 401).await;
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_request_is_a_problem_that_says_what_is_wrong() {
    let house = house().await;
    let id = house.ask("visitor-1").await;
    let ana = house.token("Ana", Role::Agent);
    let raw = async |method: Method, path: &str, kind: &str, body: Vec<u8>| {
        let builder = request(method, path, &ana, Value::Null).0;
        house
            .send(
                builder
                    .header("content-type", kind)
                    .body(Body::from(body))
                    .expect("a request"),
            )
            .await
    };
    let check = async |told: Told, status: u16, code: &str, says: &str| {
        assert_eq!(told.code(), (status, code), "{}", told.body);
        assert_eq!(told.headers["content-type"], "application/problem+json");
        assert_eq!(told.headers["x-content-type-options"], "nosniff");
        assert_eq!(told.body["status"], status);
        assert!(
            told.body["title"].is_string() && told.body["type"].is_string(),
            "{}",
            told.body
        );
        assert!(
            told.body["detail"]
                .as_str()
                .is_some_and(|detail| detail.contains(says)),
            "{}",
            told.body
        );
    };
    let reply = format!("/conversations/{id}/reply");
    let json_type = "application/json";
    let unknown = br#"{"text":"x","txet":"y"}"#.to_vec();
    check(
        raw(Method::POST, &reply, json_type, unknown).await,
        422,
        "bad_body",
        "txet",
    )
    .await;
    check(
        raw(Method::POST, &reply, json_type, b"{\"text\":".to_vec()).await,
        400,
        "bad_request",
        "no JSON",
    )
    .await;
    check(
        raw(Method::POST, &reply, json_type, vec![0xff, 0xfe]).await,
        400,
        "bad_request",
        "no JSON",
    )
    .await;
    check(
        raw(Method::POST, &reply, "text/plain", b"hello".to_vec()).await,
        415,
        "not_json",
        "text/plain",
    )
    .await;
    check(
        raw(Method::POST, &reply, json_type, vec![b' '; 70_000]).await,
        413,
        "too_large",
        "65536",
    )
    .await;
    check(
        house.post(&reply, &ana, json!({"text": "x"})).await,
        409,
        "not_claimed",
        "claim",
    )
    .await;
    check(
        house
            .post(&format!("/conversations/{id}/takeoff"), &ana, json!({}))
            .await,
        404,
        "not_found",
        "nothing",
    )
    .await;
    check(
        house.get("/conversations/c00", &ana).await,
        404,
        "not_found",
        "no such conversation",
    )
    .await;
    check(
        house.get("/conversations/%ff", &ana).await,
        404,
        "not_found",
        "",
    )
    .await;
    check(
        house.get("/conversations?mode=open", &ana).await,
        400,
        "bad_request",
        "waiting",
    )
    .await;
    check(
        house.get("/conversations?cursor=x", &ana).await,
        400,
        "bad_request",
        "cursor",
    )
    .await;
    check(
        house.get("/conversations?limit=0", &ana).await,
        400,
        "bad_request",
        "limit",
    )
    .await;
    check(
        house.get("/conversations?colour=red", &ana).await,
        400,
        "bad_request",
        "colour",
    )
    .await;
    check(
        house.call(Method::PUT, "/queues", &ana, json!({})).await,
        405,
        "method_not_allowed",
        "PUT",
    )
    .await;
    check(
        house.get("/nowhere", "").await,
        404,
        "not_found",
        "/api/v1/nowhere",
    )
    .await;
    let unknown_id = ConversationId::from_bytes([9; 16]);
    check(
        house
            .post(
                &format!("/conversations/{unknown_id}/claim"),
                &ana,
                json!({}),
            )
            .await,
        404,
        "not_found",
        "",
    )
    .await;
    let long_key = request(Method::POST, &reply, &ana, json!({"text": "x"}))
        .body_of(&[("idempotency-key", &"k".repeat(201))]);
    check(
        house.send(long_key).await,
        400,
        "bad_request",
        "Idempotency-Key",
    )
    .await;
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_needs_its_token_for_everything_that_changes_something() {
    let house = house().await;
    let id = house.ask("visitor-1").await;
    let ana = house.token("Ana", Role::Agent);
    let signed_in = house.post("/session", "", json!({"token": ana})).await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.body);
    let cookie = signed_in.headers["set-cookie"]
        .to_str()
        .expect("text")
        .to_owned();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"),
        "{cookie}"
    );
    let cookie = cookie.split(';').next().expect("a pair").to_owned();
    let csrf = signed_in.body["csrf"].as_str().expect("a token").to_owned();
    let claim = |headers: &[(&str, &str)]| {
        request(
            Method::POST,
            &format!("/conversations/{id}/claim"),
            "",
            json!({}),
        )
        .body_of(headers)
    };
    assert_eq!(house.send(claim(&[("cookie", &cookie)])).await.status, 403);
    assert_eq!(
        house
            .send(claim(&[("cookie", &cookie), ("x-csrf-token", "guess")]))
            .await
            .status,
        403
    );
    let me = house
        .send(request(Method::GET, "/agents/me", "", Value::Null).body_of(&[("cookie", &cookie)]))
        .await;
    assert_eq!(
        (me.body["name"].as_str(), me.body["csrf"].as_str()),
        (Some("Ana"), Some(csrf.as_str()))
    );
    assert_eq!(
        house
            .send(claim(&[("cookie", &cookie), ("x-csrf-token", &csrf)]))
            .await
            .status,
        200
    );
    let out = request(Method::DELETE, "/session", "", Value::Null)
        .body_of(&[("cookie", &cookie), ("x-csrf-token", &csrf)]);
    assert_eq!(house.send(out).await.status, 204);
    assert_eq!(
        house
            .send(claim(&[("cookie", &cookie), ("x-csrf-token", &csrf)]))
            .await
            .status,
        401
    );
    for _ in 0..10 {
        assert_eq!(
            house
                .post("/session", "", json!({"token": "sgt_guess"}))
                .await
                .status,
            401
        );
    }
    let barred = house
        .post("/session", "", json!({"token": "sgt_guess"}))
        .await;
    assert_eq!(barred.code(), (429, "too_many_tries"));
    assert!(barred.headers.contains_key("retry-after"));
    let scrape = house.app.metrics().render(&Figures::default());
    assert!(
        scrape.contains("segue_rate_limited_total{limit=\"sign_in\"} 1"),
        "who guesses is seen in the figures"
    );
    // Whoever has a good token is not locked out by a stranger behind the same address.
    let ben = house.token("Ben", Role::Lead);
    let signed_in = house.post("/session", "", json!({"token": ben})).await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.body);

    // All of it is kept, for leads: who came and went, and what was tried.
    assert_eq!(house.get("/sign-ins", &ana).await.status, 403);
    let kept = house.get("/sign-ins", &ben).await.body;
    let lines = kept["items"].as_array().expect("lines").iter();
    let lines: Vec<_> = lines
        .map(|line| {
            let times = line["times"].as_u64();
            (line["kind"].as_str(), line["agent"].as_str(), times)
        })
        .collect();
    let expected = [
        (Some("signed_in"), Some("Ben"), Some(1)),
        (Some("barred"), None, Some(1)),
        (Some("refused"), None, Some(10)),
        (Some("signed_out"), Some("Ana"), Some(1)),
        (Some("signed_in"), Some("Ana"), Some(1)),
    ];
    assert_eq!(lines, expected, "{kept}");
    assert!(kept["next"].is_null());
    assert!(!kept.to_string().contains("guess"), "no part of a token");
    house.app.stop().await;
}
