//! Getters for secrets: written out, from a variable, or from a file. No fault shows a value.

use std::collections::BTreeSet;

use super::super::source::{Node, Value};
use super::{Reader, Section};
use crate::secret::Secret;

const HINT: &str = "write a text, { env = \"NAME\" } or { file = \"path\" }";

impl<'t> Section<'t> {
    /// A secret: a text, `{ env = "NAME" }` or `{ file = "path" }`.
    pub(in crate::config) fn secret(
        &mut self,
        reader: &mut Reader<'_>,
        key: &str,
    ) -> Option<Secret> {
        let node = self.take(key)?;
        self.secret_of(reader, key, node)
    }

    /// One secret or a list of them.
    pub(in crate::config) fn secrets(&mut self, reader: &mut Reader<'_>, key: &str) -> Vec<Secret> {
        let Some(node) = self.take(key) else {
            return Vec::new();
        };
        match &node.value {
            Value::List(list) if list.is_empty() => {
                self.wrong(reader, &node.at, key, "is an empty list", HINT);
                Vec::new()
            }
            Value::List(list) => list
                .iter()
                .filter_map(|item| self.secret_of(reader, key, item))
                .collect(),
            Value::Text(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime
            | Value::Table(_)
            | Value::Variable(..) => self.secret_of(reader, key, node).into_iter().collect(),
        }
    }

    fn secret_of(&self, reader: &mut Reader<'_>, key: &str, node: &'t Node) -> Option<Secret> {
        let at = &node.at;
        let value = match &node.value {
            Value::Text(text) | Value::Variable(text, _) => text.clone(),
            Value::Table(table) => {
                let mut inner = Section {
                    name: self.key(key),
                    at: at.clone(),
                    table: Some(table),
                    known: BTreeSet::new(),
                };
                let (variable, file) = (inner.text(reader, "env"), inner.text(reader, "file"));
                let tried = inner.has("env") || inner.has("file");
                inner.finish(reader, &[]);
                match (variable, file) {
                    (Some(name), None) => match reader.environment.get(&name.value) {
                        Some(value) => value.to_owned(),
                        None => {
                            let why = if reader.environment.is_no_text(&name.value) {
                                "is not UTF-8"
                            } else {
                                "is not set"
                            };
                            let what = format!(
                                "wants the environment variable `{}`, which {why}",
                                name.value
                            );
                            self.wrong(
                                reader,
                                &name.at,
                                key,
                                &what,
                                "export it before starting Segue",
                            );
                            return None;
                        }
                    },
                    (None, Some(file)) => {
                        let path = reader.path(&file.value, &file.at);
                        reader.file(&path, &file.at)?
                    }
                    (None, None) if tried => return None,
                    (Some(_), Some(_)) | (None, None) => {
                        self.wrong(reader, at, key, "is no secret", HINT);
                        return None;
                    }
                }
            }
            Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime
            | Value::List(_) => {
                self.wrong(reader, at, key, "is no secret", HINT);
                return None;
            }
        };
        // files end in a line break, and variables are often pasted with one
        let value = value.trim();
        if value.is_empty() || value.chars().any(char::is_control) {
            self.wrong(reader, at, key, "is empty or has control characters", HINT);
            return None;
        }
        Some(Secret::from(value))
    }
}
