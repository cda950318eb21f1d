//! `[triage] phrases_file`: further phrases, kept beside the configuration by those who read what customers write.
//!
//! A TOML file with the tables `explicit`, `not_explicit` and `[[scope]]`, read as those of `[triage]` are. What is wrong in it
//! is reported with its own name and lines. It is followed and read again like the configuration itself.

use std::path::{Path, PathBuf};

use super::super::reader::{Reader, Section};
use super::super::source;

/// Reads the file that `phrases_file` names, if it names one, by `more`.
pub(super) fn read(
    reader: &mut Reader<'_>,
    section: &mut Section<'_>,
    more: &mut dyn FnMut(&mut Reader<'_>, &mut Section<'_>),
) -> Option<PathBuf> {
    let named = section.text(reader, "phrases_file")?;
    let path = reader.path(&named.value, &named.at);
    if let Some(text) = reader.file(&path, &named.at) {
        read_text(reader, &path, &text, more);
    }
    Some(path)
}

fn read_text(
    reader: &mut Reader<'_>,
    path: &Path,
    text: &str,
    more: &mut dyn FnMut(&mut Reader<'_>, &mut Section<'_>),
) {
    let mut inner = Reader {
        faults: Vec::new(),
        environment: reader.environment,
        base: reader.base.clone(),
    };
    let mut faults = Vec::new();
    let table = source::parse(text.strip_prefix('\u{feff}').unwrap_or(text), &mut faults);
    let mut root = Section::root(&table);
    more(&mut inner, &mut root);
    root.finish(&mut inner, &[]);
    let name = path.display().to_string();
    let found = super::super::without_echoes(faults, inner.faults);
    reader
        .faults
        .extend(found.into_iter().map(|fault| fault.in_file(&name)));
}
