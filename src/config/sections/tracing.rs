//! `[tracing]`: where spans are exported to, by OTLP over HTTP. Without `otlp_endpoint` none are made.

use super::super::reader::{Reader, Section};
use super::super::values;
use crate::secret::Secret;

/// The most headers that go with every export: one for authorisation, a few for tenants and data sets.
const HEADERS_MAX: usize = 16;
/// What OTLP over HTTP puts behind a collector's base address for traces.
const PATH: &str = "/v1/traces";
/// The longest name of the service, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// `[tracing]`: spans, and where they go.
#[derive(Clone, PartialEq, Debug)]
pub struct TracingSection {
    /// Where spans are posted, with its path; `None`: tracing is off.
    pub otlp_endpoint: Option<String>,
    /// The share of traces begun here that is kept, from 0 to 1.
    pub sample_ratio: f64,
    /// What the process is called in traces.
    pub service_name: String,
    /// Headers of every export: names, and values that nobody else is told.
    pub headers: Vec<(String, Secret)>,
    /// Whether the `traceparent` of a webhook that proved who it is from is continued.
    pub continue_inbound: bool,
}

impl Default for TracingSection {
    fn default() -> Self {
        Self {
            otlp_endpoint: None,
            sample_ratio: 1.0,
            service_name: "segue".to_owned(),
            headers: Vec::new(),
            continue_inbound: true,
        }
    }
}

impl TracingSection {
    /// What is allowed and yet worth a look.
    pub fn warning(&self) -> Option<String> {
        let url = reqwest::Url::parse(self.otlp_endpoint.as_deref()?).ok()?;
        let near = match url.host_str()? {
            "localhost" => true,
            host => host
                .trim_matches(['[', ']'])
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback()),
        };
        (url.scheme() == "http" && !near && !self.headers.is_empty()).then(|| {
            "tracing: `headers` go over the network unencrypted (otlp_endpoint is http)".to_owned()
        })
    }

    pub(in crate::config) fn read(reader: &mut Reader<'_>, mut section: Section<'_>) -> Self {
        let default = Self::default();
        let inner = section.child(reader, "headers");
        let read = Self {
            headers: headers(reader, inner),
            otlp_endpoint: section
                .parsed(reader, "otlp_endpoint", endpoint)
                .map(|spot| spot.value),
            sample_ratio: section
                .number(reader, "sample_ratio", 0.0..=1.0)
                .unwrap_or(default.sample_ratio),
            service_name: section
                .parsed(reader, "service_name", service_name)
                .map_or(default.service_name, |spot| spot.value),
            continue_inbound: section
                .boolean(reader, "continue_inbound")
                .unwrap_or(default.continue_inbound),
        };
        section.finish(reader, &[]);
        read
    }
}

/// A collector's base address, or the full address of its traces.
fn endpoint(text: &str) -> Result<String, &'static str> {
    let url = values::url(text)?;
    if url.ends_with(PATH) {
        return Ok(url);
    }
    if reqwest::Url::parse(&url).is_ok_and(|url| url.port() == Some(4317)) {
        return Err("4317 is the port of OTLP over gRPC; over HTTP it is usually 4318");
    }
    Ok(format!("{url}{PATH}"))
}

fn service_name(text: &str) -> Result<String, &'static str> {
    let name = text.trim();
    if name.len() > NAME_BYTES_MAX || name.chars().any(char::is_control) {
        return Err("use at most 64 printable characters");
    }
    Ok(name.to_owned())
}

fn headers(reader: &mut Reader<'_>, mut section: Section<'_>) -> Vec<(String, Secret)> {
    let mut headers = Vec::new();
    for name in section.keys() {
        let at = section.place(name);
        let value = section.secret(reader, name);
        if reqwest::header::HeaderName::from_bytes(name.as_bytes()).is_err() {
            let what = format!("`{}` is no name of a header", section.key(name));
            reader.fault(&at, what, "such as authorization, or x-tenant");
        } else if let Some(value) = value {
            if !value.expose().is_ascii() {
                let what = format!(
                    "`{}` has characters that a header cannot carry",
                    section.key(name)
                );
                reader.fault(&at, what, "use visible ASCII characters");
            } else {
                headers.push((name.to_owned(), value));
            }
        }
    }
    if headers.len() > HEADERS_MAX {
        let what = format!("`{}` has {} headers", section.name, headers.len());
        let at = section.at.clone();
        reader.fault(&at, what, format!("at most {HEADERS_MAX}"));
    }
    section.finish(reader, &[]);
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_address_gets_the_path_of_traces_and_a_full_one_is_kept() {
        let check = |text: &str, read: &str| assert_eq!(endpoint(text).as_deref(), Ok(read));
        check("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces");
        check(
            "https://c.example/otlp/",
            "https://c.example/otlp/v1/traces",
        );
        check("https://c.example/v1/traces", "https://c.example/v1/traces");
        for wrong in ["c.example:4318", "http://c.example:4317", "http://"] {
            assert!(endpoint(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_token_over_plain_http_is_worth_a_look() {
        let check = |endpoint: &str, warned: bool| {
            let section = TracingSection {
                otlp_endpoint: Some(endpoint.to_owned()),
                headers: vec![("authorization".to_owned(), "t".into())],
                ..TracingSection::default()
            };
            assert_eq!(section.warning().is_some(), warned, "{endpoint}");
        };
        check("http://c.example/v1/traces", true);
        check("https://c.example/v1/traces", false);
        check("http://127.0.0.1:4318/v1/traces", false);
        check("http://[::1]:4318/v1/traces", false);
        check("http://localhost:4318/v1/traces", false);
    }
}
