//! A real Chromium, driven over its DevTools protocol (<https://chromedevtools.github.io/devtools-protocol/>): the few
//! commands that a person's hands and eyes need. No package is installed for it.
//!
//! Where there is no browser, [`Browser::start`] says so and the test is skipped visibly; with `SEGUE_BROWSER` the program
//! is named, and with `SEGUE_PEERS=required` a missing one is a failure.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::Message;

/// Longer than anything here takes on a busy machine; a test that waits this long has failed.
pub const PATIENCE: Duration = Duration::from_secs(30);
const PROGRAMS: [&str; 5] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome-headless-shell",
];

type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Result<Value, String>>>>>;

/// A browser; it ends with this value.
pub struct Browser {
    wire: Arc<Wire>,
    child: Child,
    _profile: tempfile::TempDir,
}

struct Wire {
    out: mpsc::Sender<Value>,
    next: AtomicU64,
    waiting: Waiting,
    /// What pages complained about: exceptions, and errors of the console; by session.
    faults: Arc<Mutex<Vec<(String, String)>>>,
}

fn skipped(why: &str) {
    assert!(
        std::env::var_os("SEGUE_PEERS").is_none_or(|wish| wish != "required"),
        "no browser: {why}"
    );
    writeln!(std::io::stderr(), "SKIPPED: the pages in a browser: {why}").expect("stderr is open");
}

impl Browser {
    /// Starts one; none if there is none, which is said.
    pub async fn start() -> Option<Self> {
        if std::env::var_os("SEGUE_PEERS").is_some_and(|wish| wish == "0") {
            skipped("SEGUE_PEERS=0");
            return None;
        }
        let named = std::env::var("SEGUE_BROWSER").ok();
        let programs = named.as_deref().map_or(PROGRAMS.to_vec(), |one| vec![one]);
        for program in programs {
            if let Some(browser) = Self::of(program).await {
                return Some(browser);
            }
        }
        skipped("no Chromium was found; SEGUE_BROWSER names one");
        None
    }

    async fn of(program: &str) -> Option<Self> {
        let profile = tempfile::tempdir().expect("a folder");
        let mut child = Command::new(program)
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--disable-background-timer-throttling",
                "--disable-renderer-backgrounding",
                "--disable-extensions",
                "--no-first-run",
                "--mute-audio",
                "--lang=en-GB",
                "--remote-debugging-port=0",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .ok()?;
        let lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let (tell, told) = oneshot::channel();
        // Whatever else it says has to be read, or it blocks.
        std::thread::spawn(move || {
            let mut tell = Some(tell);
            for line in lines.map_while(Result::ok) {
                if let Some((_, address)) = line.split_once("DevTools listening on ")
                    && let Some(tell) = tell.take()
                {
                    let _ = tell.send(address.trim().to_owned());
                }
            }
        });
        let address = tokio::time::timeout(PATIENCE, told).await;
        let Ok(Ok(address)) = address else {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        };
        Some(Self {
            wire: Wire::open(&address).await,
            child,
            _profile: profile,
        })
    }

    /// A page of its own: nobody else's cookies.
    pub async fn page(&self) -> Page {
        self.tab(None).await
    }

    /// A page beside another one, with the same cookies and storage; beside none, one of its own.
    pub async fn tab(&self, beside: Option<&Page>) -> Page {
        let context = match beside {
            Some(page) => page.context.clone(),
            None => {
                let made = self.wire.call("", "Target.createBrowserContext", json!({}));
                made.await["browserContextId"].clone()
            }
        };
        let target = json!({"url": "about:blank", "browserContextId": context});
        let target = self.wire.call("", "Target.createTarget", target).await;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = self.wire.call("", "Target.attachToTarget", attach).await;
        let page = Page {
            wire: Arc::clone(&self.wire),
            session: session["sessionId"].as_str().expect("a session").to_owned(),
            context,
        };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            page.call(&format!("{domain}.enable"), json!({})).await;
        }
        page.call(
            "Emulation.setFocusEmulationEnabled",
            json!({"enabled": true}),
        )
        .await;
        page.size(1280, 800, false).await;
        page
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Wire {
    async fn open(address: &str) -> Arc<Self> {
        let (socket, _) = tokio_tungstenite::connect_async(address)
            .await
            .expect("the browser listens");
        let (mut into, mut from) = socket.split();
        let (out, mut outgoing) = mpsc::channel::<Value>(64);
        let waiting = Waiting::default();
        let faults = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn(async move {
            while let Some(said) = outgoing.recv().await {
                if into
                    .send(Message::Text(said.to_string().into()))
                    .await
                    .is_err()
                {
                    break;
                }
            }
        });
        let (answers, heard) = (Arc::clone(&waiting), Arc::clone(&faults));
        tokio::spawn(async move {
            while let Some(Ok(message)) = from.next().await {
                let Message::Text(text) = message else {
                    continue;
                };
                let told: Value = serde_json::from_str(text.as_str()).expect("JSON");
                if let Some(id) = told["id"].as_u64() {
                    let answer = match told.get("error") {
                        Some(error) => Err(error.to_string()),
                        None => Ok(told["result"].clone()),
                    };
                    let asked = answers.lock().expect("nobody panics").remove(&id);
                    if let Some(asked) = asked {
                        let _ = asked.send(answer);
                    }
                } else if let Some(fault) = fault(&told) {
                    let session = told["sessionId"].as_str().unwrap_or_default().to_owned();
                    heard.lock().expect("nobody panics").push((session, fault));
                }
            }
        });
        Arc::new(Self {
            out,
            next: AtomicU64::new(1),
            waiting,
            faults,
        })
    }

    async fn call(&self, session: &str, method: &str, params: Value) -> Value {
        let told = self.attempt(session, method, params).await;
        told.unwrap_or_else(|fault| panic!("{method}: {fault}"))
    }

    /// What the browser says to it: an error where the page was just being left.
    async fn attempt(&self, session: &str, method: &str, params: Value) -> Result<Value, String> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (tell, told) = oneshot::channel();
        self.waiting.lock().expect("nobody panics").insert(id, tell);
        let mut said = json!({"id": id, "method": method, "params": params});
        if !session.is_empty() {
            said["sessionId"] = session.into();
        }
        self.out.send(said).await.expect("the browser lives");
        tokio::time::timeout(PATIENCE, told)
            .await
            .unwrap_or_else(|_| panic!("{method} was not answered"))
            .expect("the browser lives")
    }
}

/// What a page complains about. A request that failed is no complaint: networks are cut here on purpose.
fn fault(told: &Value) -> Option<String> {
    match told["method"].as_str()? {
        "Runtime.exceptionThrown" => Some(told["params"]["exceptionDetails"].to_string()),
        "Log.entryAdded" => {
            let entry = &told["params"]["entry"];
            (entry["level"] == "error" && entry["source"] != "network").then(|| entry.to_string())
        }
        _ => None,
    }
}

/// One page.
pub struct Page {
    wire: Arc<Wire>,
    session: String,
    /// Whose cookies and storage it has.
    context: Value,
}

impl Page {
    pub async fn call(&self, method: &str, params: Value) -> Value {
        self.wire.call(&self.session, method, params).await
    }

    pub async fn open(&self, url: &str) {
        self.call("Page.navigate", json!({"url": url})).await;
        self.until("document.readyState === 'complete'").await;
    }

    /// Runs a script in every document from here on, before its own.
    pub async fn before_all(&self, script: &str) {
        self.call(
            "Page.addScriptToEvaluateOnNewDocument",
            json!({"source": script}),
        )
        .await;
    }

    /// The value of an expression, which may be a promise.
    pub async fn eval(&self, expression: &str) -> Value {
        let asked = json!({"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true});
        let told = self.call("Runtime.evaluate", asked).await;
        assert!(
            told.get("exceptionDetails").is_none(),
            "{expression}: {}",
            told["exceptionDetails"]
        );
        told["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub async fn until(&self, expression: &str) {
        let began = segue::clock::monotonic();
        loop {
            let asked =
                json!({"expression": format!("Boolean({expression})"), "returnByValue": true});
            let told = self.wire.attempt(&self.session, "Runtime.evaluate", asked);
            // A page that is just being loaded anew is not yet what it will be.
            if told.await.is_ok_and(|told| told["result"]["value"] == true) {
                return;
            }
            if began.elapsed() > PATIENCE {
                let shown = self.eval("document.body.innerText").await;
                panic!(
                    "never came true: {expression}; shown: {shown}; {:?}",
                    self.faults()
                );
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// Waits until a text is to be read within what the selector names.
    pub async fn reads(&self, selector: &str, text: &str) {
        self.until(&format!(
            "[...document.querySelectorAll({selector:?})].some((one) => one.innerText.includes({text:?}))"
        ))
        .await;
    }

    /// Clicks with the mouse, in the middle.
    pub async fn click(&self, selector: &str) {
        self.until(&format!(
            "document.querySelector({selector:?})?.getClientRects().length"
        ))
        .await;
        let place = self
            .eval(&format!(
                "(() => {{ const one = document.querySelector({selector:?}); one.scrollIntoView({{block: 'nearest'}}); \
                 const at = one.getBoundingClientRect(); return [at.x + at.width / 2, at.y + at.height / 2]; }})()"
            ))
            .await;
        for (kind, buttons) in [("mouseMoved", 0), ("mousePressed", 1), ("mouseReleased", 0)] {
            let event = json!({"type": kind, "x": place[0], "y": place[1], "button": "left", "buttons": buttons, "clickCount": 1});
            self.call("Input.dispatchMouseEvent", event).await;
        }
    }

    /// Types into whatever has the focus.
    pub async fn types(&self, text: &str) {
        self.call("Input.insertText", json!({"text": text})).await;
    }

    /// Presses a key: a character, or `Enter`, `Tab`, `Escape`, `ArrowDown`, …; `Shift+` and `Control+` before it.
    pub async fn press(&self, key: &str) {
        let (modifiers, key) = match key.split_once('+') {
            Some(("Shift", key)) => (8, key),
            Some(("Control", key)) => (2, key),
            Some(_) | None => (0, key),
        };
        let code = match key {
            "Enter" => 13,
            "Tab" => 9,
            "Escape" => 27,
            "ArrowUp" => 38,
            "ArrowDown" => 40,
            "Home" => 36,
            "End" => 35,
            _ => 0,
        };
        let text = match key {
            "Enter" => Some("\r"),
            one if one.chars().count() == 1 && modifiers != 2 => Some(one),
            _ => None,
        };
        let mut down = json!({"type": if text.is_some() { "keyDown" } else { "rawKeyDown" }, "key": key, "modifiers": modifiers, "windowsVirtualKeyCode": code});
        if let Some(text) = text {
            down["text"] = text.into();
        }
        self.call("Input.dispatchKeyEvent", down).await;
        let up = json!({"type": "keyUp", "key": key, "modifiers": modifiers, "windowsVirtualKeyCode": code});
        self.call("Input.dispatchKeyEvent", up).await;
    }

    pub async fn size(&self, width: u32, height: u32, phone: bool) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": if phone { 2 } else { 1 }, "mobile": phone});
        self.call("Emulation.setDeviceMetricsOverride", metrics)
            .await;
    }

    pub async fn dark(&self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": value}]});
        self.call("Emulation.setEmulatedMedia", media).await;
    }

    pub async fn offline(&self, offline: bool) {
        let conditions = json!({"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1});
        self.call("Network.emulateNetworkConditions", conditions)
            .await;
    }

    pub async fn picture(&self, file: &Path) {
        let told = self
            .call("Page.captureScreenshot", json!({"format": "png"}))
            .await;
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(told["data"].as_str().expect("base64"))
            .expect("base64");
        std::fs::write(file, bytes).expect("writable");
    }

    /// What the page has complained about so far.
    pub fn faults(&self) -> Vec<String> {
        let faults = self.wire.faults.lock().expect("nobody panics");
        let own = faults
            .iter()
            .filter(|(session, _)| *session == self.session);
        own.map(|(_, fault)| fault.clone()).collect()
    }
}
