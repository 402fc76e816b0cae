//! What a file says besides its pixels: the colour profile, EXIF and XMP.

use std::borrow::Cow;

#[cfg(feature = "avif")]
use moxcms::ColorProfile;

#[cfg(feature = "avif")]
use crate::avif;
use crate::{Format, Header, Limits, Metadata, Turn, Warning, exif, jpeg, png, tiff, webp};

/// What was found in a file.
#[derive(Debug, Default)]
pub(crate) struct Extras<'a> {
    pub(crate) profile: Option<Profile<'a>>,
    /// EXIF: a TIFF structure.
    pub(crate) exif: Option<&'a [u8]>,
    /// Whether that structure is the whole file, so that it cannot be copied.
    pub(crate) is_tiff: bool,
    pub(crate) xmp: Option<&'a [u8]>,
    /// Whether there was a profile that is not here, as it is incomplete or above the limit.
    pub(crate) lost_profile: bool,
    /// Whether there is more light than sRGB can say, of which the profile makes less.
    pub(crate) is_bright: bool,
}

/// What the colours of a picture mean.
#[derive(Debug)]
pub(crate) enum Profile<'a> {
    /// As ICC has it.
    Icc(Cow<'a, [u8]>),
    /// Made of what the file says in other words.
    #[cfg(feature = "avif")]
    Made(Box<ColorProfile>),
}

impl<'a> Extras<'a> {
    /// Finds what there is within the limits.
    pub(crate) fn read(input: &'a [u8], source: &Header, limits: &Limits) -> Self {
        let most = limits.profile_bytes_max;
        match source.format {
            Format::Jpeg => jpeg::read_extras(input, most),
            Format::Png => png::read_extras(input, most),
            Format::WebP => webp::read_extras(input, most),
            Format::Tiff => tiff::read_extras(input, most),
            #[cfg(feature = "avif")]
            Format::Avif => avif::read_extras(input, most),
            _ => Self::default(),
        }
    }

    /// Takes a profile that may be too large.
    pub(crate) fn set_profile(&mut self, profile: impl Into<Cow<'a, [u8]>>, most: usize) {
        let profile = profile.into();
        self.lost_profile = profile.len() > most;
        self.profile = (!self.lost_profile).then_some(Profile::Icc(profile));
    }
}

/// What a result is to say besides its pixels.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) exif: Option<Vec<u8>>,
    pub(crate) xmp: Option<Vec<u8>>,
}

impl Kept {
    /// Selects what is kept of `extras`.
    pub(crate) fn select(extras: &Extras<'_>, (policy, turn): (Metadata, Turn)) -> Self {
        let credits = || extras.exif.and_then(exif::credits);
        match policy {
            Metadata::None => Self::default(),
            Metadata::Copyright => Self {
                exif: credits(),
                xmp: None,
            },
            Metadata::All => Self {
                exif: match (extras.exif, turn) {
                    _ if extras.is_tiff => credits(),
                    (Some(exif), Turn::Upright) => Some(exif::upright(exif)),
                    (exif, _) => exif.map(<[u8]>::to_vec),
                },
                xmp: extras.xmp.map(<[u8]>::to_vec),
            },
        }
    }

    /// Drops EXIF and XMP that are longer than an output can take, and says whether there was such a thing.
    pub(crate) fn within(&mut self, limits: &Limits, most: [usize; 2]) -> Option<Warning> {
        let [exif, xmp] = most.map(|most| most.min(limits.metadata_bytes_max));
        let before = (self.exif.is_some(), self.xmp.is_some());
        self.exif = self.exif.take().filter(|text| text.len() <= exif);
        self.xmp = self.xmp.take().filter(|text| text.len() <= xmp);
        let after = (self.exif.is_some(), self.xmp.is_some());
        (before != after).then_some(Warning::MetadataDropped)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.exif.is_none() && self.xmp.is_none()
    }
}
