//! What somebody of the staff does before the inbox.

use std::collections::BTreeSet;

use segue::conversation::trail::Fact;
use segue::conversation::words::Role;
use segue::ids::ConversationId;

use crate::browser::Page;
use crate::house::House;

/// Somebody who is kept beyond a restart; their token.
pub fn person(house: &House, name: &str, role: Role) -> String {
    let people = house.app.doors().desk.people();
    let token = people.add(name, role, BTreeSet::new());
    token.expect("a new name").reveal().to_owned()
}

/// Opens the inbox and signs in.
pub async fn sign_in(house: &House, page: &Page, token: &str) {
    page.open(&house.url("/inbox")).await;
    sign_in_again(page, token).await;
}

/// The same where the page asks for it.
pub async fn sign_in_again(page: &Page, token: &str) {
    page.until("document.activeElement?.id === 'token'").await;
    page.types(token).await;
    page.press("Enter").await;
    page.until("!document.getElementById('app').hidden").await;
}

/// Where a conversation stands in the list.
pub fn row(id: ConversationId) -> String {
    format!("#row-{id}")
}

/// Opens a conversation of the list and takes it; the cursor stands where the reply is written.
pub async fn claims(page: &Page, id: ConversationId) {
    page.click(&row(id)).await;
    page.press("Escape").await;
    page.press("c").await;
    page.until("document.activeElement?.id === 'text'").await;
}

/// Writes what the field is for and sends it.
pub async fn says(page: &Page, text: &str) {
    page.types(text).await;
    page.press("Enter").await;
}

/// What people have written in a conversation.
pub async fn replies(house: &House, id: ConversationId) -> Vec<String> {
    let entries = house.app.doors().runtime.trail(id, 0, 5_000).await;
    let text = |fact: &Fact| {
        let Fact::HumanWrote { text, .. } = fact else {
            return None;
        };
        Some(text.clone())
    };
    let entries = entries.expect("readable");
    entries
        .iter()
        .filter_map(|entry| text(&entry.fact))
        .collect()
}
