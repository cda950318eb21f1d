//! What a server says of itself on its operations listener, read over HTTP as anybody would.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Nothing there takes longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The code and the body of an answer; none while nobody answers.
pub fn get(from: SocketAddr, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(from).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let code = head.split(' ').nth(1)?.parse().ok()?;
    Some((code, body.to_owned()))
}

/// The figures of `family` together whose labels hold `with`.
pub fn sum(from: SocketAddr, family: &str, with: &str) -> f64 {
    let (_, text) = get(from, "/metrics").expect("the operations listener answers");
    let of_family = |line: &&str| {
        let rest = line.strip_prefix(family);
        rest.is_some_and(|rest| rest.starts_with(['{', ' ']) && rest.contains(with))
    };
    let figure = |line: &str| line.rsplit(' ').next().and_then(|text| text.parse().ok());
    text.lines()
        .filter(of_family)
        .map(|line| figure(line).unwrap_or(0.0))
        .sum()
}
