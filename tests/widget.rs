//! The web chat in a real browser: the page, and the widget on a page of another origin, against a whole running Segue.
//!
//! Pictures of it are left in `target/pictures/`, for people to look at.

#![expect(
    clippy::too_many_lines,
    reason = "a test tells one story from beginning to end"
)]

mod browser;
#[path = "pages/files.rs"]
mod files;
#[path = "pages/house.rs"]
mod house;
#[path = "pages/timing.rs"]
mod timing;
#[path = "pages/visitor.rs"]
mod visitor;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::response::Html;
use browser::{Browser, PATIENCE, Page};
use files::{PNG, attach, file};
use house::House;
use segue::clock::monotonic;
use segue::conversation::event::Act;
use segue::conversation::words::{ModeName, Role};
use segue::ids::ConversationId;
use segue::runtime::Frame as Live;
use serde_json::json;
use visitor::{KEPT, writes};

/// What a page says that holds a chat and something to steal it with.
const SHOP: &str = "<!doctype html><meta name=viewport content='width=device-width'><title>Shop</title>\
    <body style='font:1rem system-ui;background:#faf6ef;margin:3rem'><h1>A shop</h1><p>With things to buy.</p>\
    <button id=before>Buy</button>";

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

async fn reply(house: &House, id: ConversationId, text: &str) {
    let text = text.to_owned();
    act(house, id, Act::Reply { text, epoch: None }).await;
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

/// One whose address is known before it opens.
async fn open_at(listen: SocketAddr, config: &str) -> House {
    let mut config = house::config(config);
    config.server.listen = listen;
    House::open(config).await
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

/// A frame of a page, which the page's own scripts cannot look into.
struct Frame<'p> {
    page: &'p Page,
    world: serde_json::Value,
}

impl<'p> Frame<'p> {
    /// The `n`th frame of the page that shows the chat.
    async fn of(page: &'p Page, n: usize) -> Self {
        let began = monotonic();
        loop {
            let tree = page.call("Page.getFrameTree", json!({})).await;
            let frames = tree["frameTree"]["childFrames"].as_array().cloned();
            let chats = frames.unwrap_or_default().into_iter().filter(|one| {
                let url = one["frame"]["url"].as_str();
                url.is_some_and(|url| url.contains("/chat/embed"))
            });
            if let Some(found) = chats.into_iter().nth(n) {
                let asked = json!({"frameId": found["frame"]["id"], "worldName": "test"});
                let world = page.call("Page.createIsolatedWorld", asked).await;
                let world = world["executionContextId"].clone();
                let frame = Self { page, world };
                frame.until("document.readyState === 'complete'").await;
                return frame;
            }
            assert!(began.elapsed() < PATIENCE, "no frame: {tree}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn eval(&self, expression: &str) -> serde_json::Value {
        let asked = json!({"expression": expression, "contextId": self.world, "returnByValue": true, "awaitPromise": true, "userGesture": true});
        let told = self.page.call("Runtime.evaluate", asked).await;
        assert!(
            told.get("exceptionDetails").is_none(),
            "{expression}: {}",
            told["exceptionDetails"]
        );
        told["result"]["value"].clone()
    }

    async fn until(&self, expression: &str) {
        let began = monotonic();
        while self.eval(&format!("Boolean({expression})")).await != true {
            if began.elapsed() > PATIENCE {
                let shown = self.eval("document.body.innerText").await;
                panic!("never came true: {expression}; shown: {shown}");
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    async fn reads(&self, selector: &str, text: &str) {
        self.until(&reads(selector, text)).await;
    }

    /// Writes as a person does who has the field before them.
    async fn writes(&self, text: &str) {
        self.eval("document.getElementById('text').focus()").await;
        self.page.types(text).await;
        self.eval("document.getElementById('send').click()").await;
    }
}

impl Sight for Frame<'_> {
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

/// Where nobody listens yet.
fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address")
}

/// A site of somebody else's, with `body` at its end. Returns its origin.
async fn site(body: impl Fn(&str) -> String + Send + Sync + 'static) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let origin = format!("http://{}", listener.local_addr().expect("an address"));
    let page = format!("{SHOP}{}", body(&origin));
    let routes = axum::Router::new().fallback(move || async move { Html(page) });
    tokio::spawn(async move { axum::serve(listener, routes).await });
    origin
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
    page.click("#person").await;
    page.until("document.body.dataset.mode === 'waiting'").await;
    let id = conversation(&house, &page).await;
    act(&house, id, Act::Claim { force: false }).await;
    page.reads("#who", "Ana").await;

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

#[tokio::test(flavor = "multi_thread")]
async fn nothing_anybody_writes_becomes_more_than_text() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = open("").await;
    let page = browser.page().await;
    page.open(&house.url("/chat?lang=en")).await;
    page.eval("window.stolen = 0; window.alert = () => { stolen += 1; }")
        .await;
    page.click("#person").await;
    page.until("document.body.dataset.mode === 'waiting'").await;
    let id = conversation(&house, &page).await;
    act(&house, id, Act::Claim { force: false }).await;
    let tries = [
        "<script>alert(1)</script><img src=x onerror=alert(1)>",
        "<a href=\"javascript:alert(1)\">click</a> javascript:alert(1) JAVASCRIPT:alert(1)",
        "data:text/html,<script>alert(1)</script> vbscript:x file:///etc/passwd",
        "https://bank.example@evil.example/ and http://user:pw@evil.example",
        "see https://good.example/a_(b)?x=1&y=<b>, or http://good.example.",
        "https://\u{430}pple.example/login",
        "pay \u{202e}gpj.exe\u{202c} and \u{2066}hidden\u{2069} and zero\u{200b}width",
        "{{constructor.constructor('alert(1)')()}} ${alert(1)} %3Cscript%3E",
        "\"><svg onload=alert(1)>'--><!--",
        "https://x.example/\"onmouseover=\"alert(1)",
    ];
    for text in tries {
        reply(&house, id, text).await;
        writes(&page, text).await;
    }
    page.until("document.querySelectorAll('.message.human').length === 10")
        .await;
    page.until("document.querySelectorAll('.message.you:not(.pending)').length === 11")
        .await;
    // All links are to http or https, without names before the host, and open apart.
    let links = page
        .eval("[...document.querySelectorAll('.message a')].map((one) => [one.getAttribute('href'), one.rel, one.target].join(' ')).sort().join('\\n')")
        .await;
    let links: Vec<&str> = links.as_str().expect("text").lines().collect();
    let rest = " noopener noreferrer nofollow ugc _blank";
    let mut expected = Vec::new();
    for href in [
        "http://good.example/",
        "https://good.example/a_(b)?x=1&y=",
        "https://x.example/",
        "https://xn--pple-43d.example/login",
    ] {
        expected.extend([format!("{href}{rest}"), format!("{href}{rest}")]);
    }
    assert_eq!(links, expected);
    let count = page
        .eval("document.querySelectorAll('#log script, #log img, #log svg, #log iframe, #log [onerror], #log [onload], #log [style]').length")
        .await;
    assert_eq!(count, 0);
    let text = page
        .eval("document.getElementById('log').textContent")
        .await;
    let text = text.as_str().expect("text");
    assert!(text.contains("<script>alert(1)</script>"), "{text}");
    assert!(text.contains("xn--pple-43d.example"), "shown as what it is");
    for hidden in ['\u{202e}', '\u{202c}', '\u{2066}', '\u{2069}', '\u{200b}'] {
        assert!(!text.contains(hidden), "{hidden:?}");
    }
    assert_eq!(page.eval("stolen").await, 0);
    // Were there a hole, the page's own rules would still stand before it.
    let barred = "(() => { try { document.body.innerHTML = '<b>x</b>'; return 'set'; } catch { return 'barred'; } })()";
    assert_eq!(page.eval(barred).await, "barred");
    assert_eq!(
        page.eval("document.documentElement.scrollWidth <= innerWidth")
            .await,
        true
    );
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_text_comes_only_links_to_the_web_are_made_of_it() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = open("").await;
    let page = browser.page().await;
    page.open(&house.url("/chat?lang=en")).await;
    // Random texts out of what is dangerous: nothing but text and links to http and https may come of any.
    let script = r#"(async () => {
        const { fill } = await import(document.querySelector('link[href*="text.js"]').href);
        const bits = ['http://', 'https://', 'HTTPS://', 'javascript:', 'data:text/html,', '<img src=x onerror=a()>', '<a href="', '">', "'", '"', '&lt;', '&#x3c;', '@', ':', '/', '//',
            '\\', '(', ')', '.', ',', 'a.example', '127.0.0.1', '[::1]', '%00', '%0d%0a', '\u0000', '\u0007', '\n', '\t', ' ', '\u202e', '\u2066', '\u2069', '\u200b', '\u200f', '\ufeff', 'é', '学', '🙂', '\ud800', 'x'.repeat(50)];
        let seed = 4711;
        const random = (n) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
        const faults = [];
        let links = 0;
        for (let round = 0; round < 20000; round += 1) {
            const text = Array.from({ length: 1 + random(9) }, () => bits[random(bits.length)]).join('');
            const box = document.createElement('p');
            fill(box, text);
            if (/[\u0000-\u0008\u202a-\u202e\u2066-\u2069\u200b]/.test(box.textContent)) faults.push(['unseen', text]);
            for (const one of box.querySelectorAll('*')) {
                links += 1;
                const ok = one.tagName === 'A' && /^https?:\/\/[^@]+$/.test(one.origin) && !one.username && !one.password
                    && one.getAttributeNames().sort().join() === 'dir,href,rel,target' && /\bnoopener\b/.test(one.rel)
                    && new URL(one.textContent).href === one.href;
                if (!ok) faults.push([one.outerHTML, text]);
            }
        }
        return links > 100 ? JSON.stringify(faults.slice(0, 5)) : `only ${links} links`;
    })()"#;
    assert_eq!(page.eval(script).await, "[]");
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_colour_a_site_asks_for_can_be_read() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = open("").await;
    let page = browser.page().await;
    page.open(&house.url("/chat?lang=en")).await;
    let script = r##"(async () => {
        const { palette, contrast } = await import(document.querySelector('link[href*="theme.js"]').href);
        const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
        const faults = [];
        for (let colour = 0; colour < 4096; colour += 1) {
            const hex = '#' + [...colour.toString(16).padStart(3, '0')].map((digit) => digit + digit).join('');
            const { brand, ink, light, dark } = palette(hex);
            const pairs = { ink: [brand, ink], light: [light, '#ffffff'], lightPerson: [light, '#e2f4e6'], dark: [dark, '#22272e'], darkPerson: [dark, '#1d3a27'] };
            for (const [name, [one, other]] of Object.entries(pairs)) if (contrast(rgb(one), rgb(other)) < 4.5) faults.push([hex, name]);
        }
        for (const wrong of ['', 'red', '#12', '#1234567', '#zzzzzz', null, 'url(x)']) if (palette(wrong)) faults.push(wrong);
        return JSON.stringify(faults.slice(0, 5));
    })()"##;
    assert_eq!(page.eval(script).await, "[]");
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

/// A day, in milliseconds: at midnight this measures nothing.
const DAY: i64 = 24 * 60 * 60 * 1_000;

/// How long it takes from a person's reply, which is stored on the way, to the customer's screen.
#[tokio::test(flavor = "multi_thread")]
async fn a_persons_reply_is_on_the_customers_screen_at_once() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = open("").await;
    let page = browser.page().await;
    page.open(&house.url("/chat?lang=en")).await;
    page.click("#person").await;
    page.until("document.body.dataset.mode === 'waiting'").await;
    let id = conversation(&house, &page).await;
    act(&house, id, Act::Claim { force: false }).await;
    page.reads("#who", "Ana").await;
    page.eval("window.seen = {}; new MutationObserver(() => { for (const one of document.querySelectorAll('.message.human .text')) seen[one.textContent] ??= (performance.timeOrigin + performance.now()) % 86400000; }).observe(document.getElementById('log'), {childList: true, subtree: true})").await;
    let mut took = Vec::new();
    for n in 0..100 {
        let text = format!("reply {n}");
        let said = house.app.doors().runtime.now().as_millis();
        reply(&house, id, &text).await;
        page.until(&format!("seen['{text}']")).await;
        let seen = page.eval(&format!("seen['{text}']")).await;
        took.push(
            seen.as_f64().expect("a time") - f64::from(i32::try_from(said % DAY).expect("a day")),
        );
    }
    took.sort_by(f64::total_cmp);
    // Seen with `--success-output final`; the bound is for a machine that does much else.
    let (median, p99) = (took[50], took[98]);
    writeln!(
        std::io::stderr(),
        "reply to screen: median {median:.0} ms, p99 {p99:.0} ms"
    )
    .expect("open");
    assert!(median < 500.0, "the median of a hundred: {median} ms");
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_light_soon_there_and_never_in_the_way() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = open("").await;
    let page = browser.page().await;
    timing::watch_for(&page, "#person-text:not(:empty)").await;
    page.open(&house.url("/chat?lang=en")).await;
    let first = timing::first_seen(&page).await;
    let weight = timing::weight(&page).await;
    page.until("!document.getElementById('attach').disabled")
        .await;
    let step = "const field = document.getElementById('text'); field.value += 'x'; field.dispatchEvent(new Event('input'))";
    let letters = timing::steps(&page, 40, step).await;
    let (p50, p95) = (timing::at(&letters, 50), timing::at(&letters, 95));
    writeln!(
        std::io::stderr(),
        "{weight} bytes; first view {first:.0} ms; a letter p50 {p50:.0} p95 {p95:.0} ms"
    )
    .expect("open");
    assert!(weight < timing::WEIGHT_MAX, "{weight} bytes");
    // Some times what a person is promised: other tests share the machine.
    assert!(first < 3_000.0, "{first}");
    assert!(p50 < 200.0, "{letters:?}");
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_thread_is_there_soon_and_ends_at_its_end() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = open("").await;
    let page = browser.page().await;
    page.open(&house.url("/chat?lang=en")).await;
    page.click("#person").await;
    page.until("document.body.dataset.mode === 'waiting'").await;
    let id = conversation(&house, &page).await;
    act(&house, id, Act::Claim { force: false }).await;
    for n in 0..600 {
        reply(
            &house,
            id,
            &format!("Line {n} of a talk that goes on and on."),
        )
        .await;
    }
    page.reads(".message.human", "Line 599 ").await;
    let began = monotonic();
    page.open(&house.url("/chat?lang=en")).await;
    page.until("document.querySelectorAll('.message.human').length === 600")
        .await;
    let took = began.elapsed();
    page.until("(() => { const log = document.getElementById('log'); return log.scrollHeight - log.scrollTop - log.clientHeight < 5; })()")
        .await;
    writeln!(
        std::io::stderr(),
        "600 turns are shown after {} ms",
        took.as_millis()
    )
    .expect("open");
    assert!(took < Duration::from_secs(10), "{took:?}");
    // Whoever reads further up is left alone, and told that something came.
    page.eval("document.getElementById('log').scrollTop = 0")
        .await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    reply(&house, id, "And one more").await;
    page.until("!document.getElementById('newer').hidden").await;
    assert_eq!(
        page.eval("document.getElementById('log').scrollTop").await,
        0
    );
    page.click("#newer").await;
    page.until("document.getElementById('newer').hidden").await;
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

#[tokio::test(flavor = "multi_thread")]
async fn the_widget_on_another_site_keeps_its_thread_and_its_secrets() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let ours = free_address();
    let tag = format!(
        "<script src='http://{ours}/chat/widget.js' data-channel=web data-color='#7a1fa2' data-language=en data-title='Help' async></script>"
    );
    let shop = site(move |_| tag.clone()).await;
    let config = format!("[channels.web]\nkind = \"webchat\"\nallowed_origins = [\"{shop}\"]\n");
    let house = open_at(ours, &config).await;

    let page = browser.page().await;
    page.open(&shop).await;
    page.until("window.segueChat").await;
    let frames = "document.querySelectorAll('iframe').length + frames.length";
    assert_eq!(
        page.eval(frames).await,
        0,
        "no frame before it is asked for"
    );
    page.eval("document.getElementById('before').focus()").await;
    page.picture(&pictures().join("launcher.png")).await;
    page.eval("segueChat.open()").await;
    let chat = Frame::of(&page, 0).await;
    chat.until("document.activeElement?.id === 'text'").await;
    chat.reads("#title", "Help").await;
    assert_eq!(
        chat.eval("getComputedStyle(document.querySelector('header')).backgroundColor")
            .await,
        "rgb(122, 31, 162)"
    );
    chat.writes("How long does shipping take?").await;
    chat.until("document.querySelector('.message.ai:not(.writing)')")
        .await;
    let id = conversation(&house, &chat).await;

    // The site's scripts have neither the frame nor what it keeps.
    let reached = "frames.length + document.querySelectorAll('iframe').length + [...document.querySelectorAll('div')].filter((one) => one.shadowRoot).length";
    assert_eq!(page.eval(reached).await, 0);
    let kept = page
        .eval("JSON.stringify([{...localStorage}, {...sessionStorage}])")
        .await;
    let secret = chat
        .eval("JSON.parse(localStorage.getItem('segue.chat.web'))")
        .await;
    let secret = secret.as_str().expect("a secret");
    assert!(!kept.as_str().expect("text").contains(secret), "{kept}");
    // Nor does a forged word close it.
    page.eval("window.postMessage({segue: 'close'}, '*')").await;
    let open = "sessionStorage.getItem('segue.chat.open.web')";
    assert_eq!(page.eval(open).await, "1");

    // Escape goes back to where one was; Tab stays inside.
    chat.eval("document.getElementById('text').focus()").await;
    for _ in 0..12 {
        page.press("Tab").await;
    }
    assert_eq!(chat.eval("document.hasFocus()").await, true);
    page.press("Escape").await;
    page.until("document.activeElement && document.activeElement !== document.body && document.activeElement.tagName === 'DIV'")
        .await;

    // Shut, it counts what comes; opened, the count is gone.
    act(&house, id, Act::Escalate { queue: None }).await;
    chat.until("document.body.dataset.mode === 'waiting'").await;
    act(&house, id, Act::Claim { force: false }).await;
    reply(&house, id, "Here is Ana").await;
    chat.reads(".message.human", "Here is Ana").await;

    // On the next page of the site it is the same thread, and it is open again where it was open.
    page.eval("segueChat.open()").await;
    page.open(&format!("{shop}/next")).await;
    let chat = Frame::of(&page, 0).await;
    chat.reads(".message.human", "Here is Ana").await;
    assert_eq!(conversation(&house, &chat).await, id);
    page.picture(&pictures().join("widget.png")).await;
    no_faults(&page);

    // A site that is not named gets no chat in a frame, but a way to it.
    let thief = site(move |_| {
        format!("<script src='http://{ours}/chat/widget.js' data-language=en></script>")
    })
    .await;
    let other = browser.page().await;
    other.open(&thief).await;
    other.eval("segueChat.open()").await;
    let began = monotonic();
    loop {
        let asked = json!({"depth": -1, "pierce": true});
        let whole = other.call("DOM.getDocument", asked).await.to_string();
        if whole.contains("Open it in a window of its own") {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{whole}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_become_one_visitor_and_show_the_same() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let ours = free_address();
    // Two frames of one page are what two tabs are: two documents with one storage. Neither knows of the other.
    let two = move |shop: &str| {
        let frame = format!(
            "<iframe width=380 height=560 src='http://{ours}/chat/embed?channel=web&lang=en&origin={shop}'></iframe>"
        );
        format!("{frame}{frame}")
    };
    let shop = site(two).await;
    let config = format!("[channels.web]\nkind = \"webchat\"\nallowed_origins = [\"{shop}\"]\n");
    let house = open_at(ours, &config).await;
    let page = browser.page().await;
    page.open(&shop).await;
    let (one, two) = (Frame::of(&page, 0).await, Frame::of(&page, 1).await);
    for tab in [&one, &two] {
        tab.until(
            "localStorage.getItem('segue.chat.web') && !document.getElementById('attach').disabled",
        )
        .await;
    }
    one.writes("How long does shipping take?").await;
    for tab in [&one, &two] {
        tab.until("document.querySelector('.message.ai:not(.writing)')")
            .await;
    }
    two.writes("thank you").await;
    for tab in [&one, &two] {
        tab.until("document.querySelectorAll('.message.you:not(.pending)').length === 2")
            .await;
    }
    let shown =
        "[...document.querySelectorAll('.message .text')].map((one) => one.innerText).join('|')";
    let both = async || one.eval(shown).await == two.eval(shown).await;
    let began = monotonic();
    while !both().await {
        assert!(
            began.elapsed() < PATIENCE,
            "{} / {}",
            one.eval(shown).await,
            two.eval(shown).await
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    no_faults(&page);
    house.app.stop().await;
}

/// What on the page cannot be read (WCAG 2.2, 1.4.3: a contrast of 4.5 to 1), and which controls have no name or are
/// too small for a finger (2.5.8: 24 by 24).
const HARD_TO_READ: &str = r"(() => {
    const parse = (text) => text.match(/[\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map((part) => (part /= 255) <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
        .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
    const back = (one) => {
        for (; one; one = one.parentElement) {
            const colour = parse(getComputedStyle(one).backgroundColor);
            if (colour.length < 4 || colour[3] === 1) return colour;
        }
        return [255, 255, 255];
    };
    const faults = [];
    for (const one of document.querySelectorAll('body *')) {
        const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
        if (!own || !one.getClientRects().length || one.closest('#aloud, .quiet, #label, #send-text, noscript')) continue;
        const [a, b] = [light(parse(getComputedStyle(one).color)), light(back(one))].sort((x, y) => x - y);
        const ratio = (b + 0.05) / (a + 0.05);
        if (ratio < 4.5) faults.push(`${one.tagName}.${one.className}#${one.id} ${ratio.toFixed(2)}: ${one.textContent.slice(0, 20)}`);
    }
    for (const one of document.querySelectorAll('button, textarea')) {
        const box = one.getBoundingClientRect();
        if (!box.width) continue;
        if (Math.min(box.width, box.height) < 24) faults.push(`${one.id} is ${box.width} by ${box.height}`);
        if (!(one.innerText.trim() || one.getAttribute('aria-label') || one.labels?.[0]?.textContent)) faults.push(`${one.id} has no name`);
    }
    return faults.join('\n');
})()";

#[tokio::test(flavor = "multi_thread")]
async fn it_looks_well_on_a_desk_and_in_a_hand_by_day_and_by_night() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let calendar = "[channels.web]\nkind = \"webchat\"\n[queues.support]\ntell_position = true\n";
    let house = open(calendar).await;
    let page = browser.page().await;
    page.open(&house.url("/chat?lang=en")).await;
    writes(
        &page,
        "Hi! How long does shipping take, and what does it cost?",
    )
    .await;
    page.until("document.querySelector('.message.ai:not(.writing)')")
        .await;
    page.click("#person").await;
    page.until("document.body.dataset.mode === 'waiting'").await;
    let id = conversation(&house, &page).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    for (name, width, height, phone) in [("desk", 1100, 760, false), ("phone", 390, 780, true)] {
        page.size(width, height, phone).await;
        for (light, dark) in [("day", false), ("night", true)] {
            page.dark(dark).await;
            tokio::time::sleep(Duration::from_millis(200)).await;
            page.picture(&pictures().join(format!("waiting-{name}-{light}.png")))
                .await;
            assert_eq!(page.eval(HARD_TO_READ).await, "", "{name} by {light}");
            assert_eq!(
                page.eval("document.documentElement.scrollWidth <= innerWidth")
                    .await,
                true
            );
        }
    }
    act(&house, id, Act::Claim { force: false }).await;
    reply(
        &house,
        id,
        "Hello, I am Ana. Orders above 50 € ship free: https://shop.example/shipping",
    )
    .await;
    page.reads(".message.human", "I am Ana").await;
    writes(
        &page,
        "\u{645}\u{631}\u{62d}\u{628}\u{627} world, thanks! \u{1f642}",
    )
    .await;
    writes(&page, &"averyveryverylongword".repeat(9)).await;
    types(&house, id);
    page.reads("#typing", "Ana").await;
    page.until("document.querySelectorAll('.pending').length === 0")
        .await;
    for (light, dark) in [("day", false), ("night", true)] {
        page.dark(dark).await;
        page.picture(&pictures().join(format!("human-phone-{light}.png")))
            .await;
        assert_eq!(page.eval(HARD_TO_READ).await, "", "by {light}");
    }
    // The smallest telephones, and the keyboard that leaves half of them.
    page.size(320, 300, true).await;
    page.until("document.getElementById('text').getBoundingClientRect().bottom <= innerHeight")
        .await;
    page.picture(&pictures().join("small.png")).await;
    assert_eq!(
        page.eval("document.documentElement.scrollWidth <= innerWidth")
            .await,
        true
    );
    no_faults(&page);
    house.app.stop().await;
}
