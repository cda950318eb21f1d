//! Posts messages over a bounded number of connections, on a thread of its own.
//!
//! Who finds no free connection waits in line, and its latency counts from the intended moment all the same. A request
//! takes at most [`ANSWER_WITHIN`]. Nothing is repeated: what a provider would do then is not what is measured.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::http::{Request, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{LocalSet, spawn_local};

use super::target::Base;
use super::wire::Post;
use crate::clock::monotonic;

/// The longest an answer may take: twice as long as providers wait.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// A message to be posted.
pub struct Task {
    /// The request.
    pub post: Post,
    /// Told what came of it.
    pub done: Box<dyn FnOnce(Outcome, Instant) + Send>,
}

/// What came of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// This status.
    Answered(StatusCode),
    /// No connection.
    NoConnection,
    /// The connection broke.
    Broken,
    /// Nothing came in time.
    TimedOut,
}

impl Outcome {
    /// What kind of fault it is, for people.
    pub fn fault(self) -> String {
        match self {
            Self::Answered(status) => format!("status {}", status.as_u16()),
            Self::NoConnection => "no connection".to_owned(),
            Self::Broken => "connection broken".to_owned(),
            Self::TimedOut => format!("no answer within {} s", ANSWER_WITHIN.as_secs()),
        }
    }
}

/// The thread that posts, from outside.
pub struct Sender {
    line: Option<mpsc::Sender<Task>>,
    busy: Arc<AtomicUsize>,
    thread: Option<std::thread::JoinHandle<()>>,
    connections: usize,
}

impl Sender {
    /// Starts it; `backlog`: so many wait in line at most.
    ///
    /// # Errors
    /// When there is no thread or no client to be had.
    pub fn start(base: &Base, connections: usize, backlog: usize) -> std::io::Result<Self> {
        let (line, tasks) = mpsc::channel(backlog);
        let busy = Arc::new(AtomicUsize::new(0));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let client = match base.tls {
            true => Some(tls().map_err(std::io::Error::other)?),
            false => None,
        };
        let (base, counted) = (base.clone(), Arc::clone(&busy));
        let thread = std::thread::Builder::new()
            .name("load-send".to_owned())
            .spawn(move || {
                let all = run(base, client, tasks, connections, counted);
                LocalSet::new().block_on(&runtime, all);
            })?;
        Ok(Self {
            line: Some(line),
            busy,
            thread: Some(thread),
            connections,
        })
    }

    /// Puts a message in line; gives it back when the line is full.
    ///
    /// # Errors
    /// The message itself.
    pub fn post(&self, task: Task) -> Result<(), Box<Task>> {
        let Some(line) = &self.line else {
            return Err(Box::new(task));
        };
        line.try_send(task).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(task) | mpsc::error::TrySendError::Closed(task) => {
                Box::new(task)
            }
        })
    }

    /// Requests under way, and messages that wait in line.
    pub fn under_way(&self) -> (usize, usize) {
        let waiting = self
            .line
            .as_ref()
            .map_or(0, |line| line.max_capacity() - line.capacity());
        (self.busy.load(Ordering::Relaxed), waiting)
    }

    /// The most requests under way.
    pub fn connections(&self) -> usize {
        self.connections
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        drop(self.line.take());
        if let Some(thread) = self.thread.take() {
            // It ends at once: what is still under way was waited for long enough.
            let _ended = thread.join();
        }
    }
}

fn tls() -> reqwest::Result<reqwest::Client> {
    crate::model::install_crypto();
    reqwest::Client::builder().timeout(ANSWER_WITHIN).build()
}

type Connection = SendRequest<Full<Bytes>>;

async fn run(
    base: Base,
    client: Option<reqwest::Client>,
    mut tasks: mpsc::Receiver<Task>,
    connections: usize,
    busy: Arc<AtomicUsize>,
) {
    let places = Arc::new(Semaphore::new(connections));
    let pool: Rc<RefCell<Vec<Connection>>> = Rc::default();
    let base = Rc::new(base);
    while let Some(task) = tasks.recv().await {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let (pool, base, busy, client) = (
            Rc::clone(&pool),
            Rc::clone(&base),
            Arc::clone(&busy),
            client.clone(),
        );
        busy.fetch_add(1, Ordering::Relaxed);
        spawn_local(async move {
            let outcome = match &client {
                Some(client) => through(client, &base, &task.post).await,
                None => plain(&base, &task.post, &pool).await,
            };
            (task.done)(outcome, monotonic());
            busy.fetch_sub(1, Ordering::Relaxed);
            drop(place);
        });
    }
}

async fn through(client: &reqwest::Client, base: &Base, post: &Post) -> Outcome {
    let mut request = client
        .post(format!("{}{}", base.url, post.path))
        .body(post.body.clone());
    for (name, value) in &post.headers {
        request = request.header(*name, value);
    }
    match request.send().await {
        Ok(answer) => Outcome::Answered(answer.status()),
        Err(fault) if fault.is_timeout() => Outcome::TimedOut,
        Err(fault) if fault.is_connect() => Outcome::NoConnection,
        Err(_) => Outcome::Broken,
    }
}

async fn plain(base: &Base, post: &Post, pool: &RefCell<Vec<Connection>>) -> Outcome {
    let within = tokio::time::timeout(ANSWER_WITHIN, async {
        let mut connection = match idle(pool) {
            Some(connection) => connection,
            None => match connect(base).await {
                Some(connection) => connection,
                None => return Outcome::NoConnection,
            },
        };
        match exchange(&mut connection, base, post).await {
            Some(status) => {
                if connection.ready().await.is_ok() {
                    pool.borrow_mut().push(connection);
                }
                Outcome::Answered(status)
            }
            None => Outcome::Broken,
        }
    });
    within.await.unwrap_or(Outcome::TimedOut)
}

/// A connection that the server has not closed meanwhile.
fn idle(pool: &RefCell<Vec<Connection>>) -> Option<Connection> {
    let mut pool = pool.borrow_mut();
    while let Some(connection) = pool.pop() {
        if connection.is_ready() {
            return Some(connection);
        }
    }
    None
}

async fn connect(base: &Base) -> Option<Connection> {
    let stream = TcpStream::connect(&*base.authority).await.ok()?;
    stream.set_nodelay(true).ok()?;
    let (connection, driver) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    spawn_local(async move {
        // How it ended is told to whoever uses it.
        let _ended = driver.await;
    });
    Some(connection)
}

async fn exchange(connection: &mut Connection, base: &Base, post: &Post) -> Option<StatusCode> {
    let mut request = Request::post(&post.path).header("host", &base.authority);
    for (name, value) in &post.headers {
        request = request.header(*name, value);
    }
    let request = request.body(Full::new(post.body.clone())).ok()?;
    let answer = connection.send_request(request).await.ok()?;
    let status = answer.status();
    // The connection is free again when the whole answer was read.
    answer.into_body().collect().await.ok()?;
    Some(status)
}
