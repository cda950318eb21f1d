//! What a page says it has shown: known to the staff once, only ever forward, and only of its own visitor's thread.

use std::path::Path;

use segue::app::App;
use segue::config::Config;
use segue::conversation::event::Act;
use segue::conversation::trail::Fact;
use segue::conversation::words::MessageState;
use segue::http::chat::protocol::{FromVisitor, Refused, Speaker, ToVisitor};

use crate::{House, Tab};

/// How far the messages of a thread have got, in the order in which it became known.
async fn settled(house: &House, visitor: &str) -> Vec<(u64, MessageState)> {
    let id = house.conversation(visitor);
    let trail = house.app.doors().runtime.trail(id, 0, 1_000).await;
    let settled = |fact: &Fact| {
        let Fact::Settled { effect, state, .. } = fact else {
            return None;
        };
        Some((effect.0, *state))
    };
    let trail = trail.expect("readable");
    trail
        .iter()
        .filter_map(|entry| settled(&entry.fact))
        .collect()
}

/// The message that a person wrote.
async fn written(house: &House, visitor: &str) -> u64 {
    let id = house.conversation(visitor);
    let trail = house.app.doors().runtime.trail(id, 0, 1_000).await;
    let effect = |fact: &Fact| {
        let Fact::HumanWrote { effect, .. } = fact else {
            return None;
        };
        Some(effect.0)
    };
    let trail = trail.expect("readable");
    let mut found = trail.iter().filter_map(|entry| effect(&entry.fact));
    found.next().expect("it was written")
}

fn shown(id: &str, delivered: &[u64], read: &[u64]) -> FromVisitor {
    FromVisitor::Shown {
        id: id.into(),
        delivered: delivered.to_vec(),
        read: read.to_vec(),
    }
}

/// What becomes of a report.
async fn fate(tab: &mut Tab, report: FromVisitor) -> Result<(), Refused> {
    tab.say(&report).await;
    let told = tab
        .until(|told| matches!(told, ToVisitor::Stored { .. } | ToVisitor::Refused(_)))
        .await;
    if let ToVisitor::Refused(refused) = told {
        return Err(refused);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_shown_is_known_once_and_only_moves_forward() {
    use MessageState::{Delivered, Read, Sent};
    let house = House::open().await;
    let mut tab = house.tab(None, None).await;
    tab.text("m1", "How long does shipping take?").await;
    let effect = tab.message(Speaker::Ai).await.effect.expect("ours");
    tab.quiet_after_backlog().await;
    let visitor = tab.visitor.clone();
    assert_eq!(settled(&house, &visitor).await, [(effect, Sent)]);

    // Said again by another tab, or later: harmless. A number that is nobody's means nothing.
    let mut other = house.tab(Some(&visitor), None).await;
    assert_eq!(
        fate(&mut tab, shown("r1", &[effect, 999], &[])).await,
        Ok(())
    );
    assert_eq!(fate(&mut other, shown("r1", &[effect], &[])).await, Ok(()));
    let mut known = vec![(effect, Sent), (effect, Delivered)];
    assert_eq!(settled(&house, &visitor).await, known);
    assert_eq!(
        fate(&mut other, shown("r2", &[effect], &[effect])).await,
        Ok(())
    );
    assert_eq!(
        fate(&mut tab, shown("r3", &[effect], &[effect])).await,
        Ok(())
    );
    known.push((effect, Read));
    assert_eq!(settled(&house, &visitor).await, known);
    // The thread itself goes on as if nothing had been said.
    tab.quiet().await;
    let whole = house
        .tab(Some(&visitor), None)
        .await
        .messages_after_backlog()
        .await;
    assert_eq!(whole.len(), 2, "{whole:#?}");

    // A stranger who names the same message speaks of their own thread.
    let mut stranger = house.tab(None, None).await;
    assert_eq!(
        fate(&mut stranger, shown("r4", &[], &[effect])).await,
        Ok(())
    );
    stranger.text("m1", "How long does shipping take?").await;
    let theirs = stranger.message(Speaker::Ai).await.effect.expect("ours");
    stranger.quiet_after_backlog().await;
    assert_eq!(settled(&house, &visitor).await, known);
    assert_eq!(settled(&house, &stranger.visitor).await, [(theirs, Sent)]);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_that_is_too_long_or_comes_too_fast_is_refused_and_messages_still_come() {
    let house = House::open().await;
    let mut tab = house.tab(None, None).await;
    let long: Vec<u64> = (0..33).collect();
    let refused = fate(&mut tab, shown("r1", &long, &[])).await;
    let refused = refused.expect_err("too long");
    assert!(refused.why.contains("too many messages"), "{refused:?}");
    assert_eq!((refused.id.as_str(), refused.retry_after), ("r1", None));
    let mut too_fast = None;
    for n in 0..12 {
        too_fast = too_fast.or(fate(&mut tab, shown(&format!("f{n}"), &[], &[]))
            .await
            .err());
    }
    let refused = too_fast.expect("more than a page ever says");
    assert_eq!(refused.retry_after, Some(1), "{refused:?}");
    tab.text("m1", "How long does shipping take?").await;
    tab.stored("m1").await;
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_websocket_the_same_is_told_by_post_and_a_sleeping_thread_hears_of_it() {
    use MessageState::{Read, Sent};
    let house = House::open().await;
    let mut tab = house.tab(None, None).await;
    tab.text("m1", "How long does shipping take?").await;
    tab.message(Speaker::Ai).await;
    let visitor = tab.visitor.clone();
    drop(tab);
    house.act(&visitor, Act::TakeOver { force: false }).await;
    let reply = Act::Reply {
        text: "It comes tomorrow.".into(),
        epoch: None,
    };
    house.act(&visitor, reply).await;
    let effect = written(&house, &visitor).await;
    while !settled(&house, &visitor).await.contains(&(effect, Sent)) {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }

    // The next day: nobody has woken the conversation since the house began.
    let house = house.restarted().await;
    let client = reqwest::Client::builder().build().expect("a client");
    let post = |bearer: String| {
        let body = format!(r#"{{"type":"shown","id":"r1","read":[{effect}],"language":"en"}}"#);
        let request = client.post(house.url("http", "/chat/web/messages"));
        let request = request.header("content-type", "application/json");
        request.bearer_auth(bearer).body(body).send()
    };
    let strangers = segue::http::chat::visitor::Visitor::mint().reveal();
    for who in [strangers, visitor.clone()] {
        let answer = post(who).await.expect("an answer");
        assert_eq!(answer.status(), 200);
        let told = answer.text().await.expect("a body");
        assert_eq!(told, r#"{"type":"stored","id":"r1"}"#);
    }
    assert_eq!(
        settled(&house, &visitor).await.last(),
        Some(&(effect, Read))
    );
    house.app.stop().await;
}

impl House {
    /// Ended and begun again on the same data.
    async fn restarted(self) -> Self {
        let Self { app, _dir } = self;
        app.stop().await;
        let mut config = Config::demonstration();
        config.storage.data_dir = Path::join(_dir.path(), "data");
        config.server.listen = "127.0.0.1:0".parse().expect("an address");
        config.server.ops_listen = "127.0.0.1:0".parse().expect("an address");
        let app = App::start(config).await.expect("it starts");
        Self { app, _dir }
    }
}

impl Tab {
    async fn messages_after_backlog(mut self) -> Vec<segue::http::chat::protocol::Message> {
        self.quiet_after_backlog().await;
        self.messages()
    }
}
