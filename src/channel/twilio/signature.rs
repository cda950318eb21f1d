//! `X-Twilio-Signature`: is this request Twilio's?
//!
//! The text that is signed is the configured URL, as text, followed by the form's parameters sorted by name, and the
//! key is the account's primary auth token (HMAC-SHA1) or a shared key (HMAC-SHA256). A body that is no form is bound
//! by its SHA-256 in the query (`bodySHA256`), without which it is refused. Twilio's back end is not consistent about
//! ports, so the URL is tried with and without one, as its own libraries do.
//!
//! The URL never goes through a parser that could rewrite it, and never comes from forwarded headers: it is the
//! configured public URL plus what was requested. Nothing here reads what a parameter means.
//!
//! Facts: Twilio's "Webhooks Security" page, the test suites of its Node and Python libraries, and runs of both.

use std::fmt;

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::digest::FixedOutput;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::form::Form;
use crate::channel::{TurnedAway, Webhook, hex};
use crate::secret::Secret;

/// The header with the signature.
pub const SIGNATURE: &str = "x-twilio-signature";
/// The header that names a shared key and its algorithm; absent when the auth token signed. It is itself unsigned.
pub const SETTINGS: &str = "x-twilio-webhooks-signature-settings";

const FORM: &str = "application/x-www-form-urlencoded";
const BODY_HASH: &str = "bodySHA256";
/// Base64 of 32 bytes, the longer of the two digests.
const BASE64_MAX: usize = 44;

/// What a request turned out to hold, once it was found to be Twilio's.
#[derive(Debug)]
pub enum Signed<'a> {
    /// Parameters, from the form or from the query of a GET.
    Form(Form<'a>),
    /// A body of another type; its hash was right.
    Other,
}

/// Checks requests for one public URL. Its keys are hashed in once, so a check starts from a copy of that state.
#[derive(Clone)]
pub struct Verifier {
    bases: Vec<String>,
    relay_bases: Vec<String>,
    tokens: Vec<Hmac<Sha1>>,
    shared: Vec<Hmac<Sha256>>,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({:?}, keys hidden)", self.bases)
    }
}

#[derive(Clone, Copy)]
enum Algorithm {
    Sha1,
    Sha256,
}

impl Verifier {
    /// For requests that come to `public_url` (everything before the path that this process sees), signed with any
    /// of `tokens`. When there are `shared` keys, only they count: SHA-1 would be a way around them.
    pub fn new(public_url: &str, tokens: &[Secret], shared: &[Secret]) -> Self {
        let base = public_url.split('#').next().unwrap_or_default();
        let base = base.trim_end_matches('/');
        // The upgrade to a WebSocket is signed under wss://, where Twilio's libraries add the plain port 80.
        let relay = base
            .strip_prefix("http")
            .map_or_else(|| base.to_owned(), |rest| format!("ws{rest}"));
        let mut relay_bases = port_variants(&relay, "80").to_vec();
        relay_bases.push(port_variants(&relay, "443")[1].clone());
        let port = if base.starts_with("https:") {
            "443"
        } else {
            "80"
        };
        Self {
            bases: port_variants(base, port).to_vec(),
            relay_bases,
            tokens: tokens.iter().map(keyed).collect(),
            shared: shared.iter().map(keyed).collect(),
        }
    }

    /// Whether `webhook` is Twilio's; if so, its parameters.
    ///
    /// # Errors
    /// `Unsigned` without a signature, `BadSignature` for a wrong one or a body that it does not cover.
    pub fn verify<'a>(&self, webhook: &Webhook<'a>) -> Result<Signed<'a>, TurnedAway> {
        let presented = presented(webhook.headers)?;
        let algorithm = self.algorithm(webhook.headers)?;
        let target = without_fragment(webhook.path_and_query);
        let too_many = TurnedAway::BadSignature("more parameters than Twilio sends");
        if *webhook.method == Method::GET {
            self.check(algorithm, &self.bases, target, &[], presented)?;
            let form = Form::decode(query(target).as_bytes()).ok_or(too_many)?;
            return Ok(Signed::Form(form));
        }
        if is_form(webhook.headers) {
            let form = Form::decode(webhook.body).ok_or(too_many)?;
            self.check(
                algorithm,
                &self.bases,
                target,
                &form.signed_text(),
                presented,
            )?;
            return Ok(Signed::Form(form));
        }
        let hash = query(target)
            .split('&')
            .find_map(|pair| pair.strip_prefix(BODY_HASH)?.strip_prefix('='))
            .ok_or(TurnedAway::BadSignature(
                "a body that is no form needs bodySHA256 in the query",
            ))?;
        self.check(algorithm, &self.bases, target, &[], presented)?;
        if !bool::from(
            hash.as_bytes()
                .ct_eq(hex(&Sha256::digest(webhook.body)).as_bytes()),
        ) {
            return Err(TurnedAway::BadSignature("bodySHA256 is not the body's"));
        }
        Ok(Signed::Other)
    }

    /// Whether a request to open a WebSocket is Twilio's. Its URL is signed as `wss://`; a query may have been signed
    /// as part of it or as parameters (Twilio's own two libraries differ), so both are accepted.
    ///
    /// # Errors
    /// As [`Verifier::verify`].
    pub fn verify_upgrade(
        &self,
        path_and_query: &str,
        headers: &HeaderMap,
    ) -> Result<(), TurnedAway> {
        let presented = presented(headers)?;
        let algorithm = self.algorithm(headers)?;
        let target = without_fragment(path_and_query);
        let whole = self.check(algorithm, &self.relay_bases, target, &[], presented);
        let Some((path, query)) = target.split_once('?') else {
            return whole;
        };
        whole.or_else(|refusal| {
            let form = Form::decode(query.as_bytes()).ok_or(refusal)?;
            self.check(
                algorithm,
                &self.relay_bases,
                path,
                &form.signed_text(),
                presented,
            )
        })
    }

    fn algorithm(&self, headers: &HeaderMap) -> Result<Algorithm, TurnedAway> {
        let algorithm = match headers.get(SETTINGS) {
            None => Algorithm::Sha1,
            Some(settings) => {
                let settings = settings.to_str().unwrap_or_default();
                let named = settings
                    .split(',')
                    .filter_map(|pair| pair.split_once('='))
                    .find(|(key, _)| key.trim() == "algorithm")
                    .map(|(_, value)| value.trim());
                match named {
                    // Twilio's own library takes a header that names none as the auth token's.
                    None | Some("") => Algorithm::Sha1,
                    Some(name) if name.eq_ignore_ascii_case("HMAC_SHA1") => Algorithm::Sha1,
                    Some(name) if name.eq_ignore_ascii_case("HMAC_SHA256") => Algorithm::Sha256,
                    Some(_) => {
                        return Err(TurnedAway::BadSignature("an algorithm that is not known"));
                    }
                }
            }
        };
        match algorithm {
            Algorithm::Sha1 if !self.shared.is_empty() => Err(TurnedAway::BadSignature(
                "signed with SHA-1 although a shared key is configured",
            )),
            Algorithm::Sha256 if self.shared.is_empty() => Err(TurnedAway::BadSignature(
                "signed with a shared key, and none is configured",
            )),
            Algorithm::Sha1 | Algorithm::Sha256 => Ok(algorithm),
        }
    }

    fn check(
        &self,
        algorithm: Algorithm,
        bases: &[String],
        target: &str,
        params: &[u8],
        presented: &[u8],
    ) -> Result<(), TurnedAway> {
        let good = match algorithm {
            Algorithm::Sha1 => any_matches(&self.tokens, bases, target, params, presented),
            Algorithm::Sha256 => any_matches(&self.shared, bases, target, params, presented),
        };
        good.then_some(()).ok_or(TurnedAway::BadSignature(
            "not signed for this URL with a key that is configured",
        ))
    }
}

/// What Twilio would put into [`SIGNATURE`] for a POST of `form` to `url`, exactly as given: for load and for tests.
pub fn sign(token: &Secret, url: &str, form: &[u8]) -> String {
    let params = Form::decode(form).unwrap_or_default().signed_text();
    let mac: Hmac<Sha1> = keyed(token);
    STANDARD.encode(digest(&mac, url, "", &params))
}

fn keyed<M: KeyInit>(secret: &Secret) -> M {
    M::new_from_slice(secret.expose().as_bytes()).expect("HMAC takes a key of any length")
}

fn digest<M: Mac + FixedOutput + Clone>(
    key: &M,
    base: &str,
    target: &str,
    params: &[u8],
) -> hmac::digest::Output<M> {
    let mut mac = key.clone();
    Mac::update(&mut mac, base.as_bytes());
    Mac::update(&mut mac, target.as_bytes());
    Mac::update(&mut mac, params);
    mac.finalize().into_bytes()
}

/// Tries every key on every form of the URL; the usual one is first. Only the comparison needs constant time: which
/// of the forms matched is no secret.
fn any_matches<M: Mac + FixedOutput + Clone>(
    keys: &[M],
    bases: &[String],
    target: &str,
    params: &[u8],
    presented: &[u8],
) -> bool {
    keys.iter().any(|key| {
        bases.iter().any(|base| {
            let mut expected = [0; BASE64_MAX];
            let length = STANDARD
                .encode_slice(digest(key, base, target, params), &mut expected)
                .expect("the buffer holds the longest digest");
            bool::from(expected[..length].ct_eq(presented))
        })
    })
}

/// The signature that a request carries, not looked at.
///
/// # Errors
/// `Unsigned` without one.
pub fn presented(headers: &HeaderMap) -> Result<&[u8], TurnedAway> {
    headers
        .get(SIGNATURE)
        .map(|value| value.as_bytes())
        .ok_or(TurnedAway::Unsigned(SIGNATURE))
}

fn is_form(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case(FORM))
}

/// Connection overrides (`#rc=3&rp=all`) are not part of what is signed.
fn without_fragment(target: &str) -> &str {
    target.split('#').next().unwrap_or_default()
}

/// The part of a path and query after `?`.
pub(super) fn query(target: &str) -> &str {
    target.split_once('?').map_or("", |(_, query)| query)
}

/// `url` as it is, and with its port taken away or `port` added.
fn port_variants(url: &str, port: &str) -> [String; 2] {
    let start = url.find("://").map_or(0, |at| at + "://".len());
    let end = url[start..]
        .find(['/', '?'])
        .map_or(url.len(), |at| start + at);
    let host = url[start..end]
        .rfind('@')
        .map_or(start, |at| start + at + 1);
    // The colons of an IPv6 address stand inside brackets.
    let named = url[host..end]
        .rfind(':')
        .map(|at| host + at)
        .filter(|&at| url[at + 1..end].bytes().all(|b| b.is_ascii_digit()));
    let other = match named {
        Some(colon) => format!("{}{}", &url[..colon], &url[end..]),
        None => format!("{}:{port}{}", &url[..end], &url[end..]),
    };
    [url.to_owned(), other]
}

#[cfg(test)]
#[path = "signature_vectors.rs"]
mod vectors;
