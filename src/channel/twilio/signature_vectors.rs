//! Signatures made by others: T from the test suites of Twilio's own libraries, R and K by running those libraries.

use axum::http::{HeaderMap, HeaderValue, Method};

use super::*;

const P: &str = "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212";
const U: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
const HASH: &str = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
const JSON: &str = r#"{"property": "value", "boolean": true}"#;
const K: &str = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256";

/// One request, as it would arrive at a process whose public URL is the URL's scheme and authority.
struct Case<'a> {
    url: &'a str,
    method: Method,
    content_type: &'a str,
    body: &'a str,
    signature: &'a str,
    settings: Option<&'a str>,
    tokens: &'a [&'a str],
    shared: &'a [&'a str],
}

impl Default for Case<'_> {
    fn default() -> Self {
        Self {
            url: U,
            method: Method::POST,
            content_type: "application/x-www-form-urlencoded; charset=UTF-8",
            body: "",
            signature: "",
            settings: None,
            tokens: &["12345"],
            shared: &[],
        }
    }
}

fn secrets(texts: &[&str]) -> Vec<Secret> {
    texts.iter().map(|text| Secret::from(*text)).collect()
}

impl Case<'_> {
    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let value = |text: &str| HeaderValue::from_str(text).expect("a header value");
        headers.insert(CONTENT_TYPE, value(self.content_type));
        headers.insert(SIGNATURE, value(self.signature));
        if let Some(settings) = self.settings {
            headers.insert(SETTINGS, value(settings));
        }
        headers
    }

    fn parts(&self) -> (&str, &str) {
        let start = self.url.find("://").expect("a scheme") + 3;
        let path = start + self.url[start..].find('/').expect("a path");
        self.url.split_at(path)
    }

    fn verify(&self) -> Result<(), TurnedAway> {
        let (base, target) = self.parts();
        let verifier = Verifier::new(base, &secrets(self.tokens), &secrets(self.shared));
        verifier
            .verify(&Webhook {
                method: &self.method,
                path_and_query: target,
                headers: &self.headers(),
                body: self.body.as_bytes(),
            })
            .map(|_| ())
    }

    fn upgrade(&self) -> Result<(), TurnedAway> {
        let (base, target) = self.parts();
        let verifier = Verifier::new(base, &secrets(self.tokens), &secrets(self.shared));
        verifier.verify_upgrade(target, &self.headers())
    }
}

fn check_form(name: &str, url: &str, body: &str, signature: &str) {
    let case = Case {
        url,
        body,
        signature,
        ..Case::default()
    };
    assert_eq!(case.verify(), Ok(()), "{name}");
    let mut wrong = body.to_owned();
    wrong.push_str("&x=1");
    let case = Case {
        body: &wrong,
        ..case
    };
    assert!(
        matches!(case.verify(), Err(TurnedAway::BadSignature(_))),
        "{name} with a parameter more"
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of vectors")]
fn vectors_of_forms() {
    let with = |scheme: &str, host: &str| format!("{scheme}://{host}/myapp.php?foo=1&bar=2");
    let quote = format!("{U}&Body=It's+amazing");
    for (name, url, body, signature) in [
        ("T1", U, P, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (
            "T1 port",
            &with("https", "mycompany.com:1234"),
            P,
            "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
        ),
        ("T2", U, P, "kvajT1Ptam85bY51eRf/AJRuM3w="),
        (
            "T2 port",
            &with("https", "mycompany.com:443"),
            P,
            "kvajT1Ptam85bY51eRf/AJRuM3w=",
        ),
        (
            "T3",
            &with("http", "mycompany.com"),
            P,
            "0ZXoZLH/DfblKGATFgpif+LLRf4=",
        ),
        (
            "T4",
            &with("http", "mycompany.com:1234"),
            P,
            "Zmvh+3yNM1Phv2jhDCwEM3q5ebU=",
        ),
        (
            "T5",
            &with("https", "user:pass@mycompany.com"),
            P,
            "CukzLTc1tT5dXEDIHm/tKBanW10=",
        ),
        (
            "T5 port",
            &with("https", "user:pass@mycompany.com"),
            P,
            "ZQFR1PTIZXF2MXB8ZnKCvnnA+rI=",
        ),
        (
            "T6",
            &with("https", "user@mycompany.com"),
            P,
            "2YRLlVAflCqxaNicjMpJcSTgzSs=",
        ),
        ("T7", &quote, P, "dsq4Ehbj6cs+KdTkpF5sSSplOWw="),
        (
            "T8",
            U,
            "MessagingBinding.Address=%2B1415xxxxxxx&MessagingBinding.Address=%2B1325xxxxxxx",
            "83O6e2vORAoJHUNzJjDWN1jz+BA=",
        ),
        (
            "T9",
            U,
            "Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234",
            "IK+Dwps556ElfBT0I3Rgjkr1wJU=",
        ),
        (
            "R2",
            "https://h.example/twilio/whatsapp",
            "MessageSid=SM00000000000000000000000000000000&AccountSid=AC00000000000000000000000000000000\
             &From=whatsapp%3A%2B5491155550001&To=whatsapp%3A%2B14155238886\
             &Body=%C2%A1Hola!+quiero+2+%C3%97+caf%C3%A9+%26+m%C3%A1s&NumMedia=0\
             &ProfileName=Jos%C3%A9+%C3%91and%C3%BA+%F0%9F%98%80&WaId=5491155550001",
            "nbvmeIDsc0kNcW2D0Pve3pIX9OQ=",
        ),
        (
            "R3",
            "https://h.example/sms",
            "Body=&From=%2B1500&To=+%2B1501+",
            "UX6DHfzNp5sHtT8AX8LtZ1UB2i8=",
        ),
        (
            "R4",
            "https://h.example/sms",
            "b=1&B=2&a=3&_=4&A1=5",
            "TtLR/nLP6DCHsJOJq/6lM6wKvUE=",
        ),
        (
            "R5",
            "https://h.example/sms",
            "Digits=5678&Digits=1234&Digits=1234",
            "ir3xcidO2AbTfcJIeYJ7MiR/t58=",
        ),
        (
            "R11",
            "https://h.example/taskrouter",
            "EventType=reservation.accepted&TaskSid=WT00000000000000000000000000000000\
             &TaskAttributes=%7B%22conversationSid%22%3A%22CH1%22%7D",
            "ovaF9Ol9vGFQOt7XPU7dzsigptI=",
        ),
    ] {
        check_form(name, url, body, signature);
    }
}

#[test]
fn vectors_of_json() {
    let json = "application/json";
    for (name, query, body, signature) in [
        ("T10", format!("?foo=1&bar=2&bodySHA256={HASH}"), JSON, "a9nBmqA0ju/hNViExpshrM61xv4="),
        (
            "T11",
            "?foo=1&bar=2&bodySHA256=44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a".to_owned(),
            "{}",
            "Ldidvp12m26NI7eqEvxnEpkd9Hc=",
        ),
        ("T12", format!("?bodySHA256={HASH}"), JSON, "y77kIzt2vzLz71DgmJGsen2scGs="),
    ] {
        let url = format!("https://mycompany.com/myapp.php{query}");
        let case = Case { url: &url, body, signature, content_type: json, ..Case::default() };
        assert_eq!(case.verify(), Ok(()), "{name}");
    }
    let r10 = Case {
        url: "https://h.example/webhook?bodySHA256=4f80ab16c66bdcccb2042923a0aef4a807aed18979e86717e05555976f23e274",
        body: r#"{"eventType":"COMMUNICATION_CREATED","data":{"id":"x"}}"#,
        signature: "MajjcvfZycd7p/riuJ4APfquOOo=",
        content_type: json,
        ..Case::default()
    };
    assert_eq!(r10.verify(), Ok(()), "R10");
    let body = format!("{} ", r10.body);
    let spaced = Case { body: &body, ..r10 };
    let refusal = TurnedAway::BadSignature("bodySHA256 is not the body's");
    assert_eq!(spaced.verify(), Err(refusal), "R10 with a space more");
}

#[test]
fn vectors_without_a_body() {
    let get = Case {
        method: Method::GET,
        signature: "zYQTYrRWXE7LtzbG4PfP7/bkkGo=",
        ..Case::default()
    };
    assert_eq!(get.verify(), Ok(()), "R1");
    let sign_a = sign(&"12345".into(), "https://h.example/a", b"");
    let fragment = Case {
        url: "https://h.example/a#rc=2",
        signature: &sign_a,
        ..Case::default()
    };
    assert_eq!(fragment.verify(), Ok(()), "R12");
    for (name, url, signature) in [
        (
            "R6",
            "https://h.example/relay",
            "cyFT9TzLhptSLbs3SEi/sxnqLNo=",
        ),
        (
            "R7",
            "https://h.example/relay/",
            "f4C2RucH2rvyesxkKPtwfbhi07g=",
        ),
        (
            "R8",
            "https://h.example/relay?token=abc",
            "IENhzRSPy1lcP5+xZTt6xgoP5NI=",
        ),
        (
            "R9",
            "https://h.example/relay?token=abc",
            "geNoEtMG4Riv6VNamZqeKdc6NMA=",
        ),
    ] {
        let case = Case {
            url,
            signature,
            ..Case::default()
        };
        assert_eq!(case.upgrade(), Ok(()), "{name}");
    }
    let slash = Case {
        url: "https://h.example/relay/",
        signature: "cyFT9TzLhptSLbs3SEi/sxnqLNo=",
        ..Case::default()
    };
    assert!(slash.upgrade().is_err(), "R6 with a slash more");
}

#[test]
fn vectors_of_shared_keys() {
    let shared = Case {
        settings: Some(K),
        tokens: &[],
        shared: &["12345"],
        ..Case::default()
    };
    let hook = "https://h.example/twilio/whatsapp";
    let form = "Body=hi&From=whatsapp%3A%2B15005550006";
    for (name, url, body, signature) in [
        ("K1", U, P, "033hgUJA9M/hXIZsYjwkerEP/DBm35nEri5FhCYjA5s="),
        (
            "K2",
            hook,
            form,
            "XgP0K58EU6vIxQMz1eU68YIEwqONwh5U3aIwb3vJ3XU=",
        ),
    ] {
        let case = Case {
            url,
            body,
            signature,
            method: Method::POST,
            ..shared
        };
        assert_eq!(case.verify(), Ok(()), "{name}");
    }
    let relay = Case {
        url: "https://h.example/relay",
        signature: "1e0PSJJwmL8QtmMXGJSwjmLHGQ4j1EkEf3OTV42cmwg=",
        settings: Some(K),
        shared: &["12345"],
        ..Case::default()
    };
    assert_eq!(relay.upgrade(), Ok(()), "K3");
    check_form("K2 by token", hook, form, "h+/j2JwTIQGfu50Z/fmVZ0qkh0k=");
}

fn check_refused(case: &Case<'_>, why: TurnedAway) {
    assert_eq!(case.verify(), Err(why), "{} {:?}", case.url, case.settings);
}

#[test]
fn there_is_no_way_around_a_shared_key() {
    let by_token = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
    let sha1 = "signed with SHA-1 although a shared key is configured";
    let case = |settings, shared| Case {
        body: P,
        signature: by_token,
        settings,
        shared,
        ..Case::default()
    };
    check_refused(&case(None, &["12345"]), TurnedAway::BadSignature(sha1));
    check_refused(
        &case(Some("key=k,algorithm=HMAC_SHA1"), &["12345"]),
        TurnedAway::BadSignature(sha1),
    );
    check_refused(
        &case(Some("key=k,algorithm=HMAC_MD5"), &["12345"]),
        TurnedAway::BadSignature("an algorithm that is not known"),
    );
    check_refused(
        &case(Some("key=k"), &["12345"]),
        TurnedAway::BadSignature(sha1),
    );
    assert_eq!(case(Some("key=k"), &[]).verify(), Ok(()));
    check_refused(
        &case(Some(K), &[]),
        TurnedAway::BadSignature("signed with a shared key, and none is configured"),
    );
}

#[test]
fn any_of_several_tokens_will_do_and_no_token_will_not() {
    let case = |tokens, signature| Case {
        body: P,
        signature,
        tokens,
        ..Case::default()
    };
    let good = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
    assert_eq!(case(&["old", "12345"], good).verify(), Ok(()));
    assert_eq!(case(&["12345", "new"], good).verify(), Ok(()));
    assert!(case(&["old"], good).verify().is_err());
    assert!(case(&[], good).verify().is_err());
    assert!(case(&["12345"], "").verify().is_err());
    assert!(case(&["12345"], &good[..27]).verify().is_err());
    assert!(
        case(&["12345"], "RSOYDt4T1cUTdK1PDd93/VVr8B9=")
            .verify()
            .is_err()
    );
}

#[test]
fn a_body_that_is_no_form_must_be_bound_by_its_hash() {
    let unbound = sign(&"12345".into(), U, b"");
    for content_type in ["application/json", "text/plain", "", "multipart/form-data"] {
        let case = Case {
            content_type,
            body: JSON,
            signature: &unbound,
            ..Case::default()
        };
        check_refused(
            &case,
            TurnedAway::BadSignature("a body that is no form needs bodySHA256 in the query"),
        );
    }
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(FORM));
    let verifier = Verifier::new("https://h.example", &secrets(&["12345"]), &[]);
    let unsigned = verifier.verify(&Webhook {
        method: &Method::POST,
        path_and_query: "/a",
        headers: &headers,
        body: b"",
    });
    assert_eq!(unsigned.map(|_| ()), Err(TurnedAway::Unsigned(SIGNATURE)));
}

#[test]
fn a_port_comes_and_goes() {
    for (url, other) in [
        ("https://h.example", "https://h.example:443"),
        ("https://h.example:8443/x", "https://h.example/x"),
        ("https://[2001:db8::1]/x?y", "https://[2001:db8::1]:443/x?y"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]"),
        (
            "https://user:1234@h.example/",
            "https://user:1234@h.example:443/",
        ),
        ("h.example", "h.example:443"),
    ] {
        assert_eq!(port_variants(url, "443")[1], other);
    }
}
