//! What people do beside writing: being called, putting off, passing on, whispering, filing, judging; and all of it in
//! Spanish.

use segue::clock::Timestamp;
use segue::conversation::event::Act;
use segue::conversation::trail::Fact;
use segue::conversation::words::{Role, Verdict};
use segue::ids::ConversationId;
use serde_json::json;

use crate::audit::AUDIT;
use crate::browser::{Browser, Page};
use crate::house::House;
use crate::staff::{claims, person, row, says, sign_in};
use crate::{ask, no_faults, open, write};

/// Takes the place of what makes sounds and notifications, which nobody hears or sees here.
const EARS: &str = "window.tones = 0; window.told = []; window.away = false;
    document.hasFocus = () => !window.away;
    window.AudioContext = class { constructor() { this.currentTime = 0; this.destination = {}; }
      createOscillator() { return { frequency: {}, connect: (to) => to, start: () => { window.tones += 1; }, stop() {} }; }
      createGain() { return { gain: { setValueAtTime() {}, exponentialRampToValueAtTime() {} }, connect: (to) => to }; } };
    window.Notification = class { constructor(what, how) { this.what = what; this.body = how.body; window.told.push(this); } close() {}
      static permission = 'default'; static async requestPermission() { return (window.Notification.permission = 'granted'); } };";

async fn act(house: &House, id: ConversationId, who: &str, act: Act) {
    let runtime = &house.app.doors().runtime;
    let done = runtime.act(id, who.into(), Role::Lead, act, None).await;
    done.expect("done");
}

/// Clicks the one of several that says this.
async fn click_on(page: &Page, selector: &str, text: &str) {
    page.reads(selector, text).await;
    page.eval(&format!(
        "[...document.querySelectorAll({selector:?})].find((one) => one.innerText.includes({text:?})).click()"
    ))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_me_is_heard_and_told_outside_the_page_and_away_is_quiet() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = open().await;
    let page = browser.page().await;
    page.before_all(EARS).await;
    sign_in(&house, &page, &person(&house, "Ana", Role::Agent)).await;
    // A browser asks whoever wants notifications, and only then.
    page.click(".top [aria-haspopup=menu]:last-child").await;
    click_on(&page, ".menu button", "Preferences").await;
    page.eval("document.querySelectorAll('dialog input[type=checkbox]')[1].click()")
        .await;
    page.until("document.querySelectorAll('dialog input[type=checkbox]')[1].checked && Notification.permission === 'granted'")
        .await;
    page.press("Escape").await;
    page.until("!document.querySelector('dialog')").await;
    page.eval("void (window.away = true)").await;
    let first = ask(&house, "visitor-1").await;
    page.until("window.told.length === 1 && window.tones > 0")
        .await;
    let told = page.eval("window.told[0].what").await;
    assert!(
        told.as_str().is_some_and(|told| told.contains("visitor-1")),
        "{told}"
    );
    // It leads there.
    page.eval("window.away = false; void window.told[0].onclick()")
        .await;
    page.reads("#customer", "visitor-1").await;
    page.press("c").await;
    page.until("document.activeElement?.id === 'text'").await;
    // What is before somebody's eyes needs no call; what they turned away from does.
    let heard = page.eval("window.tones").await;
    write(&house, "visitor-1", "here I am").await;
    page.reads(".turn.customer", "here I am").await;
    assert_eq!(page.eval("window.tones").await, heard);
    page.eval("void (window.away = true)").await;
    write(&house, "visitor-1", "are you there?").await;
    page.until("window.told.length === 2 && window.told[1].body === 'are you there?'")
        .await;
    let note = Act::Note {
        text: "@Ana look at this one".into(),
    };
    act(&house, first, "Bob", note).await;
    page.until("window.told.length === 3 && window.told[2].body.includes('look at this')")
        .await;
    // Whoever is away is not called.
    page.click(".presence-button").await;
    click_on(&page, ".menu button", "Away").await;
    page.until("document.querySelector('.presence-button .dot.away')")
        .await;
    let second = ask(&house, "visitor-2").await;
    page.until(&format!("document.querySelector('{}')", row(second)))
        .await;
    assert_eq!(page.eval("window.told.length").await, 3);
    no_faults(&page);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_off_comes_back_by_itself_at_its_time_or_with_the_customer() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = open().await;
    let id = ask(&house, "visitor-1").await;
    let page = browser.page().await;
    page.before_all(EARS).await;
    sign_in(&house, &page, &person(&house, "Ana", Role::Agent)).await;
    claims(&page, id).await;
    page.press("Escape").await;
    page.press("g").await;
    page.press("m").await;
    page.click(&row(id)).await;
    page.press("Escape").await;
    page.press("z").await;
    click_on(&page, "dialog button", "In an hour").await;
    page.reads(".banner", "Snoozed until").await;
    page.until(&format!("document.querySelector('{}.snoozed')", row(id)))
        .await;
    write(&house, "visitor-1", "one more thing").await;
    page.until(&format!(
        "document.querySelector('{}:not(.snoozed)')",
        row(id)
    ))
    .await;
    page.until("!document.querySelector('.banner')?.innerText.includes('Snoozed')")
        .await;
    // At its time, without anybody doing anything.
    let now = house.app.doors().runtime.now();
    let soon = Timestamp::from_millis(now.as_millis() + 3_000);
    act(&house, id, "Ana", Act::Snooze { until: Some(soon) }).await;
    page.until(&format!("document.querySelector('{}.snoozed')", row(id)))
        .await;
    page.eval("window.tones = 0; void (window.away = true)")
        .await;
    page.until(&format!(
        "document.querySelector('{}:not(.snoozed)')",
        row(id)
    ))
    .await;
    page.until("!document.querySelector('.banner')?.innerText.includes('Snoozed')")
        .await;
    page.until("window.tones > 0").await;
    no_faults(&page);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_whispers_files_passes_on_and_judges() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = open().await;
    let id = ask(&house, "visitor-1").await;
    let (ana, ben, lea) = (
        browser.page().await,
        browser.page().await,
        browser.page().await,
    );
    sign_in(&house, &ana, &person(&house, "Ana", Role::Agent)).await;
    sign_in(&house, &ben, &person(&house, "Ben", Role::Agent)).await;
    sign_in(&house, &lea, &person(&house, "Lea", Role::Lead)).await;
    claims(&ana, id).await;
    lea.press("g").await;
    lea.press("a").await;
    lea.click(&row(id)).await;
    lea.reads(".thread-head", "Ana").await;
    lea.press("Escape").await;
    lea.press("w").await;
    lea.reads("dialog", "Whisper to Ana").await;
    lea.types("offer the express parcel").await;
    lea.press("Control+Enter").await;
    // It calls whom it is for, and nobody else reads it as theirs.
    ana.reads(".note.mine", "offer the express parcel").await;
    lea.until("!document.querySelector('dialog')").await;
    lea.press("l").await;
    lea.reads("dialog", "Add tag").await;
    lea.types("courier").await;
    lea.press("Enter").await;
    ana.reads(".side .taglist", "courier").await;
    lea.click(".side .taglist button.icon").await;
    ana.until("!document.querySelector('.side .taglist')?.innerText.includes('courier')")
        .await;
    // To a person: theirs until they take it or let it pass, and the one before cannot write any more.
    lea.until("!document.querySelector('dialog')").await;
    lea.press("t").await;
    lea.reads("dialog", "Transfer the conversation").await;
    lea.eval("void (document.getElementById('ask-agent').value = 'Ben')")
        .await;
    lea.press("Enter").await;
    ben.reads(&row(id), "Offered to you").await;
    ana.reads(".composer .state", "Claim it to reply").await;
    claims(&ben, id).await;
    says(&ben, "I go on from here.").await;
    lea.reads(".turn.human", "I go on from here.").await;
    // The word on the handoff, beside the thread and in the list of those to judge.
    click_on(&lea, ".side button", "Justified").await;
    lea.until("[...document.querySelectorAll('.side button[aria-pressed=true]')].some((one) => one.innerText.includes('Justified'))")
        .await;
    let judged = async |id, word: Verdict| {
        let trail = house.app.doors().runtime.trail(id, 0, 500).await;
        let hers = |fact: &Fact| matches!(fact, Fact::Reviewed { verdict, agent, .. } if *verdict == word && agent.as_str() == "Lea");
        let trail = trail.expect("readable");
        trail.iter().any(|entry| hers(&entry.fact))
    };
    assert!(judged(id, Verdict::Justified).await);
    let other = ask(&house, "visitor-2").await;
    lea.press("Escape").await;
    lea.press("g").await;
    lea.press("l").await;
    click_on(&lea, ".lead .tabs button", "Review").await;
    lea.until("document.querySelectorAll('.lead .card').length >= 1")
        .await;
    let cards = lea
        .eval("document.querySelectorAll('.lead .card').length")
        .await;
    click_on(&lea, ".lead .card button", "Unnecessary").await;
    lea.until(&format!(
        "document.querySelectorAll('.lead .card').length === {cards} - 1"
    ))
    .await;
    let unnecessary = Verdict::Unnecessary;
    assert!(judged(id, unnecessary).await || judged(other, unnecessary).await);
    for page in [&ana, &ben, &lea] {
        no_faults(page);
    }
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_speaks_spanish_to_whoever_wants_it() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = open().await;
    let id = ask(&house, "visitor-1").await;
    let page = browser.page().await;
    sign_in(&house, &page, &person(&house, "Ana", Role::Lead)).await;
    page.click(".top [aria-haspopup=menu]:last-child").await;
    click_on(&page, ".menu button", "Preferences").await;
    page.eval(
        "(() => { const all = [...document.querySelectorAll('dialog select')], one = all[all.length - 1]; \
         one.value = 'es'; one.dispatchEvent(new Event('change')); })()",
    )
    .await;
    page.until("document.documentElement.lang === 'es' && !document.getElementById('app').hidden")
        .await;
    page.reads(".tabs.lists", "En espera").await;
    page.reads(&row(id), "Pidió").await;
    claims(&page, id).await;
    says(&page, "Hola, ¿en qué puedo ayudar?").await;
    page.reads(".turn.human:not(.unsent)", "en qué puedo").await;
    for (key, words) in [("b", "IA"), ("z", "Hasta"), ("t", "Cola"), ("?", "Teclas")] {
        page.press("Escape").await;
        page.press(key).await;
        page.reads("dialog", words).await;
        assert_eq!(page.eval(AUDIT).await, json!([]), "{key}");
        page.press("Escape").await;
        page.until("!document.querySelector('dialog')").await;
    }
    // Nothing that is still in English.
    let shown = page
        .eval("[...document.querySelectorAll('.top, .tabs, .thread-head, .banner, .composer, .side')].map((one) => one.innerText).join(' ')")
        .await;
    let shown = shown.as_str().expect("text");
    for word in ["Waiting", "Closed", "Reply", "Send", "Tags"] {
        assert!(!shown.contains(word), "{word} in {shown}");
    }
    no_faults(&page);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_changes_the_priority_reads_what_is_ordinary() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = open().await;
    let id = ask(&house, "visitor-1").await;
    let page = browser.page().await;
    sign_in(&house, &page, &person(&house, "Ana", Role::Agent)).await;
    claims(&page, id).await;
    page.reads(".side", "Priority").await;
    page.click(".side .facts button").await;
    page.reads("dialog", "100 is ordinary in this queue").await;
    page.until("document.getElementById('ask-priority').value === '100'")
        .await;
    page.press("Escape").await;
    // What a field is for is read in one line, however narrow it is.
    page.size(390, 844, true).await;
    page.until("document.querySelector('#text').offsetHeight < 60")
        .await;
    page.click("#tab-note").await;
    page.until("getComputedStyle(document.getElementById('text'), '::placeholder').whiteSpace === 'nowrap'")
        .await;
    no_faults(&page);
    house.app.stop().await;
}
