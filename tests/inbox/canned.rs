//! Canned replies: what others change is found without a reload, and a name that nobody gave goes to no customer.

use segue::conversation::words::Role;

use crate::browser::{Browser, Page};
use crate::customers::{FOR_A_PERSON, write_as};
use crate::staff::{claims, person, replies, says, sign_in};
use crate::{ask, no_faults, open};

const FIELD: &str = "document.getElementById('text').value";
const POPUP: &str = "#choices:not([hidden])";

/// Adds one past the page, as a colleague does at another desk.
async fn added_elsewhere(page: &Page, name: &str, text: &str) {
    let body = serde_json::json!({"name": name, "text": text, "language": "en"});
    let status = page
        .eval(&format!(
            "fetch('/api/v1/agents/me').then((told) => told.json()).then((me) => fetch('/api/v1/canned', {{method: 'POST', \
             headers: {{'content-type': 'application/json', 'x-csrf-token': me.csrf}}, body: JSON.stringify({body})}})).then((told) => told.status)"
        ))
        .await;
    assert_eq!(status, 201);
}

/// As if so many seconds had passed since the page read its canned replies.
async fn later(page: &Page, seconds: u32) {
    page.eval(&format!(
        "void (performance.now = ((now) => () => now() + {seconds}000)(performance.now.bind(performance)))"
    ))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_somebody_else_adds_is_found_without_a_reload() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = open().await;
    let id = ask(&house, "visitor-1").await;
    let page = browser.page().await;
    sign_in(&house, &page, &person(&house, "Ana", Role::Lead)).await;
    claims(&page, id).await;
    added_elsewhere(&page, "label", "Here is your label, {name}.").await;
    later(&page, 6).await;
    page.types("/la").await;
    page.reads(POPUP, "/label").await;
    page.press("Enter").await;
    page.until(&format!(
        "{FIELD} === 'Here is your label, Customer visitor-1.'"
    ))
    .await;
    page.press("Enter").await;
    page.reads(".turn.human:not(.unsent)", "Here is your label")
        .await;
    no_faults(&page);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_that_is_no_canned_reply_is_sent_only_when_the_writer_says_so() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = open().await;
    let id = ask(&house, "visitor-1").await;
    let page = browser.page().await;
    sign_in(&house, &page, &person(&house, "Ana", Role::Lead)).await;
    added_elsewhere(&page, "hello", "Hello {name}.").await;
    claims(&page, id).await;
    later(&page, 6).await;

    page.types("/nothing").await;
    page.reads(POPUP, "No canned reply is called /nothing")
        .await;
    for _ in 0..2 {
        page.press("Enter").await;
        page.reads("#announce", "nothing was sent").await;
        page.until(&format!("{FIELD} === '/nothing'")).await;
    }
    // The button says the same, and so does the end of a word that begins like one.
    page.click(".composer button.primary").await;
    page.reads(POPUP, "No canned reply is called /nothing")
        .await;
    page.until("document.activeElement?.id === 'text'").await;
    page.eval("void (document.getElementById('text').select())")
        .await;
    page.types("/hello and more").await;
    page.press("Enter").await;
    page.reads(POPUP, "only when it is chosen").await;
    assert!(replies(&house, id).await.is_empty());

    // Hidden by hand the list comes again, with what was meant and with the way round it.
    page.eval("void (document.getElementById('text').select())")
        .await;
    page.types("/hel").await;
    page.reads(POPUP, "/hello").await;
    page.press("Escape").await;
    page.press("Enter").await;
    page.reads(POPUP, "which one do you mean").await;
    page.press("ArrowDown").await;
    page.press("ArrowDown").await;
    page.reads("#choices [aria-selected=true]", "as it stands")
        .await;
    page.press("Enter").await;
    page.reads(".turn.human:not(.unsent)", "/hel").await;
    page.until(&format!("{FIELD} === ''")).await;
    assert_eq!(replies(&house, id).await, ["/hel"]);

    // A path is no name, and a note is nobody else's.
    says(&page, "/etc/hosts is a file").await;
    page.reads(".turn.human:not(.unsent)", "/etc/hosts is a file")
        .await;
    page.press("Escape").await;
    page.press("n").await;
    says(&page, "/nothing").await;
    page.reads(".note", "/nothing").await;
    no_faults(&page);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_failed_is_repeated() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = open().await;
    let id = ask(&house, "visitor-1").await;
    let lead = person(&house, "Ana", Role::Lead);
    let page = browser.page().await;
    page.before_all(
        "window.fetchOf = window.fetch; window.asked = 0; \
         window.fetch = (where, how) => String(where).endsWith('/canned') && how?.method !== 'POST' && (window.asked += 1) <= 2 \
         ? Promise.reject(new TypeError('cut')) : window.fetchOf(where, how)",
    )
    .await;
    sign_in(&house, &page, &lead).await;
    added_elsewhere(&page, "hello", "Hello {name}.").await;
    // Nobody asks for one: it is read all the same, because a list that is not there helps nobody.
    page.until("window.asked >= 3").await;
    claims(&page, id).await;
    page.types("/hel").await;
    page.reads(POPUP, "/hello").await;
    no_faults(&page);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_customer_has_no_name_its_place_leaves_nothing() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = open().await;
    let id = write_as(&house.app, "visitor-1", None, FOR_A_PERSON).await;
    let page = browser.page().await;
    sign_in(&house, &page, &person(&house, "Ana", Role::Lead)).await;
    let all = [
        ("label", "Your label, {name}.", "Your label."),
        ("hi", "Hi, {name}! {agent} here.", "Hi! Ana here."),
        ("sigue", "¿{name}, sigue ahí?", "¿sigue ahí?"),
        (
            "first",
            "{name}, your order is here.",
            "your order is here.",
        ),
        (
            "line",
            "Hello {name},\nhow are you?",
            "Hello,\nhow are you?",
        ),
    ];
    for (name, text, _) in all {
        added_elsewhere(&page, name, text).await;
    }
    claims(&page, id).await;
    later(&page, 6).await;
    for (name, _, told) in all {
        page.eval("void (document.getElementById('text').select())")
            .await;
        page.types(&format!("/{name}")).await;
        // The reply itself: while they are read, what is typed stands there as well.
        page.reads(POPUP, told.lines().next().expect("a line"))
            .await;
        page.press("Enter").await;
        page.until(&format!("{FIELD} === {}", serde_json::json!(told)))
            .await;
    }
    no_faults(&page);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_while_they_are_read_is_asked_nothing() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = open().await;
    let id = ask(&house, "visitor-1").await;
    let page = browser.page().await;
    sign_in(&house, &page, &person(&house, "Ana", Role::Lead)).await;
    claims(&page, id).await;
    page.eval(
        "void (window.fetchOf = window.fetch, window.fetch = (where, how) => String(where).endsWith('/canned') \
         ? new Promise((go) => { window.letGo = () => go(window.fetchOf(where, how)); }) : window.fetchOf(where, how))",
    )
    .await;
    later(&page, 6).await;
    page.types("/nothing").await;
    page.press("Enter").await;
    page.until("window.letGo").await;
    page.eval("void (location.hash = '#/mine')").await;
    page.until("!document.querySelector('.composer:not([hidden])')")
        .await;
    page.eval("window.letGo(); new Promise((go) => setTimeout(go, 500))")
        .await;
    no_faults(&page);
    house.app.stop().await;
}
