//! The asking side of the control socket: one request, one reply. Blocks.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::{LINE_BYTES_MAX, Reply, Request, socket};

/// How long a reply may take: a write to the store can wait behind a second of others.
const PATIENCE: Duration = Duration::from_secs(15);

/// Why the running process could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The socket is there and cannot be used.
    #[error("the running process cannot be reached: {0}")]
    Unreachable(#[from] io::Error),
    /// The reply is none.
    #[error(
        "the running process gave no reply that this command understands; it may be of another version"
    )]
    NoReply,
}

/// Asks the process that runs on `dir`; none if there is none.
///
/// # Errors
/// [`ControlError`] when there is one and it does not answer properly.
pub fn ask(dir: &Path, request: &Request) -> Result<Option<Reply>, ControlError> {
    let mut stream = match UnixStream::connect(socket(dir)) {
        Ok(stream) => stream,
        Err(fault) if is_nobody(&fault) => return Ok(None),
        Err(fault) => return Err(fault.into()),
    };
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_vec(request).expect("a request is plain data");
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut reply = Vec::new();
    BufReader::new(stream)
        .take(LINE_BYTES_MAX as u64)
        .read_until(b'\n', &mut reply)?;
    serde_json::from_slice(&reply)
        .map(Some)
        .map_err(|_| ControlError::NoReply)
}

/// No socket, one that nobody listens on any more, or a path too long for there ever to have been one.
fn is_nobody(fault: &io::Error) -> bool {
    matches!(
        fault.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::InvalidInput
    )
}
