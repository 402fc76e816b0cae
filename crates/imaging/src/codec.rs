//! Which decoder reads a picture and which encoder writes it.

#[cfg(feature = "avif")]
use crate::avif;
use crate::extras::Kept;
use crate::pixels::Pixels;
use crate::rows::RowSink;
use crate::watch::Watch;
use crate::webp::Loss;
use crate::{Format, Header, ImageError, Limits, Output, jpeg, png, raster, webp};

/// What a decoder is given.
pub(crate) struct Decoding<'a> {
    pub(crate) input: &'a [u8],
    /// What the input says of itself.
    pub(crate) source: &'a Header,
    /// By how much the sides may be divided. A decoder that cannot do so gives the whole picture.
    pub(crate) shrink: u32,
    /// By how much the sides become smaller at least, if it may be made use of; otherwise 1.
    pub(crate) factor: f64,
    pub(crate) limits: &'a Limits,
    pub(crate) watch: &'a Watch<'a>,
}

/// Decodes the picture into `sink`.
pub(crate) fn decode(decoding: &Decoding<'_>, sink: &mut dyn RowSink) -> Result<(), ImageError> {
    match decoding.source.format {
        Format::Jpeg => jpeg::decode(decoding, sink),
        Format::Png => png::decode(decoding, sink),
        Format::WebP => webp::decode(decoding, sink),
        #[cfg(feature = "avif")]
        Format::Avif => avif::decode(decoding, sink),
        _ => raster::decode(decoding, sink),
    }?;
    // Some decoders give what they have when they are stopped.
    match decoding.watch.has_stopped() {
        true => Err(ImageError::Stopped),
        false => Ok(()),
    }
}

/// What an encoder is given besides the pixels.
pub(crate) struct Writing<'a> {
    pub(crate) quality: Option<u8>,
    pub(crate) kept: &'a Kept,
    pub(crate) watch: &'a Watch<'a>,
}

/// How a picture is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    Jpeg,
    Png,
    WebP(Loss),
    #[cfg(feature = "avif")]
    Avif,
}

impl Codec {
    /// Returns what is meant by `output` for this source.
    pub(crate) const fn choose(output: Output, source: &Header) -> Self {
        match output {
            Output::Jpeg => Self::Jpeg,
            Output::Png => Self::Png,
            Output::WebP => Self::WebP(Loss::Some),
            Output::WebPLossless => Self::WebP(Loss::None),
            #[cfg(feature = "avif")]
            Output::Avif => Self::Avif,
            Output::Same => match source.format.written() {
                Format::Jpeg => Self::Jpeg,
                // What cannot be written with loss is written without.
                Format::WebP if source.lossless || !cfg!(feature = "webp") => {
                    Self::WebP(Loss::None)
                }
                Format::WebP => Self::WebP(Loss::Some),
                #[cfg(feature = "avif")]
                Format::Avif => Self::Avif,
                _ => Self::Png,
            },
        }
    }

    pub(crate) const fn format(self) -> Format {
        match self {
            Self::Jpeg => Format::Jpeg,
            Self::Png => Format::Png,
            Self::WebP(_) => Format::WebP,
            #[cfg(feature = "avif")]
            Self::Avif => Format::Avif,
        }
    }

    pub(crate) const fn has_alpha(self) -> bool {
        !matches!(self, Self::Jpeg)
    }

    /// Returns how many bytes of EXIF and of XMP a file can have.
    pub(crate) const fn metadata_bytes_max(self) -> [usize; 2] {
        match self {
            // A segment has 65533, and some are taken by its name.
            Self::Jpeg => [65_500; 2],
            Self::Png | Self::WebP(_) => [usize::MAX; 2],
            // ravif writes no XMP.
            #[cfg(feature = "avif")]
            Self::Avif => [usize::MAX, 0],
        }
    }

    pub(crate) fn encode(
        self,
        pixels: &Pixels,
        writing: &Writing<'_>,
    ) -> Result<Vec<u8>, ImageError> {
        match self {
            Self::Jpeg => jpeg::encode(pixels, writing),
            Self::Png => png::encode(pixels, writing),
            Self::WebP(loss) => webp::encode(pixels, loss, writing),
            #[cfg(feature = "avif")]
            Self::Avif => avif::encode(pixels, writing),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::rows::Form;
    use crate::{inspect, resize_each};

    /// Noise as a JPEG: much to read.
    fn photo() -> Vec<u8> {
        let mut random = fastrand::Rng::with_seed(5);
        let pixels: Vec<u8> = (0..600 * 400 * 3).map(|_| random.u8(..)).collect();
        let mut bytes = Vec::new();
        jpeg_encoder::Encoder::new(&mut bytes, 95)
            .encode(&pixels, 600, 400, jpeg_encoder::ColorType::Rgb)
            .expect("pixels of the right length");
        bytes
    }

    /// Decodes until the question whether to stop was asked so many times. Returns how often it was, and whether the
    /// picture was decoded to its end: zune-jpeg leaves what it did not come to in gray.
    fn read_until(input: &[u8], shrink: u32, last: usize) -> (usize, bool) {
        let asked = Cell::new(0);
        let stop = || {
            asked.set(asked.get() + 1);
            asked.get() >= last
        };
        let decoding = Decoding {
            input,
            source: &inspect(input, &Limits::default()).expect("a good header"),
            shrink,
            factor: shrink.into(),
            limits: &Limits::default(),
            watch: &Watch::new(&stop),
        };
        let mut last_row = LastRow(Vec::new());
        let is_read = decode(&decoding, &mut last_row).is_ok();
        let is_whole = is_read && last_row.0.iter().any(|&byte| byte != 128);
        (asked.get(), is_whole)
    }

    /// Keeps the last row of the first plane.
    struct LastRow(Vec<u8>);

    impl RowSink for LastRow {
        fn begin(&mut self, _: &Form) -> Result<(), ImageError> {
            Ok(())
        }

        fn take(&mut self, plane: usize, row: &[u8]) -> Result<(), ImageError> {
            if plane == 0 {
                self.0 = row.to_vec();
            }
            Ok(())
        }
    }

    #[track_caller]
    fn check(input: &[u8], shrink: u32) {
        let (asked, is_whole) = read_until(input, shrink, usize::MAX);
        assert!(is_whole && asked > 3, "{asked} questions");
        for last in [1, asked / 2] {
            let (_, is_whole) = read_until(input, shrink, last);
            assert!(!is_whole, "stopped at {last} of {asked}");
        }
    }

    #[test]
    fn a_stopped_decoder_does_not_go_on_to_the_end() {
        let photo = photo();
        check(&photo, 1);
        check(&photo, 4);
        let as_stored = crate::Bounds::OPEN;
        let mut outputs = vec![Output::Png, Output::WebPLossless];
        if cfg!(feature = "webp") {
            outputs.push(Output::WebP);
        }
        for output in outputs {
            let options = crate::Options {
                output,
                ..crate::Options::new(as_stored)
            };
            let made = resize_each(&photo, &[options], &|| false).expect("a good photo");
            assert_eq!((made[0].width, made[0].height), (600, 400));
            check(&made[0].bytes, 1);
        }
        #[cfg(feature = "webp")]
        {
            let mut random = fastrand::Rng::with_seed(6);
            let pixels: Vec<u8> = (0..600 * 400 * 4).map(|_| random.u8(..)).collect();
            check(
                &::webp::Encoder::from_rgba(&pixels, 600, 400).encode(90.0),
                1,
            );
        }
        let pixels = image::RgbImage::from_pixel(600, 400, image::Rgb([9, 90, 200]));
        for format in [image::ImageFormat::Bmp, image::ImageFormat::Tiff] {
            let mut bytes = std::io::Cursor::new(Vec::new());
            pixels
                .write_to(&mut bytes, format)
                .expect("a buffer in memory takes everything");
            check(&bytes.into_inner(), 1);
        }
    }
}
