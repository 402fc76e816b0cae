//! What a request asks for: the query of `POST /resize`, read by a pure function.

use std::{num::NonZero, str::FromStr};

use imaging::{
    Bounds, Colour, Enlarge, Gravity, Light, Metadata, Mode, Options, Output, Shrink, Turn,
};

use crate::problem::Problem;

/// What to do with the image in the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Resize it, within the limits of the server.
    Resize(Options),
    /// Take it and drop it, to measure the way here.
    DryRun,
}

/// The parameters as they were found, each at most once.
#[derive(Default)]
struct Found {
    width: Option<NonZero<u32>>,
    height: Option<NonZero<u32>>,
    fit: Option<Mode>,
    gravity: Option<Gravity>,
    enlarge: Option<bool>,
    format: Option<Output>,
    quality: Option<u8>,
    background: Option<Colour>,
    metadata: Option<Metadata>,
    linear: Option<bool>,
    turn: Option<Turn>,
    shrink: Option<Shrink>,
    dry_run: Option<bool>,
}

/// The longest part of an unknown name that is repeated to the client.
const ECHOED_CHARS_MAX: usize = 40;

impl Order {
    /// Reads the part of the URI behind the `?`.
    ///
    /// Unknown and repeated parameters are refused: a parameter that is silently ignored is a wrong picture.
    pub(crate) fn parse(query: Option<&str>) -> Result<Self, Problem> {
        let mut found = Found::default();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            found.put(&name, &value)?;
        }
        found.order()
    }
}

impl Found {
    fn put(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        match name {
            "width" => once("width", &mut self.width, side("width", value)?),
            "height" => once("height", &mut self.height, side("height", value)?),
            "fit" => once("fit", &mut self.fit, read("fit", value)?),
            "gravity" => once("gravity", &mut self.gravity, read("gravity", value)?),
            "enlarge" => once("enlarge", &mut self.enlarge, truth("enlarge", value)?),
            "format" => once("format", &mut self.format, read("format", value)?),
            "quality" => once("quality", &mut self.quality, quality(value)?),
            "background" => once(
                "background",
                &mut self.background,
                read("background", value)?,
            ),
            "metadata" => once("metadata", &mut self.metadata, read("metadata", value)?),
            "linear" => once("linear", &mut self.linear, truth("linear", value)?),
            "turn" => once("turn", &mut self.turn, read("turn", value)?),
            "shrink" => once("shrink", &mut self.shrink, read("shrink", value)?),
            "dry_run" => once("dry_run", &mut self.dry_run, truth("dry_run", value)?),
            _ => Err(Problem::UnknownParameter {
                name: name.chars().take(ECHOED_CHARS_MAX).collect(),
            }),
        }
    }

    fn order(self) -> Result<Order, Problem> {
        if self.dry_run == Some(true) {
            return Ok(Order::DryRun);
        }
        if self.width.is_none() && self.height.is_none() {
            return Err(Problem::NoSize);
        }
        let usual = Options::new(Bounds {
            width: self.width.map(NonZero::get),
            height: self.height.map(NonZero::get),
        });
        Ok(Order::Resize(Options {
            mode: self.mode()?,
            enlarge: match self.enlarge {
                Some(true) => Enlarge::Allowed,
                _ => Enlarge::Never,
            },
            turn: self.turn.unwrap_or_default(),
            output: self.format.unwrap_or_default(),
            quality: self.quality,
            background: self
                .background
                .map_or(usual.background, |Colour(bytes)| bytes),
            metadata: self.metadata.unwrap_or_default(),
            light: match self.linear {
                Some(true) => Light::Linear,
                _ => Light::Encoded,
            },
            shrink: self.shrink.unwrap_or_default(),
            ..usual
        }))
    }

    fn mode(&self) -> Result<Mode, Problem> {
        let mode = self.fit.unwrap_or_default();
        match self.gravity {
            None => Ok(mode),
            Some(gravity) => mode
                .held_at(gravity)
                .ok_or_else(|| bad("gravity", "needs fit=fill or fit=pad")),
        }
    }
}

fn once<T>(name: &'static str, place: &mut Option<T>, value: T) -> Result<(), Problem> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Problem::BadParameter {
            name,
            why: "is given twice".into(),
        }),
    }
}

fn side(name: &'static str, value: &str) -> Result<NonZero<u32>, Problem> {
    value.parse().map_err(|_| Problem::BadParameter {
        name,
        why: "must be a whole number of pixels, 1 or more".into(),
    })
}

/// Reads what has words of its own.
fn read<T>(name: &'static str, value: &str) -> Result<T, Problem>
where
    T: FromStr<Err: std::fmt::Display>,
{
    value
        .parse()
        .map_err(|error: T::Err| bad(name, &error.to_string()))
}

fn quality(value: &str) -> Result<u8, Problem> {
    match value.parse() {
        Ok(quality @ 1..=100) => Ok(quality),
        _ => Err(bad("quality", "must be a whole number from 1 to 100")),
    }
}

fn bad(name: &'static str, why: &str) -> Problem {
    Problem::BadParameter {
        name,
        why: why.into(),
    }
}

fn truth(name: &'static str, value: &str) -> Result<bool, Problem> {
    value.parse().map_err(|_| Problem::BadParameter {
        name,
        why: "must be true or false".into(),
    })
}

#[cfg(test)]
mod tests {
    use imaging::Size;

    use super::*;

    /// Checks what a query means: an order, or the code and the detail of the problem.
    fn check(query: &str, expected: Result<Order, &str>) {
        let parsed =
            Order::parse(Some(query)).map_err(|problem| format!("{}: {problem}", problem.code()));
        assert_eq!(parsed, expected.map_err(str::to_owned), "{query}");
    }

    /// An order that leaves everything else at its default.
    fn plain(bounds: impl Into<Bounds>) -> Order {
        Order::Resize(Options::new(bounds))
    }

    #[test]
    fn the_result_can_be_wished_for() {
        fn check_wish(query: &str, wish: impl Fn(&mut Options)) {
            let mut options = Options::new(Bounds::of_width(9));
            wish(&mut options);
            check(&format!("width=9&{query}"), Ok(Order::Resize(options)));
        }
        check_wish("fit=fit&enlarge=false&linear=false", |_| {});
        check_wish("format=same&metadata=none", |_| {});
        check_wish("turn=upright&shrink=safe", |_| {});
        check_wish("fit=fill&quality=1", |options| {
            options.mode = Mode::Fill(Gravity::Centre);
            options.quality = Some(1);
        });
        check_wish("fit=exact&format=png", |options| {
            options.mode = Mode::Exact;
            options.output = Output::Png;
        });
        check_wish(
            "gravity=south-west&fit=pad&background=00112280",
            |options| {
                options.mode = Mode::Pad(Gravity::SouthWest);
                options.background = [0, 0x11, 0x22, 0x80];
            },
        );
        check_wish("background=%23ff0000&format=webp-lossless", |options| {
            options.background = [255, 0, 0, 255];
            options.output = Output::WebPLossless;
        });
        check_wish("format=jpeg&quality=100&enlarge=true", |options| {
            options.output = Output::Jpeg;
            options.quality = Some(100);
            options.enlarge = Enlarge::Allowed;
        });
        check_wish("format=webp&metadata=copyright&linear=true", |options| {
            options.output = Output::WebP;
            options.metadata = Metadata::Copyright;
            options.light = Light::Linear;
        });
        check_wish("turn=as-stored&shrink=fast&metadata=all", |options| {
            options.turn = Turn::AsStored;
            options.shrink = Shrink::Fast;
            options.metadata = Metadata::All;
        });
    }

    #[test]
    fn a_wish_that_cannot_be_met_says_what_can() {
        for (query, detail) in [
            ("fit=cover", "fit must be fit, fill, exact or pad"),
            (
                "fit=fill&gravity=up",
                "gravity must be centre, north, north-east, east, south-east, south, south-west, west or north-west",
            ),
            ("gravity=north", "gravity needs fit=fill or fit=pad"),
            (
                "gravity=north&fit=exact",
                "gravity needs fit=fill or fit=pad",
            ),
            ("enlarge=1", "enlarge must be true or false"),
            ("linear=", "linear must be true or false"),
            ("metadata=some", "metadata must be none, copyright or all"),
            ("turn=left", "turn must be upright or as-stored"),
            ("shrink=8", "shrink must be safe, fast or off"),
            (
                "background=white",
                "background must be a colour as rrggbb or, with its opacity, rrggbbaa, such as ffffff",
            ),
            ("fit=fit&fit=fit", "fit is given twice"),
        ] {
            check(
                &format!("width=9&{query}"),
                Err(&format!("bad_parameter: parameter {detail}")),
            );
        }
        // Which formats there are depends on the features of the engine.
        let formats = "gif".parse::<Output>().unwrap_err();
        check(
            "width=9&format=gif",
            Err(&format!("bad_parameter: parameter format {formats}")),
        );
        for quality in ["0", "101", "", "high"] {
            check(
                &format!("width=9&quality={quality}"),
                Err("bad_parameter: parameter quality must be a whole number from 1 to 100"),
            );
        }
    }

    #[test]
    fn one_side_or_both_make_a_box() {
        check("width=320&height=200", Ok(plain(Size::new(320, 200))));
        check("height=200&width=320", Ok(plain(Size::new(320, 200))));
        check("width=1", Ok(plain(Bounds::of_width(1))));
        check("height=4294967295", Ok(plain(Bounds::of_height(u32::MAX))));
        check("%77idth=%33", Ok(plain(Bounds::of_width(3))));
        check("width=3&&", Ok(plain(Bounds::of_width(3))));
    }

    #[test]
    fn a_side_that_is_not_given_does_not_bound() {
        let fit = |query, width, height| match Order::parse(Some(query)) {
            Ok(Order::Resize(options)) => options.bounds.fit(Size::new(width, height)),
            order => panic!("{query}: {order:?}"),
        };
        assert_eq!(fit("width=10", 100, 60_000), Size::new(10, 6_000));
        assert_eq!(fit("height=10", 60_000, 100), Size::new(6_000, 10));
        assert_eq!(fit("width=10&height=10", 100, 200), Size::new(5, 10));
    }

    #[test]
    fn a_dry_run_needs_no_size_but_checks_one_that_is_given() {
        check("dry_run=true", Ok(Order::DryRun));
        check("dry_run=true&width=3", Ok(Order::DryRun));
        check("dry_run=false&width=3", Ok(plain(Bounds::of_width(3))));
        check(
            "dry_run=true&width=0",
            Err("bad_parameter: parameter width must be a whole number of pixels, 1 or more"),
        );
    }

    #[test]
    fn without_a_size_there_is_nothing_to_do() {
        assert_eq!(Order::parse(None), Err(Problem::NoSize));
        check(
            "",
            Err("no_size: give width, height or both, as in /resize?width=256&height=256"),
        );
        check(
            "dry_run=false",
            Err("no_size: give width, height or both, as in /resize?width=256&height=256"),
        );
    }

    #[test]
    fn a_wrong_value_names_its_parameter() {
        for value in [
            "0",
            "-1",
            "1.5",
            "a",
            "",
            "4294967296",
            "+",
            "99999999999999999999",
        ] {
            let query = format!("width={value}");
            check(
                &query,
                Err("bad_parameter: parameter width must be a whole number of pixels, 1 or more"),
            );
        }
        check(
            "dry_run=yes&width=3",
            Err("bad_parameter: parameter dry_run must be true or false"),
        );
        check(
            "width=3&width=3",
            Err("bad_parameter: parameter width is given twice"),
        );
    }

    #[test]
    fn an_unknown_parameter_is_named_but_not_at_length() {
        check(
            "widht=3",
            Err(
                "unknown_parameter: unknown parameter \"widht\"; known are width, height, fit, gravity, enlarge, format, quality, background, metadata, linear, turn, shrink and dry_run",
            ),
        );
        let long = "x".repeat(10_000);
        check(
            &long,
            Err(&format!(
                "unknown_parameter: unknown parameter {:?}; known are width, height, fit, gravity, enlarge, format, quality, background, metadata, linear, turn, shrink and dry_run",
                "x".repeat(40)
            )),
        );
    }
}
