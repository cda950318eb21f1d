//! The web chat in a real browser: the page, and the widget on a page of another origin, against a whole running Segue.
//!
//! Pictures of it are left in `target/pictures/`, for people to look at.

#![expect(
    clippy::too_many_lines,
    reason = "a test tells one story from beginning to end"
)]

mod browser;
#[path = "widget/content.rs"]
mod content;
#[path = "pages/files.rs"]
mod files;
#[path = "pages/house.rs"]
mod house;
#[path = "widget/lines.rs"]
mod lines;
#[path = "widget/looks.rs"]
mod looks;
#[path = "widget/sites.rs"]
mod sites;
#[path = "widget/speed.rs"]
mod speed;
#[path = "pages/timing.rs"]
mod timing;
#[path = "pages/visitor.rs"]
mod visitor;

use std::path::{Path, PathBuf};
use std::time::Duration;

use browser::{Browser, PATIENCE, Page};
use files::{PNG, attach, file};
use house::House;
use segue::clock::monotonic;
use segue::conversation::event::Act;
use segue::conversation::trail::Fact;
use segue::conversation::words::{MessageState, ModeName, Role};
use segue::ids::ConversationId;
use segue::runtime::Frame as Live;
use visitor::{KEPT, writes};

/// The conversation of whoever sits before the page.
async fn conversation(house: &House, page: &dyn Sight) -> ConversationId {
    visitor::conversation(house, &page.value(KEPT).await)
}

async fn act(house: &House, id: ConversationId, act: Act) {
    let runtime = &house.app.doors().runtime;
    let done = runtime.act(id, "Ana".into(), Role::Agent, act, None).await;
    let refused = matches!(
        done,
        Err(_) | Ok(segue::conversation::decision::Answer::Refused(_))
    );
    assert!(!refused, "{done:?}");
}

/// Whoever sits before the page asks for a person, and Ana takes it.
async fn with_ana(house: &House, page: &Page) -> ConversationId {
    page.click("#person").await;
    page.until("document.body.dataset.mode === 'waiting'").await;
    let id = conversation(house, page).await;
    act(house, id, Act::Claim { force: false }).await;
    page.reads("#who", "Ana").await;
    id
}

async fn reply(house: &House, id: ConversationId, text: &str) {
    let text = text.to_owned();
    act(house, id, Act::Reply { text, epoch: None }).await;
}

/// Waits until the reply of this text stands so.
async fn stands(house: &House, id: ConversationId, text: &str, state: MessageState) {
    let began = monotonic();
    loop {
        let trail = house.app.doors().runtime.trail(id, 0, 1_000).await;
        let (mut wrote, mut last) = (None, None);
        for entry in trail.expect("readable") {
            if let Fact::HumanWrote {
                effect, text: said, ..
            } = &entry.fact
                && said == text
            {
                wrote = Some(*effect);
            }
            if let Fact::Settled { effect, state, .. } = &entry.fact
                && wrote == Some(*effect)
            {
                last = Some(*state);
            }
        }
        if last == Some(state) {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{text} stands at {last:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Ana begins to write, as her page tells the API.
fn types(house: &House, id: ConversationId) {
    let agent = "Ana".to_owned();
    let hub = house.app.doors().runtime.hub();
    assert!(hub.publish(id, Live::Typing { agent }) > 0);
}

/// Waits until the conversation is in that mode.
async fn is(house: &House, id: ConversationId, mode: ModeName) {
    let began = monotonic();
    loop {
        let head = house.app.doors().runtime.read(id).await.expect("readable");
        if head.is_some_and(|head| head.mode().name() == mode) {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "it never became {mode:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A house with that configuration.
async fn open(config: &str) -> House {
    House::open(house::config(config)).await
}

/// Somewhere an expression has a value: a page, or a frame of one.
trait Sight {
    fn value<'a>(
        &'a self,
        expression: &'a str,
    ) -> std::pin::Pin<Box<dyn Future<Output = serde_json::Value> + Send + 'a>>;
}

impl Sight for Page {
    fn value<'a>(
        &'a self,
        expression: &'a str,
    ) -> std::pin::Pin<Box<dyn Future<Output = serde_json::Value> + Send + 'a>> {
        Box::pin(self.eval(expression))
    }
}

fn reads(selector: &str, text: &str) -> String {
    format!(
        "[...document.querySelectorAll({selector:?})].some((one) => one.innerText.includes({text:?}))"
    )
}

fn pictures() -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("pictures");
    std::fs::create_dir_all(&dir).expect("a folder under target");
    dir
}

fn no_faults(page: &Page) {
    let faults = page.faults();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_comes_in_pieces_and_a_person_is_promised_at_once() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = open("").await;
    let page = browser.page().await;
    page.before_all("Object.defineProperty(navigator, 'languages', {get: () => ['en-GB', 'en']})")
        .await;
    page.open(&house.url("/chat?lang=en")).await;
    page.reads("#empty", "AI assistant").await;
    // How the text of the answer grew.
    page.eval("window.grown = []; new MutationObserver(() => { const one = document.querySelector('.message.writing .text'); if (one) grown.push(one.textContent.length); }).observe(document.getElementById('log'), {childList: true, subtree: true, characterData: true})").await;
    writes(&page, "How long does shipping take?").await;
    page.reads(".message.you .text", "How long does shipping take?")
        .await;
    page.until("document.querySelector('.message.ai:not(.writing)')")
        .await;
    // The clock is the browser's where the language is, whichever the site asks for.
    page.until("/^\\d\\d:\\d\\d$/.test(document.querySelector('.message.ai time').textContent)")
        .await;
    let grown = page.eval("new Set(grown).size").await;
    assert!(grown.as_u64() >= Some(2), "in {grown} pieces");
    page.until("document.querySelector('.message.you').dataset.state === 'read'")
        .await;

    let began = monotonic();
    page.click("#person").await;
    page.until("!document.getElementById('line').hidden").await;
    let shown = began.elapsed();
    assert!(shown < Duration::from_secs(2), "{shown:?}");
    page.until("document.body.dataset.mode === 'waiting'").await;
    page.reads("#line", "Connecting you to a person").await;
    assert_eq!(
        page.eval("document.getElementById('person').getClientRects().length > 0")
            .await,
        true
    );
    page.reads(".message.system .text", "").await;

    let id = conversation(&house, &page).await;
    act(&house, id, Act::Claim { force: false }).await;
    page.reads("#who", "Ana").await;
    page.until("document.getElementById('line').hidden").await;
    types(&house, id);
    page.reads("#typing", "Ana").await;
    reply(&house, id, "Hello, this is Ana. How can I help?").await;
    page.reads(".message.human", "this is Ana").await;
    page.until("document.getElementById('typing').hidden").await;
    page.reads("#aloud", "Ana: Hello, this is Ana.").await;
    no_faults(&page);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_has_buttons_that_stand_until_they_are_answered() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = open("").await;
    let page = browser.page().await;
    page.open(&house.url("/chat?lang=en")).await;
    for asked in 1..=3 {
        writes(&page, "How long does shipping take?").await;
        page.until(&format!(
            "document.querySelectorAll('.message.ai:not(.writing), .message.system').length >= {asked}"
        ))
        .await;
    }
    page.until("document.querySelector('.choices button')")
        .await;
    page.picture(&pictures().join("offer.png")).await;
    // By the keyboard alone.
    page.eval("document.querySelector('.choices button').focus()")
        .await;
    page.press("Enter").await;
    page.until("document.body.dataset.mode === 'waiting'").await;
    page.until("!document.querySelector('.choices')").await;
    assert_eq!(page.eval("document.activeElement.id").await, "text");
    no_faults(&page);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_taken_by_what_they_hold_and_refused_with_a_reason() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = open("[channels.web]\nkind = \"webchat\"\nupload_mb = 1\n").await;
    let page = browser.page().await;
    page.open(&house.url("/chat?lang=en")).await;
    page.until("!document.getElementById('attach').disabled")
        .await;
    let folder = tempfile::tempdir().expect("a folder");
    let make = |name: &str, bytes: &[u8]| file(folder.path(), name, bytes);
    attach(&page, "#file", &make("gr\u{f6}\u{df}e.png", PNG)).await;
    page.until("document.querySelectorAll('.message.you .file').length === 1")
        .await;
    page.reads(".file", "gr\u{f6}\u{df}e.png").await;
    page.until("document.querySelector('.file img')?.naturalWidth > 0")
        .await;
    attach(
        &page,
        "#file",
        &make("page.png", b"<html><script>alert(1)</script>"),
    )
    .await;
    page.reads(".message.failed", "Files of this kind cannot be sent")
        .await;
    attach(&page, "#file", &make("long.txt", &[b'a'; 1024 * 1024 + 1])).await;
    page.reads(".message.failed", "Files may have 1 MB at most")
        .await;
    attach(&page, "#file", &make("notes.txt", "Größe 42\n".as_bytes())).await;
    page.reads(".file", "notes.txt").await;
    // After a reload both are there, and what was refused is not.
    page.open(&house.url("/chat?lang=en")).await;
    page.until("document.querySelectorAll('.file').length === 2")
        .await;
    assert_eq!(
        page.eval("document.querySelectorAll('.failed').length")
            .await,
        0
    );
    no_faults(&page);
    house.app.stop().await;
}
