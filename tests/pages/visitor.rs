//! What a customer does before the chat page.

use segue::http::chat::visitor::Visitor;
use segue::ids::ConversationId;
use serde_json::Value;

use crate::browser::Page;
use crate::house::House;

/// Where the page keeps who its visitor is.
pub const KEPT: &str = "localStorage.getItem('segue.chat.web')";

/// The conversation of the visitor whom a page has kept.
pub fn conversation(house: &House, kept: &Value) -> ConversationId {
    let secret: String = serde_json::from_str(kept.as_str().expect("kept")).expect("JSON");
    let address = Visitor::parse(&secret).expect("a visitor").address();
    let runtime = &house.app.doors().runtime;
    runtime.conversation_id(&"web".into(), &address)
}

/// Writes as a person does who has the field before them.
pub async fn writes(page: &Page, text: &str) {
    page.eval("document.getElementById('text').focus()").await;
    page.types(text).await;
    page.press("Enter").await;
}
