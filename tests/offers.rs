//! Offers to people: Segue in this process, people who come and go, customers who wait.

#[path = "world/app.rs"]
mod app;

use std::time::Duration;

use segue::app::App;
use segue::clock::monotonic;
use segue::conversation::Mode;
use segue::conversation::decision::Answer;
use segue::conversation::event::Act;
use segue::conversation::message::{Body, Customer, Inbound, Medium};
use segue::conversation::words::Role;
use segue::desk::presence::State;
use segue::ids::{AgentName, ConversationId};

/// Far above the second after which it is looked again.
const PATIENCE: Duration = Duration::from_secs(20);

async fn asks_for_a_person(app: &App, address: &str) -> ConversationId {
    let inbound = Inbound {
        channel: "web".into(),
        medium: Medium::Webchat,
        from: Customer {
            address: address.to_owned(),
            name: None,
            language: None,
        },
        to: String::new(),
        id: format!("{address}-1"),
        sent_at: None,
        body: Body::Text("a human please".into()),
    };
    let runtime = &app.doors().runtime;
    assert_eq!(runtime.deliver(inbound).await, Ok(Answer::Accepted));
    runtime.conversation_id(&"web".into(), address)
}

async fn offered(app: &App, id: ConversationId) -> Option<AgentName> {
    let read = app.doors().runtime.read(id).await.expect("readable");
    match read.expect("it is known").mode() {
        Mode::Waiting(waiting) => waiting.offered_to().cloned(),
        Mode::Ai(_) | Mode::Human(_) | Mode::Closed(_) => None,
    }
}

/// Waits until the conversations are offered to these people.
async fn until(app: &App, ids: &[ConversationId], people: &[Option<&str>]) {
    let end = monotonic() + PATIENCE;
    let wanted: Vec<Option<AgentName>> = people.iter().map(|one| one.map(Into::into)).collect();
    loop {
        let mut found = Vec::new();
        for id in ids {
            found.push(offered(app, *id).await);
        }
        if found == wanted {
            return;
        }
        assert!(monotonic() < end, "{found:?}, not {wanted:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_offered_as_people_come_and_go() {
    let dir = tempfile::tempdir().expect("a directory");
    let sections = "[queues.support]\nassignment = \"least_loaded\"\ncapacity = 1\noffer_for = \"1h\"\n\
                    [channels.web]\nkind = \"webchat\"\n";
    let app = app::start(dir.path(), sections).await;
    let desk = &app.doors().desk;
    let (ana, ben) = (AgentName::from("Ana"), AgentName::from("Ben"));
    for (name, role) in [
        ("Ana", Role::Agent),
        ("Ben", Role::Agent),
        ("Olga", Role::Observer),
    ] {
        desk.grant(name, role).expect("a name");
    }
    desk.presence().set(&"Olga".into(), State::Available);
    desk.presence().set(&ben, State::Busy);
    let mut ids = Vec::new();
    for address in ["one", "two", "three"] {
        ids.push(asks_for_a_person(&app, address).await);
        // The order of the queue is that of its clocks.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    until(&app, &ids, &[None, None, None]).await;
    desk.presence().set(&ana, State::Available);
    until(&app, &ids, &[Some("Ana"), None, None]).await;
    desk.presence().set(&ben, State::Available);
    until(&app, &ids, &[Some("Ana"), Some("Ben"), None]).await;
    // Whoever leaves makes no room; whoever is done does.
    desk.presence().set(&ana, State::Away);
    until(&app, &ids, &[None, Some("Ben"), None]).await;
    let runtime = &app.doors().runtime;
    let act = |id, act| runtime.act(id, ben.clone(), Role::Agent, act, None);
    let claimed = act(ids[1], Act::Claim { force: false }).await;
    assert!(matches!(claimed, Ok(Answer::Claimed { .. })), "{claimed:?}");
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    until(&app, &ids, &[None, None, None]).await;
    let note = String::from("done");
    let resolve = Act::Resolve {
        outcome: None,
        note,
    };
    assert_eq!(act(ids[1], resolve).await, Ok(Answer::Accepted));
    until(&app, &ids, &[Some("Ben"), None, None]).await;
    app.stop().await;
}
