//! The handler that everything is held against: it verifies the signature, parses the form and forgets.
//!
//! It stands on the same listener and the same runtime as Segue, and answers as Segue does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::routing::post;
use segue::channel::Webhook;
use segue::channel::twilio::signature::{Signed, Verifier};
use segue::http::listen;
use segue::secret::Secret;
use tokio_util::sync::CancellationToken;

use crate::target::{self, Figures};
use crate::{PUBLIC_URL, TOKEN};

/// The longest body taken: what Segue takes too.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// Serves until nobody asks any more.
pub async fn serve() {
    let tokens = [Secret::from(TOKEN)];
    let verifier = Arc::new(Verifier::new(PUBLIC_URL, &tokens, &[]));
    let router = Router::new()
        .route("/webhooks/{channel}", post(verify))
        .with_state(verifier);
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = listen::bind(any).expect("a free port");
    let address = listener.local_addr().expect("an address");
    let stop = CancellationToken::new();
    let serving = tokio::spawn(listen::serve(
        listener,
        router,
        stop.clone(),
        Duration::from_secs(1),
    ));
    target::converse((address, None), |_| Figures::default()).await;
    stop.cancel();
    serving.await.expect("the listener does not panic");
}

async fn verify(
    State(verifier): State<Arc<Verifier>>,
    request: Request,
) -> (StatusCode, &'static str) {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        return (StatusCode::BAD_REQUEST, "");
    };
    let path_and_query = parts
        .uri
        .path_and_query()
        .map_or("", |target| target.as_str());
    let webhook = Webhook {
        method: &parts.method,
        path_and_query,
        headers: &parts.headers,
        body: &body,
    };
    match verifier.verify(&webhook) {
        Ok(Signed::Form(form)) if form.get("MessageSid").is_some() => {
            (StatusCode::OK, "<Response/>")
        }
        Ok(Signed::Form(_) | Signed::Other) => (StatusCode::UNPROCESSABLE_ENTITY, ""),
        Err(_) => (StatusCode::FORBIDDEN, ""),
    }
}
