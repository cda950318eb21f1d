//! The small notations of the configuration: durations, rates, addresses, URLs, names. Each from text, purely.
//!
//! A refusal is the hint itself: how it should have been written.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;

/// So many in so long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// In how long.
    pub per: Duration,
}

/// `90s`, `5m`, `1h30m`, `400ms`, `7d`: numbers with units, greatest first.
///
/// # Errors
/// How it should have been written.
pub fn duration(text: &str) -> Result<Duration, &'static str> {
    const HINT: &str = "write a duration like \"400ms\", \"30s\", \"5m\", \"1h30m\" or \"7d\"";
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    let mut last = u64::MAX;
    if rest.is_empty() {
        return Err(HINT);
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or(HINT)?;
        let number: u64 = rest[..digits].parse().map_err(|_| HINT)?;
        rest = &rest[digits..];
        let unit = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        let millis = unit_millis(&rest[..unit])
            .filter(|m| *m < last)
            .ok_or(HINT)?;
        last = millis;
        rest = &rest[unit..];
        let part = Duration::from_millis(number.checked_mul(millis).ok_or(HINT)?);
        total = total.checked_add(part).ok_or(HINT)?;
    }
    Ok(total)
}

fn unit_millis(unit: &str) -> Option<u64> {
    match unit {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(86_400_000),
        _ => None,
    }
}

/// `10.0.0.0/8`, `192.0.2.1`, `fd00::/8`: a network, or one address.
///
/// # Errors
/// How it should have been written.
pub fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let one = text.parse::<IpAddr>().map(IpNet::from);
    let Ok(network) = one.or_else(|_| text.parse::<IpNet>()) else {
        let hint = "write an address or a network: \"10.0.0.7\", \"10.0.0.0/8\", \"fd00::/8\"";
        return Err(hint.to_owned());
    };
    if network.prefix_len() == 0 {
        return Err(
            "this is everybody, and anybody could then write any address: name the proxies' own"
                .to_owned(),
        );
    }
    if network.trunc() != network {
        return Err(format!("the network is written \"{}\"", network.trunc()));
    }
    Ok(network)
}

/// A duration as [`duration`] reads it.
pub fn show(duration: Duration) -> String {
    let mut millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut out = String::new();
    for unit in ["d", "h", "m", "s", "ms"] {
        let size = unit_millis(unit).unwrap_or(1);
        if millis >= size {
            out.push_str(&format!("{}{unit}", millis / size));
            millis %= size;
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}

/// `20/m`: a number per `s`, `m`, `h` or `d`.
pub(super) fn rate(text: &str) -> Result<Rate, &'static str> {
    const HINT: &str = "write a rate like \"20/m\": a number per s, m, h or d";
    let (count, unit) = text.trim().split_once('/').ok_or(HINT)?;
    let count: u32 = count.trim().parse().map_err(|_| HINT)?;
    let millis = unit_millis(unit.trim()).filter(|m| *m > 1).ok_or(HINT)?;
    if count == 0 {
        return Err("a rate of nothing lets nobody in; leave the key out for no limit");
    }
    Ok(Rate {
        count,
        per: Duration::from_millis(millis),
    })
}

/// `127.0.0.1:8080`, `[::]:8080`.
pub(super) fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.trim().parse().map_err(|_| match text.trim() {
        t if t.starts_with(':') => {
            "name the interface too: \"0.0.0.0:8080\" for all, \"127.0.0.1:8080\" for this machine"
        }
        t if t.starts_with("localhost") => "write \"127.0.0.1:PORT\" in place of localhost",
        t if t.starts_with("http") => {
            "an address has no scheme: \"127.0.0.1:8080\"; the URL others see is `public_url`"
        }
        _ => "write an IP address and a port: \"127.0.0.1:8080\" or \"[::1]:8080\"",
    })
}

/// An `http` or `https` URL without query; its trailing slashes are dropped.
pub(super) fn url(text: &str) -> Result<String, &'static str> {
    let parsed = reqwest::Url::parse(text.trim())
        .map_err(|_| "write a whole URL with its scheme: \"https://chat.example.com\"")?;
    if !matches!(parsed.scheme(), "http" | "https") || parsed.host_str().is_none() {
        return Err("the URL must begin with https:// or http:// and name a host");
    }
    if parsed.query().is_some() || parsed.fragment().is_some() {
        return Err("leave out what follows `?` or `#`");
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err("leave user and password out of the URL");
    }
    Ok(text.trim().trim_end_matches('/').to_owned())
}

/// The name of a channel or queue: it stands in URLs and on pages.
pub(super) fn name(text: &str) -> Result<(), &'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !text.is_empty() && text.len() <= 64 && text.chars().all(plain) {
        return Ok(());
    }
    Err("use 1 to 64 of the letters a-z, A-Z, digits, `-` and `_`")
}

/// A language tag (BCP 47), in lower case: `en`, `pt-br`.
pub(super) fn language(text: &str) -> Result<String, &'static str> {
    crate::conversation::language_tag(text)
        .ok_or("write a language tag like \"en\", \"es\" or \"pt-br\"")
}

/// The primary subtag of a language that there is: phrases under a misspelt one would never count as its own.
pub(super) fn spoken(text: &str) -> Result<String, &'static str> {
    /// ISO 639-1, and what of 639-2 stands beside it for the bundled languages: those have two letters here.
    const TWO: &str = "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de \
        dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io \
        is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt \
        my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn \
        so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu";
    const SHORTER: [&str; 12] = [
        "eng", "spa", "por", "fra", "fre", "deu", "ger", "ita", "nld", "dut", "afr", "esp",
    ];
    const HINT: &str = "write a language like \"en\", \"es\" or \"pt\"";
    let primary = crate::conversation::texts::primary(&language(text)?);
    let known = match primary.len() {
        2 => TWO.split_whitespace().any(|one| one == primary),
        _ => !SHORTER.contains(&primary.as_str()),
    };
    known.then_some(primary).ok_or(HINT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_shown() {
        let check = |text: &str, millis: u64| {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
            assert_eq!(
                duration(&show(Duration::from_millis(millis))),
                duration(text)
            );
        };
        check("400ms", 400);
        check("30s", 30_000);
        check("1h30m", 5_400_000);
        check("1d2h3m4s5ms", 93_784_005);
        check("0s", 0);
        for wrong in [
            "",
            "5",
            "m",
            "5 m",
            "5x",
            "30m1h",
            "5m5m",
            "-5m",
            "1.5h",
            "99999999999999999d",
            "5µs",
        ] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rates_are_read() {
        assert_eq!(
            rate("20/m"),
            Ok(Rate {
                count: 20,
                per: Duration::from_mins(1)
            })
        );
        for wrong in ["20", "20/", "/m", "0/m", "20/ms", "20/w", "-1/s"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn urls_addresses_names_and_languages_are_checked() {
        assert_eq!(
            url("https://a.example/x/"),
            Ok("https://a.example/x".to_owned())
        );
        for wrong in [
            "a.example",
            "ftp://a.example",
            "https://",
            "https://a?b=c",
            "https://u:p@a.example",
            "mailto:x",
        ] {
            assert!(url(wrong).is_err(), "{wrong}");
        }
        assert!(address("127.0.0.1:0").is_ok() && address("[::1]:8080").is_ok());
        for wrong in [
            "localhost:1",
            ":8080",
            "8080",
            "http://127.0.0.1:8080",
            "127.0.0.1:99999",
        ] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
        assert!(
            name("main-line_2").is_ok()
                && name("a b").is_err()
                && name("").is_err()
                && name("ñ").is_err()
        );
        assert_eq!(language("pt_BR"), Ok("pt-br".to_owned()));
        for wrong in ["", "english", "e", "en-", "12"] {
            assert!(language(wrong).is_err(), "{wrong}");
        }
    }
}
