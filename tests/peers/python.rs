//! A peer from PyPI, in an environment of its own.

use std::path::PathBuf;
use std::process::Command;

use super::install::{Missing, installed, ours, run};

/// Where the programs of `peer` are, as its `requirements.txt` in `folder` pins them.
pub fn bin(peer: &str, folder: &str) -> Result<PathBuf, Missing> {
    let pins = format!("{folder}/requirements.txt");
    let place = installed(peer, &pins, |place| {
        run(
            Command::new("python3").args(["-m", "venv"]).arg(place),
            place,
        )?;
        let mut pip = Command::new(place.join("bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check", "-r"]);
        run(pip.arg(ours(&pins)), place)
    })?;
    Ok(place.join("bin"))
}
