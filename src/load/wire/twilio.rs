//! Twilio messaging, SMS and WhatsApp: the form that Twilio posts, signed as Twilio signs, and its `Messages.json`.

use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;

use super::{Heard, Post, Wire, digits_after};
use crate::channel::twilio::signature::{SIGNATURE, sign};
use crate::config::{TwilioSection, TwilioSender};
use crate::secret::Secret;

/// One instance.
pub struct TwilioWire {
    name: String,
    account: String,
    token: Secret,
    /// How the server is seen: what is signed begins with it.
    public_url: String,
    path: String,
    ours: String,
    whatsapp: bool,
}

impl TwilioWire {
    /// The instance `name`, of a server that is seen at `public_url`.
    pub fn new(name: &str, section: &TwilioSection, public_url: &str) -> Self {
        let ours = match &section.sender {
            TwilioSender::From(from) => from.clone(),
            TwilioSender::MessagingService(_) => "+14155550100".to_owned(),
        };
        let path = format!("/webhooks/{name}");
        Self {
            name: name.to_owned(),
            account: section.account_sid.clone(),
            token: section
                .auth_tokens
                .first()
                .cloned()
                .unwrap_or_else(|| Secret::from("")),
            public_url: public_url.trim_end_matches('/').to_owned(),
            path,
            whatsapp: ours.starts_with("whatsapp:"),
            ours,
        }
    }

    /// A form, signed as Twilio signs it.
    fn signed(&self, path: String, body: String) -> Post {
        let url = format!("{}{path}", self.public_url);
        let signature = sign(&self.token, &url, body.as_bytes());
        let kind = "application/x-www-form-urlencoded; charset=utf-8".to_owned();
        Post {
            path,
            headers: vec![("content-type", kind), (SIGNATURE, signature)],
            body: Bytes::from(body),
        }
    }

    fn prefix(&self) -> &'static str {
        if self.whatsapp { "whatsapp:+" } else { "+" }
    }
}

/// What Twilio calls a message of ours.
fn sid(heard: &Heard) -> String {
    format!("SM{:032x}", crate::ids::IdHash::of(&heard.effect).0)
}

impl Wire for TwilioWire {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "twilio"
    }

    fn address(&self, number: u64) -> String {
        format!("{}{number}", self.prefix())
    }

    fn number(&self, address: &str) -> Option<u64> {
        digits_after(self.prefix(), address)
    }

    fn write(&self, number: u64, id: &str, text: &str) -> Post {
        let from = &self.address(number);
        let sid = self.message_id(id);
        let mut form = form_urlencoded::Serializer::new(String::with_capacity(512));
        // What Twilio sends with every message: a server has to sign and decode all of it.
        form.append_pair("ToCountry", "US")
            .append_pair("SmsMessageSid", &sid)
            .append_pair("NumMedia", "0")
            .append_pair("SmsSid", &sid)
            .append_pair("SmsStatus", "received")
            .append_pair("Body", text)
            .append_pair("To", &self.ours)
            .append_pair("NumSegments", "1")
            .append_pair("MessageSid", &sid)
            .append_pair("AccountSid", &self.account)
            .append_pair("From", from)
            .append_pair("ApiVersion", "2010-04-01");
        if self.whatsapp {
            form.append_pair("ProfileName", "Load Test")
                .append_pair("MessageType", "text");
        }
        self.signed(self.path.clone(), form.finish())
    }

    fn message_id(&self, id: &str) -> String {
        format!("SM{id}")
    }

    fn hear(&self, path: &str, _: &HeaderMap, body: &[u8]) -> Option<Heard> {
        let inside = format!("/Accounts/{}/Messages.json", self.account);
        if !path.ends_with(&inside) {
            return None;
        }
        let mut heard = Heard {
            to: String::new(),
            effect: String::new(),
            message: String::new(),
            text: String::new(),
            class: None,
            report_to: String::new(),
        };
        for (name, value) in form_urlencoded::parse(body) {
            match &*name {
                "To" => heard.to = value.into_owned(),
                "Body" => heard.text = value.into_owned(),
                "StatusCallback" => heard.report_to = value.into_owned(),
                _ => {}
            }
        }
        self.number(&heard.to)?;
        // Our own reference travels in the status URL: the conversation and the message.
        let query = heard.report_to.split_once('?');
        let query = query.map_or_else(String::new, |(_, query)| query.to_owned());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if name == "e" {
                heard.message = value.into_owned();
            }
        }
        heard.effect = query;
        Some(heard)
    }

    fn report(&self, heard: &Heard, state: &str) -> Option<Post> {
        let path = heard.report_to.strip_prefix(&self.public_url)?;
        let sid = sid(heard);
        let form = form_urlencoded::Serializer::new(String::with_capacity(256))
            .append_pair("SmsSid", &sid)
            .append_pair("SmsStatus", state)
            .append_pair("MessageStatus", state)
            .append_pair("To", &heard.to)
            .append_pair("MessageSid", &sid)
            .append_pair("AccountSid", &self.account)
            .append_pair("From", &self.ours)
            .append_pair("ApiVersion", "2010-04-01")
            .finish();
        Some(self.signed(path.to_owned(), form))
    }

    fn took(&self, heard: &Heard) -> (StatusCode, String) {
        let sid = sid(heard);
        (
            StatusCode::CREATED,
            format!("{{\"sid\":\"{sid}\",\"status\":\"queued\"}}"),
        )
    }

    fn refuse(&self) -> (StatusCode, String) {
        let body = r#"{"code":20429,"message":"Too Many Requests","status":429}"#;
        (StatusCode::TOO_MANY_REQUESTS, body.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Method;

    use super::*;
    use crate::channel::Webhook;
    use crate::channel::twilio::signature::Verifier;

    fn wire(from: &str) -> TwilioWire {
        let section = TwilioSection {
            account_sid: "AC1".to_owned(),
            auth_tokens: vec![Secret::from("hush")],
            shared_keys: Vec::new(),
            sender: TwilioSender::From(from.to_owned()),
            api_base_url: None,
        };
        TwilioWire::new("sms", &section, "https://chat.example.com/")
    }

    #[test]
    fn what_is_written_passes_the_servers_own_check() {
        let wire = wire("+14155550100");
        let post = wire.write(700_000_000_000_001, "00ff", "Where is it? ñ & =");
        let mut headers = HeaderMap::new();
        for (name, value) in &post.headers {
            headers.insert(*name, value.parse().expect("a value"));
        }
        let check = |body: &[u8]| {
            let verifier = Verifier::new("https://chat.example.com", &[Secret::from("hush")], &[]);
            let webhook = Webhook {
                method: &Method::POST,
                path_and_query: &post.path,
                headers: &headers,
                body,
            };
            verifier.verify(&webhook).is_ok()
        };
        assert!(check(&post.body));
        assert!(!check(b"Body=else"));
    }

    #[test]
    fn what_goes_out_is_heard_by_the_line_of_that_medium_only() {
        let body = b"To=whatsapp%3A%2B17001&Body=hi&StatusCallback=https%3A%2F%2Fx%2Fwebhooks%2Fwa%2Fstatus%3Fc%3Dc01%26e%3D7";
        let path = "/2010-04-01/Accounts/AC1/Messages.json";
        let heard = wire("whatsapp:+1415")
            .hear(path, &HeaderMap::new(), body)
            .expect("heard");
        assert_eq!(
            (&*heard.to, &*heard.message, &*heard.text, &*heard.effect),
            ("whatsapp:+17001", "7", "hi", "c=c01&e=7")
        );
        assert_eq!(wire("+1415").hear(path, &HeaderMap::new(), body), None);
        assert_eq!(
            wire("whatsapp:+1415").hear("/else", &HeaderMap::new(), body),
            None
        );
    }
}
