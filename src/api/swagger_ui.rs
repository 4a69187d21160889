//! Swagger UI on `/docs`, from an archive inside the binary: it works without a network.

use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::sync::LazyLock;

use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
use zip::ZipArchive;
use zip::result::ZipError;

use super::not_served;
use crate::web::pace::shared;

/// The folder of the archive with the files of the page.
const FOLDER: &str = "/dist/";
/// Points the page at the description beside its folder; the archive's own names an example.
const INITIALIZER: &str = r##"window.onload = function () {
  window.ui = SwaggerUIBundle({
    url: "../openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
    plugins: [SwaggerUIBundle.plugins.DownloadUrl],
    layout: "StandaloneLayout",
    validatorUrl: null,
  });
};
"##;

/// What a browser lets the page do: run its own files and call this server. Its styles are partly in its elements.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// By name. Unpacked when the page is first opened; then all answers share this memory.
static FILES: LazyLock<HashMap<String, Bytes>> = LazyLock::new(|| {
    unpack().unwrap_or_else(|error| {
        tracing::error!(%error, "Swagger UI cannot be unpacked");
        HashMap::new()
    })
});

fn unpack() -> Result<HashMap<String, Bytes>, ZipError> {
    let mut archive = ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED))?;
    let mut files = HashMap::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index)?;
        let name = file.name()?.split_once(FOLDER).map(|(_, name)| name.to_owned());
        // The page uses neither its own source maps nor the bundle for other bundlers.
        let Some(name) = name.filter(|name| content_type(name).is_some() && !name.contains("-es-bundle")) else {
            continue;
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        files.insert(name, Bytes::from(bytes));
    }
    files.insert("swagger-initializer.js".into(), Bytes::from_static(INITIALIZER.as_bytes()));
    Ok(files)
}

fn content_type(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')?.1 {
        "html" => Some("text/html; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "png" => Some("image/png"),
        _ => None,
    }
}

/// The page, or one of its files.
pub async fn file(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    match find(request.match_info().get("file").unwrap_or_default()) {
        Some(response) => response,
        None => not_served::respond(request, payload).await,
    }
}

/// One of the files of the page; `""` is the page.
pub fn find(name: &str) -> Option<HttpResponse> {
    let name = if name.is_empty() { "index.html" } else { name };
    let (bytes, content_type) = FILES.get(name).zip(content_type(name))?;
    Some(shared(HttpResponse::Ok().content_type(content_type).body(bytes.clone())))
}
