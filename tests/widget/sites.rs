//! The widget in a frame on a page of another origin.

use std::net::SocketAddr;
use std::time::Duration;

use axum::response::Html;
use segue::clock::monotonic;
use segue::conversation::event::Act;
use segue::conversation::words::MessageState;
use serde_json::json;

use crate::browser::{Browser, PATIENCE, Page};
use crate::house::House;
use crate::{Sight, act, conversation, house, no_faults, pictures, reads, reply, stands};

/// What a page says that holds a chat and something to steal it with.
const SHOP: &str = "<!doctype html><meta name=viewport content='width=device-width'><title>Shop</title>\
    <body style='font:1rem system-ui;background:#faf6ef;margin:3rem'><h1>A shop</h1><p>With things to buy.</p>\
    <button id=before>Buy</button>";

/// One whose address is known before it opens.
async fn open_at(listen: SocketAddr, config: &str) -> House {
    let mut config = house::config(config);
    config.server.listen = listen;
    House::open(config).await
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
    // It is there, and nobody has seen it.
    stands(&house, id, "Here is Ana", MessageState::Delivered).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    stands(&house, id, "Here is Ana", MessageState::Delivered).await;

    // On the next page of the site it is the same thread, and it is open again where it was open.
    page.eval("segueChat.open()").await;
    page.open(&format!("{shop}/next")).await;
    let chat = Frame::of(&page, 0).await;
    chat.reads(".message.human", "Here is Ana").await;
    assert_eq!(conversation(&house, &chat).await, id);
    stands(&house, id, "Here is Ana", MessageState::Read).await;
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
