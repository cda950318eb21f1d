//! The inbox at its edges: everything that opens over the page, whatever customers call themselves, two tabs, double
//! clicks, a session that ends, an observer.

use std::path::{Path, PathBuf};
use std::time::Duration;

use segue::conversation::event::{Act, Edit};
use segue::conversation::trail::Fact;
use segue::conversation::words::Role;
use segue::ids::ConversationId;
use serde_json::json;

use crate::audit::AUDIT;
use crate::browser::{Browser, Page};
use crate::customers::{FOR_A_PERSON, write_as};
use crate::house::{self, House};
use crate::no_faults;
use crate::staff::{claims, person, replies, row, says, sign_in, sign_in_again};

async fn asks(house: &House, from: &str) -> ConversationId {
    write_as(&house.app, from, None, FOR_A_PERSON).await
}

async fn act(house: &House, id: ConversationId, who: &str, act: Act) {
    let runtime = &house.app.doors().runtime;
    let done = runtime.act(id, who.into(), Role::Lead, act, None).await;
    assert!(done.is_ok(), "{done:?}");
}

/// How many entries of a trail are like that.
async fn facts(house: &House, id: ConversationId, like: impl Fn(&Fact) -> bool) -> usize {
    let trail = house.app.doors().runtime.trail(id, 0, 5_000).await;
    let trail = trail.expect("readable");
    trail.iter().filter(|entry| like(&entry.fact)).count()
}

fn pictures() -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("pictures");
    std::fs::create_dir_all(&dir).expect("a folder under target");
    dir
}

/// Nothing on the page is too pale, without a name or wider than the window.
async fn can_be_read(page: &Page, what: &str) {
    tokio::time::sleep(Duration::from_millis(120)).await;
    page.picture(&pictures().join(format!("edge-{what}.png")))
        .await;
    assert_eq!(page.eval(AUDIT).await, json!([]), "{what}");
}

/// Texts that break pages.
const NAMES: [&str; 5] = [
    "\u{202e}nimda\u{202c} \u{2066}hidden",
    "DonaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaftDonaudampfschifffahrt",
    "سارة حداد <b>x</b> (Admin)",
    "👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦🏳️‍🌈🏴󠁧󠁢󠁳󠁣󠁴󠁿 Z͑ͫa̴l̵g̷o̸",
    "<script>window.hacked=1</script>\"'><img src=x onerror=window.hacked=1>",
];

#[tokio::test(flavor = "multi_thread")]
async fn whatever_customers_call_themselves_stays_in_its_place() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = House::open(house::config("")).await;
    let mut ids = Vec::new();
    for (n, name) in NAMES.iter().enumerate() {
        let from = format!("{name}{n}");
        ids.push(write_as(&house.app, &from, Some(name), FOR_A_PERSON).await);
        let long = format!("{name}{}", "w".repeat(600));
        write_as(&house.app, &from, Some(name), &long).await;
    }
    let page = browser.page().await;
    sign_in(&house, &page, &person(&house, "Ana", Role::Lead)).await;
    for (n, id) in ids.iter().enumerate() {
        let name = NAMES[n];
        let edit = Edit {
            tags: Some(vec![name.chars().take(60).collect(), "vip".into()]),
            attributes: vec![("order".into(), Some(name.repeat(2)))],
            ..Edit::default()
        };
        act(&house, *id, "Ana", Act::Edit(edit)).await;
        let note = Act::Note {
            text: format!("@Ana {name}{name}"),
        };
        act(&house, *id, "Ana", note).await;
    }
    claims(&page, ids[2]).await;
    says(&page, NAMES[4]).await;
    page.reads(".turn.human:not(.unsent)", "<script>").await;
    // Right-to-left words run from the right, wherever they stand, and turn nothing else around.
    let arabic = "[...document.querySelectorAll('.turn.customer .text')].some((one) => one.innerText.startsWith('سارة') && getComputedStyle(one).direction === 'rtl')";
    page.until(arabic).await;
    assert_eq!(
        page.eval("getComputedStyle(document.body).direction").await,
        "ltr"
    );
    // Of a name that does not fit, its beginning is seen.
    page.eval("void document.querySelectorAll('.tabs.lists button')[1].click()")
        .await;
    for selector in ["#customer", "#list .row .who"] {
        page.until(&format!("[...document.querySelectorAll({selector:?})].some((one) => one.innerText.startsWith('سارة') && getComputedStyle(one).direction === 'rtl')"))
            .await;
    }
    for (size, width, phone) in [("desk", 1360, false), ("phone", 360, true)] {
        page.size(width, 800, phone).await;
        for (n, id) in ids.iter().enumerate() {
            page.eval(&format!("void (location.hash = '#/c/{id}')"))
                .await;
            page.until("document.querySelectorAll('.turn.customer').length >= 2 && document.querySelector('.note')")
                .await;
            can_be_read(&page, &format!("name-{n}-{size}")).await;
            page.eval("document.activeElement.blur()").await;
            page.press("i").await;
            page.until("document.querySelector('.taglist')").await;
            turns_nothing(&page).await;
            can_be_read(&page, &format!("side-{n}-{size}")).await;
            page.eval("document.activeElement.blur()").await;
            page.press("Escape").await;
        }
        page.eval("void (location.hash = '#/waiting')").await;
        page.until("document.querySelector('.row')").await;
        can_be_read(&page, &format!("names-{size}")).await;
    }
    assert!(page.eval("window.hacked").await.is_null());
    no_faults(&page);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_window_that_opens_can_be_read() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = House::open(house::config("")).await;
    let id = asks(&house, "visitor-1").await;
    let others = asks(&house, "visitor-2").await;
    let page = browser.page().await;
    sign_in(&house, &page, &person(&house, "Ana", Role::Lead)).await;
    person(&house, "Bob", Role::Lead);
    act(&house, others, "Bob", Act::Claim { force: false }).await;
    claims(&page, id).await;
    let desk = house.app.doors().desk.clone();
    let canned = desk.canned();
    let one = segue::desk::canned::Canned {
        id: 0,
        name: "hello".into(),
        text: "Hello {name}, this is {agent}.".into(),
        language: None,
    };
    canned.add(one).expect("added");
    page.open(&house.url("/inbox")).await;
    page.until("!document.getElementById('app').hidden").await;
    for (size, width, phone) in [("desk", 1360, false), ("phone", 390, true)] {
        page.size(width, 844, phone).await;
        for dark in [false, true] {
            page.dark(dark).await;
            let colours = if dark { "dark" } else { "light" };
            let of = |what: &str| format!("{what}-{size}-{colours}");
            page.eval(&format!("void (location.hash = '#/c/{id}')"))
                .await;
            // On a desk the cursor goes where the reply is written; a key that is pressed before would be a letter there.
            let there = match phone {
                true => "document.querySelector('.composer:not([hidden])')",
                false => "document.activeElement?.id === 'text'",
            };
            page.until(there).await;
            for (key, what) in [
                ("b", "hand-back"),
                ("e", "resolve"),
                ("t", "transfer"),
                ("z", "snooze"),
                ("l", "tag"),
                ("?", "keys"),
            ] {
                page.eval("document.activeElement.blur()").await;
                page.press(key).await;
                page.until("document.querySelector('dialog[open]')").await;
                can_be_read(&page, &of(what)).await;
                page.press("Escape").await;
                page.until("!document.querySelector('dialog')").await;
            }
            // The menus.
            for (selector, what) in [
                (".thread-head [aria-haspopup=menu]", "more"),
                (".presence-button", "presence"),
            ] {
                page.eval(&format!("document.querySelector({selector:?}).click()"))
                    .await;
                page.until("document.querySelector('.menu')").await;
                can_be_read(&page, &of(what)).await;
                page.press("Escape").await;
                page.until("!document.querySelector('.menu')").await;
            }
            // Canned replies, over the field.
            page.eval("document.getElementById('tab-reply').click(); document.getElementById('text').focus()")
                .await;
            page.types("/hel").await;
            page.reads(".popup", "/hello").await;
            can_be_read(&page, &of("canned")).await;
            page.press("Escape").await;
            page.eval("document.getElementById('text').value = ''; document.getElementById('text').dispatchEvent(new Event('input'))")
                .await;
            // Taking it from somebody.
            page.eval(&format!("void (location.hash = '#/c/{others}')"))
                .await;
            page.reads(".composer .state", "Bob has this conversation")
                .await;
            page.click(".composer .state button").await;
            page.reads("dialog", "Bob has it now").await;
            can_be_read(&page, &of("take-from")).await;
            page.press("Escape").await;
            // A lead's rooms: of two that are asked for at once the last is shown.
            page.eval("void (location.hash = '#/lead')").await;
            for n in 0..4 {
                page.until("document.querySelectorAll('.lead .tabs button').length === 4")
                    .await;
                page.eval(&format!(
                    "for (const at of [(1 + {n}) % 4, {n}]) document.querySelectorAll('.lead .tabs button')[at].click()"
                ))
                .await;
                page.until(
                    "document.querySelector('.lead-body')?.firstChild && !document.querySelector('.lead-body .nothing')?.innerText.includes('Loading')",
                )
                .await;
                can_be_read(&page, &of(&format!("lead-{n}"))).await;
            }
            // Who came in stands in the last of them.
            page.reads(".lead-body tbody", "signed in").await;
        }
    }
    no_faults(&page);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pressed_twice_is_done_once() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = House::open(house::config("")).await;
    let id = asks(&house, "visitor-1").await;
    let page = browser.page().await;
    sign_in(&house, &page, &person(&house, "Ana", Role::Agent)).await;
    page.click(&row(id)).await;
    page.until("document.querySelector('.acts .primary')").await;
    page.eval("(() => { const one = document.querySelector('.acts .primary'); one.click(); one.click(); one.click(); })()")
        .await;
    page.until("document.activeElement?.id === 'text'").await;
    page.types("only once").await;
    page.eval("(() => { const form = document.querySelector('.composer'); form.requestSubmit(); form.requestSubmit(); })()")
        .await;
    page.press("Enter").await;
    page.reads(".turn.human:not(.unsent)", "only once").await;
    page.eval("document.activeElement.blur()").await;
    page.press("b").await;
    page.press("b").await;
    page.until("document.activeElement?.id === 'ask-note'")
        .await;
    assert_eq!(
        page.eval("document.querySelectorAll('dialog').length")
            .await,
        1
    );
    page.eval("document.getElementById('ask-note').value = 'done'")
        .await;
    page.eval("(() => { const one = document.querySelector('dialog .primary'); one.click(); one.click(); })()")
        .await;
    page.reads(".thread-head", "With the AI").await;
    assert_eq!(replies(&house, id).await, ["only once"]);
    let claimed = facts(&house, id, |fact| matches!(fact, Fact::Claimed { .. })).await;
    let back = facts(&house, id, |fact| matches!(fact, Fact::HandedBack { .. })).await;
    assert_eq!((claimed, back), (1, 1));
    assert_eq!(
        page.eval("document.querySelectorAll('.toast.warn').length")
            .await,
        0,
        "nor is anybody told that something went wrong"
    );
    no_faults(&page);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_show_the_same_and_end_together_and_the_next_person_finds_nothing() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = House::open(house::config("")).await;
    let id = asks(&house, "visitor-1").await;
    let (ana, ben) = (
        person(&house, "Ana", Role::Agent),
        person(&house, "Ben", Role::Agent),
    );
    let one = browser.page().await;
    sign_in(&house, &one, &ana).await;
    claims(&one, id).await;
    let two = browser.tab(Some(&one)).await;
    two.open(&house.url(&format!("/inbox#/c/{id}"))).await;
    two.until("!document.getElementById('app').hidden").await;
    two.reads(".thread-head", "You have it since").await;
    says(&one, "from the first tab").await;
    two.reads(".turn.human:not(.unsent)", "from the first tab")
        .await;
    two.until("document.getElementById('tab-reply').disabled === false")
        .await;
    two.eval(
        "document.getElementById('tab-reply').click(); document.getElementById('text').focus()",
    )
    .await;
    says(&two, "from the second tab").await;
    one.reads(".turn.human:not(.unsent)", "from the second tab")
        .await;
    assert_eq!(
        replies(&house, id).await,
        ["from the first tab", "from the second tab"]
    );
    // Something secret is begun in the second; the session ends in the first.
    two.types("half a secret").await;
    one.eval("document.querySelector('[aria-label=Menu]').click()")
        .await;
    one.until("document.querySelector('.menu')").await;
    one.eval("[...document.querySelectorAll('.menu button')].find((one) => one.innerText.includes('Sign out')).click()")
        .await;
    one.reads("#signin", "You are signed out").await;
    two.reads("#signin", "Your session is over").await;
    two.until("document.getElementById('app').hidden").await;
    // Whoever signs in here next finds nothing of it.
    sign_in_again(&two, &ben).await;
    two.eval(&format!("void (location.hash = '#/c/{id}')"))
        .await;
    two.reads(".composer .state", "Ana has this conversation")
        .await;
    assert_eq!(two.eval("document.getElementById('text').value").await, "");
    let kept = two.eval("JSON.stringify({...localStorage})").await;
    assert!(
        !kept.as_str().expect("text").contains("half a secret"),
        "{kept}"
    );
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_sent_away_in_the_middle_keeps_what_was_written_and_sends_nothing() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = House::open(house::config("")).await;
    let id = asks(&house, "visitor-1").await;
    let token = person(&house, "Ana", Role::Agent);
    let page = browser.page().await;
    sign_in(&house, &page, &token).await;
    claims(&page, id).await;
    // The session ends on the server, as it does after its time.
    page.call("Network.clearBrowserCookies", json!({})).await;
    says(&page, "too late for this session").await;
    page.reads("#signin", "Your session is over").await;
    assert!(replies(&house, id).await.is_empty());
    for wrong in ["sgt_wrong", "<script>"] {
        page.eval("document.getElementById('token').value = ''")
            .await;
        page.types(wrong).await;
        page.press("Enter").await;
        page.reads("#signin-said", "This token is unknown").await;
    }
    page.eval(
        "document.getElementById('token').value = ''; document.getElementById('token').focus()",
    )
    .await;
    sign_in_again(&page, &token).await;
    page.until("document.getElementById('text').value === 'too late for this session'")
        .await;
    page.until("document.activeElement?.id === 'text'").await;
    page.press("Enter").await;
    page.reads(".turn.human:not(.unsent)", "too late for this session")
        .await;
    assert_eq!(replies(&house, id).await, ["too late for this session"]);
    // And for good: whoever is revoked is out, and what they had waits for others.
    let people = house.app.doors().desk.people();
    people.revoke(&"Ana".into()).expect("revoked");
    page.types("after the end").await;
    page.press("Enter").await;
    page.reads("#signin", "Your session is over").await;
    assert_eq!(replies(&house, id).await.len(), 1);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observer_watches_and_no_key_does_anything() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = House::open(house::config("")).await;
    let id = asks(&house, "visitor-1").await;
    let page = browser.page().await;
    sign_in(&house, &page, &person(&house, "Olga", Role::Observer)).await;
    page.click(&row(id)).await;
    page.reads(".thread-head", "You watch").await;
    page.reads(".turn.customer .text", FOR_A_PERSON).await;
    page.press("Escape").await;
    for key in ["c", "r", "n", "b", "e", "t", "z", "y", "w", "l", "a", "u"] {
        page.press(key).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(
        page.eval("document.querySelectorAll('dialog, .composer:not([hidden])').length")
            .await,
        0
    );
    assert_eq!(
        page.eval("document.querySelectorAll('.toast').length")
            .await,
        0
    );
    // It is live for them, and their looking is nobody's reading.
    write_as(&house.app, "visitor-1", None, "are you there?").await;
    page.reads(".turn.customer .text", "are you there?").await;
    let head = house.app.doors().runtime.read(id).await.expect("readable");
    let head = head.expect("there");
    assert_eq!(head.common().unread, 2);
    assert_eq!(
        facts(&house, id, |fact| matches!(fact, Fact::Claimed { .. })).await,
        0
    );
    page.picture(&pictures().join("edge-observer.png")).await;
    no_faults(&page);
    house.app.stop().await;
}

/// Nothing on the page, in its title or behind its elements turns round what stands behind it.
async fn turns_nothing(page: &Page) {
    let found = page
        .eval(
            "(() => { const turns = (text) => /[\\u202a-\\u202e\\u2066-\\u2069]/.test(text || ''); \
             const said = [...document.querySelectorAll('*')].flatMap((one) => [...one.attributes].map((it) => it.value)); \
             return [document.title, document.body.textContent, ...said].filter(turns).map((text) => text.slice(0, 80)); })()",
        )
        .await;
    assert_eq!(found, serde_json::json!([]));
}
