//! The document of the agent API, made from the same doors that are served.

use std::collections::BTreeMap;

use axum::Json;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, KnownFormat, ObjectBuilder, OpenApi,
    OpenApiBuilder, PathsBuilder, Ref, Required, ResponseBuilder, SchemaFormat,
    SecurityRequirement, Type, path::PathItem,
};

use super::caller::COOKIE;
use super::door::{Body, Door, Guard};
use crate::http::problem::MEDIA_TYPE;

/// What a problem looks like, for the document.
#[derive(ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "only its shape is used")]
struct ProblemShape {
    /// A URN for the kind of problem.
    r#type: String,
    /// The same for every problem of the kind.
    title: String,
    /// The HTTP status.
    status: u16,
    /// A stable word to branch on: `taken`, `stale_epoch`, `not_found`, …
    code: String,
    /// What was wrong this time.
    detail: String,
    /// How to mend it.
    hint: Option<String>,
    /// `taken`, `stale_epoch`: who has the conversation.
    taken_by: Option<String>,
    /// `taken`: since when.
    since: Option<String>,
    /// `stale_epoch`: the epoch now.
    owner_epoch: Option<u64>,
}

const ERRORS: [(&str, &str); 10] = [
    ("400", "The request cannot be read."),
    ("401", "Nobody has shown who they are."),
    (
        "403",
        "The role does not allow it, or the token against forged requests is missing.",
    ),
    ("404", "No such thing, or none of the caller's business."),
    ("408", "The body did not arrive in time."),
    (
        "409",
        "The conversation is not as the caller thinks; says who has it and since when.",
    ),
    ("413", "The body is too large."),
    (
        "422",
        "Understood, and it cannot be: empty, too long, window shut, key reused for another body.",
    ),
    ("429", "Too much at once; Retry-After says when."),
    (
        "503",
        "Not just now, or the outcome is not known (`outcome_unknown`); Retry-After says when.",
    ),
];

/// The document, as JSON.
pub fn document(doors: &[Door]) -> Value {
    let mut schemas = BTreeMap::from([(
        "Problem".to_owned(),
        <ProblemShape as utoipa::PartialSchema>::schema(),
    )]);
    let mut paths = PathsBuilder::new();
    for door in doors {
        let bodies = [door.body.as_ref(), door.answer.1.as_ref()];
        for body in bodies.into_iter().flatten() {
            schemas.extend(body.schemas.iter().cloned());
        }
        paths = paths.path(
            door.path,
            PathItem::new(door.method.clone(), operation(door)),
        );
    }
    let components = ComponentsBuilder::new()
        .schemas_from_iter(schemas)
        .security_scheme(
            "token",
            SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()),
        )
        .security_scheme(
            "session",
            SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(COOKIE))),
        )
        .build();
    let info = InfoBuilder::new()
        .title("Segue agent API")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "What agents, desks and dashboards do with conversations. Times are RFC 3339, ids are opaque strings, lists \
             are paged by cursor, errors are application/problem+json. With the session's cookie, everything that \
             changes something needs X-CSRF-Token.",
        ))
        .build();
    let document: OpenApi = OpenApiBuilder::new()
        .info(info)
        .paths(paths)
        .components(Some(components))
        .build();
    serde_json::to_value(document).expect("a document is plain data")
}

fn operation(door: &Door) -> utoipa::openapi::path::Operation {
    let mut operation = OperationBuilder::new().summary(Some(door.about));
    let text = || ObjectBuilder::new().schema_type(Type::String).build();
    for name in door.path.split(['{', '}']).skip(1).step_by(2) {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .schema(Some(text()));
        operation = operation.parameter(parameter);
    }
    for query in &door.query {
        let parameter = ParameterBuilder::new()
            .name(query.name)
            .parameter_in(ParameterIn::Query)
            .description(Some(query.about))
            .schema(Some(text()));
        operation = operation.parameter(parameter);
    }
    if door.method == utoipa::openapi::path::HttpMethod::Post {
        let parameter = ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .description(Some(
                "The same key and body again changes nothing for 24 hours; where the answer held a token, it is \
                 refused as `already_done`. Signing in is not remembered.",
            ))
            .schema(Some(text()));
        operation = operation.parameter(parameter);
    }
    if let Some(body) = &door.body {
        let body = RequestBodyBuilder::new()
            .content("application/json", content(body))
            .required(Some(Required::True));
        operation = operation.request_body(Some(body.build()));
    }
    if door.file {
        operation = operation.request_body(Some(file())).parameter(
            ParameterBuilder::new()
                .name("X-File-Name")
                .parameter_in(ParameterIn::Header)
                .description(Some("What the file is called, percent-encoded."))
                .schema(Some(text())),
        );
    }
    let mut answer = ResponseBuilder::new().description("Done.");
    if let Some(body) = &door.answer.1 {
        answer = answer.content(door.media, content(body));
    }
    operation = operation.response(door.answer.0.to_string(), answer);
    match door.guard {
        Guard::Open => {}
        Guard::Signed(role) => {
            operation = operation
                .description(Some(format!("Needs at least the role `{role}`.")))
                .security(SecurityRequirement::new("token", Vec::<String>::new()))
                .security(SecurityRequirement::new("session", Vec::<String>::new()));
        }
    }
    for (status, about) in ERRORS {
        let problem = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("Problem")))
            .build();
        operation = operation.response(
            status,
            ResponseBuilder::new()
                .description(about)
                .content(MEDIA_TYPE, problem),
        );
    }
    operation.build()
}

/// Bytes as they are.
fn file() -> RequestBody {
    let bytes = ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)))
        .build();
    let content = ContentBuilder::new().schema(Some(bytes)).build();
    RequestBodyBuilder::new()
        .description(Some(
            "The file, as it is: a picture, PDF, MP4 or plain text.",
        ))
        .content("application/octet-stream", content)
        .required(Some(Required::True))
        .build()
}

fn content(body: &Body) -> utoipa::openapi::Content {
    ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(&body.name)))
        .build()
}

/// `GET /api/v1/openapi.json`.
pub async fn show() -> Json<Value> {
    static DOCUMENT: std::sync::OnceLock<Value> = std::sync::OnceLock::new();
    Json(DOCUMENT.get_or_init(|| document(&super::doors())).clone())
}
