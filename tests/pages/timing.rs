//! What a page weighs, and how long it lets a person wait.

use serde_json::Value;

use crate::browser::Page;

/// What a page may weigh on the wire, all its files together, in bytes.
pub const WEIGHT_MAX: u64 = 150 * 1024;

/// Remembers when something that the selector names first stood on the page, from the beginning of its loading.
pub async fn watch_for(page: &Page, selector: &str) {
    let script = format!(
        "new MutationObserver(() => {{ if (document.querySelector({selector:?})) window.firstSeen ??= performance.now(); }})\
         .observe(document, {{childList: true, subtree: true}})"
    );
    page.before_all(&script).await;
}

/// Milliseconds until what is watched for stood there.
pub async fn first_seen(page: &Page) -> f64 {
    page.until("window.firstSeen").await;
    page.eval("window.firstSeen")
        .await
        .as_f64()
        .expect("a time")
}

/// Bytes of the page and its files as they travel, headers not counted.
pub async fn weight(page: &Page) -> u64 {
    let sum = "performance.getEntriesByType('navigation').concat(performance.getEntriesByType('resource')\
        .filter((one) => /\\.(js|css)(\\?|$)/.test(one.name))).reduce((sum, one) => sum + one.encodedBodySize, 0)";
    page.eval(sum).await.as_u64().expect("bytes")
}

/// Milliseconds that each of so many steps took until the frame behind it was drawn, sorted. `step` is a statement that
/// knows its number as `n`.
pub async fn steps(page: &Page, times: usize, step: &str) -> Vec<f64> {
    let told = page
        .eval(&format!(
            "(async () => {{ const times = []; for (let n = 0; n < {times}; n += 1) {{ const began = performance.now(); {step}; \
             await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn))); times.push(performance.now() - began); }} \
             return times.sort((a, b) => a - b); }})()"
        ))
        .await;
    let Value::Array(times) = told else {
        panic!("{told}")
    };
    times.iter().filter_map(Value::as_f64).collect()
}

/// The value that so many of a hundred do not exceed.
pub fn at(sorted: &[f64], hundredths: usize) -> f64 {
    sorted[(sorted.len() - 1) * hundredths / 100]
}
