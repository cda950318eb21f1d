//! The talk of `segue chat`: what is typed goes out line by line, what comes is shown, and a lost connection is found
//! again. Only [`super::chat`] starts it.

use std::collections::VecDeque;
use std::io::Write;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, Lines};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message as Wire};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::chat::{ChatArguments, ChatError, keep_visitor, known_visitor, socket_url};
use super::screen::Screen;
use crate::clock::monotonic;
use crate::http::chat::FRAME_BYTES_MAX;
use crate::http::chat::protocol::{Choice, FromVisitor, Hello, Profile, Speaker, ToVisitor};

/// How long a connection may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// The server pings every 25 s; whoever is silent for longer than this is gone.
const SILENT_MAX: Duration = Duration::from_secs(70);
/// The longest pause between two attempts to reconnect.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// How long a script goes on trying to get a line stored.
const STORED_WITHIN: Duration = Duration::from_secs(60);
/// Lines that may wait to be stored.
const WAITING_MAX: usize = 16;
/// Frames of the server: a text of 8 KiB with everything escaped, and room.
const FRAME_MAX: usize = 4 * FRAME_BYTES_MAX;

/// The talk itself. `live`: somebody types; else the input is a script.
///
/// # Errors
/// [`ChatError`].
pub async fn talk<R: AsyncBufRead + Unpin, W: Write>(
    arguments: &ChatArguments,
    input: R,
    live: bool,
    screen: Screen<W>,
) -> Result<(), ChatError> {
    let url = socket_url(&arguments.url, &arguments.channel)?;
    let now = monotonic();
    let mut talk = Talk {
        profile: Profile {
            name: arguments.name.clone(),
            language: arguments.language.clone(),
        },
        visitor: known_visitor(arguments)?,
        arguments: arguments.clone(),
        live,
        screen,
        lines: input.lines(),
        ended: false,
        last: None,
        unstored: VecDeque::new(),
        own: Vec::new(),
        choices: Vec::new(),
        answered: true,
        quiet_at: now,
        stored_by: now,
        again_at: None,
        settled: false,
    };
    let mut pause = Duration::from_millis(500);
    loop {
        match connect(&url).await {
            Ok(mut socket) => {
                pause = Duration::from_millis(500);
                if talk.converse(&mut socket).await? == Outcome::Done {
                    let _ = socket.close(None).await;
                    return Ok(());
                }
                talk.screen.notice("connection lost; trying again")?;
            }
            Err(fault) if talk.visitor.is_none() || !talk.settled => {
                return Err(ChatError::Connect {
                    url: arguments.url.clone(),
                    fault,
                });
            }
            Err(_) if !live && monotonic() > talk.stored_by => return Err(ChatError::NotStored),
            Err(_) => {}
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect(url: &str) -> Result<Socket, String> {
    crate::channel::carrier::install_crypto();
    let config = WebSocketConfig::default()
        .max_frame_size(Some(FRAME_MAX))
        .max_message_size(Some(FRAME_MAX));
    let connecting = tokio_tungstenite::connect_async_with_config(url, Some(config), true);
    match tokio::time::timeout(CONNECT_WITHIN, connecting).await {
        Ok(Ok((socket, _response))) => Ok(socket),
        Ok(Err(tungstenite::Error::Http(response))) => {
            Err(format!("it answered {}", response.status()))
        }
        Ok(Err(fault)) => Err(fault.to_string()),
        Err(_) => Err("no answer".to_owned()),
    }
}

/// Whether the talk is over or the connection was lost.
#[derive(PartialEq, Eq)]
enum Outcome {
    Done,
    Lost,
}

struct Talk<R, W: Write> {
    arguments: ChatArguments,
    profile: Profile,
    visitor: Option<String>,
    live: bool,
    screen: Screen<W>,
    lines: Lines<R>,
    /// The input has ended.
    ended: bool,
    last: Option<u64>,
    /// Not stored yet; the first may be on its way.
    unstored: VecDeque<(String, FromVisitor)>,
    /// The ids of what was said here: it stands on the screen already.
    own: Vec<String>,
    /// Buttons that may be pressed by their number.
    choices: Vec<Choice>,
    answered: bool,
    /// When a script stops waiting for more.
    quiet_at: Instant,
    /// When a script gives up on a line that is not stored.
    stored_by: Instant,
    /// When to send the first unstored line again.
    again_at: Option<Instant>,
    /// The server has said welcome at least once.
    settled: bool,
}

/// What may happen next.
enum Happening {
    Line(Option<String>),
    Frame(Option<Result<Wire, tungstenite::Error>>),
    Time,
}

impl<R: AsyncBufRead + Unpin, W: Write> Talk<R, W> {
    async fn converse(&mut self, socket: &mut Socket) -> Result<Outcome, ChatError> {
        let hello = Hello {
            visitor: self.visitor.clone(),
            last: self.last,
            profile: self.profile.clone(),
        };
        let mut heard_at = monotonic();
        if !send(socket, &FromVisitor::Hello(hello)).await {
            return Ok(Outcome::Lost);
        }
        let mut welcome = false;
        loop {
            let now = monotonic();
            if self.is_over(now) {
                return Ok(Outcome::Done);
            }
            if !self.live && !self.unstored.is_empty() && now > self.stored_by {
                return Err(ChatError::NotStored);
            }
            if welcome
                && self.again_at.take_if(|at| *at <= now).is_some()
                && !self.send_first(socket).await
            {
                return Ok(Outcome::Lost);
            }
            let happening = tokio::select! {
                line = self.lines.next_line(), if welcome && self.takes_line(now) => Happening::Line(line?),
                frame = socket.next() => Happening::Frame(frame),
                () = tokio::time::sleep(Duration::from_millis(100)) => Happening::Time,
            };
            match happening {
                Happening::Time if heard_at.elapsed() > SILENT_MAX => return Ok(Outcome::Lost),
                Happening::Time => {}
                Happening::Line(None) => self.ended = true,
                Happening::Line(Some(line)) if line.trim() == "/quit" => return Ok(Outcome::Done),
                Happening::Line(Some(line)) => {
                    if !self.take_line(line.trim(), socket).await {
                        return Ok(Outcome::Lost);
                    }
                }
                Happening::Frame(Some(Ok(Wire::Text(text)))) => {
                    heard_at = monotonic();
                    let Ok(told) = serde_json::from_str::<ToVisitor>(text.as_str()) else {
                        continue;
                    };
                    let first = matches!(told, ToVisitor::Welcome { .. });
                    let go_on = self.hear(told)?;
                    welcome |= first;
                    if (first || go_on) && !self.send_first(socket).await {
                        return Ok(Outcome::Lost);
                    }
                }
                Happening::Frame(Some(Ok(
                    Wire::Ping(_) | Wire::Pong(_) | Wire::Binary(_) | Wire::Frame(_),
                ))) => {
                    heard_at = monotonic();
                }
                Happening::Frame(Some(Ok(Wire::Close(_)) | Err(_)) | None) => {
                    return Ok(Outcome::Lost);
                }
            }
        }
    }

    fn is_over(&self, now: Instant) -> bool {
        let quiet = self.live || now >= self.quiet_at;
        self.ended && self.unstored.is_empty() && quiet && self.settled
    }

    /// Somebody who types is heard at any time; a script's next line waits for the answer to the last.
    fn takes_line(&self, now: Instant) -> bool {
        let answered = self.answered || now >= self.quiet_at;
        !self.ended
            && if self.live {
                self.unstored.len() < WAITING_MAX
            } else {
                self.unstored.is_empty() && answered
            }
    }

    /// False: the connection is lost.
    async fn take_line(&mut self, line: &str, socket: &mut Socket) -> bool {
        if line.is_empty() {
            return true;
        }
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).expect("the system has randomness, or nothing here is safe");
        let id: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let pressed = line
            .parse::<usize>()
            .ok()
            .and_then(|n| self.choices.get(n.checked_sub(1)?))
            .cloned();
        let said = match pressed {
            Some(Choice { id: choice, title }) => FromVisitor::Choose {
                id: id.clone(),
                choice,
                title: Some(title),
            },
            None => FromVisitor::Say {
                id: id.clone(),
                text: line.to_owned(),
            },
        };
        self.own.push(id.clone());
        self.unstored.push_back((id, said));
        self.answered = false;
        self.stored_by = monotonic() + STORED_WITHIN;
        self.unstored.len() > 1 || self.send_first(socket).await
    }

    /// False: the connection is lost.
    async fn send_first(&mut self, socket: &mut Socket) -> bool {
        match self.unstored.front() {
            Some((_, said)) => send(socket, said).await,
            None => true,
        }
    }

    /// True: the next line may be sent.
    fn hear(&mut self, told: ToVisitor) -> Result<bool, ChatError> {
        let wait = Duration::from_secs(self.arguments.wait);
        match told {
            ToVisitor::Welcome {
                visitor,
                mode,
                name,
                after,
                may_end: _,
            } => {
                if self.visitor.as_ref() != Some(&visitor) {
                    keep_visitor(&self.arguments, &visitor)?;
                }
                self.visitor = Some(visitor);
                self.last = after;
                self.settled = true;
                self.quiet_at = monotonic() + wait;
                self.screen.who(mode, name.as_deref())?;
            }
            ToVisitor::Message(message) => {
                self.last = Some(message.entry);
                let own = message.id.as_ref().is_some_and(|id| self.own.contains(id));
                if message.from != Speaker::You {
                    self.answered = true;
                    self.quiet_at = monotonic() + wait;
                }
                if !own {
                    self.choices.clone_from(&message.choices);
                    self.screen.message(&message)?;
                }
            }
            ToVisitor::Streamed { effect, text } => {
                self.quiet_at = monotonic() + wait;
                self.screen.piece(effect, &text)?;
            }
            ToVisitor::StreamCut { effect } => self.screen.cut(effect)?,
            ToVisitor::Typing { seconds, .. } => {
                self.quiet_at = self
                    .quiet_at
                    .max(monotonic() + Duration::from_secs(u64::from(seconds)));
            }
            ToVisitor::Stored { id } => {
                self.quiet_at = self.quiet_at.max(monotonic() + wait);
                return Ok(self.stored(&id));
            }
            ToVisitor::Refused(refused) => match refused.retry_after {
                Some(seconds) => self.again_at = Some(monotonic() + Duration::from_secs(seconds)),
                None => {
                    self.screen.notice(&format!("not taken: {}", refused.why))?;
                    return Ok(self.stored(&refused.id));
                }
            },
            ToVisitor::Who { mode, name, .. } => self.screen.who(mode, name.as_deref())?,
            // The acknowledgement and the progress notes say it in words.
            ToVisitor::Line { .. } => {}
            ToVisitor::Error { why } => self.screen.notice(&why)?,
        }
        Ok(false)
    }

    /// That line is off the mind. True: the next may be sent.
    fn stored(&mut self, id: &str) -> bool {
        let first = self
            .unstored
            .front()
            .is_some_and(|(waiting, _)| waiting == id);
        if first {
            self.unstored.pop_front();
            self.stored_by = monotonic() + STORED_WITHIN;
        }
        first
    }
}

async fn send(socket: &mut Socket, said: &FromVisitor) -> bool {
    let text = serde_json::to_string(said).expect("plain data always has a JSON form");
    socket.send(Wire::Text(text.into())).await.is_ok()
}
