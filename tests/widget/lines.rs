//! Lines that fail: no WebSocket, nobody there, a restart in the middle of a talk.

use segue::conversation::event::Act;
use segue::conversation::words::ModeName;

use crate::browser::Browser;
use crate::visitor::writes;
use crate::{act, conversation, is, no_faults, open, reply, with_ana};

#[tokio::test(flavor = "multi_thread")]
async fn without_websocket_the_thread_goes_on_by_events_and_post() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = open("").await;
    let page = browser.page().await;
    let source = "window.WebSocket = class { constructor() { window.tried = (window.tried || 0) + 1; setTimeout(() => this.onclose({code: 1006, reason: ''})); } send() {} close() {} }; WebSocket.OPEN = 1;";
    page.before_all(source).await;
    page.open(&house.url("/chat?lang=en")).await;
    writes(&page, "How long does shipping take?").await;
    page.until("document.querySelector('.message.ai:not(.writing)')")
        .await;
    assert!(page.eval("tried").await.as_u64() >= Some(2));
    let id = conversation(&house, &page).await;
    is(&house, id, ModeName::Ai).await;
    page.click("#person").await;
    page.until("document.body.dataset.mode === 'waiting'").await;
    act(&house, id, Act::Claim { force: false }).await;
    reply(&house, id, "I am here").await;
    page.reads(".message.human", "I am here").await;
    // Nothing twice after a reload, either.
    page.open(&house.url("/chat?lang=en")).await;
    page.reads(".message.human", "I am here").await;
    assert_eq!(
        page.eval("document.querySelectorAll('.message.you').length")
            .await,
        2
    );
    no_faults(&page);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_offline_and_during_a_restart_arrives_once_and_in_order() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = open("").await;
    let page = browser.page().await;
    page.open(&house.url("/chat?lang=en")).await;
    let id = with_ana(&house, &page).await;

    page.offline(true).await;
    page.reads("#state", "No connection").await;
    for text in ["first offline", "second offline"] {
        writes(&page, text).await;
    }
    page.until("document.querySelectorAll('.message.pending').length === 2")
        .await;
    reply(&house, id, "Are you still there?").await;
    page.offline(false).await;
    page.until("document.querySelectorAll('.message.pending').length === 0")
        .await;
    page.reads(".message.human", "Are you still there?").await;
    page.until("document.getElementById('state').hidden").await;

    let shut = house.shut().await;
    page.reads("#state", "No connection").await;
    writes(&page, "written while the house was shut").await;
    // Also a page that is opened again finds it.
    let house = shut.open().await;
    page.until("document.querySelectorAll('.message.pending').length === 0")
        .await;
    reply(&house, id, "Here again").await;
    page.reads(".message.human", "Here again").await;
    let own = "[...document.querySelectorAll('.message.you .text')].map((one) => one.innerText).join('|')";
    let expected = "I would like to talk to a person|first offline|second offline|written while the house was shut";
    assert_eq!(page.eval(own).await, expected);
    page.open(&house.url("/chat?lang=en")).await;
    page.reads(".message.human", "Here again").await;
    assert_eq!(page.eval(own).await, expected);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_the_middle_of_a_talk_is_hardly_seen() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = open("").await;
    let page = browser.page().await;
    page.open(&house.url("/chat?lang=en")).await;
    writes(&page, "How long does shipping take?").await;
    page.until("document.querySelector('.message.ai:not(.writing)')")
        .await;
    let house = house.shut().await.open().await;
    writes(&page, "And to Spain?").await;
    page.until(
        "document.querySelectorAll('.message.ai:not(.writing), .message.system').length >= 2",
    )
    .await;
    assert_eq!(
        page.eval("document.querySelectorAll('.message.you').length")
            .await,
        2
    );
    house.app.stop().await;
}
