//! Files for the pages to send.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::browser::Page;

/// A picture of 2 by 2 points.
pub const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x02\0\0\0\x02\x08\x02\0\0\0\xfd\xd4\x9as\0\0\0\x15IDATx\xdac8\xa1a\xa3\x11u\x82\xe1\x03\x90^\x10\x05\0&\x1a\x05\x8d4\xa7\xe8\xc2\0\0\0\0IEND\xaeB`\x82";

/// Puts a file into an input of the page, as the system's dialog does.
pub async fn attach(page: &Page, input: &str, file: &Path) {
    let input = json!({"expression": format!("document.querySelector({input:?})")});
    let input = page.call("Runtime.evaluate", input).await;
    let files = json!({"files": [file], "objectId": input["result"]["objectId"]});
    page.call("DOM.setFileInputFiles", files).await;
}

/// Writes a file to be sent.
pub fn file(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("writable");
    path
}
