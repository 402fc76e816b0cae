//! What the results are to be, as it is written on a command line. The names and the words are those of the resizers' query.

use imaging::{
    Bounds, Colour, Enlarge, Gravity, Light, Metadata, Mode, Options, Output, Shrink, Turn,
};

use crate::config::ConfigError;

/// What the results are to be.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "What the results are to be")]
pub struct Wish {
    /// The box in pixels that each image is fitted into: 256x256, or 256x or x256 if only one side matters.
    #[arg(long, value_name = "WxH", value_parser = size)]
    pub size: Bounds,

    /// What happens to an image of other proportions: fit shows all of it in less than the box, fill cuts off what
    /// sticks out, exact stretches it, pad puts a background around it. [default: fit]
    #[arg(long, value_name = "MODE")]
    pub fit: Option<Mode>,

    /// Which part fill keeps, and where pad puts the image: centre, north, north-east, east, south-east, south,
    /// south-west, west or north-west. [default: centre]
    #[arg(long, value_name = "PLACE", requires = "fit")]
    pub gravity: Option<Gravity>,

    /// Lets images grow that are smaller than the box; otherwise they keep their size.
    #[arg(long)]
    pub enlarge: bool,

    /// The format of the results: same, jpeg, png, webp (with loss), webp-lossless, or avif in a build with that
    /// feature. GIF, BMP and TIFF are not written; with same they become PNG. [default: same]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<Output>,

    /// The quality of results with loss, 1 to 100. [default: 82 for JPEG, 78 for WebP]
    #[arg(long, value_name = "Q", value_parser = clap::value_parser!(u8).range(1..=100))]
    pub quality: Option<u8>,

    /// The colour around a padded image, and behind a transparent one that becomes a JPEG: ffffff, or 00000080 with
    /// its opacity. [default: ffffff]
    #[arg(long, value_name = "COLOUR")]
    pub background: Option<Colour>,

    /// What is kept of EXIF and XMP: none, copyright (and the artist) or all. [default: none]
    #[arg(long, value_name = "KIND")]
    pub metadata: Option<Metadata>,

    /// Averages light instead of the numbers that stand for it: fine contrasts keep their brightness, for more time.
    #[arg(long)]
    pub linear: bool,

    /// Whether an image is turned as its EXIF tag says: upright or as-stored. [default: upright]
    #[arg(long, value_name = "HOW")]
    pub turn: Option<Turn>,

    /// How much of the shrinking is left to the decoder: safe, fast (a little less sharp) or off (as exact as can be,
    /// and slow). [default: safe]
    #[arg(long, value_name = "HOW")]
    pub shrink: Option<Shrink>,
}

/// Reads a size and says what would be one with a side left open.
fn size(text: &str) -> Result<Bounds, String> {
    let wrong = |error| format!("{error}; or with one side left open, 256x or x256");
    text.parse().map_err(wrong)
}

impl TryFrom<Wish> for Options {
    type Error = ConfigError;

    fn try_from(wish: Wish) -> Result<Self, ConfigError> {
        let usual = Self::new(wish.size);
        let mode = wish.fit.unwrap_or_default();
        Ok(Self {
            mode: match wish.gravity {
                None => mode,
                Some(gravity) => mode.held_at(gravity).ok_or(ConfigError::Gravity { mode })?,
            },
            enlarge: match wish.enlarge {
                true => Enlarge::Allowed,
                false => Enlarge::Never,
            },
            turn: wish.turn.unwrap_or_default(),
            output: wish.format.unwrap_or_default(),
            quality: wish.quality,
            background: wish
                .background
                .map_or(usual.background, |Colour(bytes)| bytes),
            metadata: wish.metadata.unwrap_or_default(),
            light: match wish.linear {
                true => Light::Linear,
                false => Light::Encoded,
            },
            shrink: wish.shrink.unwrap_or_default(),
            ..usual
        })
    }
}
