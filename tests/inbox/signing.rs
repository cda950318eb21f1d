//! Signing in: who guesses too often is told plainly, and when they may try again.

use segue::conversation::words::Role;

use crate::browser::Browser;
use crate::staff::person;
use crate::{no_faults, open};

#[tokio::test(flavor = "multi_thread")]
async fn whoever_failed_too_often_reads_when_they_may_try_again() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = open().await;
    let token = person(&house, "Ana", Role::Agent);
    let page = browser.page().await;
    page.open(&house.url("/inbox")).await;
    page.until("document.activeElement?.id === 'token'").await;
    let button = "document.querySelector('#signin button')";
    for n in 0..10 {
        page.eval("document.getElementById('token').value = ''; void (document.getElementById('signin-said').textContent = '')")
            .await;
        page.types(&format!("sgt_wrong{n}")).await;
        page.press("Enter").await;
        page.reads("#signin-said", "This token is unknown").await;
        page.until(&format!("!{button}.disabled")).await;
    }
    page.eval("void (document.getElementById('token').value = '')")
        .await;
    page.types("sgt_wrong10").await;
    page.press("Enter").await;
    page.reads("#signin-said", "You may try again in").await;
    let said = page
        .eval("document.getElementById('signin-said').textContent")
        .await;
    let seconds = said.as_str().and_then(|said| {
        let digits = said.chars().filter(char::is_ascii_digit);
        digits.collect::<String>().parse::<u64>().ok()
    });
    assert!(seconds.is_some_and(|n| (1..=60).contains(&n)), "{said}");
    page.until(&format!(
        "{button}.disabled && /\\d+ s/.test({button}.textContent)"
    ))
    .await;
    // Enter does not hammer on meanwhile, and what was typed stays.
    page.press("Enter").await;
    page.until("document.getElementById('token').value === 'sgt_wrong10'")
        .await;
    // As if that time had passed on this machine.
    page.eval("void (Date.now = ((now) => () => now() + 61000)(Date.now))")
        .await;
    page.reads("#signin-said", "You may try again now").await;
    page.until(&format!("!{button}.disabled")).await;
    // Whoever guesses on is held off again.
    page.eval("void (document.getElementById('token').select())")
        .await;
    page.types("sgt_wrong11").await;
    page.press("Enter").await;
    page.reads("#signin-said", "You may try again in").await;
    page.until(&format!(
        "{button}.disabled && /\\d+ s/.test({button}.textContent)"
    ))
    .await;
    // A good token is let in meanwhile: a stranger behind the same address must not lock everybody out.
    page.eval("void (document.getElementById('token').select())")
        .await;
    page.types(&token).await;
    page.until(&format!(
        "!{button}.disabled && {button}.textContent === 'Sign in'"
    ))
    .await;
    page.press("Enter").await;
    page.until("!document.getElementById('app').hidden").await;
    no_faults(&page);
    house.app.stop().await;
}
