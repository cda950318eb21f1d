//! A gateway that takes most replies, refuses those to `bad…`, and is not well for the first try to `down…`.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::Value;

type Tries = Arc<Mutex<HashMap<String, u32>>>;

/// Starts it; answers where it is.
pub async fn gateway() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let routes = Router::new()
        .route("/replies", post(reply))
        .with_state(Tries::default());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    address
}

async fn reply(State(tries): State<Tries>, Json(message): Json<Value>) -> StatusCode {
    let to = message["to"].as_str().unwrap_or_default().to_owned();
    let mut tries = tries.lock().unwrap_or_else(PoisonError::into_inner);
    let tried = tries.entry(to.clone()).or_default();
    *tried += 1;
    if to.starts_with("bad") {
        StatusCode::BAD_REQUEST
    } else if to.starts_with("down") && *tried == 1 {
        StatusCode::TOO_MANY_REQUESTS
    } else {
        StatusCode::OK
    }
}
