//! What whoever waits is told: their place, and when somebody is there again.

use std::path::Path;

use segue::config::{Config, Environment};
use segue::conversation::event::Act;
use segue::conversation::words::ModeName;
use segue::http::chat::protocol::ToVisitor;

use crate::House;

/// What a customer who asks for a person is told of the line under `queue`, a section of the configuration.
async fn line_under(queue: &str) -> ToVisitor {
    let text = format!("[channels.web]\nkind = \"webchat\"\n{queue}");
    let nothing = Environment::from_iter(Vec::<(&str, &str)>::new());
    let config = Config::parse("t", &text, Path::new(""), &nothing).expect("valid");
    let house = House::of(config).await;
    let mut tab = house.tab(None, None).await;
    tab.text("m1", "I would like to talk to a person").await;
    let told = tab
        .until(|told| matches!(told, ToVisitor::Line { .. }))
        .await;
    // Whoever comes back later is told the same, right after the welcome.
    let mut again = house.tab(Some(&tab.visitor), Some(0)).await;
    assert_eq!(again.next().await, told);
    house
        .act(&tab.visitor.clone(), Act::Claim { force: false })
        .await;
    again
        .until(|told| {
            matches!(
                told,
                ToVisitor::Who {
                    mode: Some(ModeName::Human),
                    ..
                }
            )
        })
        .await;
    house.app.stop().await;
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_is_told_their_place_where_the_queue_tells_it() {
    let told = line_under("[queues.support]\ntell_position = true\n").await;
    let expected = ToVisitor::Line {
        position: Some(1),
        minutes: None,
        closed: false,
        opens_at: None,
    };
    assert_eq!(told, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_at_night_is_told_when_it_opens() {
    let calendar = "[queues.support]\nhours = \"never\"\n[calendars.never]\ntime_zone = \"UTC\"\n\
                    daily = [\"00:00-00:01\"]\n";
    // One minute of the day nobody can test this.
    let told = line_under(calendar).await;
    let ToVisitor::Line {
        closed, opens_at, ..
    } = told
    else {
        unreachable!("just looked")
    };
    assert!(closed);
    let opens_at = opens_at.expect("known");
    assert!(opens_at.ends_with("T00:00:00.000Z"), "{opens_at}");
}
