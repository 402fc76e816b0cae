//! The whole way of a picture: header, decode, scale, turn, encode.

use crate::canvas;
use crate::codec::{Codec, Decoding, Writing, decode};
use crate::colours::Colours;
use crate::extras::{Extras, Kept};
use crate::guard::catch_panic;
use crate::layout::{Area, Layout};
use crate::making::Making;
use crate::pixels::Pixels;
use crate::scale::{Scaled, Scaler, Scaling, Wanted};
use crate::watch::Watch;
use crate::{
    Enlarge, Format, Header, ImageError, Light, Limits, Options, Orientation, Shrink, Size, Turn,
    Warning, inspect, jpeg,
};

/// A resized picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resized {
    /// The encoded picture.
    pub bytes: Vec<u8>,
    /// Its format.
    pub format: Format,
    /// Its width.
    pub width: u32,
    /// Its height.
    pub height: u32,
    /// What the source was.
    pub source: Header,
    /// What was noticed on the way.
    pub warnings: Vec<Warning>,
}

/// Turns a picture upright, fits it into a box without enlarging it, and encodes it anew; or whatever else the options
/// say.
///
/// A picture that is small enough already is encoded anew all the same, without its metadata. The result
/// depends on the input and the options alone.
///
/// # Errors
///
/// When the input is not an image, is damaged, ends too early, is of an unsupported kind, asks for more than
/// the limits allow, or makes a codec panic.
pub fn resize(input: &[u8], options: &Options) -> Result<Resized, ImageError> {
    resize_until(input, options, &|| false)
}

/// Does what [`resize`] does, unless `stop` says `true` before it is done.
///
/// `stop` is asked between batches of rows while the picture is decoded, scaled and encoded, a few times in each
/// millisecond or two of work; only of AVIF, whole pieces are decoded and whole pictures encoded in between. So a flag that it looks at or a deadline that it knows really ends the work, and not only
/// the waiting for it.
///
/// ```
/// use std::time::{Duration, Instant};
/// use imaging::{ImageError, Options, Size, resize_until};
///
/// # let photo = testkit::images::gradient_jpeg(1200, 800);
/// let deadline = Instant::now() + Duration::ZERO;
/// let made = resize_until(&photo, &Options::new(Size::new(64, 64)), &|| Instant::now() >= deadline);
/// assert!(matches!(made, Err(ImageError::Stopped)));
/// ```
///
/// # Errors
///
/// [`ImageError::Stopped`] if it was stopped, and otherwise as [`resize`].
pub fn resize_until(
    input: &[u8],
    options: &Options,
    stop: &dyn Fn() -> bool,
) -> Result<Resized, ImageError> {
    let mut results = resize_each(input, std::slice::from_ref(options), stop)?;
    Ok(results.remove(0))
}

/// Makes several results of one picture, in the order of `options`, and decodes it only once.
///
/// Each result is what [`resize`] gives for its options, except that the decoder shrinks no more than the largest of them
/// allows. The picture must keep to the limits of all options.
///
/// ```
/// use imaging::{Bounds, Options, Size, resize_each};
///
/// # let photo = testkit::images::gradient_jpeg(1200, 800);
/// let sizes = [Bounds::of_width(800), Bounds::of_width(320), Size::new(64, 64).into()];
/// let results = resize_each(&photo, &sizes.map(Options::new), &|| false)?;
/// assert_eq!(results[1].height, 213);
/// # Ok::<(), imaging::ImageError>(())
/// ```
///
/// # Errors
///
/// As [`resize_until`]. If one result cannot be made, there is none.
pub fn resize_each(
    input: &[u8],
    options: &[Options],
    stop: &dyn Fn() -> bool,
) -> Result<Vec<Resized>, ImageError> {
    let watch = Watch::new(stop);
    let results = catch_panic(|| resize_unguarded(input, options, &watch));
    // Codecs have their own ways to fail when they are stopped, and some go on with what they have.
    if watch.has_stopped() {
        return Err(ImageError::Stopped);
    }
    results
}

fn resize_unguarded(
    input: &[u8],
    options: &[Options],
    watch: &Watch<'_>,
) -> Result<Vec<Resized>, ImageError> {
    let Some(first) = options.first() else {
        return Ok(Vec::new());
    };
    let source = inspect(input, &first.limits)?;
    let jobs: Vec<_> = options
        .iter()
        .map(|options| Job::new(options, input, &source))
        .collect::<Result<_, _>>()?;
    let limits = strictest(options);
    let extras = Extras::read(input, &source, &limits);
    let mut making = Making::new(&jobs, extras, watch);
    let decoding = Decoding {
        input,
        source: &source,
        shrink: jobs.iter().map(Job::shrink).min().unwrap_or(1),
        factor: jobs.iter().map(Job::factor).fold(f64::MAX, f64::min),
        limits: &limits,
        watch,
    };
    decode(&decoding, &mut making)?;
    making.finish()
}

/// Of the limits that matter after the header, the lowest of each.
fn strictest(options: &[Options]) -> Limits {
    let limits = options.iter().map(|options| options.limits);
    limits.reduce(Limits::lower).unwrap_or_default()
}

/// One result to be made.
pub(crate) struct Job<'a> {
    options: &'a Options,
    source: Header,
    orientation: Orientation,
    layout: Layout,
}

impl<'a> Job<'a> {
    pub(crate) fn new(
        options: &'a Options,
        input: &[u8],
        source: &Header,
    ) -> Result<Self, ImageError> {
        options.limits.check_input(input)?;
        options.limits.check_source(source.stored_size())?;
        let orientation = match options.turn {
            Turn::Upright => source.orientation,
            Turn::AsStored => Orientation::Upright,
        };
        let layout = Layout::new(options, orientation.turn(source.stored_size()));
        options.limits.check_output(layout.canvas)?;
        Ok(Self {
            options,
            source: *source,
            orientation,
            layout,
        })
    }

    /// The size of the result.
    pub(crate) const fn canvas(&self) -> Size {
        self.layout.canvas
    }

    /// The size after scaling, before it is turned: scaling first and turning last moves the fewest pixels.
    const fn stored_target(&self) -> Size {
        self.orientation.turn(self.layout.scaled)
    }

    fn stored_seen(&self) -> Area {
        let stored = self.source.stored_size();
        self.orientation.stored_area(self.layout.seen, stored)
    }

    /// By how much the sides become smaller, if the decoder may make use of it; otherwise 1.
    fn factor(&self) -> f64 {
        if self.options.light == Light::Linear || self.options.shrink == Shrink::Off {
            return 1.0;
        }
        let (seen, target) = (self.stored_seen(), self.stored_target());
        let horizontal = seen.width / f64::from(target.width);
        let vertical = seen.height / f64::from(target.height);
        horizontal.min(vertical)
    }

    /// By how much the decoder may divide the sides.
    fn shrink(&self) -> u32 {
        self.options.shrink.divisor(self.factor())
    }

    /// Whether the result is a JPEG, and nobody has to look at its pixels.
    fn passes_colours_on(&self, colours: &Colours) -> bool {
        let Layout { scaled, canvas, .. } = self.layout;
        let is_even = scaled.width.is_multiple_of(2) && scaled.height.is_multiple_of(2);
        Codec::choose(self.options.output, &self.source) == Codec::Jpeg
            && matches!(colours, Colours::Plain)
            && scaled == canvas
            // A colour that reaches beyond the right edge would come to lie at the left one.
            && (is_even || self.orientation == Orientation::Upright)
    }

    /// How its picture is scaled, if these are its colours.
    pub(crate) fn scaling(&self, colours: &Colours) -> Scaling {
        Scaling {
            seen: self.stored_seen(),
            target: self.stored_target(),
            light: self.options.light,
            wanted: match self.passes_colours_on(colours) {
                true => Wanted::Halved,
                false => Wanted::Pixels,
            },
            shrink: self.options.shrink,
        }
    }

    /// Makes the result of what was scaled.
    pub(crate) fn perform(
        &self,
        scaler: Scaler,
        shared: &Making<'_>,
    ) -> Result<Resized, ImageError> {
        let scaled = scaler
            .finish(self.stored_target())
            .ok_or_else(|| ImageError::corrupt(self.source.format, "the picture is incomplete"))?;
        let options = self.options;
        let codec = Codec::choose(options.output, &self.source);
        let mut warnings = self.warnings(shared);
        let kept = self.keep(codec, shared, &mut warnings);
        let writing = Writing {
            quality: options.quality,
            kept: &kept,
            watch: shared.watch,
        };
        let turn = |pixels| self.orientation.apply(pixels);
        let bytes = match scaled {
            Scaled::Halved(planes) => jpeg::encode_planes(&planes.map(turn), &writing),
            Scaled::Pixels(pixels, is_opaque) => {
                let pixels = turn(self.to_srgb(pixels, is_opaque, shared)?);
                codec.encode(&self.lay_out(pixels, codec, &mut warnings), &writing)
            }
        }?;
        Ok(Resized {
            bytes,
            format: codec.format(),
            width: self.layout.canvas.width,
            height: self.layout.canvas.height,
            source: self.source,
            warnings,
        })
    }

    /// Converts colours, and drops an opacity that says nothing.
    fn to_srgb(
        &self,
        pixels: Pixels,
        is_opaque: bool,
        shared: &Making<'_>,
    ) -> Result<Pixels, ImageError> {
        // Light was told from the numbers before it was scaled.
        let pixels = match self.options.light {
            Light::Encoded => shared.colours.convert(pixels)?,
            Light::Linear => pixels,
        };
        Ok(match is_opaque {
            true => pixels.without_alpha(),
            false => pixels,
        })
    }

    /// Chooses what is kept of the metadata.
    fn keep(&self, codec: Codec, shared: &Making<'_>, warnings: &mut Vec<Warning>) -> Kept {
        let options = self.options;
        let mut kept = Kept::select(&shared.extras, (options.metadata, options.turn));
        warnings.extend(kept.within(&options.limits, codec.metadata_bytes_max()));
        kept
    }

    fn warnings(&self, shared: &Making<'_>) -> Vec<Warning> {
        [
            (shared.is_damaged, Warning::Damaged),
            (self.source.animated, Warning::FirstPictureOnly),
            (shared.broken_profile, Warning::BrokenProfile),
            (shared.extras.is_bright, Warning::Dimmed),
            (self.stays_small(), Warning::NotEnlarged),
        ]
        .into_iter()
        .filter_map(|(applies, warning)| applies.then_some(warning))
        .collect()
    }

    /// Adds what is around the picture, and behind it if the format has no transparency.
    fn lay_out(&self, pixels: Pixels, codec: Codec, warnings: &mut Vec<Warning>) -> Pixels {
        let background = self.options.background;
        let pixels = if codec.has_alpha() || !pixels.channels.has_alpha() {
            pixels
        } else {
            warnings.push(Warning::Flattened);
            canvas::flatten(pixels, background)
        };
        if self.layout.canvas == pixels.size {
            return pixels;
        }
        let background = match codec.has_alpha() {
            true => background,
            false => canvas::opaque(background),
        };
        canvas::pad(pixels, &self.layout, background)
    }

    /// Whether the box asks for more pixels than there are, and is not given them.
    fn stays_small(&self) -> bool {
        let upright = self.orientation.turn(self.source.stored_size());
        let enlarged = Options {
            enlarge: Enlarge::Allowed,
            ..*self.options
        };
        self.layout.scaled != Layout::new(&enlarged, upright).scaled
    }
}
