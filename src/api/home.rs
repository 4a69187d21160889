//! The page at the address that the server prints when it starts: what this is, and where to go.

use actix_web::{HttpResponse, web};

use super::AppState;

const PAGE: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>telecomx-local</title>
</head>
<body>
<h1>telecomx-local</h1>
<p>This is the TelecomX mobile-config API, served from a database on this machine.</p>
<ul>
<!-- console --><li><a href="/docs/">All calls, to try in the browser</a></li>
<li><a href="/openapi.json">The description of the API (OpenAPI)</a></li>
<li><a href="/readyz">Whether requests can be served</a></li>
</ul>
<p>Log in with <code>POST /auth/login</code> and send the token as <code>Authorization: Bearer TOKEN</code>.</p>
</body>
</html>
"#;

/// Where the link to the console is put in, if there is one.
const PLACE: &str = "<!-- console -->";
const CONSOLE: &str = "<li><a href=\"/console/\">The console: who has what, in the browser</a></li>\n";

pub async fn home(state: web::Data<AppState>) -> HttpResponse {
    let page = PAGE.replace(PLACE, if state.has_console { CONSOLE } else { "" });
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header(("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .body(page)
}
