//! One endpoint: where it is, which page describes it, what it reads and answers, and the handler.

use actix_web::{FromRequest, Handler, Responder, Route, web};
use schemars::JsonSchema;

use super::schemas::SchemaOf;

pub struct Endpoint {
    pub method: &'static str,
    pub path: &'static str,
    /// The documentation page it follows; empty for what is this server's own.
    pub page: &'static str,
    pub summary: &'static str,
    /// Names of query arguments, described once in `openapi.rs`.
    pub query: &'static str,
    pub body: Option<Body>,
    pub response: SchemaOf,
    pub route: Route,
}

#[derive(Clone, Copy)]
pub struct Body {
    pub schema: SchemaOf,
    pub is_optional: bool,
    /// It is multipart/form-data; else JSON.
    pub is_upload: bool,
}

impl Endpoint {
    pub fn query(self, query: &'static str) -> Endpoint {
        Endpoint { query, ..self }
    }

    pub fn body<T: JsonSchema>(self) -> Endpoint {
        Endpoint { body: Some(Body { schema: SchemaOf::new::<T>(), is_optional: false, is_upload: false }), ..self }
    }

    pub fn optional_body<T: JsonSchema>(self) -> Endpoint {
        Endpoint { body: Some(Body { schema: SchemaOf::new::<T>(), is_optional: true, is_upload: false }), ..self }
    }

    pub fn upload<T: JsonSchema>(self) -> Endpoint {
        Endpoint { body: Some(Body { schema: SchemaOf::new::<T>(), is_optional: false, is_upload: true }), ..self }
    }

    /// Name of the body's schema; empty without a body.
    pub fn body_name(&self) -> String {
        self.body.map_or_else(String::new, |body| body.schema.name().into_owned())
    }
}

/// The schema of a response.
pub fn of<T: JsonSchema>() -> SchemaOf {
    SchemaOf::new::<T>()
}

macro_rules! method {
    ($name:ident, $method:literal) => {
        pub fn $name<F, Args>(
            path: &'static str,
            page: &'static str,
            summary: &'static str,
            response: SchemaOf,
            handler: F,
        ) -> Endpoint
        where
            F: Handler<Args>,
            Args: FromRequest + 'static,
            F::Output: Responder + 'static,
        {
            let route = web::$name().to(handler);
            Endpoint { method: $method, path, page, summary, query: "", body: None, response, route }
        }
    };
}
method!(get, "GET");
method!(post, "POST");
method!(put, "PUT");
method!(delete, "DELETE");
