//! Where settings come from: one TOML file and the environment, laid over each other as one tree.
//!
//! Every node of the tree knows its place. The file is parsed with recovery, so that a slip in line 3 does not hide
//! one in line 30. A variable `SEGUE__SECTION__KEY` replaces or adds one value; its text is read as what the key
//! expects, and as TOML where that is a list or a table.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Fault, Place};

/// What every variable of ours begins with.
pub const PREFIX: &str = "SEGUE__";
/// The deepest path that a variable may name.
const DEPTH_MAX: usize = 6;

/// The environment: what is text of it, and the names of what is not.
#[derive(Clone, Default, Debug)]
pub struct Environment(BTreeMap<String, String>, BTreeSet<String>);

impl Environment {
    /// That of this process.
    pub fn of_process() -> Self {
        Self::of(std::env::vars_os())
    }

    fn of(pairs: impl Iterator<Item = (OsString, OsString)>) -> Self {
        let mut environment = Self::default();
        for (name, value) in pairs {
            match (name.into_string(), value.into_string()) {
                (Ok(name), Ok(value)) => drop(environment.0.insert(name, value)),
                (Ok(name), Err(_)) => drop(environment.1.insert(name)),
                (Err(name), _) => drop(environment.1.insert(name.to_string_lossy().into_owned())),
            }
        }
        environment
    }

    /// Whether `name` is set to something that is not UTF-8.
    pub fn is_no_text(&self, name: &str) -> bool {
        self.1.contains(name)
    }

    /// The value of `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(k, v)| (k.into(), v.into()))
                .collect(),
            BTreeSet::new(),
        )
    }
}

/// A value and its place.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) at: Place,
}

/// A table: each key with its own place.
pub(super) type Table = BTreeMap<String, (Place, Node)>;

#[derive(Clone)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Datetime,
    List(Vec<Node>),
    Table(Table),
    /// From a variable: the text, and what it is as TOML if that is a list or a table.
    Variable(String, Option<Box<Value>>),
}

/// The text of a file's `bytes`.
///
/// # Errors
/// They are no UTF-8; the fault says where.
pub(super) fn text(bytes: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(bytes).map_err(|fault| {
        let offset = fault.valid_up_to();
        let before = std::str::from_utf8(&bytes[..offset]).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        Fault {
            place: Place::File {
                line: before.matches('\n').count() + 1,
                column: line.chars().count() + 1,
            },
            what: format!("byte {offset} (0x{:02x}) is not UTF-8", bytes[offset]),
            hint: "save the file as UTF-8, for example with \
                   `iconv -f WINDOWS-1252 -t UTF-8 segue.toml`"
                .to_owned(),
        }
    })
}

/// Parses `text`; whatever could be understood is in the table.
pub(super) fn parse(text: &str, faults: &mut Vec<Fault>) -> Table {
    let lines = Lines::of(text);
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let place = error
            .span()
            .map_or(Place::WHOLE, |span| lines.place(span.start));
        faults.push(syntax(place, error.message()));
    }
    let at = |span: std::ops::Range<usize>| lines.place(span.start);
    table(root.get_ref(), &at, faults)
}

/// Lays the variables of `environment` over `root`.
pub(super) fn overlay(root: &mut Table, environment: &Environment, faults: &mut Vec<Fault>) {
    for name in environment.1.iter().filter(|name| name.starts_with(PREFIX)) {
        faults.push(Fault {
            place: Place::Variable(name.clone()),
            what: "the variable is not UTF-8".to_owned(),
            hint: "set it again from a UTF-8 locale, or unset it".to_owned(),
        });
    }
    for (name, value) in &environment.0 {
        let Some(path) = name.strip_prefix(PREFIX) else {
            continue;
        };
        let at = Place::Variable(name.clone());
        let path: Vec<&str> = path.split("__").collect();
        if path.len() > DEPTH_MAX || path.iter().any(|part| part.is_empty()) {
            faults.push(Fault {
                place: at,
                what: "the variable names no setting".to_owned(),
                hint: format!(
                    "write it as {PREFIX}SECTION__KEY, for example SEGUE__SERVER__LISTEN"
                ),
            });
            continue;
        }
        let node = Node {
            value: Value::Variable(value.clone(), structured(value, &at)),
            at: at.clone(),
        };
        if !set(root, &path, node) {
            faults.push(Fault {
                place: at,
                what: "the variable goes into something that is no section".to_owned(),
                hint: "set the whole value in one variable, written as TOML".to_owned(),
            });
        }
    }
}

/// Whether `node` could be put at `path`. Names match whatever their case, and `_` stands for `-`.
fn set(table: &mut Table, path: &[&str], node: Node) -> bool {
    let same = |key: &str, part: &str| {
        key.replace('-', "_")
            .eq_ignore_ascii_case(&part.replace('-', "_"))
    };
    let Some((part, rest)) = path.split_first() else {
        return false;
    };
    let key = table
        .keys()
        .find(|key| same(key, part))
        .cloned()
        .unwrap_or_else(|| part.to_lowercase());
    let at = node.at.clone();
    if rest.is_empty() {
        table.insert(key, (at, node));
        return true;
    }
    let (_, next) = table.entry(key).or_insert_with(|| {
        let empty = Node {
            value: Value::Table(Table::new()),
            at: at.clone(),
        };
        (at, empty)
    });
    match &mut next.value {
        Value::Table(table) => set(table, rest, node),
        Value::Text(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime
        | Value::List(_)
        | Value::Variable(..) => false,
    }
}

/// The list or inline table that a variable's text is, if it is one.
fn structured(text: &str, at: &Place) -> Option<Box<Value>> {
    if !text.trim_start().starts_with(['[', '{']) {
        return None;
    }
    let parsed = DeValue::parse(text.trim()).ok()?;
    let mut unread = Vec::new();
    let node = node(&parsed, &|_| at.clone(), &mut unread);
    unread.is_empty().then(|| Box::new(node.value))
}

type At<'a> = &'a dyn Fn(std::ops::Range<usize>) -> Place;

fn table(from: &DeTable<'_>, at: At<'_>, faults: &mut Vec<Fault>) -> Table {
    from.iter()
        .map(|(key, value)| {
            let entry = (at(key.span()), node(value, at, faults));
            (key.get_ref().to_string(), entry)
        })
        .collect()
}

fn node(from: &Spanned<DeValue<'_>>, at: At<'_>, faults: &mut Vec<Fault>) -> Node {
    let place = at(from.span());
    let value = match from.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => Value::Integer(
            i64::from_str_radix(number.as_str(), number.radix()).unwrap_or_else(|_| {
                faults.push(syntax(place.clone(), "the number is too large"));
                0
            }),
        ),
        DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(yes) => Value::Boolean(*yes),
        DeValue::Datetime(_) => Value::Datetime,
        DeValue::Array(list) => {
            Value::List(list.iter().map(|item| node(item, at, faults)).collect())
        }
        DeValue::Table(inner) => Value::Table(table(inner, at, faults)),
    };
    Node { value, at: place }
}

fn syntax(place: Place, message: &str) -> Fault {
    let hint = match message {
        m if m.contains("duplicate key") => "keep one of the two",
        m if m.contains("string") || m.contains("quote") => {
            "texts stand between quotes: key = \"text\""
        }
        _ => "write `key = value` under a `[section]`; texts, durations and addresses in quotes",
    };
    Fault {
        place,
        what: format!("not TOML: {message}"),
        hint: hint.to_owned(),
    }
}

/// Where the lines of a text begin.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(i, _)| i + 1))
            .collect();
        Self { text, starts }
    }

    fn place(&self, offset: usize) -> Place {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts[line - 1];
        Place::File {
            line,
            column: self.text[start..offset].chars().count() + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters_from_one() {
        let lines = Lines::of("a = 1\nñé = 2\n");
        let check = |offset, line, column| {
            assert_eq!(
                lines.place(offset),
                Place::File { line, column },
                "{offset}"
            );
        };
        check(0, 1, 1);
        check(6, 2, 1);
        check(11, 2, 4);
        check(999, 3, 1);
    }

    #[test]
    fn a_variable_that_is_no_text_is_a_fault() {
        use std::os::unix::ffi::OsStringExt as _;
        let os = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        let pairs = [
            (os(b"SEGUE__SERVER__LISTEN"), os(b"caf\xe9")),
            (os(b"SEGUE__SERVER__\xe9"), os(b"x")),
            (os(b"OTHER"), os(b"\xff")),
        ];
        let environment = Environment::of(pairs.into_iter());
        let (mut root, mut faults) = (Table::new(), Vec::new());
        overlay(&mut root, &environment, &mut faults);
        assert!(root.is_empty());
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(environment.is_no_text("OTHER") && environment.get("OTHER").is_none());
    }

    #[test]
    fn a_variable_finds_a_key_whatever_its_case() {
        let mut faults = Vec::new();
        let mut root = parse("[channels.Main-Line]\nkind = \"http\"\n", &mut faults);
        let environment = Environment::from_iter([
            ("SEGUE__CHANNELS__MAIN_LINE__TOKEN", "t"),
            ("SEGUE__CHANNELS__MAIN_LINE__KIND__X", "t"),
            ("SEGUE__SERVER____LISTEN", "t"),
            ("SEGUE_CONFIG", "t"),
        ]);
        overlay(&mut root, &environment, &mut faults);
        assert_eq!(root.len(), 1);
        let Value::Table(channels) = &root["channels"].1.value else {
            panic!("no table")
        };
        let Value::Table(channel) = &channels["Main-Line"].1.value else {
            panic!("no table")
        };
        assert!(channel.contains_key("token"));
        assert_eq!(faults.len(), 2);
    }
}
