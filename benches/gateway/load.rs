//! The provider's side: signed webhooks over keep-alive connections, as cheaply as one thread can post them.
//!
//! Signing is done before the clock starts; while it runs a request is a copied template with three fields filled in.
//! Closed loop: every connection has one request under way.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use segue::channel::twilio::signature::sign;
use segue::clock::monotonic;
use segue::secret::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::people::address;
use crate::{CHANNEL, PUBLIC_URL, TOKEN};

/// A signature in base64: 20 bytes.
const SIGNATURE_LEN: usize = 28;
/// Answers to webhooks are a few hundred bytes.
pub const ANSWER_MAX: usize = 4_096;

/// Words that the customer may add, as they stand in a form: nine bytes each.
const MORE: &str = "+palabras";

/// A webhook that is signed and not yet posted.
#[derive(Clone, Copy)]
pub struct Signed {
    customer: u64,
    message: u64,
    more: u16,
    signature: [u8; SIGNATURE_LEN],
}

fn body(customer: u64, message: u64, more: u16) -> String {
    let more = MORE.repeat(usize::from(more));
    let from = address(customer).replace(':', "%3A").replace('+', "%2B");
    let sid = format!("SM{message:032x}");
    format!(
        "SmsMessageSid={sid}&NumMedia=0&ProfileName=Ana+Perez&MessageType=text&SmsSid={sid}\
         &WaId=1{:010}&SmsStatus=received&Body=Hola%2C+mi+pedido+4711+no+ha+llegado+todavia.+Alguien+puede+mirarlo+por+favor%3F{more}\
         &To=whatsapp%3A%2B14155238886&NumSegments=1&ReferralNumMedia=0&MessageSid={sid}\
         &AccountSid=AC00000000000000000000000000000000&From={from}&ApiVersion=2010-04-01",
        2_000_000_000 + customer,
    )
}

/// Signs message number `message` of `customer`.
pub fn signed(customer: u64, message: u64) -> Signed {
    signed_with(customer, message, 0)
}

/// The same with so many words more.
pub fn signed_with(customer: u64, message: u64, more: u16) -> Signed {
    let url = format!("{PUBLIC_URL}/webhooks/{CHANNEL}");
    let text = sign(
        &Secret::from(TOKEN),
        &url,
        body(customer, message, more).as_bytes(),
    );
    let mut signature = [0; SIGNATURE_LEN];
    signature.copy_from_slice(text.as_bytes());
    Signed {
        customer,
        message,
        more,
        signature,
    }
}

/// Bytes of the body of a webhook with so many words more.
pub fn body_bytes(more: u16) -> usize {
    body(0, 0, more).len()
}

/// A request with room for what differs.
#[derive(Clone)]
pub struct Template {
    bytes: Vec<u8>,
    signature: usize,
    messages: Vec<usize>,
    customers: Vec<usize>,
}

impl Template {
    /// With nothing filled in, for messages of the usual length.
    pub fn new() -> Self {
        Self::with(0)
    }

    /// The same for messages with so many words more.
    fn with(more: u16) -> Self {
        let (customer, message) = (7_777_777, 0xABCD_EF01_2345_6789);
        let body = body(customer, message, more);
        let mark = "=".repeat(SIGNATURE_LEN);
        let head = format!(
            "POST /webhooks/{CHANNEL} HTTP/1.1\r\nHost: gateway.example.com\r\n\
             Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\nContent-Length: {}\r\n\
             X-Twilio-Signature: {mark}\r\nAccept: */*\r\nUser-Agent: TwilioProxy/1.1\r\n\r\n",
            body.len()
        );
        let text = head + &body;
        let all = |what: &str| {
            text.match_indices(what)
                .map(|(at, _)| at)
                .collect::<Vec<_>>()
        };
        let message = all(&format!("{message:032x}"));
        let customers = all(&format!("{:010}", 2_000_000_000 + customer));
        assert_eq!(
            (message.len(), customers.len()),
            (3, 2),
            "the template has its fields"
        );
        Self {
            signature: all(&mark)[0],
            messages: message,
            customers,
            bytes: text.into_bytes(),
        }
    }

    /// The request that posts `signed`.
    pub fn fill(&mut self, signed: &Signed) -> &[u8] {
        let mut message = [b'0'; 32];
        digits(&mut message, signed.message, 16);
        let mut customer = [b'0'; 10];
        digits(&mut customer, 2_000_000_000 + signed.customer, 10);
        self.bytes[self.signature..self.signature + SIGNATURE_LEN]
            .copy_from_slice(&signed.signature);
        for &at in &self.messages {
            self.bytes[at..at + 32].copy_from_slice(&message);
        }
        for &at in &self.customers {
            self.bytes[at..at + 10].copy_from_slice(&customer);
        }
        &self.bytes
    }
}

fn digits(place: &mut [u8], mut number: u64, base: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(number % base) as usize];
        number /= base;
    }
}

/// What came of a run.
pub struct Run {
    /// Requests answered 2xx.
    pub answered: u64,
    /// Requests answered otherwise, or not at all.
    pub refused: u64,
    /// How long it took.
    pub took: Duration,
    /// Half were answered within so many microseconds.
    pub p50: u32,
    /// 99 % were.
    pub p99: u32,
    /// Microseconds of every request that was answered, least first.
    pub latencies: Vec<u32>,
}

impl Run {
    /// Requests answered per second.
    pub fn rate(&self) -> f64 {
        self.answered as f64 / self.took.as_secs_f64()
    }
}

struct Work {
    signed: Vec<Signed>,
    next: Cell<usize>,
    until: Cell<Option<Instant>>,
    refused: Cell<u64>,
    took: RefCell<Vec<u32>>,
}

/// Posts `signed`, all of one length, over `connections` to `to` until all are posted or `for_at_most` has passed.
pub fn post(to: SocketAddr, connections: usize, signed: Vec<Signed>, for_at_most: Duration) -> Run {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .expect("a runtime");
    let took = RefCell::new(Vec::with_capacity(signed.len()));
    let work = Work {
        signed,
        next: Cell::new(0),
        until: Cell::new(None),
        refused: Cell::new(0),
        took,
    };
    let work = Rc::new(work);
    let all = tokio::task::LocalSet::new().block_on(&runtime, async {
        let mut streams = Vec::with_capacity(connections);
        for _ in 0..connections {
            streams.push(connect(to).await.expect("the server listens"));
        }
        let began = monotonic();
        work.until.set(Some(began + for_at_most));
        let drivers: Vec<_> = streams
            .into_iter()
            .map(|stream| tokio::task::spawn_local(drive(stream, Rc::clone(&work))))
            .collect();
        for driver in drivers {
            driver.await.expect("a driver does not panic");
        }
        began.elapsed()
    });
    let mut latencies = work.took.take();
    latencies.sort_unstable();
    Run {
        answered: latencies.len() as u64,
        refused: work.refused.get(),
        took: all,
        p50: at(&latencies, 0.5),
        p99: at(&latencies, 0.99),
        latencies,
    }
}

/// Within so many microseconds this share of the requests was answered; `latencies` begin with the least.
pub fn at(latencies: &[u32], share: f64) -> u32 {
    let place = (latencies.len() as f64 * share) as usize;
    let last = latencies.len().saturating_sub(1);
    latencies.get(place.min(last)).copied().unwrap_or(0)
}

/// A connection that sends at once what it is given.
pub async fn connect(to: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Posts `request` and reads the answer's code. None: the connection is of no more use.
pub async fn exchange(stream: &mut TcpStream, request: &[u8], buffer: &mut [u8]) -> Option<u16> {
    stream.write_all(request).await.ok()?;
    answer(stream, buffer).await
}

async fn drive(mut stream: TcpStream, work: Rc<Work>) {
    let more = work.signed.first().map_or(0, |signed| signed.more);
    let mut template = Template::with(more);
    let mut buffer = vec![0; ANSWER_MAX];
    loop {
        let n = work.next.get();
        let (Some(signed), began) = (work.signed.get(n), monotonic()) else {
            return;
        };
        if work.until.get().is_some_and(|until| began >= until) {
            return;
        }
        work.next.set(n + 1);
        match exchange(&mut stream, template.fill(signed), &mut buffer).await {
            Some(200..300) => work
                .took
                .borrow_mut()
                .push(u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX)),
            Some(_) => work.refused.set(work.refused.get() + 1),
            None => return work.refused.set(work.refused.get() + 1),
        }
    }
}

/// Reads one answer, down to its code.
async fn answer(stream: &mut TcpStream, buffer: &mut [u8]) -> Option<u16> {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await.ok()?;
        if read == 0 {
            return None;
        }
        filled += read;
        let Some(head) = buffer[..filled]
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
        else {
            continue;
        };
        let text = std::str::from_utf8(&buffer[..head]).ok()?;
        let length = text.split("\r\n").find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            if name.eq_ignore_ascii_case("content-length") {
                value.parse::<usize>().ok()
            } else {
                None
            }
        })?;
        if filled == head + 4 + length {
            return text.split(' ').nth(1)?.parse().ok();
        }
    }
}
