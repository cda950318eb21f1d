//! `segue init`: writes a commented starter configuration and sample knowledge. Never overwrites anything.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::{complain, ended, say, starter};
use crate::config::FILE_NAME;

/// The directory of the sample knowledge.
const KNOWLEDGE_DIR: &str = "knowledge";

/// Writes the starter into `dir` and says what was written and what was there already. Exit 0 or 1.
pub fn run(dir: &Path) -> ExitCode {
    match write(dir) {
        Ok(done) => {
            let mut told = String::new();
            for path in &done.written {
                let _ = writeln!(told, "wrote {}", path.display());
            }
            for path in &done.skipped {
                let _ = writeln!(told, "kept  {} (it was there already)", path.display());
            }
            let next = dir.join(FILE_NAME);
            let _ = writeln!(told, "\nnext: segue serve --config {}", next.display());
            ended(say(&told))
        }
        Err(error) => {
            complain(
                &error.to_string(),
                "choose a directory that you may write to: segue init DIR",
            );
            ExitCode::FAILURE
        }
    }
}

/// What [`write()`] did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Done {
    /// New files.
    pub written: Vec<PathBuf>,
    /// Files that were there already and are as they were.
    pub skipped: Vec<PathBuf>,
}

/// A file or directory could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{}`: {source}", path.display())]
pub struct InitError {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// Writes the starter into `dir`, which is made if needed.
///
/// # Errors
/// [`InitError`] at the first file that cannot be written; those before it stay.
pub fn write(dir: &Path) -> Result<Done, InitError> {
    let knowledge = dir.join(KNOWLEDGE_DIR);
    fs::create_dir_all(&knowledge).map_err(|source| InitError {
        path: knowledge.clone(),
        source,
    })?;
    let mut done = Done::default();
    let samples = starter::KNOWLEDGE
        .iter()
        .map(|(name, text)| (knowledge.join(name), *text));
    for (path, text) in std::iter::once((dir.join(FILE_NAME), starter::CONFIG)).chain(samples) {
        // `create_new` leaves no moment between looking and writing
        let opened = OpenOptions::new().write(true).create_new(true).open(&path);
        match opened.and_then(|mut file| file.write_all(text.as_bytes())) {
            Ok(()) => done.written.push(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => done.skipped.push(path),
            Err(source) => return Err(InitError { path, source }),
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Environment};

    #[test]
    fn the_starter_passes_the_check() {
        let dir = tempfile::tempdir().expect("a directory");
        let done = write(dir.path()).expect("written");
        assert_eq!((done.written.len(), done.skipped.len()), (4, 0));
        let config = Config::load(Some(&dir.path().join(FILE_NAME)), &Environment::default());
        let config = config.unwrap_or_else(|faults| panic!("{faults}"));
        assert_eq!(config.policy().hash, Config::demonstration().policy().hash);
    }

    #[test]
    fn nothing_is_overwritten() {
        let dir = tempfile::tempdir().expect("a directory");
        let mine = dir.path().join(FILE_NAME);
        fs::write(&mine, "mine").expect("written");
        let done = write(dir.path()).expect("written");
        assert_eq!(done.skipped, std::slice::from_ref(&mine));
        assert_eq!(fs::read_to_string(&mine).expect("read"), "mine");
        assert_eq!(
            write(dir.path()).expect("written").written,
            [] as [PathBuf; 0]
        );
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("file");
        fs::write(&file, "").expect("written");
        let error = write(&file).expect_err("a file is no directory");
        assert!(error.to_string().contains("file"), "{error}");
    }
}
