//! The customers' side of a channel: signed Twilio webhooks, sent as Twilio sends them.

use reqwest::Response;
use segue::channel::twilio::signature::sign;
use segue::secret::Secret;

/// The auth token of every Twilio channel in these tests.
pub const AUTH_TOKEN: &str = "a-token-of-the-tests";
/// Our own number there.
pub const OURS: &str = "+15005550006";

/// Whoever posts webhooks to one Segue.
#[derive(Clone)]
pub struct Line {
    /// For whatever else is to be asked.
    pub client: reqwest::Client,
    /// The public URL.
    pub base: String,
}

impl Line {
    /// To the public listener at `base`, which is also the public URL.
    pub fn to(base: String) -> Self {
        segue::channel::carrier::install_crypto();
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(std::time::Duration::from_secs(20))
            .build()
            .expect("a client");
        Self { client, base }
    }

    /// The message `id` of `from`, as a form.
    pub fn form(id: &str, from: &str, text: &str) -> String {
        form_urlencoded::Serializer::new(String::new())
            .append_pair("MessageSid", id)
            .append_pair("From", from)
            .append_pair("To", OURS)
            .append_pair("Body", text)
            .append_pair("NumMedia", "0")
            .finish()
    }

    /// Posts a form, signed, to `path`.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn post(&self, path: &str, form: &str) -> Result<Response, reqwest::Error> {
        let url = format!("{}{path}", self.base);
        let signature = sign(&Secret::from(AUTH_TOKEN), &url, form.as_bytes());
        let request = self
            .client
            .post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-twilio-signature", signature)
            .body(form.to_owned());
        request.send().await
    }
}
