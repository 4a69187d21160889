//! The files of the pages, as they were when the program was built.

use std::collections::HashMap;
use std::sync::LazyLock;

use actix_web::http::header::{self, EntityTag};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};

use crate::domain::audit::digest;
use crate::web::pace::shared;
use crate::web::preconditions::is_not_modified;

/// Name and content of each file of the folder `static`.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/console_files.rs"));

struct File {
    bytes: Bytes,
    content_type: &'static str,
    tag: EntityTag,
}

/// By name. What has no type is not for browsers.
static BY_NAME: LazyLock<HashMap<&str, File>> = LazyLock::new(|| {
    let file = |(name, bytes): &(&'static str, &'static [u8])| {
        let tag = EntityTag::new_strong(hex::encode(&digest(bytes)[..16]));
        Some((*name, File { bytes: Bytes::from_static(bytes), content_type: content_type(name)?, tag }))
    };
    FILES.iter().filter_map(file).collect()
});

fn content_type(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "txt" => "text/plain; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        _ => return None,
    })
}

/// The file of this name, or 304 for who has it; `None` when there is none.
pub fn answer(request: &HttpRequest, name: &str) -> Option<HttpResponse> {
    let file = BY_NAME.get(name)?;
    let is_known = is_not_modified(request.headers(), &file.tag);
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    // Asked after each time, and sent again only when it is another one: no page mixes two versions.
    response.insert_header((header::CACHE_CONTROL, "no-cache")).insert_header((header::ETAG, file.tag.clone()));
    if is_known {
        return Some(response.finish());
    }
    Some(shared(response.content_type(file.content_type).body(file.bytes.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_served_and_as_what_it_is() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/console/static");
        let mut folders = vec![std::path::PathBuf::from(folder)];
        while let Some(next) = folders.pop() {
            for entry in std::fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap();
                let file = BY_NAME.get(name).unwrap_or_else(|| panic!("{name} has no content type"));
                assert_eq!(file.bytes, std::fs::read(&path).unwrap(), "{name}");
            }
        }
        assert!(BY_NAME.contains_key("index.html"));
    }
}
