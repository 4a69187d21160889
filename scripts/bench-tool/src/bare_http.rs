//! The least an actix-web server can do: the same bytes for every GET.

use std::io::Write;
use std::path::Path;

use actix_web::web::Bytes;
use actix_web::{App, HttpResponse, HttpServer, web};

use crate::Result;

/// Workers, keep-alive and backlog are actix-web's defaults, as in the product.
pub fn run(listen: &str, answer: &Path) -> Result<()> {
    let answer = Bytes::from(std::fs::read(answer)?);
    actix_web::rt::System::new().block_on(async move {
        let server = HttpServer::new(move || {
            let answer = answer.clone();
            App::new().default_service(web::get().to(move || {
                let answer = answer.clone();
                async move { HttpResponse::Ok().content_type("application/json").body(answer) }
            }))
        })
        .shutdown_timeout(1)
        .bind(listen)?;
        let address = server.addrs().first().copied().ok_or("no address was bound")?;
        println!("bench-tool listening on http://{address}");
        std::io::stdout().flush()?;
        Ok(server.run().await?)
    })
}
