//! What lies behind and around a picture.

use crate::layout::Layout;
use crate::pixels::{Channels, Pixels};

/// Puts an opaque `background` behind a picture, which loses its transparency.
pub(crate) fn flatten(pixels: Pixels, background: [u8; 4]) -> Pixels {
    let [red, green, blue, _] = background;
    let is_gray = red == green && green == blue;
    match pixels.channels {
        Channels::Gray | Channels::Rgb | Channels::Inks => pixels,
        Channels::GrayAlpha if is_gray => merge::<2, 1>(&pixels, Channels::Gray, [red]),
        Channels::GrayAlpha => flatten(with_channels(pixels, Channels::Rgba), background),
        Channels::Rgba => merge::<4, 3>(&pixels, Channels::Rgb, [red, green, blue]),
    }
}

/// Merges pixels of `N` bytes, of which the last is the opacity, with a background of one byte less.
fn merge<const N: usize, const M: usize>(
    pixels: &Pixels,
    channels: Channels,
    background: [u8; M],
) -> Pixels {
    let (from, _) = pixels.data.as_chunks::<N>();
    let merged = from.iter().flat_map(|pixel| {
        let opacity = pixel[N - 1];
        std::array::from_fn::<u8, M, _>(|at| blend(pixel[at], background[at], opacity))
    });
    Pixels {
        size: pixels.size,
        channels,
        data: merged.collect(),
    }
}

/// Mixes two values, `opacity` parts of 255 of the first, rounded.
fn blend(front: u8, back: u8, opacity: u8) -> u8 {
    let opacity = u32::from(opacity);
    let sum = u32::from(front) * opacity + u32::from(back) * (255 - opacity);
    ((sum + 127) / 255) as u8
}

/// Puts a picture on a canvas of one colour, where the layout says.
pub(crate) fn pad(pixels: Pixels, layout: &Layout, background: [u8; 4]) -> Pixels {
    let channels = room_for(pixels.channels, background);
    let pixels = with_channels(pixels, channels);
    let [red, green, blue, opacity] = background;
    match channels {
        Channels::Gray => place(&pixels, layout, &[red]),
        Channels::GrayAlpha => place(&pixels, layout, &[red, opacity]),
        Channels::Rgb => place(&pixels, layout, &[red, green, blue]),
        Channels::Rgba | Channels::Inks => place(&pixels, layout, &background),
    }
}

/// Makes a colour opaque.
pub(crate) const fn opaque([red, green, blue, _]: [u8; 4]) -> [u8; 4] {
    [red, green, blue, u8::MAX]
}

/// Returns the fewest channels that have room for a picture and for a colour.
fn room_for(channels: Channels, [red, green, blue, opacity]: [u8; 4]) -> Channels {
    let gray = matches!(channels, Channels::Gray | Channels::GrayAlpha);
    let gray = gray && red == green && green == blue;
    match (gray, channels.has_alpha() || opacity < u8::MAX) {
        (true, false) => Channels::Gray,
        (true, true) => Channels::GrayAlpha,
        (false, false) => Channels::Rgb,
        (false, true) => Channels::Rgba,
    }
}

/// Gives a picture the channels that it lacks: the same picture in more bytes.
pub(crate) fn with_channels(pixels: Pixels, channels: Channels) -> Pixels {
    if pixels.channels == channels {
        return pixels;
    }
    let mut data = Vec::with_capacity(pixels.size.pixels() as usize * channels.count());
    for pixel in pixels.data.chunks_exact(pixels.channels.count()) {
        let (colours, opacity) = pixel.split_at(pixels.channels.colours());
        match colours {
            [gray] if channels.colours() == 3 => data.extend([*gray; 3]),
            colours => data.extend(colours),
        }
        if channels.has_alpha() {
            data.push(opacity.first().copied().unwrap_or(u8::MAX));
        }
    }
    Pixels {
        size: pixels.size,
        channels,
        data,
    }
}

/// Copies a picture row by row onto a canvas of `background`, a pixel with the same channels.
fn place(pixels: &Pixels, layout: &Layout, background: &[u8]) -> Pixels {
    let count = background.len();
    let canvas = layout.canvas;
    let mut data = background.repeat(canvas.pixels() as usize);
    let (left, top) = (layout.offset.0 as usize, layout.offset.1 as usize);
    let row_bytes = pixels.size.width as usize * count;
    let rows = data
        .chunks_exact_mut(canvas.width as usize * count)
        .skip(top);
    for (to, from) in rows.zip(pixels.data.chunks_exact(row_bytes)) {
        to[left * count..][..row_bytes].copy_from_slice(from);
    }
    Pixels {
        size: canvas,
        channels: pixels.channels,
        data,
    }
}
