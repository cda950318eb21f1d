//! A file that comes in, from a customer or from our own side: taken from its body a piece at a time, judged by what it
//! holds and not by what it is called, and put on the shelf whole or not at all.
//!
//! Bounded in length, in time and in pace. Who may send, how much room there is and what message names the file is
//! decided by whoever calls; nothing here looks at a conversation.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::HeaderMap;
use futures_util::StreamExt as _;

use super::media;
use crate::clock::monotonic;
use crate::ids::ConversationId;
use crate::store::media::{Draft, FileId, HEAD_BYTES, Kind, Plain, Shelf, ShelfError};

/// How long a file may take altogether: 10 MB at 500 kbit/s.
const WITHIN: Duration = Duration::from_secs(180);
/// How long a piece may take.
const PIECE_WITHIN: Duration = Duration::from_secs(20);
/// Whoever sends less than so many bytes in a second, after [`PIECE_WITHIN`], only keeps a place from others.
const PACE_MIN: u64 = 2 * 1024;
/// The header with the name, percent-encoded.
const NAME: &str = "x-file-name";

/// Why a file was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Longer than so many bytes.
    #[error("the file is longer than {0} bytes")]
    Long(u64),
    /// Of a kind that is not taken, by what it holds.
    #[error("files of this kind are not taken; pictures, PDF, MP4 and plain text are")]
    Kind,
    /// Too slow.
    #[error("the file did not arrive in time")]
    Slow,
    /// The connection broke.
    #[error("the file ended early")]
    Broken,
    /// As many come in as may.
    #[error("there is no room for files just now")]
    NoRoom,
    /// It could not be kept.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
}

/// Takes a body of at most `most` bytes as a file of a conversation: which, and how long it is. What was refused is read
/// to its end, because whoever still sends would not hear why when we hang up.
///
/// # Errors
/// [`Fault`]; nothing is kept then.
pub async fn take(
    shelf: &Shelf,
    whose: ConversationId,
    body: Body,
    most: u64,
) -> Result<(FileId, u64), Fault> {
    let mut pieces = body.into_data_stream();
    let receiving = receive(shelf, whose, &mut pieces, most);
    let received = tokio::time::timeout(WITHIN, receiving).await;
    if let Ok(Err(Fault::Kind | Fault::Long(_) | Fault::Shelf(ShelfError::Enough))) = received {
        read_on(&mut pieces, most).await;
    }
    received.unwrap_or(Err(Fault::Slow))
}

/// Reads a body that is refused unseen, however long it is but only for a while, so that its sender hears why: who still
/// sends when the connection ends hears nothing. For people of our own side; of strangers not a byte too many is read.
pub async fn hear_out(body: Body) {
    read_on(&mut body.into_data_stream(), u64::MAX).await;
}

/// What the sender calls the file, made into a name that is only a name.
pub fn name(headers: &HeaderMap, kind: Kind) -> String {
    let sent = headers.get(NAME).and_then(|value| value.to_str().ok());
    media::tidied(&percent_decoded(sent.unwrap_or_default()), kind)
}

async fn read_on(pieces: &mut BodyDataStream, most: u64) {
    let reading = async {
        let mut read = 0;
        while let Some(Ok(piece)) = pieces.next().await {
            read += piece.len() as u64;
            if read > most {
                break;
            }
        }
    };
    let _either = tokio::time::timeout(PIECE_WITHIN, reading).await;
}

/// Puts a body on the shelf. What is not finished is gone.
async fn receive(
    shelf: &Shelf,
    whose: ConversationId,
    pieces: &mut BodyDataStream,
    most: u64,
) -> Result<(FileId, u64), Fault> {
    let shelf = shelf.clone();
    let mut draft = blocking(move || shelf.begin(whose, most)).await?;
    let mut head = Vec::new();
    let mut kind = None;
    let mut plain = Plain::default();
    let began = monotonic();
    loop {
        let next = tokio::time::timeout(PIECE_WITHIN, pieces.next()).await;
        let piece = match next.map_err(|_| Fault::Slow)? {
            Some(piece) => piece.map_err(|_| Fault::Broken)?,
            None => break,
        };
        let lasted = began.elapsed();
        if lasted > PIECE_WITHIN && draft.written() < lasted.as_secs() * PACE_MIN {
            return Err(Fault::Slow);
        }
        if draft.written() + piece.len() as u64 > most {
            return Err(Fault::Long(most));
        }
        if kind.is_none() {
            head.extend_from_slice(&piece[..piece.len().min(HEAD_BYTES)]);
            if head.len() >= HEAD_BYTES {
                kind = Some(Kind::of(&head[..HEAD_BYTES]).ok_or(Fault::Kind)?);
            }
        }
        if matches!(kind, None | Some(Kind::Text)) && !plain.go_on(&piece) && kind.is_some() {
            return Err(Fault::Kind);
        }
        draft = blocking(move || draft.write(&piece).map(|()| draft)).await?;
    }
    let kind = match kind {
        Some(kind) => kind,
        None => Kind::of(&head).ok_or(Fault::Kind)?,
    };
    if kind == Kind::Text && !plain.is_whole() {
        return Err(Fault::Kind);
    }
    let length = draft.written();
    let id = blocking(move || Draft::finish(draft, kind)).await?;
    Ok((id, length))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ShelfError> + Send + 'static,
) -> Result<T, Fault> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|_| Fault::NoRoom)??)
}

/// What `encodeURIComponent` made of a text.
fn percent_decoded(text: &str) -> String {
    let pair = format!("name={text}");
    let mut pairs = form_urlencoded::parse(pair.as_bytes());
    pairs
        .next()
        .map_or_else(String::new, |(_, name)| name.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_as_browsers_encode_it() {
        assert_eq!(
            percent_decoded("gr%C3%B6%C3%9Fe%20%2B%26.png"),
            "größe +&.png"
        );
        assert_eq!(percent_decoded(""), "");
    }
}
