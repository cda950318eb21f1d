//! Segue's own words to the customer: in their language, on the trail and in the line by one act.

use super::common::Cx;
use super::texts::{TextArgs, TextKey};
use super::trail::Fact;
use super::words::Class;
use crate::ids::HandoffId;

impl Cx<'_> {
    /// Says something of Segue's own to the customer. False when the line is full.
    pub(super) fn say(
        &mut self,
        class: Class,
        key: TextKey,
        args: TextArgs<'_>,
        handoff: Option<HandoffId>,
    ) -> bool {
        let language = self.language();
        let text = self.policy.texts.render(key, language.as_deref(), args);
        self.say_text(class, text, handoff)
    }

    /// Says `text` to the customer. False when the line is full.
    pub(super) fn say_text(
        &mut self,
        class: Class,
        text: String,
        handoff: Option<HandoffId>,
    ) -> bool {
        let effect = self.effect();
        let n = self.note(Fact::SystemWrote {
            effect,
            class,
            text,
            choices: Vec::new(),
        });
        self.owe(effect, class, n, handoff)
    }
}
