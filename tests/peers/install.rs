//! Programs of others that hold us to what they understand: installed once, as pinned beside this file, into
//! `target/peers/`, so that they stay between runs and are never committed.
//!
//! `SEGUE_PEERS=0` leaves all of them out.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use segue::clock::monotonic;

/// The longest one step of an install may take.
const STEP_MAX: Duration = Duration::from_secs(180);

/// Why a peer cannot be used here.
pub type Missing = String;

/// A file of ours for a peer.
pub fn ours(file: &str) -> PathBuf {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers");
    all.join(file)
}

/// Installs `peer` by `steps` unless what it pins in `pins` is installed already. Answers where.
pub fn installed(
    peer: &str,
    pins: &str,
    steps: impl FnOnce(&Path) -> Result<(), Missing>,
) -> Result<PathBuf, Missing> {
    if std::env::var_os("SEGUE_PEERS").is_some_and(|wish| wish == "0") {
        return Err("SEGUE_PEERS=0".to_owned());
    }
    let text = |error: std::io::Error| error.to_string();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let place = target.with_file_name("peers").join(peer);
    fs::create_dir_all(&place).map_err(text)?;
    let pinned = fs::read(ours(pins)).expect("the pins stand in the repository");
    let stamp = place.join("pins");
    if !fs::read(&stamp).is_ok_and(|before| before == pinned) {
        steps(&place)?;
        fs::write(stamp, pinned).map_err(text)?;
    }
    Ok(place)
}

/// Runs one step of an install in `place`, where its output is kept.
pub fn run(command: &mut Command, place: &Path) -> Result<(), Missing> {
    let name = command.get_program().to_string_lossy().into_owned();
    let log = place.join("install.log");
    let file = File::create(&log).map_err(|error| error.to_string())?;
    let errors = file.try_clone().map_err(|error| error.to_string())?;
    command.stdin(Stdio::null()).stdout(file).stderr(errors);
    let mut child = command
        .spawn()
        .map_err(|error| format!("{name} cannot be run: {error}"))?;
    let began = monotonic();
    loop {
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => {
                let said = fs::read_to_string(&log).unwrap_or_default();
                let last = said.lines().last().unwrap_or_default();
                return Err(format!("{name}: {status}: {last}"));
            }
            None if began.elapsed() > STEP_MAX => {
                // Nothing of it is used.
                let _killed = child.kill();
                let _ended = child.wait();
                let long = STEP_MAX.as_secs();
                return Err(format!("{name} took longer than {long} s"));
            }
            None => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}
