//! Encodes a WebP.

use image_webp::{ColorType, WebPEncoder};

use super::extras::extend;
use crate::codec::Writing;
use crate::pixels::{Channels, Pixels};
use crate::watch::{Watch, WatchedWriter};
use crate::{Format, ImageError};

/// What the format can express.
const SIDE_MAX: u32 = 16_383;

/// How a WebP is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    None,
    Some,
}

pub(crate) fn encode(
    pixels: &Pixels,
    loss: Loss,
    writing: &Writing<'_>,
) -> Result<Vec<u8>, ImageError> {
    if pixels.size.width.max(pixels.size.height) > SIDE_MAX {
        let reason = "a side is longer than 16383 pixels";
        return Err(ImageError::encode(Format::WebP, reason));
    }
    writing.watch.check()?;
    let simple = match loss {
        Loss::None => encode_lossless(pixels, writing.watch),
        Loss::Some => encode_lossy(pixels, writing.quality),
    }?;
    if writing.kept.is_empty() {
        return Ok(simple);
    }
    Ok(extend(&simple, pixels, writing.kept))
}

fn encode_lossless(pixels: &Pixels, watch: &Watch<'_>) -> Result<Vec<u8>, ImageError> {
    let kind = match pixels.channels {
        Channels::Gray => ColorType::L8,
        Channels::GrayAlpha => ColorType::La8,
        Channels::Rgb => ColorType::Rgb8,
        // Inks became light long ago.
        Channels::Rgba | Channels::Inks => ColorType::Rgba8,
    };
    let mut writer = WatchedWriter::new(watch);
    WebPEncoder::new(&mut writer)
        .encode(&pixels.data, pixels.size.width, pixels.size.height, kind)
        .map_err(|error| ImageError::encode(Format::WebP, error))?;
    Ok(writer.bytes)
}

/// The quality unless told otherwise. With [`METHOD`] it gives as many bytes as 80, the number of sharp, with libwebp's usual one.
#[cfg(feature = "webp")]
const QUALITY_DEFAULT: u8 = 78;

/// How hard libwebp looks for a smaller file, from 0 to 6. Its default, 4, takes twice the time for 8 % fewer bytes at the same number, or for
/// one point of SSIMULACRA2 at the same bytes.
#[cfg(feature = "webp")]
const METHOD: i32 = 2;

/// That of small results, to which it adds a millisecond or two: it is the decoding of the original that takes time there.
#[cfg(feature = "webp")]
const METHOD_SMALL: i32 = 4;

/// How strongly a decoder smoothes the edges of blocks, from 0 to 100, in what [`METHOD`] has made. That method leaves more of them to be seen than
/// the usual one, for which libwebp takes 60.
#[cfg(feature = "webp")]
const SMOOTHING: i32 = 85;

/// Up to so many pixels a result is small: 362x362.
#[cfg(feature = "webp")]
const SMALL: u64 = 1 << 17;

/// Encodes with libwebp, in one piece: it does not ask whether to go on.
#[cfg(feature = "webp")]
fn encode_lossy(pixels: &Pixels, quality: Option<u8>) -> Result<Vec<u8>, ImageError> {
    use crate::canvas::with_channels;
    // libwebp knows no gray; its own colour differences cost next to nothing where there are none.
    let (channels, layout) = if pixels.channels.has_alpha() {
        (Channels::Rgba, webp::PixelLayout::Rgba)
    } else {
        (Channels::Rgb, webp::PixelLayout::Rgb)
    };
    let spread;
    let data = if pixels.channels == channels {
        &pixels.data
    } else {
        spread = with_channels(pixels.clone(), channels);
        &spread.data
    };
    let failed = |reason| ImageError::encode(Format::WebP, reason);
    let mut config = webp::WebPConfig::new()
        .map_err(|()| failed("libwebp is of another version than its header".to_owned()))?;
    config.quality = quality.unwrap_or(QUALITY_DEFAULT).clamp(1, 100).into();
    if pixels.size.pixels() <= SMALL {
        config.method = METHOD_SMALL;
    } else {
        config.method = METHOD;
        config.filter_strength = SMOOTHING;
    }
    webp::Encoder::new(data, layout, pixels.size.width, pixels.size.height)
        .encode_advanced(&config)
        .map(|memory| memory.to_vec())
        .map_err(|error| failed(format!("{error:?}")))
}

#[cfg(not(feature = "webp"))]
fn encode_lossy(_: &Pixels, _: Option<u8>) -> Result<Vec<u8>, ImageError> {
    Err(ImageError::Unsupported {
        format: Format::WebP,
        feature: "loss in the output of a build without libwebp",
    })
}
