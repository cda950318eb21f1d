//! How far a reply has got, as the agent sees it: sent, on the customer's page, before the customer's eyes.

use std::time::Duration;

use crate::browser::Page;
use crate::house::{self, House};
use crate::staff::{claims, says, sign_in_again};
use crate::visitor::writes;
use crate::{agent, asks_for_a_person, browsers, customer, no_faults};

/// Lets a test say whether somebody is before the page.
const HERE: &str = "document.hasFocus = () => window.here !== false";
/// Longer than a page gathers what it has to report.
const A_WHILE: Duration = Duration::from_millis(1_500);

async fn here(page: &Page, is: bool) {
    let event = if is { "focus" } else { "blur" };
    page.eval(&format!(
        "void (window.here = {is}, window.dispatchEvent(new Event('{event}')))"
    ))
    .await;
}

/// Waits until the agent sees that the reply of this text stands so.
async fn stands(agent: &Page, text: &str, state: &str) {
    agent
        .until(&format!(
            "[...document.querySelectorAll('.turn.human, .turn.ai')].some((one) => \
             one.querySelector('.text').textContent.trim() === {text:?} && one.querySelector('.standing.{state}'))"
        ))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_sees_what_the_customer_has_and_has_read() {
    let Some((theirs, ours)) = browsers().await else {
        return;
    };
    let house = House::open(house::config("")).await;
    let ana = agent(&ours, &house, "Ana").await;
    let chat = customer(&theirs, &house).await;
    chat.before_all(HERE).await;
    chat.open(&house.url("/chat?lang=en")).await;
    writes(&chat, "How long does shipping take?").await;
    chat.until("document.querySelector('.message.ai:not(.writing)')")
        .await;
    let id = asks_for_a_person(&chat, &house).await;
    claims(&ana, id).await;
    // What the AI had said was read before the agent came.
    ana.until("document.querySelector('.turn.ai .standing.read')")
        .await;

    // Behind another window it has arrived, and is read when the customer comes back.
    here(&chat, false).await;
    says(&ana, "Hello, I am looking.").await;
    stands(&ana, "Hello, I am looking.", "delivered").await;
    tokio::time::sleep(A_WHILE).await;
    stands(&ana, "Hello, I am looking.", "delivered").await;
    here(&chat, true).await;
    stands(&ana, "Hello, I am looking.", "read").await;

    // Whoever reads further up has not read what came below.
    let long = "A very long story. ".repeat(120);
    says(&ana, long.trim()).await;
    stands(&ana, long.trim(), "read").await;
    chat.eval("void (document.getElementById('log').scrollTop = 0)")
        .await;
    chat.until("document.getElementById('log').scrollTop === 0")
        .await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    says(&ana, "And this below.").await;
    stands(&ana, "And this below.", "delivered").await;
    tokio::time::sleep(A_WHILE).await;
    stands(&ana, "And this below.", "delivered").await;
    chat.click("#newer").await;
    stands(&ana, "And this below.", "read").await;

    // Nobody is there: it was sent, and that is all. It is read after a restart of the house, when they come back.
    chat.open("about:blank").await;
    says(&ana, "While you were away.").await;
    stands(&ana, "While you were away.", "sent").await;
    tokio::time::sleep(A_WHILE).await;
    stands(&ana, "While you were away.", "sent").await;
    let house = house.shut().await.open().await;
    let token = house
        .app
        .doors()
        .desk
        .people()
        .renew(&"Ana".into())
        .expect("somebody");
    ana.until("!document.getElementById('signin').hidden").await;
    sign_in_again(&ana, token.reveal()).await;
    stands(&ana, "While you were away.", "sent").await;
    chat.open(&house.url("/chat?lang=en")).await;
    stands(&ana, "While you were away.", "read").await;
    no_faults(&[&chat]);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_websocket_the_agent_sees_the_same() {
    let Some((theirs, ours)) = browsers().await else {
        return;
    };
    let house = House::open(house::config("")).await;
    let ana = agent(&ours, &house, "Ana").await;
    let chat = theirs.page().await;
    chat.before_all("window.WebSocket = class { constructor() { throw new Error('not here'); } }")
        .await;
    chat.before_all(HERE).await;
    chat.open(&house.url("/chat?lang=en")).await;
    chat.until("!document.getElementById('attach').disabled")
        .await;
    let id = asks_for_a_person(&chat, &house).await;
    claims(&ana, id).await;
    here(&chat, false).await;
    says(&ana, "Hello!").await;
    stands(&ana, "Hello!", "delivered").await;
    here(&chat, true).await;
    stands(&ana, "Hello!", "read").await;
    no_faults(&[&ana, &chat]);
    house.app.stop().await;
}
