//! Every option of a picture as it is said to a program, by a flag or in a query: one table for all of them, read and written.
//!
//! The box is not in it: it is `--size WxH` in the one place and `width` and `height` in the other.

use std::fmt;
use std::str::FromStr;

use crate::{Bounds, Colour, Enlarge, Gravity, Light, Mode, Options};

/// One option of a picture as it is written: `fit=fill` or `--fit fill`.
///
/// Options are read in the order of [`SETTINGS`], whatever the order in which they are said: a gravity says where a picture is
/// held in the mode that comes before it.
///
/// ```
/// use imaging::{Bounds, Options, SETTINGS};
///
/// let mut options = Options::new(Bounds::of_width(96));
/// for setting in SETTINGS {
///     match setting.name {
///         "fit" => setting.read("fill", &mut options)?,
///         "gravity" => setting.read("north", &mut options)?,
///         _ => {}
///     }
/// }
/// let said = SETTINGS.iter().filter_map(|setting| Some((setting.name, setting.write(&options)?)));
/// assert_eq!(said.collect::<Vec<_>>(), [("fit", "fill".to_owned()), ("gravity", "north".to_owned())]);
/// # Ok::<(), imaging::SettingError>(())
/// ```
#[derive(Debug)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// What stands for its value in a help text. A switch has none: it is `true` or, if it is not said, `false`.
    pub value: Option<&'static str>,
    /// What it does and which values there are, in whole sentences.
    pub help: &'static str,
    read: fn(&str, &mut Options) -> Result<(), SettingError>,
    write: fn(&Options) -> String,
}

/// The text is no value of the option; says which are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SettingError(String);

impl Setting {
    /// Sets the option to what the text says.
    ///
    /// # Errors
    /// If the text is no value of this option, or the mode leaves no choice of a gravity.
    pub fn read(&self, text: &str, options: &mut Options) -> Result<(), SettingError> {
        (self.read)(text, options)
    }

    /// Writes the value of the option, unless it is the usual one.
    #[must_use]
    pub fn write(&self, options: &Options) -> Option<String> {
        let said = (self.write)(options);
        (said != self.usual()).then_some(said)
    }

    /// Writes the value of the option when nothing is said; empty if that depends on the picture.
    #[must_use]
    pub fn usual(&self) -> String {
        (self.write)(&Options::new(Bounds::of_width(1)))
    }
}

/// All options, in the order in which they are read.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "fit",
        value: Some("MODE"),
        help: "What happens to an image of other proportions: fit shows all of it in less than the box, fill cuts off what \
               sticks out, exact stretches it, pad puts a background around it.",
        read: |text, options| put(text, &mut options.mode),
        write: |options| options.mode.to_string(),
    },
    Setting {
        name: "gravity",
        value: Some("PLACE"),
        help: "Which part fill keeps, and where pad puts the image: centre, north, north-east, east, south-east, south, \
               south-west, west or north-west.",
        read: hold,
        write: |options| options.mode.gravity().unwrap_or_default().to_string(),
    },
    Setting {
        name: "enlarge",
        value: None,
        help: "Lets images grow that are smaller than the box; otherwise they keep their size.",
        read: |text, options| {
            switch(
                text,
                &mut options.enlarge,
                [Enlarge::Never, Enlarge::Allowed],
            )
        },
        write: |options| (options.enlarge == Enlarge::Allowed).to_string(),
    },
    Setting {
        name: "format",
        value: Some("FORMAT"),
        help: "The format of the results: same, jpeg, png, webp (with loss), webp-lossless, or avif in a build with that \
               feature, and slow. GIF, BMP and TIFF are not written; with same they become PNG.",
        read: |text, options| put(text, &mut options.output),
        write: |options| options.output.to_string(),
    },
    Setting {
        name: "quality",
        value: Some("Q"),
        help: "The quality of results with loss, 1 to 100. [default: 82 for JPEG, 78 for WebP]",
        read: |text, options| match text.parse() {
            Ok(quality @ 1..=100) => {
                options.quality = Some(quality);
                Ok(())
            }
            _ => Err(wrong("must be a whole number from 1 to 100")),
        },
        write: |options| {
            options
                .quality
                .map_or_else(String::new, |quality| quality.to_string())
        },
    },
    Setting {
        name: "background",
        value: Some("COLOUR"),
        help: "The colour around a padded image, and behind a transparent one that becomes a JPEG: ffffff, or 00000080 with \
               its opacity.",
        read: |text, options| {
            let Colour(colour) = parse(text)?;
            options.background = colour;
            Ok(())
        },
        write: |options| Colour(options.background).to_string(),
    },
    Setting {
        name: "metadata",
        value: Some("KIND"),
        help: "What is kept of EXIF and XMP: none, copyright (and the artist) or all.",
        read: |text, options| put(text, &mut options.metadata),
        write: |options| options.metadata.to_string(),
    },
    Setting {
        name: "linear",
        value: None,
        help: "Averages light instead of the numbers that stand for it: fine contrasts keep their brightness, for more time.",
        read: |text, options| switch(text, &mut options.light, [Light::Encoded, Light::Linear]),
        write: |options| (options.light == Light::Linear).to_string(),
    },
    Setting {
        name: "turn",
        value: Some("HOW"),
        help: "Whether an image is turned as its EXIF tag says: upright or as-stored.",
        read: |text, options| put(text, &mut options.turn),
        write: |options| options.turn.to_string(),
    },
    Setting {
        name: "shrink",
        value: Some("HOW"),
        help: "How much of the shrinking is left to the decoder: safe, fast (a little less sharp) or off (as exact as can be, \
               and slow).",
        read: |text, options| put(text, &mut options.shrink),
        write: |options| options.shrink.to_string(),
    },
];

fn wrong(why: impl fmt::Display) -> SettingError {
    SettingError(why.to_string())
}

fn parse<T: FromStr<Err: fmt::Display>>(text: &str) -> Result<T, SettingError> {
    text.parse().map_err(wrong)
}

fn put<T: FromStr<Err: fmt::Display>>(text: &str, place: &mut T) -> Result<(), SettingError> {
    *place = parse(text)?;
    Ok(())
}

fn switch<T>(text: &str, place: &mut T, [off, on]: [T; 2]) -> Result<(), SettingError> {
    *place = match text {
        "false" => off,
        "true" => on,
        _ => return Err(wrong("must be true or false")),
    };
    Ok(())
}

fn hold(text: &str, options: &mut Options) -> Result<(), SettingError> {
    let gravity: Gravity = parse(text)?;
    let Some(mode) = options.mode.held_at(gravity) else {
        let [fill, pad] = [Mode::Fill(gravity), Mode::Pad(gravity)];
        let why = format!("has no effect unless fit is {fill} or {pad}");
        return Err(SettingError(why));
    };
    options.mode = mode;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Metadata, Output, Shrink, Turn};

    /// Reads options as they are said, in any order.
    fn read(said: &str) -> Result<Options, String> {
        let mut options = Options::new(Bounds::of_width(9));
        for setting in SETTINGS {
            let words = said.split(' ').filter_map(|words| words.split_once('='));
            for (_, text) in words.filter(|(name, _)| *name == setting.name) {
                let error = |error| format!("{} {error}", setting.name);
                setting.read(text, &mut options).map_err(error)?;
            }
        }
        Ok(options)
    }

    /// Writes what is unusual.
    fn write(options: &Options) -> String {
        let said = SETTINGS.iter().filter_map(|setting| {
            let text = setting.write(options)?;
            Some(format!("{}={text}", setting.name))
        });
        said.collect::<Vec<_>>().join(" ")
    }

    /// Checks what is meant by words, and that it is written with the same ones.
    fn check(said: &str, wish: impl Fn(&mut Options)) {
        let mut options = Options::new(Bounds::of_width(9));
        wish(&mut options);
        assert_eq!(read(said), Ok(options), "{said}");
        assert_eq!(write(&options), said);
    }

    #[test]
    fn what_is_usual_need_not_be_said() {
        check("", |_| {});
        let usual = "fit=fit enlarge=false format=same background=ffffff metadata=none linear=false turn=upright shrink=safe";
        assert_eq!(read(usual), read(""));
        for setting in SETTINGS.iter().filter(|setting| setting.name != "quality") {
            let said = format!("fit=pad {}={}", setting.name, setting.usual());
            assert!(read(&said).is_ok(), "{said}");
        }
    }

    #[test]
    fn options_are_written_as_they_are_read() {
        check("fit=fill quality=1", |options| {
            options.mode = Mode::Fill(Gravity::Centre);
            options.quality = Some(1);
        });
        check("fit=exact format=png", |options| {
            options.mode = Mode::Exact;
            options.output = Output::Png;
        });
        check(
            "fit=pad gravity=south-west background=00112280",
            |options| {
                options.mode = Mode::Pad(Gravity::SouthWest);
                options.background = [0, 0x11, 0x22, 0x80];
            },
        );
        check("enlarge=true format=jpeg quality=100", |options| {
            options.enlarge = Enlarge::Allowed;
            options.output = Output::Jpeg;
            options.quality = Some(100);
        });
        check(
            "format=webp-lossless metadata=copyright linear=true",
            |options| {
                options.output = Output::WebPLossless;
                options.metadata = Metadata::Copyright;
                options.light = Light::Linear;
            },
        );
        check("metadata=all turn=as-stored shrink=fast", |options| {
            options.metadata = Metadata::All;
            options.turn = Turn::AsStored;
            options.shrink = Shrink::Fast;
        });
    }

    #[test]
    fn the_order_in_which_options_are_said_does_not_matter() {
        assert_eq!(
            read("gravity=north fit=fill"),
            read("fit=fill gravity=north")
        );
    }

    #[test]
    fn what_cannot_be_done_is_answered_with_what_can() {
        // Which formats there are depends on the features of the crate.
        let formats = format!("format {}", "gif".parse::<Output>().unwrap_err());
        for (said, why) in [
            ("fit=cover", "fit must be fit, fill, exact or pad"),
            (
                "fit=fill gravity=up",
                "gravity must be centre, north, north-east, east, south-east, south, south-west, west or north-west",
            ),
            (
                "gravity=north",
                "gravity has no effect unless fit is fill or pad",
            ),
            (
                "fit=exact gravity=west",
                "gravity has no effect unless fit is fill or pad",
            ),
            ("enlarge=1", "enlarge must be true or false"),
            ("linear=", "linear must be true or false"),
            ("format=gif", &formats),
            ("metadata=some", "metadata must be none, copyright or all"),
            ("turn=left", "turn must be upright or as-stored"),
            ("shrink=8", "shrink must be safe, fast or off"),
            (
                "background=white",
                "background must be a colour as rrggbb or, with its opacity, rrggbbaa, such as ffffff",
            ),
        ] {
            assert_eq!(read(said), Err(why.to_owned()), "{said}");
        }
        for quality in ["0", "101", "", "high", "1.5"] {
            let why = "quality must be a whole number from 1 to 100";
            assert_eq!(
                read(&format!("quality={quality}")),
                Err(why.to_owned()),
                "{quality}"
            );
        }
    }
}
