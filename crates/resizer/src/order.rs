//! What a request asks for: the query of `POST /resize`, read by a pure function.

use std::num::NonZero;

use imaging::{Gravity, Mode, Options, Output, Size};

use crate::problem::Problem;

/// What to do with the image in the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Resize it.
    Resize(Wish),
    /// Take it and drop it, to measure the way here.
    DryRun,
}

/// What the result is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wish {
    bounds: Bounds,
    mode: Mode,
    output: Output,
    quality: Option<u8>,
}

impl From<Wish> for Options {
    fn from(wish: Wish) -> Self {
        Self {
            mode: wish.mode,
            output: wish.output,
            quality: wish.quality,
            ..Self::new(wish.bounds)
        }
    }
}

/// The box that the result fits into, in pixels. At least one side is bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bounds {
    Width(NonZero<u32>),
    Height(NonZero<u32>),
    Both(NonZero<u32>, NonZero<u32>),
}

/// The parameters as they were found, each at most once.
#[derive(Default)]
struct Found {
    width: Option<NonZero<u32>>,
    height: Option<NonZero<u32>>,
    fit: Option<Mode>,
    format: Option<Output>,
    quality: Option<u8>,
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
            "fit" => once("fit", &mut self.fit, mode(value)?),
            "format" => once("format", &mut self.format, output(value)?),
            "quality" => once("quality", &mut self.quality, quality(value)?),
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
        let bounds = match (self.width, self.height) {
            (Some(width), Some(height)) => Bounds::Both(width, height),
            (Some(width), None) => Bounds::Width(width),
            (None, Some(height)) => Bounds::Height(height),
            (None, None) => return Err(Problem::NoSize),
        };
        Ok(Order::Resize(Wish {
            bounds,
            mode: self.fit.unwrap_or_default(),
            output: self.format.unwrap_or_default(),
            quality: self.quality,
        }))
    }
}

impl From<Bounds> for imaging::Bounds {
    fn from(bounds: Bounds) -> Self {
        match bounds {
            Bounds::Width(width) => Self::of_width(width.get()),
            Bounds::Height(height) => Self::of_height(height.get()),
            Bounds::Both(width, height) => Size::new(width.get(), height.get()).into(),
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

fn mode(value: &str) -> Result<Mode, Problem> {
    Ok(match value {
        "fit" => Mode::Fit,
        "fill" => Mode::Fill(Gravity::Centre),
        "exact" => Mode::Exact,
        "pad" => Mode::Pad(Gravity::Centre),
        _ => return Err(bad("fit", "must be fit, fill, exact or pad")),
    })
}

fn output(value: &str) -> Result<Output, Problem> {
    Ok(match value {
        "jpeg" => Output::Jpeg,
        "png" => Output::Png,
        "webp" => Output::WebP,
        _ => return Err(bad("format", "must be jpeg, png or webp")),
    })
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
    use super::*;

    /// Checks what a query means: an order, or the code and the detail of the problem.
    fn check(query: &str, expected: Result<Order, &str>) {
        let parsed =
            Order::parse(Some(query)).map_err(|problem| format!("{}: {problem}", problem.code()));
        assert_eq!(parsed, expected.map_err(str::to_owned), "{query}");
    }

    fn px(pixels: u32) -> NonZero<u32> {
        NonZero::new(pixels).unwrap()
    }

    /// An order that leaves everything else at its default.
    fn plain(bounds: Bounds) -> Order {
        Order::Resize(Wish {
            bounds,
            mode: Mode::Fit,
            output: Output::Same,
            quality: None,
        })
    }

    #[test]
    fn the_result_can_be_wished_for() {
        for (query, mode, output, quality) in [
            (
                "fit=fill&quality=1",
                Mode::Fill(Gravity::Centre),
                Output::Same,
                Some(1),
            ),
            ("fit=exact&format=png", Mode::Exact, Output::Png, None),
            (
                "fit=pad&format=jpeg&quality=100",
                Mode::Pad(Gravity::Centre),
                Output::Jpeg,
                Some(100),
            ),
            ("fit=fit&format=webp", Mode::Fit, Output::WebP, None),
        ] {
            let wish = Wish {
                bounds: Bounds::Width(px(9)),
                mode,
                output,
                quality,
            };
            check(&format!("width=9&{query}"), Ok(Order::Resize(wish)));
        }
    }

    #[test]
    fn a_wish_that_cannot_be_met_says_what_can() {
        check(
            "width=9&fit=cover",
            Err("bad_parameter: parameter fit must be fit, fill, exact or pad"),
        );
        check(
            "width=9&format=gif",
            Err("bad_parameter: parameter format must be jpeg, png or webp"),
        );
        for quality in ["0", "101", "", "high"] {
            check(
                &format!("width=9&quality={quality}"),
                Err("bad_parameter: parameter quality must be a whole number from 1 to 100"),
            );
        }
        check(
            "width=9&fit=fit&fit=fit",
            Err("bad_parameter: parameter fit is given twice"),
        );
    }

    #[test]
    fn one_side_or_both_make_a_box() {
        check(
            "width=320&height=200",
            Ok(plain(Bounds::Both(px(320), px(200)))),
        );
        check(
            "height=200&width=320",
            Ok(plain(Bounds::Both(px(320), px(200)))),
        );
        check("width=1", Ok(plain(Bounds::Width(px(1)))));
        check("height=4294967295", Ok(plain(Bounds::Height(px(u32::MAX)))));
        check("%77idth=%33", Ok(plain(Bounds::Width(px(3)))));
        check("width=3&&", Ok(plain(Bounds::Width(px(3)))));
    }

    #[test]
    fn a_side_that_is_not_given_does_not_bound() {
        let fit = |query, width, height| match Order::parse(Some(query)) {
            Ok(Order::Resize(wish)) => {
                imaging::Bounds::from(wish.bounds).fit(Size::new(width, height))
            }
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
        check("dry_run=false&width=3", Ok(plain(Bounds::Width(px(3)))));
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
                "unknown_parameter: unknown parameter \"widht\"; known are width, height, fit, format, quality and dry_run",
            ),
        );
        let long = "x".repeat(10_000);
        check(
            &long,
            Err(&format!(
                "unknown_parameter: unknown parameter {:?}; known are width, height, fit, format, quality and dry_run",
                "x".repeat(40)
            )),
        );
    }
}
