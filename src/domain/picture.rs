//! Pictures of employees (api:employee:picture-upload, :picture-download): PNG or JPEG in, PNG out, within bounds of memory.

use std::io::Cursor;
use std::ops::RangeInclusive;

use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::{CompressionType, FilterType, PngDecoder, PngEncoder};
use image::metadata::Orientation;
use image::{DynamicImage, GenericImageView, ImageDecoder, ImageFormat, Limits, imageops};

/// What is stored, in pixels.
pub const STORED: (u32, u32) = (225, 300);
/// What is answered.
const ANSWERED: (u32, u32) = (300, 300);
/// The most pixels that are decoded, and the most memory that this takes.
const PIXELS_MAX: u64 = 40_000_000;
const MEMORY_MAX: u64 = 192 << 20;

/// How wide and high a picture may be that is imported.
const IMPORTED: RangeInclusive<u32> = 1..=4_000;
const PNG_SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";
/// The chunks of a PNG that are read.
const PNG_KEPT: [&[u8; 4]; 6] = [b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"IDAT", b"IEND"];

/// Why a file is not taken as a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureFault {
    /// It is no PNG and no JPEG, or broken.
    NoPicture,
    /// It has more pixels, or would take more memory, than a picture may.
    TooLarge,
}

/// The picture as it is stored: PNG, 225 by 300 pixels, scaled and cropped to its middle.
pub fn stored(file: &[u8]) -> Result<Vec<u8>, PictureFault> {
    let (picture, orientation) = decode(file)?;
    let (width, height) = STORED;
    let is_turned = matches!(
        orientation,
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
    );
    // Turned when it is small: a copy of the whole would take as much memory again.
    let (across, down) = if is_turned { (height, width) } else { (width, height) };
    let (x, y, w, h) = middle(picture.dimensions(), (across, down));
    let scaled = imageops::thumbnail(&*picture.view(x, y, w, h), across, down);
    let has_alpha = picture.color().has_alpha();
    drop(picture);
    let mut small = DynamicImage::ImageRgba8(scaled);
    small.apply_orientation(orientation);
    if !has_alpha {
        small = DynamicImage::ImageRgb8(small.into_rgb8());
    }
    encode(&small)
}

/// What was stored, as it is answered: on a transparent square of 300 by 300 pixels. Nothing is cut off, and nothing distorted.
pub fn answered(png: &[u8]) -> Result<Vec<u8>, PictureFault> {
    let (picture, _) = decode(png)?;
    let (side, _) = ANSWERED;
    let picture = match picture.dimensions() {
        (width, height) if width <= side && height <= side => picture.into_rgba8(),
        _ => picture.thumbnail(side, side).into_rgba8(),
    };
    let mut square = image::RgbaImage::new(side, side);
    let (x, y) = ((side - picture.width()) / 2, (side - picture.height()) / 2);
    imageops::replace(&mut square, &picture, x.into(), y.into());
    encode(&DynamicImage::ImageRgba8(square))
}

/// The largest part in the middle of a picture that has the proportions of `wanted`: place and size.
fn middle((width, height): (u32, u32), wanted: (u32, u32)) -> (u32, u32, u32, u32) {
    let (wide, high) = (u64::from(wanted.0), u64::from(wanted.1));
    let of = |length: u32, times: u64, by: u64| u32::try_from(u64::from(length) * times / by).unwrap_or(length).max(1);
    let w = width.min(of(height, wide, high));
    let h = height.min(of(width, high, wide));
    ((width - w) / 2, (height - h) / 2, w, h)
}

fn decode(file: &[u8]) -> Result<(DynamicImage, Orientation), PictureFault> {
    match image::guess_format(file) {
        Ok(ImageFormat::Png) => {
            let mut limits = Limits::no_limits();
            limits.max_alloc = Some(MEMORY_MAX);
            let file = without_extras(file);
            decoded(PngDecoder::with_limits(Cursor::new(&*file), limits), 0)
        }
        Ok(ImageFormat::Jpeg) => decoded(JpegDecoder::new(Cursor::new(file)), progressive_components(file)),
        _ => Err(PictureFault::NoPicture),
    }
}

/// A PNG with those chunks alone that make the picture and turn it: what another one unpacks to may cost more than the picture.
fn without_extras(file: &[u8]) -> Vec<u8> {
    let (signature, mut rest) = file.split_at(PNG_SIGNATURE.len().min(file.len()));
    let mut kept = signature.to_vec();
    while let Some((&[a, b, c, d, ref kind @ ..], _)) = rest.split_first_chunk::<8>() {
        // Length and kind before the content, a checksum behind it.
        let length = (u32::from_be_bytes([a, b, c, d]) as usize).saturating_add(12).min(rest.len());
        let (chunk, others) = rest.split_at(length);
        if PNG_KEPT.contains(&kind) {
            kept.extend_from_slice(chunk);
        }
        rest = others;
    }
    kept
}

/// Whether this is the start of a PNG of a size that an import may have. The picture itself is not decoded.
pub fn is_png_to_import(file: &[u8]) -> bool {
    let Some((signature, rest)) = file.split_first_chunk::<8>() else { return false };
    let Some((header, rest)) = rest.split_first_chunk::<8>() else { return false };
    let Some((&[a, b, c, d, e, f, g, h], _)) = rest.split_first_chunk::<8>() else { return false };
    let sides = [u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h])];
    *signature == PNG_SIGNATURE && header == b"\0\0\0\x0dIHDR" && sides.iter().all(|side| IMPORTED.contains(side))
}

/// `kept`: how many components the decoder keeps beside the pixels, two bytes each.
fn decoded(
    decoder: image::ImageResult<impl ImageDecoder>,
    kept: u64,
) -> Result<(DynamicImage, Orientation), PictureFault> {
    let mut decoder = decoder.map_err(|error| fault_of(&error))?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > PIXELS_MAX || decoder.total_bytes() + pixels * kept * 2 > MEMORY_MAX {
        return Err(PictureFault::TooLarge);
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let picture = DynamicImage::from_decoder(decoder).map_err(|error| fault_of(&error))?;
    Ok((picture, orientation))
}

fn fault_of(error: &image::ImageError) -> PictureFault {
    match error {
        image::ImageError::Limits(_) => PictureFault::TooLarge,
        _ => PictureFault::NoPicture,
    }
}

/// How many components a progressive JPEG has; 0 for another one, of which no decoder keeps the coefficients.
fn progressive_components(file: &[u8]) -> u64 {
    let mut at = 2;
    while let Some(&[0xff, marker, high, low]) = file.get(at..at + 4) {
        match marker {
            0xc2 | 0xc6 | 0xca | 0xce => return file.get(at + 9).copied().unwrap_or(4).into(),
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf | 0xda => return 0,
            0xff => at += 1,
            _ => at += 2 + usize::from(u16::from_be_bytes([high, low])),
        }
    }
    // Nothing that is known: as if it kept all it can.
    4
}

fn encode(picture: &DynamicImage) -> Result<Vec<u8>, PictureFault> {
    let mut png = vec![];
    let encoder = PngEncoder::new_with_quality(&mut png, CompressionType::Best, FilterType::Adaptive);
    picture.write_with_encoder(encoder).map_err(|_| PictureFault::NoPicture)?;
    Ok(png)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageBuffer, Rgb, Rgba};

    fn png(picture: impl Into<DynamicImage>) -> Vec<u8> {
        encode(&picture.into()).unwrap()
    }

    fn opened(png: &[u8]) -> DynamicImage {
        image::load_from_memory_with_format(png, ImageFormat::Png).unwrap()
    }

    /// Left half red, right half blue.
    fn halves(width: u32, height: u32) -> ImageBuffer<Rgb<u8>, Vec<u8>> {
        ImageBuffer::from_fn(width, height, |x, _| if x < width / 2 { Rgb([255, 0, 0]) } else { Rgb([0, 0, 255]) })
    }

    #[test]
    fn a_picture_is_scaled_and_cropped_to_its_middle_whatever_its_size() {
        for (width, height) in
            [(225, 300), (1_000, 100), (100, 1_000), (1, 1), (4_000, 3_000), (30_000, 1), (1, 30_000)]
        {
            let stored = stored(&png(halves(width, height))).unwrap();
            let picture = opened(&stored);
            assert_eq!(picture.dimensions(), STORED, "{width}x{height}");
            assert!(!picture.color().has_alpha());
            if width > 100 && height > 1 {
                let colors = [picture.get_pixel(5, 150), picture.get_pixel(220, 150)];
                assert_eq!(colors, [Rgba([255, 0, 0, 255]), Rgba([0, 0, 255, 255])], "{width}x{height}");
            }
        }
    }

    #[test]
    fn the_answer_is_a_square_around_the_whole_picture() {
        let answer = opened(&answered(&stored(&png(halves(400, 400))).unwrap()).unwrap());
        assert_eq!(answer.dimensions(), (300, 300));
        let colors = [0, 40, 259, 299].map(|x| answer.get_pixel(x, 0).0);
        assert_eq!(colors, [[0, 0, 0, 0], [255, 0, 0, 255], [0, 0, 255, 255], [0, 0, 0, 0]]);
    }

    #[test]
    fn a_jpeg_is_turned_as_its_camera_says() {
        let mut file = vec![];
        let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, 95);
        DynamicImage::ImageRgb8(halves(400, 300)).write_with_encoder(encoder).unwrap();
        assert_eq!(opened(&stored(&file).unwrap()).dimensions(), STORED);
        // Behind the first marker: an EXIF segment that says "rotate by 90 degrees".
        let tiff = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        let length = u16::try_from(tiff.len() + 2).unwrap().to_be_bytes();
        let segment = [&[0xff, 0xe1], &length[..], tiff].concat();
        file.splice(2..2, segment);
        let turned = opened(&stored(&file).unwrap());
        let is_red = |x, y| turned.get_pixel(x, y).0[0] > 200;
        assert_eq!(turned.dimensions(), STORED);
        assert!(is_red(112, 20) && !is_red(112, 280), "the left half is on top");
    }

    #[test]
    fn what_is_no_picture_or_too_large_a_one_is_refused() {
        let whole = png(halves(300, 300));
        for no_picture in [
            b"".as_slice(),
            b"<html><img src=x></html>",
            b"GIF89a\x01\0\x01\0",
            &whole[..40],
            &whole[..whole.len() / 2],
        ] {
            assert_eq!(
                stored(no_picture),
                Err(PictureFault::NoPicture),
                "{:?}",
                &no_picture[..no_picture.len().min(8)]
            );
        }
        // A header that promises 100,000 by 100,000 pixels.
        let mut huge = whole.clone();
        huge[16..24].copy_from_slice(&[0, 1, 0x86, 0xa0, 0, 1, 0x86, 0xa0]);
        let crc = flate2::Crc::new();
        let crc = {
            let mut crc = crc;
            crc.update(&huge[12..29]);
            crc.sum()
        };
        huge[29..33].copy_from_slice(&crc.to_be_bytes());
        assert_eq!(stored(&huge), Err(PictureFault::TooLarge));
        // Few bytes, many pixels.
        let bomb = png(DynamicImage::ImageLuma8(ImageBuffer::new(10_000, 10_000)));
        assert!(bomb.len() < 200_000);
        assert_eq!(stored(&bomb), Err(PictureFault::TooLarge));
    }
}
