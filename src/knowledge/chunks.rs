//! Texts into chunks: Markdown cut at its headings, CSV and JSON by record.
//!
//! A fault is the line it stands in and what is wrong there. Numbers in ids count from 1. Pure.

use std::collections::HashMap;

use serde_json::Value;

use super::{CHUNK_BYTES_MAX, Chunk, Tongue};

/// The longest heading kept, in bytes.
const HEADING_BYTES_MAX: usize = 200;
/// The fields of a record that name it, in this order.
const NAMING: [&str; 8] = [
    "question", "title", "name", "heading", "pregunta", "titulo", "título", "nombre",
];

/// Gathers chunks of one file and keeps their ids apart.
struct Chunks<'a> {
    file: &'a str,
    title: String,
    tongue: Tongue,
    used: HashMap<String, usize>,
    chunks: Vec<Chunk>,
}

impl<'a> Chunks<'a> {
    fn of(file: &'a str, text: &str) -> Self {
        Self {
            file,
            title: String::new(),
            tongue: Tongue::of_file(file, text),
            used: HashMap::new(),
            chunks: Vec::new(),
        }
    }

    fn add(&mut self, slug: &str, heading: &str, text: &str) {
        for piece in pieces(text) {
            let count = self.used.entry(slug.to_owned()).or_insert(0);
            *count += 1;
            let id = match *count {
                1 => format!("{}#{slug}", self.file),
                n => format!("{}#{slug}-{n}", self.file),
            };
            self.chunks.push(Chunk {
                id,
                heading: heading[..heading.floor_char_boundary(HEADING_BYTES_MAX)].to_owned(),
                title: self.title.clone(),
                text: piece,
                tongue: self.tongue,
            });
        }
    }
}

/// Markdown: one chunk for each heading that has text under it. The first heading of level 1 is the title.
pub(super) fn markdown(name: &str, text: &str) -> Vec<Chunk> {
    let mut chunks = Chunks::of(name, text);
    let (mut heading, mut body, mut fenced) = (String::new(), String::new(), false);
    for line in text.lines() {
        fenced ^= line.trim_start().starts_with("```");
        let Some((level, title)) = atx(line).filter(|_| !fenced) else {
            body.push_str(line);
            body.push('\n');
            continue;
        };
        flush(&mut chunks, &heading, &body);
        body.clear();
        heading = title.to_owned();
        if level == 1 && chunks.title.is_empty() {
            chunks.title = heading.clone();
        }
    }
    flush(&mut chunks, &heading, &body);
    chunks.chunks
}

fn flush(chunks: &mut Chunks<'_>, heading: &str, body: &str) {
    let heading = if heading.is_empty() {
        chunks.file.to_owned()
    } else {
        heading.to_owned()
    };
    chunks.add(&slug(&heading), &heading, body);
}

/// Level and text of a heading line.
fn atx(line: &str) -> Option<(usize, &str)> {
    let level = line.bytes().take_while(|&byte| byte == b'#').count();
    let rest = &line[level..];
    ((1..=6).contains(&level) && rest.starts_with([' ', '\t']))
        .then(|| (level, rest.trim().trim_end_matches('#').trim_end()))
        .filter(|(_, title)| !title.is_empty())
}

/// CSV with a header line: one chunk for each row, `column: value` by line. The first field is the heading.
pub(super) fn csv_rows(name: &str, text: &str) -> Result<Vec<Chunk>, (usize, String)> {
    let mut chunks = Chunks::of(name, text);
    // with CRLF the reader counts a record's line one too low
    let text = text.replace("\r\n", "\n");
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| csv_fault(&error))?.clone();
    if header.iter().any(str::is_empty) {
        return Err((1, "a column without a name in the header line".to_owned()));
    }
    for row in reader.records() {
        let row = row.map_err(|error| csv_fault(&error))?;
        let line = row.position().map_or(0, csv::Position::line);
        let body: String = header
            .iter()
            .zip(&row)
            .filter(|(_, value)| !value.is_empty())
            .map(|(column, value)| format!("{column}: {value}\n"))
            .collect();
        chunks.add(
            &format!("line-{line}"),
            row.get(0).unwrap_or_default(),
            &body,
        );
    }
    Ok(chunks.chunks)
}

fn csv_fault(error: &csv::Error) -> (usize, String) {
    let line = error.position().map_or(1, csv::Position::line);
    let what = if let csv::ErrorKind::UnequalLengths {
        expected_len, len, ..
    } = error.kind()
    {
        format!("{len} fields where the header line has {expected_len}")
    } else {
        "not a csv record".to_owned()
    };
    (usize::try_from(line).unwrap_or(usize::MAX), what)
}

/// JSON: an array (one chunk for each element) or an object (one for each key).
pub(super) fn json(name: &str, text: &str) -> Result<Vec<Chunk>, (usize, String)> {
    let value: Value = serde_json::from_str(text)
        .map_err(|error| (error.line(), format!("not json: {}", reason(&error))))?;
    let mut chunks = Chunks::of(name, text);
    match value {
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                record(&mut chunks, &(at + 1).to_string(), None, item);
            }
        }
        Value::Object(map) => {
            for (key, item) in &map {
                record(&mut chunks, &slug(key), Some(key), item);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            return Err((1, "expected an array or an object".to_owned()));
        }
    }
    Ok(chunks.chunks)
}

/// serde_json's words without the place, which stands before them already.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ")
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn record(chunks: &mut Chunks<'_>, slug: &str, key: Option<&str>, item: &Value) {
    let naming = item.as_object().and_then(|map| {
        NAMING
            .iter()
            .find_map(|naming| map.iter().find(|(key, _)| key.to_lowercase() == **naming))
            .and_then(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
    });
    let heading = match (&naming, key) {
        (Some((_, heading)), _) => heading.clone(),
        (None, Some(key)) => key.to_owned(),
        (None, None) => format!("{} {slug}", chunks.file),
    };
    let mut body = String::new();
    lines(
        "",
        item,
        naming.as_ref().map(|(key, _)| key.as_str()),
        &mut body,
    );
    chunks.add(slug, &heading, &body);
}

/// A value as lines of `path: value`; the naming field is left out, because it is the heading.
fn lines(path: &str, value: &Value, leave_out: Option<&str>, out: &mut String) {
    let under = |key: &str| {
        if path.is_empty() {
            key.to_owned()
        } else {
            format!("{path} {key}")
        }
    };
    match value {
        Value::Null => {}
        Value::Object(map) => {
            for (key, value) in map
                .iter()
                .filter(|(key, _)| Some(key.as_str()) != leave_out)
            {
                lines(&under(key), value, None, out);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| lines(path, item, None, out)),
        Value::String(text) => said(path, text, out),
        Value::Bool(_) | Value::Number(_) => said(path, &value.to_string(), out),
    }
}

fn said(path: &str, text: &str, out: &mut String) {
    match path {
        "" | "answer" | "text" | "content" | "body" | "respuesta" | "texto" => out.push_str(text),
        _ => out.push_str(&format!("{path}: {text}")),
    }
    out.push('\n');
}

/// Text in pieces of at most [`CHUNK_BYTES_MAX`], cut between paragraphs, else lines, else words.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = text.trim();
    while rest.len() > CHUNK_BYTES_MAX {
        let head = &rest[..rest.floor_char_boundary(CHUNK_BYTES_MAX)];
        let cut = ["\n\n", "\n", " "]
            .iter()
            .find_map(|gap| head.rfind(gap).filter(|&at| at > CHUNK_BYTES_MAX / 4))
            .unwrap_or(head.len());
        pieces.push(rest[..cut].trim_end().to_owned());
        rest = rest[cut..].trim_start();
    }
    if !rest.is_empty() {
        pieces.push(rest.to_owned());
    }
    pieces
}

/// A heading as part of an id: letters and digits of any script, the rest as single dashes.
fn slug(heading: &str) -> String {
    let words: Vec<String> = heading
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    let slug = words.join("-");
    slug[..slug.floor_char_boundary(64)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::read::directory;
    use super::*;

    fn chunks_of(name: &str, text: &str) -> Vec<(String, String, String)> {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(dir.path().join(name), text).expect("written");
        let found = directory(dir.path()).expect("readable");
        found
            .chunks
            .into_iter()
            .map(|chunk| (chunk.id, chunk.heading, chunk.text))
            .collect()
    }

    fn check(name: &str, text: &str, want: &[(&str, &str, &str)]) {
        let got = chunks_of(name, text);
        let got: Vec<(&str, &str, &str)> = got
            .iter()
            .map(|(id, heading, text)| (id.as_str(), heading.as_str(), text.as_str()))
            .collect();
        assert_eq!(got, want);
    }

    #[test]
    fn markdown_is_cut_at_headings_and_not_inside_code() {
        check(
            "a.md",
            "\u{feff}Intro.\n\n# Title\n\n## One ##\nText 1.\n```\n# not a heading\n```\n### One\nText 2.\n#hashtag\n## Empty\n",
            &[
                ("a.md#a-md", "a.md", "Intro."),
                ("a.md#one", "One", "Text 1.\n```\n# not a heading\n```"),
                ("a.md#one-2", "One", "Text 2.\n#hashtag"),
            ],
        );
    }

    #[test]
    fn csv_rows_become_chunks() {
        check(
            "p.csv",
            "item,price,note\r\nHalo,\"1,490\",\"two\nlines\"\nArc,219,\n",
            &[
                (
                    "p.csv#line-2",
                    "Halo",
                    "item: Halo\nprice: 1,490\nnote: two\nlines",
                ),
                ("p.csv#line-4", "Arc", "item: Arc\nprice: 219"),
            ],
        );
    }

    #[test]
    fn json_arrays_and_objects_become_chunks() {
        check(
            "f.json",
            r#"[{"question":"Open?","answer":"Yes.","tags":["a","b"]}, "plain", {"x":{"y":1}}]"#,
            &[
                ("f.json#1", "Open?", "Yes.\ntags: a\ntags: b"),
                ("f.json#2", "f.json 2", "plain"),
                ("f.json#3", "f.json 3", "x y: 1"),
            ],
        );
        check(
            "o.json",
            r#"{"Monday": "10-20", "Sunday": null, "Prices": {"Halo": 149, "sale": true}}"#,
            &[
                ("o.json#monday", "Monday", "10-20"),
                ("o.json#prices", "Prices", "Halo: 149\nsale: true"),
            ],
        );
    }

    #[test]
    fn long_sections_are_cut_between_paragraphs() {
        let text = format!("# T\n{}\n\n{}\n", "a ".repeat(600), "b ".repeat(600));
        let got = chunks_of("l.md", &text);
        assert_eq!(got.len(), 2);
        assert_eq!(got[1].0, "l.md#t-2");
        assert!(got.iter().all(|(_, _, text)| text.len() <= CHUNK_BYTES_MAX));
        assert!(got[1].2.chars().all(|c| c == 'b' || c == ' '));
        let unbroken = chunks_of("u.md", &"é".repeat(CHUNK_BYTES_MAX));
        assert_eq!(
            unbroken
                .iter()
                .map(|(_, _, text)| text.len())
                .sum::<usize>(),
            2 * CHUNK_BYTES_MAX
        );
    }
}
