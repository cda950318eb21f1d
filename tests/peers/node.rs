//! A peer from npm.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::install::{Missing, installed, ours, run};

/// Where `peer` is installed as `pins` in `folder` has it, beside the `files` of that folder.
pub fn place(peer: &str, folder: &str, pins: &str, files: &[&str]) -> Result<PathBuf, Missing> {
    let place = installed(peer, &format!("{folder}/{pins}"), |place| {
        for file in files {
            let copied = fs::copy(ours(folder).join(file), place.join(file));
            copied.map_err(|error| format!("{file}: {error}"))?;
        }
        let how = if pins == "package-lock.json" {
            "ci"
        } else {
            "install"
        };
        let mut npm = Command::new("npm");
        npm.args([how, "--ignore-scripts", "--no-audit", "--no-fund"]);
        run(npm.current_dir(place), place)
    })?;
    Ok(place)
}
