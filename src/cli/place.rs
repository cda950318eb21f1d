//! Where a command finds the data: where `segue serve` keeps them.
//!
//! `--data` wins; else `[storage] data_dir` of the configuration (`--config`, else `./segue.toml`, with the environment
//! over it), else what ships. Only that section is read: a secret that is set for the server and not in this shell is no
//! reason to refuse a report. Nothing is opened or made here.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::complain;
use crate::config::{self, Config, Environment};

/// The file that a store cannot be without.
const STATE: &str = "state.redb";
/// Wrong usage or configuration.
const EXIT_WRONG: u8 = 2;

/// Where the data are.
#[derive(Args, Debug)]
pub struct Place {
    /// The configuration that says where the data are; `./segue.toml` if there is one.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data directory, whatever the configuration says.
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// A data directory, and who named it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Data {
    /// The directory.
    pub dir: PathBuf,
    named_by: String,
}

impl Place {
    /// The data directory.
    ///
    /// # Errors
    /// The exit code with which the command ends: the configuration cannot be read, which has been said.
    pub fn find(&self) -> Result<Data, ExitCode> {
        if let Some(dir) = &self.data {
            return Ok(Data::named(dir.clone()));
        }
        let path = self.config();
        let storage = Config::storage(path.as_deref(), &Environment::of_process());
        let storage = storage.map_err(|faults| {
            let mend = "`segue check` shows the same; --data DIR names the data without it";
            complain(&faults.to_string(), mend);
            ExitCode::from(EXIT_WRONG)
        })?;
        let named_by = path.map_or_else(
            || format!("no --data, no --config, no {} here", config::FILE_NAME),
            |path| path.display().to_string(),
        );
        Ok(Data {
            dir: storage.data_dir,
            named_by,
        })
    }

    /// The configuration that counts here, as `serve` looks for it.
    pub fn config(&self) -> Option<PathBuf> {
        self.config.clone().or_else(config::default_path)
    }
}

impl Data {
    /// The one that whoever calls has named.
    pub fn named(dir: PathBuf) -> Self {
        Self {
            dir,
            named_by: "--data".to_owned(),
        }
    }

    /// Whether a Segue has ever kept anything there.
    pub fn is_there(&self) -> bool {
        self.dir.join(STATE).exists()
    }

    /// What is wrong where nothing is there, and how to mend it: whoever reads must never begin a new, empty store.
    pub fn missing(&self) -> (String, String) {
        let Self { dir, named_by } = self;
        let what = format!(
            "there is no data of Segue in `{}` ({named_by})",
            dir.display()
        );
        let mend =
            "name it with --data DIR, or the configuration of `segue serve` with --config FILE";
        (what, mend.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn data_win_over_the_configuration_which_wins_over_what_ships() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("s.toml");
        // A secret that this shell does not have, and a section that nobody knows: neither is about data.
        let text = "[storage]\ndata_dir = \"d\"\n[model]\nprovider = \"openai\"\napi_key = { env = \"NOT_SET\" }\n";
        std::fs::write(&file, text).expect("written");
        let check = |data: Option<&str>, config: Option<&Path>, expected: &Path| {
            let place = Place {
                config: config.map(Path::to_owned),
                data: data.map(PathBuf::from),
            };
            let found = place.find().expect("a place");
            assert_eq!(found.dir, expected, "{found:?}");
            assert!(!found.is_there());
            let (what, _) = found.missing();
            assert!(what.contains(&expected.display().to_string()), "{what}");
        };
        check(Some("x"), Some(&file), Path::new("x"));
        check(None, Some(&file), &dir.path().join("d"));
        check(None, None, Path::new("./segue-data"));
    }

    #[test]
    fn a_configuration_that_cannot_be_read_is_wrong_usage() {
        let place = Place {
            config: Some(PathBuf::from("/nowhere/segue.toml")),
            data: None,
        };
        let code = place.find().expect_err("no such file");
        assert_eq!(
            format!("{code:?}"),
            format!("{:?}", ExitCode::from(EXIT_WRONG))
        );
    }
}
