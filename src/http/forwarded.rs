//! From where a request comes when proxies of ours stand in between: limits per address, the brake on sign-ins and log
//! lines see the client and not the proxy.
//!
//! Only what a trusted proxy says is believed (`[server] trusted_proxies`; none by default), and of that only what such
//! proxies have added themselves: the list is read from its right end, hop by hop, as far as the hops are trusted; what
//! stands before the first stranger may have been written by that stranger. `X-Forwarded-For` is what proxies write;
//! `Forwarded` (RFC 7239) is read the same way. A proxy writes one of them and may pass on the other as a client sent
//! it: where both are there and tell of different clients neither is believed, and the request counts as the proxy's.
//!
//! The connection itself stays the proxy's: how many it may hold is decided before anything is read.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, header};
use axum::middleware::Next;
use axum::response::Response;
use ipnet::IpNet;

/// Hops that are looked at: nobody has so many proxies in a row.
const HOPS_MAX: usize = 32;
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxies that are believed. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Arc<[IpNet]>);

impl Proxies {
    /// Those of these networks.
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks.into())
    }

    /// Whether nobody is believed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `address` is one of them.
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Whose request came over a connection from `peer`.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if !self.trusts(peer) {
            return peer;
        }
        let texts = |name: &HeaderName| -> Vec<&str> {
            let values = headers.get_all(name).iter();
            values.map(|value| value.to_str().unwrap_or("?")).collect()
        };
        let (usual, standard) = (texts(&X_FORWARDED_FOR), texts(&header::FORWARDED));
        let usual = (!usual.is_empty()).then(|| {
            self.walk(
                peer,
                usual
                    .iter()
                    .rev()
                    .flat_map(|line| line.rsplit(','))
                    .map(address),
            )
        });
        let standard = (!standard.is_empty()).then(|| {
            self.walk(
                peer,
                standard
                    .iter()
                    .rev()
                    .flat_map(|line| line.rsplit(','))
                    .map(hop),
            )
        });
        match (usual, standard) {
            (Some(usual), Some(standard)) if usual != standard => peer,
            (Some(client), _) | (None, Some(client)) => client,
            (None, None) => peer,
        }
    }

    /// From the proxy before us outwards. What cannot be read ends the walk at the hop that said it.
    fn walk(&self, peer: IpAddr, hops: impl Iterator<Item = Option<IpAddr>>) -> IpAddr {
        let mut last = peer;
        for hop in hops.take(HOPS_MAX) {
            let Some(hop) = hop else { break };
            last = hop;
            if !self.trusts(hop) {
                break;
            }
        }
        last
    }
}

/// One element of `X-Forwarded-For`: an address, in some proxies with a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let address = bare.unwrap_or(text).parse::<IpAddr>().ok();
    let address = address.or_else(|| text.parse::<SocketAddr>().ok().map(|with| with.ip()));
    address.map(|address| address.to_canonical())
}

/// One element of `Forwarded`: `for=192.0.2.43;proto=https`, `For="[2001:db8::17]:4711"`; `unknown` and hidden names are
/// no addresses.
fn hop(text: &str) -> Option<IpAddr> {
    let mut pairs = text.split(';').filter_map(|pair| pair.split_once('='));
    let (_, node) = pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case("for"))?;
    address(node.trim().trim_matches('"'))
}

/// Puts the client in the place of the connection's peer, for every handler behind it.
pub async fn see_client(
    State(proxies): State<Proxies>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(ConnectInfo(peer)) = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .copied()
    {
        let client = proxies.client(peer.ip(), request.headers());
        if client != peer.ip() {
            // The client's port is nobody's business, and not known.
            request
                .extensions_mut()
                .insert(ConnectInfo(SocketAddr::new(client, 0)));
        }
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const USUAL: &str = "x-forwarded-for";
    const STANDARD: &str = "forwarded";

    #[track_caller]
    fn check(peer: &str, headers: &[(&'static str, &'static str)], client: &str) {
        let trusted = ["127.0.0.1/32", "10.0.0.0/8", "fd00::/8"];
        let proxies = Proxies::new(trusted.map(|one| one.parse().expect("a network")).to_vec());
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        let found = proxies.client(peer.parse().expect("an address"), &map);
        assert_eq!(found.to_string(), client, "{peer} {headers:?}");
    }

    #[test]
    fn a_proxy_of_ours_is_believed_and_nobody_else() {
        check("127.0.0.1", &[(USUAL, "203.0.113.7")], "203.0.113.7");
        check("::ffff:10.1.2.3", &[(USUAL, "203.0.113.7")], "203.0.113.7");
        check("198.51.100.1", &[(USUAL, "203.0.113.7")], "198.51.100.1");
        check(
            "198.51.100.1",
            &[(STANDARD, "for=203.0.113.7")],
            "198.51.100.1",
        );
        check("127.0.0.1", &[], "127.0.0.1");
    }

    #[test]
    fn what_stands_before_the_first_stranger_is_the_strangers_own_word() {
        check(
            "127.0.0.1",
            &[(USUAL, "1.1.1.1, 203.0.113.7, 10.0.0.9")],
            "203.0.113.7",
        );
        check(
            "127.0.0.1",
            &[(USUAL, "1.1.1.1"), (USUAL, "203.0.113.7")],
            "203.0.113.7",
        );
        check("127.0.0.1", &[(USUAL, "10.0.0.4, 10.0.0.9")], "10.0.0.4");
    }

    #[test]
    fn ports_brackets_and_ipv6_are_understood() {
        check("127.0.0.1", &[(USUAL, "203.0.113.7:4711")], "203.0.113.7");
        check(
            "127.0.0.1",
            &[(USUAL, "[2001:db8::17]:4711")],
            "2001:db8::17",
        );
        check("127.0.0.1", &[(USUAL, "2001:db8::17")], "2001:db8::17");
        check("fd00::1", &[(USUAL, "::ffff:203.0.113.7")], "203.0.113.7");
        let standard = "for=1.1.1.1, For=\"[2001:db8::17]:4711\";proto=https;by=_edge";
        check("127.0.0.1", &[(STANDARD, standard)], "2001:db8::17");
    }

    #[test]
    fn what_is_no_address_ends_the_walk_at_whoever_said_it() {
        check(
            "127.0.0.1",
            &[(USUAL, "203.0.113.7, nonsense")],
            "127.0.0.1",
        );
        check(
            "127.0.0.1",
            &[(USUAL, "203.0.113.7, nonsense, 10.0.0.9")],
            "10.0.0.9",
        );
        check("127.0.0.1", &[(STANDARD, "for=unknown")], "127.0.0.1");
        check(
            "127.0.0.1",
            &[(STANDARD, "for=_hidden, for=10.0.0.9")],
            "10.0.0.9",
        );
        check("127.0.0.1", &[(USUAL, "")], "127.0.0.1");
    }

    #[test]
    fn two_headers_that_disagree_are_both_not_believed() {
        let same = [(USUAL, "203.0.113.7"), (STANDARD, "for=203.0.113.7")];
        check("127.0.0.1", &same, "203.0.113.7");
        let forged = [(USUAL, "203.0.113.7"), (STANDARD, "for=1.1.1.1")];
        check("127.0.0.1", &forged, "127.0.0.1");
    }
}
