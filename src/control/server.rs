//! The listening side of the control socket.

use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{LINE_BYTES_MAX, Reply, Request, people, socket};
use crate::conversation::words::ModeName;
use crate::desk::switches::NoSwitch;
use crate::http::{Doors, departed};
use crate::learning::source::answer;
use crate::runtime::{Unavailable, blocking};

/// Commands served at once; more wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 8;
/// Who turned a switch through this socket, as the record of changes names them.
const BY: &str = crate::desk::names::CONTROL_SOCKET;
/// How long a connection may be silent.
const PATIENCE: Duration = Duration::from_secs(30);

/// Listens on `dir`'s socket until `stop`. A socket that nobody answers on is replaced; one that answers is not.
///
/// # Errors
/// When another process answers there, or the socket cannot be made.
pub async fn listen(
    dir: &Path,
    doors: Doors,
    stop: CancellationToken,
) -> io::Result<JoinHandle<()>> {
    let path = socket(dir);
    if UnixStream::connect(&path).await.is_ok() {
        let text = format!("another process answers on `{}`", path.display());
        return Err(io::Error::new(io::ErrorKind::AddrInUse, text));
    }
    let listener = bind(dir, &path).map_err(|fault| named(&path, &fault))?;
    Ok(tokio::spawn(async move {
        accept(&listener, &doors, &stop).await;
        drop(listener);
        if let Err(fault) = std::fs::remove_file(&path) {
            tracing::debug!(%fault, "the control socket could not be removed");
        }
    }))
}

/// A socket is as open as the umask lets it be until its mode is set. So it is bound in a folder of our own, shut to
/// everybody else, and moved to its place once it is shut itself; moving also replaces a dead one in one step.
fn bind(dir: &Path, path: &Path) -> io::Result<UnixListener> {
    let shut = dir.join(format!(".s{}", std::process::id()));
    if shut.exists() {
        std::fs::remove_dir_all(&shut)?;
    }
    std::fs::DirBuilder::new().mode(0o700).create(&shut)?;
    let bound = bind_within(&shut.join("s"), path);
    let _ = std::fs::remove_dir_all(&shut);
    bound
}

fn bind_within(temporary: &Path, path: &Path) -> io::Result<UnixListener> {
    let listener = UnixListener::bind(temporary)?;
    std::fs::set_permissions(temporary, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(temporary, path)?;
    Ok(listener)
}

fn named(path: &Path, fault: &io::Error) -> io::Error {
    let path = path.display();
    let text = if fault.kind() == io::ErrorKind::InvalidInput {
        // sun_path holds 108 bytes on Linux, 104 elsewhere.
        format!("`{path}` is too long for a socket's path; use a shorter data directory")
    } else {
        format!("`{path}`: {fault}")
    };
    io::Error::new(fault.kind(), text)
}

async fn accept(listener: &UnixListener, doors: &Doors, stop: &CancellationToken) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (doors, stop) = (doors.clone(), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                ended = serve(stream, &doors) => {
                    if let Err(fault) = ended {
                        tracing::debug!(%fault, "a command went away");
                    }
                }
            }
            drop(place);
        });
    }
}

async fn serve(stream: UnixStream, doors: &Doors) -> io::Result<()> {
    let (reading, mut writing) = stream.into_split();
    let mut reading = BufReader::new(reading);
    loop {
        let mut line = Vec::new();
        let mut bounded = (&mut reading).take(LINE_BYTES_MAX as u64);
        let read = tokio::time::timeout(PATIENCE, bounded.read_until(b'\n', &mut line)).await;
        if read.map_err(io::Error::other)?? == 0 {
            return Ok(());
        }
        let whole = line.last() == Some(&b'\n');
        let reply = match serde_json::from_slice(&line) {
            Ok(request) if whole => carry_out(doors, request).await,
            Ok(_) | Err(_) => {
                refused("the request is not understood; the command may be of another version")
            }
        };
        let mut text = serde_json::to_vec(&reply).expect("a reply is plain data");
        text.push(b'\n');
        writing.write_all(&text).await?;
        if !whole {
            return Ok(());
        }
    }
}

async fn carry_out(doors: &Doors, request: Request) -> Reply {
    match request {
        Request::Status => Reply::Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            resident: doors.runtime.router().resident(),
            waiting: doors.desk.board().count(ModeName::Waiting),
            human: doors.desk.board().count(ModeName::Human),
            ai: doors.runtime.policy().switches.clone(),
        },
        Request::Ai { turn } => {
            let turned = doors
                .runtime
                .switch(BY, |policy| turn.applied(policy).map_err(NotTurned::Which));
            match turned.await {
                Ok(ai) => Reply::Ai { ai },
                Err(fault) => refused(&fault.to_string()),
            }
        }
        Request::Read { ask } => {
            let store = doors.runtime.store().clone();
            match blocking(move || answer(&store, ask)).await {
                Ok(found) => Reply::Read {
                    found: Box::new(found),
                },
                Err(fault) => refused(&fault.to_string()),
            }
        }
        people_request @ (Request::AgentAdd { .. }
        | Request::AgentList
        | Request::AgentToken { .. }
        | Request::AgentRevoke { .. }) => {
            let gone = match &people_request {
                Request::AgentRevoke { name } => Some(name.as_str().into()),
                Request::AgentAdd { .. }
                | Request::AgentList
                | Request::AgentToken { .. }
                | Request::Status
                | Request::Ai { .. }
                | Request::Read { .. } => None,
            };
            if let Request::AgentAdd { queues, .. } = &people_request {
                let known = &doors.runtime.policy().queues;
                if let Some(unknown) = queues.iter().find(|queue| !known.contains_key(*queue)) {
                    let known: Vec<&str> =
                        known.keys().map(crate::ids::QueueName::as_str).collect();
                    let known = known.join(", ");
                    return refused(&format!(
                        "there is no queue `{unknown}`; there are: {known}"
                    ));
                }
            }
            // Nobody inherits what somebody of that name may still hold.
            departed::let_go_of_all(doors).await;
            let desk = doors.desk.clone();
            let done = tokio::task::spawn_blocking(move || people(&desk, &people_request)).await;
            let reply = done.ok().flatten();
            if let (Some(name), Some(Reply::Done)) = (gone, &reply)
                && let Err(fault) = departed::let_go(doors, &name).await
            {
                return Reply::Failed {
                    what: format!("`{name}` is revoked, but still holds conversations: {fault}"),
                    mend: "do it again".to_owned(),
                };
            }
            reply.unwrap_or_else(|| refused("the process could not carry it out"))
        }
    }
}

/// No switch was turned.
#[derive(Debug, thiserror::Error)]
enum NotTurned {
    #[error(transparent)]
    Which(NoSwitch),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

fn refused(what: &str) -> Reply {
    Reply::Failed {
        what: what.to_owned(),
        mend: String::new(),
    }
}
