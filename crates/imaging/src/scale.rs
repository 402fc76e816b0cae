//! Scaling with Lanczos3.
//!
//! Work is done in bands of rows, so that it can be stopped between them. A band gets all source rows that the filter
//! reaches, so the result is the same as that of one pass.

use std::borrow::Cow;
use std::ops::Range;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::layout::Area;
use crate::pixels::{Channels, Decoded, Pixels, Plane};
use crate::watch::Watch;
use crate::{CodecError, ImageError, Light, Size, light};

/// How far Lanczos3 reaches, in pixels of the smaller of the two pictures.
const REACH: f64 = 3.0;
/// How many source bytes a band has, about: some milliseconds of work. The weights of the columns are computed anew for
/// each band, which smaller ones would pay for.
const BAND_BYTES: u64 = 12 << 20;

/// What to scale, and to what.
pub(crate) struct Scaling {
    /// The part of the source that is seen, in pixels of the source as stored.
    pub(crate) seen: Area,
    pub(crate) target: Size,
    pub(crate) light: Light,
}

/// Scales a decoded picture.
///
/// Colours are weighted by their opacity, so that invisible pixels do not bleed into visible ones. Where the
/// opacity is the same everywhere that would change nothing but cost time and accuracy.
pub(crate) fn scale(
    decoded: &Decoded,
    scaling: &Scaling,
    watch: &Watch<'_>,
) -> Result<Pixels, ImageError> {
    match decoded {
        Decoded::Whole { pixels, shrink } => {
            scale_pixels(pixels, (*shrink, *shrink), scaling, watch)
        }
        Decoded::Planes(planes) => scale_planes(planes, scaling, watch),
    }
}

/// Makes one picture of planes, as large as the finest of them.
pub(crate) fn in_one_piece(decoded: Decoded, watch: &Watch<'_>) -> Result<Decoded, ImageError> {
    match decoded {
        Decoded::Whole { .. } => Ok(decoded),
        Decoded::Planes(planes) => {
            let [light, ..] = &planes;
            let (target, (columns, rows)) = (light.samples.size, light.pitch);
            let scaling = Scaling {
                seen: Area::whole(Size::new(target.width * columns, target.height * rows)),
                target,
                light: Light::Encoded,
            };
            Ok(Decoded::Whole {
                pixels: scale_planes(&planes, &scaling, watch)?,
                shrink: columns,
            })
        }
    }
}

/// Scales each plane for itself, and then makes one picture of them.
fn scale_planes(
    planes: &[Plane; 3],
    scaling: &Scaling,
    watch: &Watch<'_>,
) -> Result<Pixels, ImageError> {
    let [light, blue, red] = planes;
    let (light, blue, red) = (
        scale_plane(light, scaling, watch)?,
        scale_plane(blue, scaling, watch)?,
        scale_plane(red, scaling, watch)?,
    );
    let mut data = vec![0; light.data.len() * Channels::Rgb.count()];
    jpeg::rgb_from_ycbcr([&light.data, &blue.data, &red.data], &mut data);
    Ok(Pixels {
        size: light.size,
        channels: Channels::Rgb,
        data,
    })
}

/// Scales a plane, unless it has the right size.
fn scale_plane<'a>(
    plane: &'a Plane,
    scaling: &Scaling,
    watch: &Watch<'_>,
) -> Result<Cow<'a, Pixels>, ImageError> {
    let samples = &plane.samples;
    if samples.size == scaling.target
        && scaling.seen.divided(plane.pitch) == Area::whole(samples.size)
    {
        return Ok(Cow::Borrowed(samples));
    }
    scale_pixels(samples, plane.pitch, scaling, watch).map(Cow::Owned)
}

/// Scales a picture of which each pixel stands for so many columns and rows of the stored one.
fn scale_pixels(
    pixels: &Pixels,
    pitch: (u32, u32),
    scaling: &Scaling,
    watch: &Watch<'_>,
) -> Result<Pixels, ImageError> {
    // A picture of 1001 pixels decoded at 1/8 fills 125.125 of 126 columns; the rest is padding.
    let seen = scaling.seen.divided(pitch);
    if pixels.size == scaling.target && seen == Area::whole(pixels.size) {
        return Ok(pixels.clone());
    }
    let bands = Bands {
        pixels,
        seen,
        target: scaling.target,
        light: scaling.light,
        use_alpha: !pixels.has_one_opacity(),
        filter: filter(scaling, seen),
    };
    let row_bytes = scaling.target.width as usize * pixels.channels.count();
    let mut data = vec![0; row_bytes * scaling.target.height as usize];
    let mut resizer = Resizer::new();
    for (index, band) in data.chunks_mut(row_bytes * bands.rows()).enumerate() {
        watch.check()?;
        let first = index * bands.rows();
        let rows = first..first + band.len() / row_bytes;
        bands
            .scale(&mut resizer, rows, band)
            .map_err(ImageError::Scale)?;
    }
    Ok(Pixels {
        size: scaling.target,
        channels: pixels.channels,
        data,
    })
}

/// Colours that a JPEG stores coarser than the light are interpolated where they become larger, as JPEG decoders do:
/// sharper filters add waves to their steps. Otherwise it is Lanczos3.
fn filter(scaling: &Scaling, seen: Area) -> FilterType {
    let grows = |seen: f64, target: u32| seen < f64::from(target);
    let target = scaling.target;
    let grows_here = grows(seen.width, target.width) || grows(seen.height, target.height);
    let grows_as_asked =
        grows(scaling.seen.width, target.width) || grows(scaling.seen.height, target.height);
    match grows_here && !grows_as_asked {
        true => FilterType::Bilinear,
        false => FilterType::Lanczos3,
    }
}

/// A picture that is scaled band by band.
struct Bands<'a> {
    pixels: &'a Pixels,
    /// In pixels of the decoded picture.
    seen: Area,
    target: Size,
    light: Light,
    use_alpha: bool,
    filter: FilterType,
}

impl Bands<'_> {
    /// Returns how many rows of the result make a band.
    fn rows(&self) -> usize {
        let source = (self.seen.width * self.vertical()).max(1.0);
        // A picture that grows has more pixels afterwards than before.
        let row = source.max(f64::from(self.target.width)) * self.pixels.channels.count() as f64;
        ((BAND_BYTES as f64 / row) as usize).max(1)
    }

    /// Returns how many source rows become one.
    fn vertical(&self) -> f64 {
        self.seen.height / f64::from(self.target.height)
    }

    /// Returns the source rows that the filter reaches for these rows of the result.
    fn reached(&self, rows: &Range<usize>) -> Range<usize> {
        let vertical = self.vertical();
        let reach = REACH * vertical.max(1.0) + 1.0;
        let at = |row: usize| self.seen.top + row as f64 * vertical;
        let height = self.pixels.size.height as usize;
        let first = (at(rows.start) - reach).floor().max(0.0) as usize;
        let last = (at(rows.end) + reach).ceil().max(0.0) as usize;
        first.min(height)..last.min(height)
    }

    /// Scales one band into `to`.
    fn scale(
        &self,
        resizer: &mut Resizer,
        rows: Range<usize>,
        to: &mut [u8],
    ) -> Result<(), CodecError> {
        let reached = self.reached(&rows);
        let row_bytes = self.pixels.size.width as usize * self.pixels.channels.count();
        let from = &self.pixels.data[reached.start * row_bytes..reached.end * row_bytes];
        let from_size = (self.pixels.size.width, u32::try_from(reached.len())?);
        let to_size = (self.target.width, u32::try_from(rows.len())?);
        let options = self.options(&rows, &reached);
        let channels = self.pixels.channels;
        match self.light {
            Light::Encoded => {
                let kind = pixel_type(channels);
                let from = ImageRef::new(from_size.0, from_size.1, from, kind)?;
                let mut to = Image::from_slice_u8(to_size.0, to_size.1, to, kind)?;
                resizer.resize(&from, &mut to, &options)?;
            }
            Light::Linear => {
                let kind = wide_pixel_type(channels);
                let from = light::decode(from, channels);
                let from = bytemuck::cast_slice(&from);
                let from = ImageRef::new(from_size.0, from_size.1, from, kind)?;
                let mut scaled = Image::new(to_size.0, to_size.1, kind);
                resizer.resize(&from, &mut scaled, &options)?;
                light::encode(scaled.buffer(), channels, to);
            }
        }
        Ok(())
    }

    fn options(&self, rows: &Range<usize>, reached: &Range<usize>) -> ResizeOptions {
        let top = self.seen.top + rows.start as f64 * self.vertical() - reached.start as f64;
        let height = rows.len() as f64 * self.vertical();
        let width = f64::from(self.pixels.size.width);
        // Rounding may lead out of the picture by a hair.
        ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(self.filter))
            .use_alpha(self.use_alpha)
            .crop(
                self.seen.left.max(0.0),
                top.max(0.0),
                self.seen.width.min(width - self.seen.left.max(0.0)),
                height.min(reached.len() as f64 - top.max(0.0)),
            )
    }
}

const fn pixel_type(channels: Channels) -> PixelType {
    match channels {
        Channels::Gray => PixelType::U8,
        Channels::GrayAlpha => PixelType::U8x2,
        Channels::Rgb => PixelType::U8x3,
        Channels::Rgba | Channels::Inks => PixelType::U8x4,
    }
}

const fn wide_pixel_type(channels: Channels) -> PixelType {
    match channels {
        Channels::Gray => PixelType::U16,
        Channels::GrayAlpha => PixelType::U16x2,
        Channels::Rgb => PixelType::U16x3,
        Channels::Rgba | Channels::Inks => PixelType::U16x4,
    }
}
