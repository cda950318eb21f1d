//! Commands that ask the running process, and what of their deeds outlives it.

use std::collections::BTreeSet;

use axum::http::Method;
use segue::conversation::words::Role;
use serde_json::json;

use crate::{House, house, start_in};

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_look_back_read_from_the_running_process() {
    use segue::learning::source;

    /// Asks over the control socket, as the commands do.
    struct Socket<'a>(&'a std::path::Path);

    impl segue::learning::Source for Socket<'_> {
        fn ask(&self, ask: segue::learning::Ask) -> Result<segue::learning::Found, String> {
            let request = segue::control::Request::Read { ask };
            match segue::control::ask(self.0, &request) {
                Ok(Some(segue::control::Reply::Read { found })) => Ok(*found),
                other => Err(format!("{other:?}")),
            }
        }
    }

    let house = house().await;
    let id = house.ask("visitor-1").await;
    for n in 0..40 {
        house.write("visitor-2", &format!("hello {n}")).await;
    }
    let dir = house.dir.path().to_owned();
    let seen = tokio::task::spawn_blocking(move || {
        let mut seen = Vec::new();
        let take = |told: segue::learning::Told| {
            let gapless = told.entries.iter().zip(0..).all(|(entry, n)| entry.n == n);
            assert!(gapless, "{:?}", told.entries);
            seen.push((told.facts.id, told.entries.len()));
            Ok(())
        };
        let since = segue::clock::Timestamp::ZERO;
        source::each(&Socket(&dir), None, since, take, |_| {}).expect("it answers");
        let hash = segue::learning::Ask::Policy { hash: 1 };
        let none = segue::learning::Source::ask(&Socket(&dir), hash).expect("it answers");
        assert_eq!(none, segue::learning::Found::Policy(None));
        seen
    });
    let seen = seen.await.expect("no panic");
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().any(|(of, entries)| *of == id && *entries > 1));
    assert!(seen.iter().any(|(_, entries)| *entries > 40), "{seen:?}");
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_reach_the_running_process_and_what_they_did_outlives_it() {
    use segue::control::{Reply, Request, ask, socket};
    use std::os::unix::fs::PermissionsExt as _;
    let house = house().await;
    let path = house.dir.path().to_owned();
    let carry = async |request: Request| {
        let path = path.clone();
        tokio::task::spawn_blocking(move || ask(&path, &request))
            .await
            .expect("runs")
            .expect("answers")
    };
    let mode = std::fs::metadata(socket(&path))
        .expect("the socket")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let add = Request::AgentAdd {
        name: "Ana".into(),
        role: Role::Agent,
        queues: BTreeSet::new(),
    };
    let Some(Reply::Token { token }) = carry(add.clone()).await else {
        panic!("no token")
    };
    assert_eq!(
        house.get("/agents/me", token.reveal()).await.body["name"],
        "Ana"
    );
    assert!(matches!(carry(add).await, Some(Reply::Failed { .. })));
    let off = serde_json::from_value(json!({"queue": "support", "on": false})).expect("a turn");
    assert!(matches!(
        carry(Request::Ai { turn: off }).await,
        Some(Reply::Ai { .. })
    ));
    let Some(Reply::Status { ai, .. }) = carry(Request::Status).await else {
        panic!("no status")
    };
    assert!(ai.queues_off.contains(&"support".into()));
    let House { app, dir, .. } = house;
    app.stop().await;
    assert!(
        carry(Request::AgentList).await.is_none(),
        "nobody answers any more"
    );
    assert!(!socket(&path).exists());
    let house = start_in(dir).await;
    assert_eq!(
        house.get("/agents/me", token.reveal()).await.body["name"],
        "Ana"
    );
    assert_eq!(
        house.get("/ai", token.reveal()).await.body["queues_off"],
        json!(["support"])
    );
    let Some(Reply::Token { token: renewed }) =
        carry(Request::AgentToken { name: "Ana".into() }).await
    else {
        panic!("no token")
    };
    assert_eq!(house.get("/agents/me", token.reveal()).await.status, 401);
    assert_eq!(house.get("/agents/me", renewed.reveal()).await.status, 200);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_switches_turned_at_once_none_is_lost_and_each_is_on_record() {
    use segue::control::{Request, ask};
    let house = house().await;
    let lead = house.token("Lea", Role::Lead);
    let turns = ["support", "sales"].map(|queue| json!({"queue": queue, "on": false}));
    for round in 1..=8_usize {
        let path = house.dir.path().to_owned();
        let turn = serde_json::from_value(turns[0].clone()).expect("a turn");
        let by_socket = tokio::task::spawn_blocking(move || ask(&path, &Request::Ai { turn }));
        let by_page = house.call(Method::PUT, "/ai", &lead, turns[1].clone());
        let (by_socket, by_page) = tokio::join!(by_socket, by_page);
        assert!(by_socket.expect("runs").is_ok());
        assert_eq!(by_page.status, 200);
        let told = house.get("/ai", &lead).await.body;
        assert_eq!(told["queues_off"], json!(["sales", "support"]));
        let on = json!({"queue": "sales", "on": true});
        assert_eq!(house.call(Method::PUT, "/ai", &lead, on).await.status, 200);
        let on = json!({"queue": "support", "on": true});
        assert_eq!(house.call(Method::PUT, "/ai", &lead, on).await.status, 200);
        let told = house.get("/ai", &lead).await.body;
        assert_eq!(told["queues_off"], json!([]));
        let again = json!({"queue": "support", "on": true});
        let again = house.call(Method::PUT, "/ai", &lead, again).await;
        assert_eq!(
            again.status, 200,
            "nothing is turned, and nothing is recorded"
        );
        let unknown = json!({"queue": "sails", "on": true});
        let unknown = house.call(Method::PUT, "/ai", &lead, unknown).await;
        assert_eq!(unknown.code(), (422, "no_switch"));
        assert!(
            unknown.body.to_string().contains("sales, support"),
            "{}",
            unknown.body
        );
        let told = house.get("/ai", &lead).await.body;
        let changes = told["changes"].as_array().expect("changes").clone();
        assert_eq!(changes.len(), 4 * round);
        let by = |who: &str| changes.iter().filter(|one| one["by"] == who).count();
        assert_eq!((by("Lea"), by("control socket")), (3 * round, round));
    }
    let House { app, dir, .. } = house;
    app.stop().await;
    let house = start_in(dir).await;
    let lead = house.token("Lea", Role::Lead);
    let changes = house.get("/ai", &lead).await.body["changes"].clone();
    assert_eq!(changes.as_array().map(Vec::len), Some(32));
    assert_eq!(changes[0]["by"], "Lea");
    house.app.stop().await;
}
