//! How bodies are packed on the way: zstd, or gzip where zstd is not known.

use std::cell::RefCell;
use std::io::{ErrorKind, Read, Result};

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
    let body = serde_json::to_vec(body)?;
    PACKER.with_borrow_mut(|packer| match packer {
        Some(packer) => packer.compress(&body),
        None => packer.insert(zstd::bulk::Compressor::new(LEVEL)?).compress(&body),
    })
}

thread_local! {
    /// Making one takes longer than packing a short body.
    static PACKER: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
    static UNPACKER: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

/// The most that a frame of zstd may look back (2^23 bytes, what every reader must know by RFC 8878): as much memory it
/// may ask for.
const WINDOW_LOG_MAX: u32 = 23;

/// What was packed as `Content-Encoding` says. Errors are of the kinds `Unsupported` when that is none of ours,
/// `FileTooLarge` when it unpacks to more than `max_bytes`; whatever else, when it is not whole.
pub fn unpack(encoding: Option<&str>, body: &[u8], max_bytes: usize) -> Result<Vec<u8>> {
    // One more shows that there is more.
    let most = max_bytes as u64 + 1;
    let mut text = Vec::new();
    match encoding.map(str::to_ascii_lowercase).as_deref() {
        Some("zstd") => {
            // As the product's own do, which are unpacked into just that much.
            if let Ok(Some(length)) = zstd::zstd_safe::get_frame_content_size(body) {
                return if length < most {
                    unpack_known(body, length as usize)
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

/// A frame of zstd that tells how long its content is.
fn unpack_known(body: &[u8], length: usize) -> Result<Vec<u8>> {
    UNPACKER.with_borrow_mut(|unpacker| match unpacker {
        Some(unpacker) => unpacker.decompress(body, length),
        None => unpacker.insert(zstd::bulk::Decompressor::new()?).decompress(body, length),
    })
}

/// What an answer is to be packed as, by its request's `Accept-Encoding`: the first of ours that is not refused.
pub fn accepted(header: &str) -> Option<u8> {
    let takes = |name: &str| {
        header.split(',').any(|offer| {
            let mut parts = offer.split(';').map(str::trim);
            let is_it = parts.next().is_some_and(|offered| offered.eq_ignore_ascii_case(name));
            let is_refused = parts.any(|weight| {
                weight.strip_prefix("q=").is_some_and(|weight| weight.parse().is_ok_and(|weight: f32| weight == 0.0))
            });
            is_it && !is_refused
        })
    };
    [ZSTD, GZIP].into_iter().find(|packing| takes(name(*packing)))
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
            assert_eq!(unpack(Some(name(packing)), &packed, 1_002).unwrap(), format!("\"{body}\"").into_bytes());
            let kind = |body: &[u8], most| unpack(Some(name(packing)), body, most).unwrap_err().kind();
            assert_eq!(kind(&packed, 1_001), ErrorKind::FileTooLarge);
            assert!(!matches!(
                kind(&packed[..packed.len() - 1], 1_002),
                ErrorKind::FileTooLarge | ErrorKind::Unsupported
            ));
        }
        assert_eq!(unpack(None, b"plain", 5).unwrap(), b"plain");
        assert_eq!(unpack(Some("identity"), b"plain", 4).unwrap_err().kind(), ErrorKind::FileTooLarge);
        assert_eq!(unpack(Some("br"), b"plain", 10).unwrap_err().kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn a_frame_that_asks_for_more_memory_than_it_may_is_not_begun() {
        let mut encoder = zstd::Encoder::new(Vec::new(), LEVEL).unwrap();
        encoder.window_log(27).unwrap();
        std::io::Write::write_all(&mut encoder, b"short").unwrap();
        let packed = encoder.finish().unwrap();
        assert!(unpack(Some("zstd"), &packed, 100).unwrap_err().to_string().contains("memory"));
    }

    #[test]
    fn an_answer_is_packed_as_its_caller_takes_it_and_as_nothing_else() {
        for (header, packing) in [
            ("zstd, gzip", Some(ZSTD)),
            ("gzip, deflate, br", Some(GZIP)),
            ("GZIP;q=0.5, zstd; q=0", Some(GZIP)),
            ("br", None),
            ("*", None),
            ("", None),
        ] {
            assert_eq!(accepted(header), packing, "{header}");
        }
    }
}
