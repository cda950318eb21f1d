//! Our signatures against Twilio's own two libraries, over random requests: they sign and we check, we sign and they
//! check. The libraries come from npm and PyPI, pinned under `tests/peers/twilio/`, into `target/peers/`.

mod peers {
    pub mod install;
    pub mod node;
    pub mod python;
    pub mod skip;
}

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Method};
use segue::channel::twilio::signature::{SETTINGS, SIGNATURE, Verifier, sign};
use segue::channel::{TurnedAway, Webhook};
use segue::secret::Secret;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use peers::install::{Missing, ours};
use peers::skip::skipped;
use peers::{node, python};

/// Random requests put to each library. A round trip takes well under a millisecond.
const REQUESTS: usize = 400;
const FORM: &str = "application/x-www-form-urlencoded";

/// A library in a process of its own, which is ended with this value.
struct Peer {
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    fn node() -> Result<Self, Missing> {
        let files = ["package.json", "peer.mjs"];
        let place = node::place("twilio/node", "twilio", "package.json", &files)?;
        Ok(Self::start(
            Command::new("node").arg(place.join("peer.mjs")),
        ))
    }

    fn python() -> Result<Self, Missing> {
        let bin = python::bin("twilio/python", "twilio")?;
        Ok(Self::start(
            Command::new(bin.join("python")).arg(ours("twilio/peer.py")),
        ))
    }

    fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it was just installed");
        let asks = child.stdin.take().expect("piped");
        let answers = BufReader::new(child.stdout.take().expect("piped"));
        Self {
            child,
            asks,
            answers,
        }
    }

    fn ask(&mut self, ask: &Value) -> Value {
        writeln!(self.asks, "{ask}").expect("the peer listens");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the peer answers");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line:?} to {ask}"))
    }

    fn sign(&mut self, mut ask: Value) -> String {
        ask["op"] = "sign".into();
        let answer = self.ask(&ask);
        answer["signature"]
            .as_str()
            .expect("a signature")
            .to_owned()
    }

    fn agrees(&mut self, mut ask: Value, signature: &str) -> bool {
        ask["op"] = "check".into();
        ask["signature"] = signature.into();
        self.ask(&ask)["valid"].as_bool().expect("yes or no")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Already gone, if it fails: there is nobody left to tell.
        let _killed = self.child.kill();
        let _waited = self.child.wait();
    }
}

/// Small numbers from a fixed seed, the same on every machine: a failure can be run again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides as u64).expect("less than a usize")
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }

    /// A text of up to `max` pieces. Nothing from U+E000 to U+FFFF: the Node library sorts by UTF-16 units, the Python
    /// library and Segue by code points, and the two orders differ only there.
    fn text(&mut self, max: usize) -> String {
        const PIECES: &[&str] = &[
            "a",
            "Z",
            "0",
            "9",
            " ",
            "  ",
            "+",
            "%",
            "%41",
            "&",
            "=",
            "#",
            "?",
            "/",
            ":",
            "'",
            "\"",
            "<",
            "\\",
            "~",
            "*",
            "\t",
            "\r\n",
            "\n",
            "é",
            "ñ",
            "ß",
            "Ж",
            "ب",
            "中",
            "ก",
            "e\u{301}",
            "😀",
            "👩‍👧",
            "🇦🇷",
            "\u{200b}",
            "\u{a0}",
            "whatsapp:+5491155550001",
            "null",
        ];
        (0..self.roll(max + 1)).map(|_| self.pick(PIECES)).collect()
    }

    fn params(&mut self) -> Vec<(String, String)> {
        const NAMES: &[&str] = &[
            "Body",
            "From",
            "To",
            "MessageSid",
            "_",
            "a",
            "A1",
            "b",
            "B",
            "Digits",
            "MediaUrl0",
            "MediaUrl10",
            "MediaUrl2",
            "MessagingBinding.Address",
            "10",
            "9",
            "ñ",
            "😀 k",
            "x y",
            "toString",
            "length",
        ];
        let mut params: Vec<(String, String)> = (0..self.roll(12))
            .map(|_| {
                let name = match self.roll(8) {
                    0 => format!("k{}", self.text(3)),
                    _ => self.pick(NAMES).to_owned(),
                };
                (name, self.text(9))
            })
            .collect();
        // Every other request repeats a pair, or a name with another value.
        if self.roll(2) == 0 && !params.is_empty() {
            let (name, value) = params[self.roll(params.len())].clone();
            let other = self.text(2);
            params.extend([(name.clone(), value), (name, other)]);
        }
        params
    }

    /// Scheme and host, once as configured with us and once as the library is told.
    fn hosts(&mut self) -> (&'static str, &'static str) {
        const HOSTS: &[(&str, &str)] = &[
            ("https://h.example", "https://h.example"),
            ("https://h.example", "https://h.example:443"),
            ("https://h.example:443", "https://h.example"),
            ("https://h.example:8443", "https://h.example:8443"),
            ("https://h.example:8443", "https://h.example"),
            ("http://h.example", "http://h.example:80"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            (
                "https://a-b.xn--caf-dma.example/base",
                "https://a-b.xn--caf-dma.example/base",
            ),
        ];
        HOSTS[self.roll(HOSTS.len())]
    }

    fn target(&mut self) -> &'static str {
        self.pick(&[
            "/",
            "/sms",
            "/webhooks/wa",
            "/webhooks/wa/",
            "/a%20b/%C3%B1?x=%26",
            "/s?foo=1&bar=2",
            "/s?c=c00&e=7",
            "/s?b=2&a=1&b=1",
            "/s?q=it's",
            "/s?plus=a+b&slash=/",
            "/s?empty=&flag",
        ])
    }
}

fn verify(
    base: &str,
    target: &str,
    content_type: &'static str,
    body: &[u8],
    signature: &str,
) -> Result<(), TurnedAway> {
    let verifier = Verifier::new(base, &[Secret::from("12345")], &[]);
    verify_with(&verifier, target, content_type, body, signature, None)
}

fn verify_with(
    verifier: &Verifier,
    target: &str,
    content_type: &'static str,
    body: &[u8],
    signature: &str,
    settings: Option<&'static str>,
) -> Result<(), TurnedAway> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(SIGNATURE, HeaderValue::from_str(signature).expect("base64"));
    if let Some(settings) = settings {
        headers.insert(SETTINGS, HeaderValue::from_static(settings));
    }
    let webhook = Webhook {
        method: &Method::POST,
        path_and_query: target,
        headers: &headers,
        body,
    };
    verifier.verify(&webhook).map(|_| ())
}

fn encoded(params: &[(String, String)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(params)
        .finish()
}

fn check_forms(peer: &mut Peer) {
    let mut dice = Dice(1);
    for n in 0..REQUESTS {
        let (params, target, (base, told)) = (dice.params(), dice.target(), dice.hosts());
        let body = encoded(&params);
        let url = format!("{told}{target}");
        let ask = json!({ "token": "12345", "url": url, "params": params });
        let theirs = peer.sign(ask.clone());
        let seen = verify(base, target, FORM, body.as_bytes(), &theirs);
        assert_eq!(seen, Ok(()), "request {n}, signed by them: {ask}");
        let ours = sign(&"12345".into(), &url, body.as_bytes());
        assert!(
            peer.agrees(ask.clone(), &ours),
            "request {n}, signed by us: {ask}"
        );
        let changed = format!("{body}&one=more");
        let seen = verify(base, target, FORM, changed.as_bytes(), &theirs);
        assert!(seen.is_err(), "request {n} with a parameter more: {ask}");
    }
}

fn check_json(peer: &mut Peer) {
    let mut dice = Dice(2);
    for n in 0..REQUESTS / 4 {
        let body = json!({ "text": dice.text(20), "n": n }).to_string();
        let hash: String = Sha256::digest(&body)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let (base, told) = dice.hosts();
        let target = format!("/json?a={n}&bodySHA256={hash}");
        let ask = json!({ "token": "12345", "url": format!("{told}{target}"), "body": body });
        let theirs = peer.sign(ask.clone());
        let seen = verify(base, &target, "application/json", body.as_bytes(), &theirs);
        assert_eq!(seen, Ok(()), "request {n}: {ask}");
        assert!(peer.agrees(ask.clone(), &theirs), "request {n}: {ask}");
        let spaced = format!("{body} ");
        let seen = verify(
            base,
            &target,
            "application/json",
            spaced.as_bytes(),
            &theirs,
        );
        assert!(seen.is_err(), "request {n} with a space more");
        let mut ask = ask;
        ask["body"] = spaced.into();
        assert!(
            !peer.agrees(ask, &theirs),
            "request {n} with a space more, to them"
        );
    }
}

fn check_shared_key(peer: &mut Peer) {
    let mut dice = Dice(3);
    let verifier = Verifier::new("https://h.example", &[], &[Secret::from("12345")]);
    let settings = Some("key=webhooks_sharedkey_1,algorithm=HMAC_SHA256");
    for n in 0..REQUESTS / 4 {
        let (params, target) = (dice.params(), dice.target());
        let url = format!("https://h.example{target}");
        let ask =
            json!({ "token": "12345", "url": url, "params": params, "algorithm": "HMAC_SHA256" });
        let theirs = peer.sign(ask.clone());
        let body = encoded(&params);
        let seen = verify_with(&verifier, target, FORM, body.as_bytes(), &theirs, settings);
        assert_eq!(seen, Ok(()), "request {n}: {ask}");
    }
}

#[test]
fn twilios_node_library_and_we_agree() {
    match Peer::node() {
        Ok(mut peer) => {
            check_forms(&mut peer);
            check_json(&mut peer);
        }
        Err(why) => skipped("signatures against twilio for Node", &why),
    }
}

#[test]
fn twilios_python_library_and_we_agree() {
    match Peer::python() {
        Ok(mut peer) => {
            check_forms(&mut peer);
            check_json(&mut peer);
            check_shared_key(&mut peer);
        }
        Err(why) => skipped("signatures against twilio for Python", &why),
    }
}
