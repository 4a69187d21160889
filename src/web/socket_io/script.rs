//! The script of the client, for pages. Its licence stands beside it, and which version it is in its first lines.

use actix_web::HttpResponse;
use actix_web::http::header;

use crate::web::pace::shared;

const SCRIPT: &[u8] = include_bytes!("client/socket.io.min.js");

/// The script of the client, version 4.
pub async fn script() -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "no-cache"));
    shared(response.content_type("text/javascript; charset=utf-8").body(SCRIPT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::digest;

    /// Of `dist/socket.io.min.js` in the package socket.io-client 4.8.4.
    const SHA_256: &str = "d5d79a35039e860b32bdef4795528b05c2f788d4b2d9dacc913120e2878f7b3f";

    #[test]
    fn it_is_the_published_script_with_its_licence() {
        assert_eq!(hex::encode(digest(SCRIPT)), SHA_256);
        assert!(SCRIPT.starts_with(b"/*!\n * Socket.IO v4.8.4\n"));
        assert!(include_str!("client/LICENSE").starts_with("The MIT License (MIT)"));
    }
}
