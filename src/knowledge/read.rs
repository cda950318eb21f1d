//! A folder of texts, read whole: each kind of file by its own reader.
//!
//! A fault is reported with its file and line and nothing is half read. What a text becomes is the matter of
//! [`chunks`](super::chunks); only this room touches the disk, and it never writes.

use std::fs;
use std::path::{Path, PathBuf};

use super::chunks::{csv_rows, json, markdown};
use super::{CHUNKS_MAX, Chunk, DEPTH_MAX, FILE_BYTES_MAX, KnowledgeError};

/// How one kind of file becomes chunks: from its name and text; or the line and what is wrong with it.
type Reader = fn(&str, &str) -> Result<Vec<Chunk>, (usize, String)>;

/// What a directory holds.
pub(super) struct Found {
    pub(super) chunks: Vec<Chunk>,
    pub(super) skipped: Vec<String>,
}

/// Reads all of `dir`.
pub(super) fn directory(dir: &Path) -> Result<Found, KnowledgeError> {
    let mut found = Found {
        chunks: Vec::new(),
        skipped: Vec::new(),
    };
    walk(dir, dir, 0, &mut found)?;
    Ok(found)
}

fn walk(root: &Path, dir: &Path, depth: usize, found: &mut Found) -> Result<(), KnowledgeError> {
    let unreadable = |path: &Path, source| KnowledgeError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let mut paths: Vec<PathBuf> = fs::read_dir(dir)
        .and_then(|entries| {
            entries
                .map(|entry| entry.map(|entry| entry.path()))
                .collect()
        })
        .map_err(|source| unreadable(dir, source))?;
    paths.sort();
    for path in paths {
        let name = path
            .strip_prefix(root)
            .unwrap_or(&path)
            .to_string_lossy()
            .replace('\\', "/");
        if path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'))
        {
            continue;
        }
        let about = fs::metadata(&path).map_err(|source| unreadable(&path, source))?;
        if about.is_dir() {
            if depth < DEPTH_MAX {
                walk(root, &path, depth + 1, found)?;
            } else {
                found.skipped.push(name);
            }
            continue;
        }
        if about.len() > FILE_BYTES_MAX {
            return Err(KnowledgeError::TooLarge {
                path,
                bytes: about.len(),
            });
        }
        match file(&path, &name)? {
            Some(chunks) => found.chunks.extend(chunks),
            None => found.skipped.push(name),
        }
        if found.chunks.len() > CHUNKS_MAX {
            return Err(KnowledgeError::TooMany {
                path: root.to_owned(),
            });
        }
    }
    Ok(())
}

/// The chunks of one file; `None` if its kind is not understood.
fn file(path: &Path, name: &str) -> Result<Option<Vec<Chunk>>, KnowledgeError> {
    let kind = path
        .extension()
        .map(|kind| kind.to_string_lossy().to_lowercase())
        .unwrap_or_default();
    let reader: Reader = match kind.as_str() {
        "md" | "markdown" | "txt" => |name, text| Ok(markdown(name, text)),
        "csv" => csv_rows,
        "json" => json,
        _ => return Ok(None),
    };
    let bytes = fs::read(path).map_err(|source| KnowledgeError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let invalid = |(line, what)| KnowledgeError::Invalid {
        path: path.to_owned(),
        line,
        what,
    };
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let line = 1 + bytes[..error.valid_up_to()]
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count();
        let (at, byte) = (error.valid_up_to(), bytes[error.valid_up_to()]);
        invalid((line, format!("byte {at} (0x{byte:02x}) is not UTF-8")))
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    reader(name, text).map(Some).map_err(invalid)
}

#[cfg(test)]
mod tests {
    use super::super::Tongue;
    use super::*;

    fn dir_with(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a directory");
        for (name, bytes) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs::write(path, bytes).expect("written");
        }
        dir
    }

    fn refuses(name: &str, bytes: &[u8], want: &str) {
        let dir = dir_with(&[(name, bytes)]);
        let error = directory(dir.path()).err().expect("refused").to_string();
        assert!(error.ends_with(want), "{error}");
        assert!(error.contains(name), "{error}");
    }

    #[test]
    fn faults_name_file_and_line() {
        refuses(
            "a.csv",
            b"a,b\n1,2\n1,2,3\n",
            ":3: 3 fields where the header line has 2",
        );
        refuses(
            "b.csv",
            b"a,\n1,2\n",
            ":1: a column without a name in the header line",
        );
        refuses(
            "c.json",
            b"[\n 1,\n oops\n]",
            ":3: not json: expected value",
        );
        refuses("d.json", b"12", ":1: expected an array or an object");
        refuses("e.md", b"fine\nb\xffd\n", ":2: byte 6 (0xff) is not UTF-8");
    }

    #[test]
    fn other_files_are_passed_over_and_named() {
        let dir = dir_with(&[
            ("a.md", b"x"),
            (".git/b.md", b"x"),
            ("logo.png", b"\xff"),
            ("es/c.md", b"the"),
        ]);
        let found = directory(dir.path()).expect("readable");
        assert_eq!(found.skipped, ["logo.png"]);
        let ids: Vec<_> = found
            .chunks
            .iter()
            .map(|chunk| (chunk.id.as_str(), chunk.tongue))
            .collect();
        assert_eq!(
            ids,
            [
                ("a.md#a-md", Tongue::English),
                ("es/c.md#es-c-md", Tongue::Spanish)
            ]
        );
    }

    #[test]
    fn an_empty_or_missing_directory_is_an_error() {
        let dir = dir_with(&[("logo.png", b"")]);
        let empty = super::super::Knowledge::from_dir(dir.path())
            .expect_err("empty")
            .to_string();
        assert!(empty.starts_with("no markdown"), "{empty}");
        let missing = super::super::Knowledge::from_dir(&dir.path().join("none"))
            .expect_err("missing")
            .to_string();
        assert!(missing.starts_with("cannot read"), "{missing}");
    }
}
