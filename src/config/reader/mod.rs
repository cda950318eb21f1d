//! Reads the tree of settings, key by key, and collects what is wrong instead of stopping at it.
//!
//! A [`Section`] remembers every key it was asked for. What is left over at [`Section::finish`] is unknown, and the
//! nearest known key is suggested. A getter returns `None` both for a missing and for a faulty value: the caller
//! goes on with its default, and the load fails in the end if any fault was reported.

mod scalars;
mod secrets;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::fault::{Fault, Place};
use super::source::{Environment, Node, Table, Value};

/// The longest secret or prompt file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 256 * 1024;
/// How alike a key must be to be suggested (Jaro–Winkler, 0 to 1).
const ALIKE: f64 = 0.8;

/// What all sections share: the faults, the environment, the place that relative paths start from.
pub(super) struct Reader<'e> {
    pub(super) faults: Vec<Fault>,
    pub(super) environment: &'e Environment,
    pub(super) base: PathBuf,
}

impl Reader<'_> {
    pub(super) fn fault(
        &mut self,
        place: &Place,
        what: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.faults.push(Fault {
            place: place.clone(),
            what: what.into(),
            hint: hint.into(),
        });
    }

    /// `path` as it is if absolute or from a variable, else beside the configuration file.
    pub(super) fn path(&self, path: &str, at: &Place) -> PathBuf {
        match at {
            Place::File { .. } => self.base.join(path),
            Place::Variable(_) | Place::Named { .. } => PathBuf::from(path),
        }
    }

    /// The text of a file.
    pub(super) fn file(&mut self, path: &Path, at: &Place) -> Option<String> {
        let mut hint = "relative paths start at the directory of the configuration file";
        let problem = match std::fs::metadata(path) {
            Ok(found) if found.len() > FILE_BYTES_MAX => {
                format!("it is larger than {FILE_BYTES_MAX} bytes")
            }
            Ok(_) => match std::fs::read_to_string(path) {
                Ok(text) => return Some(text),
                Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                    hint = "save the file as UTF-8 text, with nothing else in it";
                    "it is not UTF-8 text".to_owned()
                }
                Err(error) => error.to_string(),
            },
            Err(error) => error.to_string(),
        };
        let what = format!("cannot read `{}`: {problem}", path.display());
        self.fault(at, what, hint);
        None
    }
}

/// A value and where it was written.
#[derive(Clone, Debug)]
pub(super) struct Spot<T> {
    pub(super) value: T,
    pub(super) at: Place,
}

/// One table, while it is being read.
pub(super) struct Section<'t> {
    /// Its dotted name; empty for the whole file.
    pub(super) name: String,
    /// Where its header stands.
    pub(super) at: Place,
    table: Option<&'t Table>,
    known: BTreeSet<String>,
}

impl<'t> Section<'t> {
    pub(super) fn root(table: &'t Table) -> Self {
        Self {
            name: String::new(),
            at: Place::WHOLE,
            table: Some(table),
            known: BTreeSet::new(),
        }
    }

    /// The section's name with `key` behind it, for messages.
    pub(super) fn key(&self, key: &str) -> String {
        match self.name.as_str() {
            "" => key.to_owned(),
            name => format!("{name}.{key}"),
        }
    }

    /// Whether the key was written at all.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    /// The keys that were written.
    pub(super) fn keys(&self) -> Vec<&'t str> {
        self.table
            .iter()
            .flat_map(|table| table.keys().map(String::as_str))
            .collect()
    }

    /// Where the key itself stands.
    pub(super) fn place(&self, key: &str) -> Place {
        self.table
            .and_then(|table| table.get(key))
            .map_or_else(|| self.at.clone(), |(at, _)| at.clone())
    }

    fn take(&mut self, key: &str) -> Option<&'t Node> {
        self.known.insert(key.to_owned());
        self.table?.get(key).map(|(_, node)| node)
    }

    fn wrong(&self, reader: &mut Reader<'_>, at: &Place, key: &str, what: &str, hint: &str) {
        reader.fault(at, format!("`{}` {what}", self.key(key)), hint);
    }

    /// The section below `key`; an empty one if it is not there.
    pub(super) fn child(&mut self, reader: &mut Reader<'_>, key: &str) -> Section<'t> {
        let node = self.take(key);
        let table = node.and_then(|node| as_table(&node.value));
        if let (Some(node), None) = (node, table) {
            let hint = format!("write it as a section: [{}]", self.key(key));
            self.wrong(reader, &node.at, key, "is no section", &hint);
        }
        Section {
            name: self.key(key),
            at: self.place(key),
            table,
            known: BTreeSet::new(),
        }
    }

    /// The list of tables at `key`, such as the rungs of a ladder.
    pub(super) fn tables(
        &mut self,
        reader: &mut Reader<'_>,
        key: &str,
    ) -> Option<Vec<Section<'t>>> {
        let node = self.take(key)?;
        let hint = "write a list of tables: [{ … }, { … }]";
        let Some(list) = as_list(&node.value) else {
            self.wrong(reader, &node.at, key, "is no list", hint);
            return None;
        };
        let mut sections = Vec::new();
        for (i, item) in list.iter().enumerate() {
            match as_table(&item.value) {
                Some(table) => sections.push(Section {
                    name: format!("{}[{i}]", self.key(key)),
                    at: item.at.clone(),
                    table: Some(table),
                    known: BTreeSet::new(),
                }),
                None => self.wrong(
                    reader,
                    &item.at,
                    key,
                    "holds something that is no table",
                    hint,
                ),
            }
        }
        Some(sections)
    }

    /// Reports that `key` is missing, unless it was written (and then already found faulty).
    pub(super) fn missing(&self, reader: &mut Reader<'_>, key: &str, hint: &str) {
        if !self.has(key) {
            reader.fault(&self.at, format!("`{}` is missing", self.key(key)), hint);
        }
    }

    /// Reports what nobody asked for. `later`: keys that Segue knows and this version does not support.
    pub(super) fn finish(self, reader: &mut Reader<'_>, later: &[&str]) {
        for key in self.keys() {
            if self.known.contains(key) {
                continue;
            }
            let name = self.key(key);
            let kind = if self.name.is_empty() {
                "section"
            } else {
                "key"
            };
            if later.contains(&key) {
                let hint = "remove it to go on without it";
                reader.fault(
                    &self.place(key),
                    format!("`{name}` is not supported by this version"),
                    hint,
                );
                continue;
            }
            let known: Vec<&str> = self.known.iter().map(String::as_str).collect();
            let mut hint = suggestion(key, known.iter().copied());
            if known.is_empty() {
                "this section has no keys".clone_into(&mut hint);
            } else if hint.is_empty() {
                hint = format!("known here: {}", known.join(", "));
            }
            reader.fault(
                &self.place(key),
                format!("unknown {kind} `{name}`"),
                hint.trim_end(),
            );
        }
    }
}

/// `did you mean …? ` if one of the words is near enough.
pub(super) fn suggestion<'a>(text: &str, words: impl Iterator<Item = &'a str>) -> String {
    words
        .map(|word| (strsim::jaro_winkler(text, word), word))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or_else(String::new, |(_, word)| format!("did you mean `{word}`? "))
}

fn as_text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) | Value::Variable(text, _) => Some(text),
        Value::Integer(_)
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime
        | Value::List(_)
        | Value::Table(_) => None,
    }
}

fn as_table(value: &Value) -> Option<&Table> {
    match value {
        Value::Table(table) => Some(table),
        Value::Variable(_, Some(inner)) => as_table(inner),
        Value::Text(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime
        | Value::List(_)
        | Value::Variable(_, None) => None,
    }
}

fn as_list(value: &Value) -> Option<&[Node]> {
    match value {
        Value::List(list) => Some(list),
        Value::Variable(_, Some(inner)) => as_list(inner),
        Value::Text(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime
        | Value::Table(_)
        | Value::Variable(_, None) => None,
    }
}
