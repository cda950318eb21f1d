//! One route of the agent API: its path, its handler and its description in one place, so that the document cannot
//! say anything else than what is served.

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};
use utoipa::ToSchema;
use utoipa::openapi::path::HttpMethod;
use utoipa::openapi::{RefOr, Schema};

use crate::conversation::words::Role;
use crate::http::Doors;

/// A schema and those it refers to, by name.
pub type Schemas = Vec<(String, RefOr<Schema>)>;

/// Who may come in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Guard {
    /// Anybody.
    Open,
    /// Whoever is signed in with at least this role.
    Signed(Role),
}

/// A parameter in the query.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
}

/// A body, by the name of its schema.
#[derive(Clone)]
pub struct Body {
    /// The name of its schema.
    pub name: String,
    /// Its schema, and those it refers to.
    pub schemas: Schemas,
}

/// See the head of this file.
pub struct Door {
    /// The method.
    pub method: HttpMethod,
    /// The path, with `{name}` for its parts.
    pub path: &'static str,
    /// One line.
    pub about: &'static str,
    /// Who may come in.
    pub guard: Guard,
    /// The query.
    pub query: Vec<Parameter>,
    /// What is sent.
    pub body: Option<Body>,
    /// Whether what is sent is a file: its bytes as they are, and `X-File-Name`.
    pub file: bool,
    /// What comes back: status and body.
    pub answer: (u16, Option<Body>),
    /// The media type of what comes back.
    pub media: &'static str,
    handler: MethodRouter<Doors>,
}

impl Door {
    fn new<H: Handler<T, Doors>, T: 'static>(
        method: HttpMethod,
        filter: MethodFilter,
        path: &'static str,
        handler: H,
    ) -> Self {
        Self {
            method,
            path,
            about: "",
            guard: Guard::Signed(Role::Observer),
            query: Vec::new(),
            body: None,
            file: false,
            answer: (200, None),
            media: "application/json",
            handler: on(filter, handler),
        }
    }

    /// Answers GET.
    pub fn get<H: Handler<T, Doors>, T: 'static>(path: &'static str, handler: H) -> Self {
        Self::new(HttpMethod::Get, MethodFilter::GET, path, handler)
    }

    /// Answers POST.
    pub fn post<H: Handler<T, Doors>, T: 'static>(path: &'static str, handler: H) -> Self {
        Self::new(HttpMethod::Post, MethodFilter::POST, path, handler)
    }

    /// Answers PUT.
    pub fn put<H: Handler<T, Doors>, T: 'static>(path: &'static str, handler: H) -> Self {
        Self::new(HttpMethod::Put, MethodFilter::PUT, path, handler)
    }

    /// Answers PATCH.
    pub fn patch<H: Handler<T, Doors>, T: 'static>(path: &'static str, handler: H) -> Self {
        Self::new(HttpMethod::Patch, MethodFilter::PATCH, path, handler)
    }

    /// Answers DELETE.
    pub fn delete<H: Handler<T, Doors>, T: 'static>(path: &'static str, handler: H) -> Self {
        Self::new(HttpMethod::Delete, MethodFilter::DELETE, path, handler)
    }

    /// What it is for.
    pub fn about(mut self, about: &'static str) -> Self {
        self.about = about;
        self
    }

    /// Who may come in, for the document; the handler itself asks for it.
    pub fn guarded(mut self, guard: Guard) -> Self {
        self.guard = guard;
        self
    }

    /// A parameter in the query.
    pub fn query(mut self, name: &'static str, about: &'static str) -> Self {
        self.query.push(Parameter { name, about });
        self
    }

    /// What is sent.
    pub fn takes<T: ToSchema>(mut self) -> Self {
        self.body = Some(body::<T>());
        self
    }

    /// A file is sent: the body as it is.
    pub fn takes_file(mut self) -> Self {
        self.file = true;
        self
    }

    /// What comes back.
    pub fn gives<T: ToSchema>(mut self, status: u16) -> Self {
        self.answer = (status, Some(body::<T>()));
        self
    }

    /// Nothing comes back but a status.
    pub fn gives_nothing(mut self, status: u16) -> Self {
        self.answer = (status, None);
        self
    }

    /// The media type of what comes back.
    pub fn media(mut self, media: &'static str) -> Self {
        self.media = media;
        self
    }

    /// Hangs it into a router.
    pub fn hang(self, router: Router<Doors>) -> Router<Doors> {
        router.route(self.path, self.handler)
    }
}

fn body<T: ToSchema>() -> Body {
    let name = T::name().into_owned();
    let mut schemas = vec![(name.clone(), T::schema())];
    T::schemas(&mut schemas);
    Body { name, schemas }
}
