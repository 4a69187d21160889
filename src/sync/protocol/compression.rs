//! Compression of bodies: zstd, or gzip where the other side does not know zstd.

use std::cell::RefCell;
use std::io::{ErrorKind, Read, Result};

use serde::Serialize;

pub const ZSTD: u8 = 0;
pub const GZIP: u8 = 1;

/// What an edge can decompress, for `Accept-Encoding`.
pub const ACCEPTED: &str = "zstd, gzip";

/// Fast enough never to be the bottleneck.
const LEVEL: i32 = 1;

/// As in `Content-Encoding` (RFC 9110, 8.4).
pub fn encoding(compression: u8) -> &'static str {
    if compression == GZIP { "gzip" } else { "zstd" }
}

/// `body` as compressed JSON.
pub fn compress(compression: u8, body: &impl Serialize) -> Result<Vec<u8>> {
    if compression == GZIP {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        serde_json::to_writer(&mut encoder, body)?;
        return encoder.finish();
    }
    let body = serde_json::to_vec(body)?;
    COMPRESSOR.with_borrow_mut(|compressor| match compressor {
        Some(compressor) => compressor.compress(&body),
        None => compressor.insert(zstd::bulk::Compressor::new(LEVEL)?).compress(&body),
    })
}

thread_local! {
    /// Reused: creating one takes longer than compressing a short body.
    static COMPRESSOR: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

/// How far a zstd frame may look back, and so how much memory it may need: 2^23 bytes, which RFC 8878 asks every decoder to
/// support.
const WINDOW_LOG_MAX: u32 = 23;

/// Decompresses a body by its `Content-Encoding`. The error is of the kind `Unsupported` for any other encoding,
/// `FileTooLarge` when the result is longer than `max_bytes`, and of another kind when the body is malformed.
pub fn decompress(encoding: Option<&str>, body: &[u8], max_bytes: usize) -> Result<Vec<u8>> {
    // One byte more shows that the body is too long.
    let most = max_bytes as u64 + 1;
    let mut text = Vec::new();
    match encoding.map(str::to_ascii_lowercase).as_deref() {
        Some("zstd") => {
            // A frame that states its length, as this program's own do, is decompressed into exactly that much.
            if let Ok(Some(length)) = zstd::zstd_safe::get_frame_content_size(body) {
                return if length < most {
                    decompress_known(body, length as usize)
                } else {
                    Err(ErrorKind::FileTooLarge.into())
                };
            }
            let mut decoder = zstd::Decoder::with_buffer(body)?;
            decoder.window_log_max(WINDOW_LOG_MAX)?;
            decoder.take(most).read_to_end(&mut text)?
        }
        Some("gzip") => flate2::bufread::MultiGzDecoder::new(body).take(most).read_to_end(&mut text)?,
        None | Some("identity") => body.take(most).read_to_end(&mut text)?,
        Some(_) => return Err(ErrorKind::Unsupported.into()),
    };
    if text.len() > max_bytes { Err(ErrorKind::FileTooLarge.into()) } else { Ok(text) }
}

/// Decompresses a zstd frame that states the length of its content.
fn decompress_known(body: &[u8], length: usize) -> Result<Vec<u8>> {
    DECOMPRESSOR.with_borrow_mut(|decompressor| match decompressor {
        Some(decompressor) => decompressor.decompress(body, length),
        None => decompressor.insert(zstd::bulk::Decompressor::new()?).decompress(body, length),
    })
}

/// The compression of an answer, by its request's `Accept-Encoding`: the first of ours that the client accepts.
pub fn accepted(header: &str) -> Option<u8> {
    let accepts = |name: &str| {
        header.split(',').any(|offer| {
            let mut parts = offer.split(';').map(str::trim);
            let is_it = parts.next().is_some_and(|offered| offered.eq_ignore_ascii_case(name));
            let is_refused = parts.any(|weight| {
                weight.strip_prefix("q=").is_some_and(|weight| weight.parse().is_ok_and(|weight: f32| weight == 0.0))
            });
            is_it && !is_refused
        })
    };
    [ZSTD, GZIP].into_iter().find(|compression| accepts(encoding(*compression)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_survives_either_compression_and_never_grows_beyond_its_bound() {
        let body = "x".repeat(1_000);
        for compression in [ZSTD, GZIP] {
            let compressed = compress(compression, &body).unwrap();
            assert!(compressed.len() < 100);
            assert_eq!(
                decompress(Some(encoding(compression)), &compressed, 1_002).unwrap(),
                format!("\"{body}\"").into_bytes()
            );
            let kind = |body: &[u8], most| decompress(Some(encoding(compression)), body, most).unwrap_err().kind();
            assert_eq!(kind(&compressed, 1_001), ErrorKind::FileTooLarge);
            assert!(!matches!(
                kind(&compressed[..compressed.len() - 1], 1_002),
                ErrorKind::FileTooLarge | ErrorKind::Unsupported
            ));
        }
        assert_eq!(decompress(None, b"plain", 5).unwrap(), b"plain");
        assert_eq!(decompress(Some("identity"), b"plain", 4).unwrap_err().kind(), ErrorKind::FileTooLarge);
        assert_eq!(decompress(Some("br"), b"plain", 10).unwrap_err().kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn a_frame_that_needs_too_much_memory_is_refused() {
        let mut encoder = zstd::Encoder::new(Vec::new(), LEVEL).unwrap();
        encoder.window_log(27).unwrap();
        std::io::Write::write_all(&mut encoder, b"short").unwrap();
        let compressed = encoder.finish().unwrap();
        assert!(decompress(Some("zstd"), &compressed, 100).unwrap_err().to_string().contains("memory"));
    }

    #[test]
    fn an_answer_is_compressed_only_as_its_client_accepts() {
        for (header, compression) in [
            ("zstd, gzip", Some(ZSTD)),
            ("gzip, deflate, br", Some(GZIP)),
            ("GZIP;q=0.5, zstd; q=0", Some(GZIP)),
            ("br", None),
            ("*", None),
            ("", None),
        ] {
            assert_eq!(accepted(header), compression, "{header}");
        }
    }
}
