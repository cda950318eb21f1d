//! Approvals on the page: they stand in a list of their own, live, and are decided once.

use segue::conversation::event::Act;
use segue::conversation::words::{ModeName, Role};
use serde_json::json;

use crate::audit::AUDIT;
use crate::browser::Browser;
use crate::customers::write_as;
use crate::staff::{person, row, sign_in};
use crate::{no_faults, open};

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_stands_in_its_list_and_is_decided_by_one_of_two() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = open().await;
    let (app, name) = (&house.app, Some("Rosa"));
    let id = write_as(app, "visitor-1", name, "What are your hours?").await;
    let (ana, ben) = (browser.page().await, browser.page().await);
    sign_in(&house, &ana, &person(&house, "Ana", Role::Agent)).await;
    sign_in(&house, &ben, &person(&house, "Ben", Role::Agent)).await;
    person(&house, "Shop", Role::Agent);
    ana.until("document.querySelector('.tabs.lists')").await;
    assert_eq!(
        ana.eval("document.querySelector('.tabs.lists').innerText.includes('Approvals')")
            .await,
        json!(false),
        "no room is taken while there is none"
    );
    let ask = Act::AskApproval {
        question: "Return <b>the delivery fee</b> of order 55120?".into(),
        amount: "4.90 EUR".into(),
    };
    let runtime = &app.doors().runtime;
    let asked = runtime.act(id, "Shop".into(), Role::Agent, ask, None).await;
    asked.expect("asked");
    for page in [&ana, &ben] {
        page.reads(".tabs.lists", "Approvals").await;
        page.press("g").await;
        page.press("d").await;
        page.reads(&row(id), "4.90 EUR · Return <b>the delivery fee</b>")
            .await;
        page.click(&row(id)).await;
        page.reads(".banner .approval", "Shop asks").await;
    }
    for (width, height, phone) in [(1360, 850, false), (390, 844, true)] {
        ana.size(width, height, phone).await;
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        assert_eq!(ana.eval(AUDIT).await, json!([]), "{width}");
    }
    assert_eq!(
        ana.eval("document.body.textContent.includes('open_approvals')")
            .await,
        json!(false),
        "what we note for ourselves is none of their attributes"
    );
    ana.size(1280, 800, false).await;
    // Both have the question before them; the page of the second is not told in time.
    ben.click(".banner .decline").await;
    ben.reads("dialog", "55120").await;
    ana.click(".banner .approve").await;
    ana.reads("dialog", "The AI reads the decision").await;
    ana.types("once, as a gesture").await;
    ana.press("Control+Enter").await;
    ana.reads(".event", "Ana approved:").await;
    ana.reads(".event blockquote", "once, as a gesture").await;
    ben.press("Control+Enter").await;
    ben.reads(".toast", "Ana approved it already").await;
    for page in [&ana, &ben] {
        page.until("!document.querySelector('.banner .approval')")
            .await;
        page.until(&format!("!document.querySelector('{}')", row(id)))
            .await;
        page.reads(".list", "Nothing waits for a decision.").await;
        no_faults(page);
    }
    let read = runtime.read(id).await.expect("readable").expect("there");
    assert_eq!(
        read.mode().name(),
        ModeName::Ai,
        "the AI was never switched off"
    );
    house.app.stop().await;
}
