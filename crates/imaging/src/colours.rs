//! From the colours of a profile to sRGB.

use std::sync::Arc;

use moxcms::{
    CmsError, ColorProfile, DataColorSpace, Layout, Transform8BitExecutor, TransformOptions,
};

use crate::ImageError;
use crate::Size;
use crate::extras::Profile;
use crate::guard::catch_panic;
use crate::pixels::{Channels, Pixels};

/// How the colours of a picture become those of sRGB.
#[derive(Clone)]
pub(crate) enum Colours {
    /// They are left as they are, and inks become light without the help of a profile.
    Plain,
    /// Each gray becomes another.
    Gray(Box<[u8; 256]>),
    /// Each colour becomes another.
    Profile(Arc<Transform8BitExecutor>),
}

impl Colours {
    /// Reads a profile for a picture with these channels.
    ///
    /// # Errors
    ///
    /// If the profile is broken, of a kind that is not understood, or for other channels.
    pub(crate) fn read(profile: &Profile<'_>, channels: Channels) -> Result<Self, ImageError> {
        // Whatever a profile does to its reader, it must not cost the picture.
        catch_panic(|| new(profile, channels).map_err(|error| ImageError::Scale(error.into())))
    }

    /// Converts a picture. Afterwards it has no inks.
    pub(crate) fn convert(&self, pixels: Pixels) -> Result<Pixels, ImageError> {
        match self {
            Self::Plain if pixels.channels == Channels::Inks => Ok(inks_to_light(&pixels)),
            Self::Plain => Ok(pixels),
            Self::Gray(table) => Ok(look_up(pixels, table)),
            Self::Profile(transform) => transform_all(transform.as_ref(), pixels)
                .map_err(|error| ImageError::Scale(error.into())),
        }
    }
}

impl Colours {
    /// Converts some pixels, which become gray if they were, and otherwise RGB.
    pub(crate) fn convert_row(
        &self,
        channels: Channels,
        row: &[u8],
    ) -> Result<Vec<u8>, ImageError> {
        let pixels = Pixels {
            size: Size::new((row.len() / channels.count()) as u32, 1),
            channels,
            data: row.to_vec(),
        };
        Ok(self.convert(pixels)?.data)
    }
}

fn new(profile: &Profile<'_>, channels: Channels) -> Result<Colours, CmsError> {
    let profile = match profile {
        Profile::Icc(bytes) => &ColorProfile::new_from_slice(bytes)?,
        #[cfg(feature = "avif")]
        Profile::Made(profile) => profile.as_ref(),
    };
    match (channels, profile.color_space) {
        (Channels::Gray | Channels::GrayAlpha, DataColorSpace::Gray) => {
            let transform = transform(profile, (Layout::Gray, Layout::Rgb))?;
            let grays: Vec<u8> = (0..=255).collect();
            gray_table(transform.as_ref(), &grays)
        }
        // Not by the book, but common: a gray picture with the profile of the colour picture it once was.
        (Channels::Gray | Channels::GrayAlpha, DataColorSpace::Rgb) => {
            let transform = transform(profile, (Layout::Rgb, Layout::Rgb))?;
            let grays: Vec<u8> = (0..=255).flat_map(|gray| [gray; 3]).collect();
            gray_table(transform.as_ref(), &grays)
        }
        (Channels::Rgb, DataColorSpace::Rgb) => colours(profile, (Layout::Rgb, Layout::Rgb)),
        (Channels::Rgba, DataColorSpace::Rgb) => colours(profile, (Layout::Rgba, Layout::Rgba)),
        (Channels::Inks, DataColorSpace::Cmyk) => {
            transform(profile, (Layout::Rgba, Layout::Rgb)).map(Colours::Profile)
        }
        _ => Err(CmsError::UnsupportedProfileConnection),
    }
}

fn transform(
    profile: &ColorProfile,
    (from, to): (Layout, Layout),
) -> Result<Arc<Transform8BitExecutor>, CmsError> {
    let srgb = ColorProfile::new_srgb();
    profile.create_transform_8bit(from, &srgb, to, TransformOptions::default())
}

/// The colours of a profile, unless they are those of sRGB already, as they are in most files.
fn colours(profile: &ColorProfile, layouts: (Layout, Layout)) -> Result<Colours, CmsError> {
    let steps = [0, 51, 102, 153, 204, 255];
    let probes: Vec<u8> = steps
        .iter()
        .flat_map(|&red| steps.map(|green| [red, green, green ^ red]))
        .flatten()
        .collect();
    let mut seen = vec![0; probes.len()];
    transform(profile, (Layout::Rgb, Layout::Rgb))?.transform(&probes, &mut seen)?;
    let mut differences = probes.iter().zip(&seen);
    // A step of one is rounding.
    if differences.all(|(probe, seen)| probe.abs_diff(*seen) <= 1) {
        return Ok(Colours::Plain);
    }
    transform(profile, layouts).map(Colours::Profile)
}

/// Looks up what becomes of each of 256 grays; they stay gray.
fn gray_table(transform: &Transform8BitExecutor, grays: &[u8]) -> Result<Colours, CmsError> {
    let mut light = [[0; 3]; 256];
    transform.transform(grays, light.as_flattened_mut())?;
    Ok(Colours::Gray(Box::new(light.map(|[_, green, _]| green))))
}

fn look_up(mut pixels: Pixels, table: &[u8; 256]) -> Pixels {
    let step = pixels.channels.count();
    for gray in pixels.data.iter_mut().step_by(step) {
        *gray = table[usize::from(*gray)];
    }
    pixels
}

fn transform_all(
    transform: &Transform8BitExecutor,
    mut pixels: Pixels,
) -> Result<Pixels, CmsError> {
    let channels = if pixels.channels == Channels::Inks {
        // Profiles count ink, not the light that it leaves.
        pixels.data.iter_mut().for_each(|ink| *ink = !*ink);
        Channels::Rgb
    } else {
        pixels.channels
    };
    let mut data = vec![0; pixels.data.len() / pixels.channels.count() * channels.count()];
    transform.transform(&pixels.data, &mut data)?;
    Ok(Pixels {
        size: pixels.size,
        channels,
        data,
    })
}

/// Converts inks to light: each colour is what its ink and the black leave of it.
fn inks_to_light(inks: &Pixels) -> Pixels {
    let (pixels, _) = inks.data.as_chunks::<4>();
    let light = pixels.iter().flat_map(|&[cyan, magenta, yellow, black]| {
        [cyan, magenta, yellow].map(|ink| multiply(ink, black))
    });
    Pixels {
        size: inks.size,
        channels: Channels::Rgb,
        data: light.collect(),
    }
}

/// Multiplies two fractions of 255, rounded.
fn multiply(left: u8, right: u8) -> u8 {
    let product = (u16::from(left) * u16::from(right) + 127) / 255;
    u8::try_from(product).unwrap_or(u8::MAX)
}
