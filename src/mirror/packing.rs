//! How bodies are packed on the way: zstd, or gzip where zstd is not known.

use std::io::{Read, Result};

use serde::Serialize;

pub const ZSTD: u8 = 0;
pub const GZIP: u8 = 1;

/// What an edge can unpack, for `Accept-Encoding`.
pub const ACCEPTED: &str = "zstd, gzip";

/// Fast enough never to be what is waited for.
const LEVEL: i32 = 1;

/// As in `Content-Encoding` (RFC 9110, 8.4).
pub fn name(packing: u8) -> &'static str {
    if packing == GZIP { "gzip" } else { "zstd" }
}

/// `body` as JSON, packed.
pub fn pack(packing: u8, body: &impl Serialize) -> Result<Vec<u8>> {
    if packing == GZIP {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        serde_json::to_writer(&mut packed, body)?;
        return packed.finish();
    }
    zstd::bulk::compress(&serde_json::to_vec(body)?, LEVEL)
}

/// What was packed as `Content-Encoding` says; not more than `max_bytes`, whatever it was packed to.
pub fn unpack(encoding: Option<&str>, body: Vec<u8>, max_bytes: u64) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    match encoding {
        Some("zstd") => zstd::Decoder::new(&body[..])?.take(max_bytes).read_to_end(&mut text)?,
        Some("gzip") => flate2::read::GzDecoder::new(&body[..]).take(max_bytes).read_to_end(&mut text)?,
        _ => return Ok(body),
    };
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_unpacked_either_way_and_never_beyond_its_bound() {
        let body = "x".repeat(1_000);
        for packing in [ZSTD, GZIP] {
            let packed = pack(packing, &body).unwrap();
            assert!(packed.len() < 100);
            assert_eq!(unpack(Some(name(packing)), packed.clone(), 2_000).unwrap(), format!("\"{body}\"").into_bytes());
            assert_eq!(unpack(Some(name(packing)), packed, 10).unwrap().len(), 10);
        }
        assert_eq!(unpack(None, b"plain".to_vec(), 10).unwrap(), b"plain");
    }
}
