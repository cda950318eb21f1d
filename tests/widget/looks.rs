//! How it looks: by day and by night, on a desk and in a hand, and whether it can be read and touched.

use std::time::Duration;

use segue::conversation::event::Act;

use crate::browser::Browser;
use crate::visitor::writes;
use crate::{act, conversation, no_faults, open, pictures, reply, types};

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
