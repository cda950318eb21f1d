//! What is begun and not sent yet: it stays what it was meant to be, and nothing of it is lost.

use std::time::Duration;

use segue::conversation::words::Role;

use crate::browser::Browser;
use crate::house::{self, House};
use crate::staff::{claims, person, replies, row, says, sign_in, sign_in_again};
use crate::{LAW, ana_claims, ask, no_faults, open, write};

const FIELD: &str = "document.getElementById('text').value";
const AS_NOTE: &str = "document.getElementById('tab-note').getAttribute('aria-pressed') === 'true'";

#[tokio::test(flavor = "multi_thread")]
async fn a_note_that_was_begun_never_becomes_a_reply_by_itself() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = open().await;
    let (id, other) = (
        ask(&house, "visitor-1").await,
        ask(&house, "visitor-2").await,
    );
    let page = browser.page().await;
    sign_in(&house, &page, &person(&house, "Ana", Role::Agent)).await;

    // Begun while it waits, and claimed with the button beside it.
    page.click(&row(id)).await;
    page.reads(".composer .state", "Claim it to reply").await;
    page.click("#text").await;
    page.types("between us: a thief").await;
    page.click(".composer .state button").await;
    page.reads(".thread-head", "You have it since").await;
    page.until("!document.getElementById('tab-reply').disabled")
        .await;
    page.until("document.activeElement?.id === 'text'").await;
    assert_eq!(page.eval(AS_NOTE).await, true);
    page.press("Enter").await;
    page.reads(".note", "between us: a thief").await;

    // Begun in one that is theirs already, left, and opened again; also after a reload.
    page.press("Escape").await;
    page.press("n").await;
    page.types("and a liar").await;
    page.click(&row(other)).await;
    page.reads(".composer .state", "Claim it to reply").await;
    page.until(&format!("{FIELD} === ''")).await;
    page.eval(&format!("void (location.hash = '#/c/{id}')"))
        .await;
    page.until(&format!("{FIELD} === 'and a liar'")).await;
    assert_eq!(page.eval(AS_NOTE).await, true);
    page.open(&house.url(&format!("/inbox#/c/{id}"))).await;
    page.eval("void location.reload()").await;
    page.until(&format!(
        "{FIELD} === 'and a liar' && document.activeElement?.id === 'text'"
    ))
    .await;
    page.press("Enter").await;
    page.reads(".note", "and a liar").await;
    assert!(replies(&house, id).await.is_empty());

    // Whoever says so turns it into a reply, and the next one is a reply from the beginning.
    page.types("come tomorrow").await;
    page.click("#tab-reply").await;
    page.click("#text").await;
    page.press("Enter").await;
    page.reads(".turn.human:not(.unsent)", "come tomorrow")
        .await;
    assert_eq!(replies(&house, id).await, ["come tomorrow"]);
    no_faults(&page);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_restart_sends_back_stands_whole_and_in_order() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = House::open(house::config("")).await;
    let id = ask(&house, "visitor-1").await;
    let token = person(&house, "Ana", Role::Agent);
    let page = browser.page().await;
    sign_in(&house, &page, &token).await;
    claims(&page, id).await;
    let shut = house.shut().await;
    page.reads(".offline", "Not connected").await;
    says(&page, "first").await;
    says(&page, "second").await;
    page.types("half a third").await;
    let house = shut.open().await;
    page.reads("#signin", "Your session is over").await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    sign_in_again(&page, &token).await;
    page.until(&format!("{FIELD} === 'first\\nsecond\\nhalf a third'"))
        .await;
    assert!(replies(&house, id).await.is_empty());
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_can_be_taken_back_from_elsewhere_and_leaves_with_whoever_signs_out() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = open().await;
    let (id, other) = (
        ask(&house, "visitor-1").await,
        ask(&house, "visitor-2").await,
    );
    let page = browser.page().await;
    page.before_all("localStorage.setItem('segue.inbox.undo', '10')")
        .await;
    ana_claims(&house, &page, id).await;
    says(&page, "too quick").await;
    page.reads(".unsent", "Leaves in").await;
    page.click(&row(other)).await;
    page.reads(".composer .state", "Claim it to reply").await;
    page.eval(&format!("void (location.hash = '#/c/{id}')"))
        .await;
    page.click(".unsent button.link").await;
    page.until(&format!("{FIELD} === 'too quick'")).await;
    page.click("#text").await;
    page.press("Enter").await;
    page.reads(".unsent", "Leaves in").await;
    page.eval("document.querySelector('[aria-label=Menu]').click()")
        .await;
    page.until("document.querySelector('.menu')").await;
    page.eval("[...document.querySelectorAll('.menu button')].find((one) => one.innerText.includes('Sign out')).click()")
        .await;
    page.reads("#signin", "You are signed out").await;
    assert_eq!(replies(&house, id).await, ["too quick"]);
    no_faults(&page);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_shuts_while_somebody_looks_is_seen_to_shut() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = open().await;
    let id = ask(&house, "visitor-1").await;
    let page = browser.page().await;
    page.before_all(LAW).await;
    page.before_all("window.law = () => ({ window: { closes_at: window.shuts ||= new Date(Date.now() + 5 * 3600000).toISOString() } })").await;
    ana_claims(&house, &page, id).await;
    // Hours away it is told beside the thread.
    page.reads(".side", "Free replies until").await;
    page.eval("void (window.shuts = new Date(Date.now() + 4000).toISOString())")
        .await;
    write(&house, "visitor-1", "again").await;
    page.reads(".banner", "window closes in").await;
    // Nothing comes from outside any more.
    page.reads(".banner", "window is shut").await;
    page.reads(".composer .state", "it has no templates").await;
    no_faults(&page);
    house.app.stop().await;
}
