//! What opening a conversation takes, by parts.

use serde_json::Value;

use crate::browser::Page;

/// What opening a conversation takes, in milliseconds and sorted: until its last words are drawn, and of that what passed
/// before the last answer of the server was there, and what the page did with it.
pub struct Openings {
    /// From the click to the frame that shows the last words.
    pub whole: Vec<f64>,
    /// Until what is shown first had come from the server.
    pub server: Vec<f64>,
    /// From there to the frame.
    pub page: Vec<f64>,
}

/// Opens `id` so many times, another one in between, until `words` are to be read.
pub async fn openings(page: &Page, times: usize, id: &str, other: &str, words: &str) -> Openings {
    let told = page
        .eval(&format!(
            "(async () => {{
              const frame = () => new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));
              const shown = (text) => [...document.querySelectorAll('.turn .text')].some((one) => one.textContent.includes(text));
              const until = (what) => new Promise((done) => {{ const look = () => (what() ? done() : setTimeout(look, 2)); look(); }});
              const told = {{ whole: [], server: [], page: [] }};
              for (let n = 0; n < {times}; n += 1) {{
                location.hash = '#/c/{other}';
                await until(() => document.querySelector('.turn .text') && !shown({words:?}));
                await new Promise((go) => setTimeout(go, 400));
                performance.clearResourceTimings();
                const began = performance.now();
                location.hash = '#/c/{id}';
                await until(() => shown({words:?}));
                await frame();
                const whole = performance.now() - began;
                const came = Math.max(...performance.getEntriesByType('resource')
                  .filter((one) => one.name.endsWith('/conversations/{id}') || one.name.includes('{id}/trail'))
                  .slice(0, 2).map((one) => one.responseEnd - began));
                told.whole.push(whole); told.server.push(came); told.page.push(whole - came);
              }}
              for (const one of Object.values(told)) one.sort((a, b) => a - b);
              return told; }})()"
        ))
        .await;
    let times = |of: &str| {
        let all = told[of].as_array().expect("times").iter();
        all.filter_map(Value::as_f64).collect()
    };
    Openings {
        whole: times("whole"),
        server: times("server"),
        page: times("page"),
    }
}
