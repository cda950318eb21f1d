//! Tabs of one visitor: torn off, opened twice, told of a restart.

use std::time::Duration;

use segue::conversation::event::Act;
use segue::http::chat::protocol::{Message, Speaker};

use crate::House;

fn texts(messages: &[Message]) -> Vec<String> {
    messages
        .iter()
        .map(|message| format!("{:?}: {}", message.from, message.text))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wherever_a_tab_was_torn_off_it_is_told_exactly_the_rest() {
    let house = House::open().await;
    let mut tab = house.tab(None, None).await;
    let visitor = tab.visitor.clone();
    tab.text("m1", "How long does shipping take?").await;
    tab.message(Speaker::Ai).await;
    tab.text("m2", "I would like to talk to a person").await;
    tab.message(Speaker::System).await;
    house.act(&visitor, Act::Claim { force: false }).await;
    house
        .act(
            &visitor,
            Act::Reply {
                text: "I am here".into(),
                epoch: None,
            },
        )
        .await;
    tab.message(Speaker::Human).await;
    tab.text("m3", "great").await;
    tab.stored("m3").await;
    tab.quiet_after_backlog().await;
    let whole = tab.messages();
    assert!(whole.len() >= 6, "{:?}", texts(&whole));

    let lasts: Vec<Option<u64>> = std::iter::once(None)
        .chain(whole.iter().map(|message| Some(message.entry)))
        .collect();
    for last in lasts {
        let mut again = house.tab(Some(&visitor), last).await;
        assert_eq!(again.after, last);
        again.quiet_after_backlog().await;
        let rest: Vec<Message> = whole
            .iter()
            .filter(|message| Some(message.entry) > last)
            .cloned()
            .collect();
        assert_eq!(again.messages(), rest, "resumed after {last:?}");
    }
    let mut lost = house.tab(Some(&visitor), Some(1_000_000)).await;
    assert_eq!(
        lost.after, None,
        "what was shown does not exist: it begins anew"
    );
    lost.quiet_after_backlog().await;
    assert_eq!(lost.messages(), whole);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tabs_show_the_same_and_a_repeated_message_changes_nothing() {
    let house = House::open().await;
    let mut one = house.tab(None, None).await;
    let mut two = house.tab(Some(&one.visitor), None).await;
    one.text("m1", "How long does shipping take?").await;
    one.message(Speaker::Ai).await;
    two.message(Speaker::Ai).await;
    two.text("m1", "How long does shipping take?").await;
    two.stored("m1").await;
    one.quiet_after_backlog().await;
    two.quiet_after_backlog().await;
    assert_eq!(one.messages(), two.messages());
    assert_eq!(one.messages().len(), 2, "{:?}", texts(&one.messages()));
    assert_eq!(one.messages()[0].id.as_deref(), Some("m1"));
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_open_tab_is_told_that_the_house_restarts() {
    let house = House::open().await;
    let mut tabs = Vec::new();
    for _ in 0..6 {
        tabs.push(house.tab(None, None).await);
    }
    let codes = tokio::spawn(async move {
        let mut codes = Vec::new();
        for tab in &mut tabs {
            codes.push(tab.close_code().await);
        }
        codes
    });
    tokio::time::timeout(Duration::from_secs(10), house.app.stop())
        .await
        .expect("it does not wait for tabs");
    assert_eq!(codes.await.expect("runs"), [Some(1012); 6]);
}
