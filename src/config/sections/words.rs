//! `[messages]`: what customers are told.

use super::super::reader::{Reader, Section};
use super::super::values;
use crate::conversation::texts::{TextKey, Texts};

/// Reads `[messages.LANGUAGE]`: texts in place of the bundled ones.
pub(in crate::config) fn messages(reader: &mut Reader<'_>, mut section: Section<'_>) -> Texts {
    let mut texts = Texts::default();
    for written in section.keys() {
        let mut own = section.child(reader, written);
        let Ok(language) = values::language(written) else {
            reader.fault(
                &own.at,
                format!("`{}` is no language", own.name),
                "write sections like [messages.en] or [messages.es]",
            );
            continue;
        };
        for key in TextKey::ALL {
            if let Some(text) = own.text(reader, key.as_str())
                && let Err(fault) = texts.set(&language, *key, &text.value)
            {
                let allowed: Vec<String> = key
                    .placeholders()
                    .iter()
                    .map(|p| format!("{{{}}}", p.as_str()))
                    .collect();
                let hint = match allowed.is_empty() {
                    true => {
                        "this text takes no placeholders; write {{ and }} for braces".to_owned()
                    }
                    false => format!(
                        "this text takes {}; write {{{{ and }}}} for braces",
                        allowed.join(", ")
                    ),
                };
                reader.fault(
                    &text.at,
                    format!("`{}`: {fault}", own.key(key.as_str())),
                    hint,
                );
            }
        }
        own.finish(reader, &[]);
    }
    texts
}
