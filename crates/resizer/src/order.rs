//! What a request asks for: the query of `POST /resize`, read by a pure function.

use std::num::NonZero;

use imaging::Size;

use crate::problem::Problem;

/// What to do with the image in the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Resize it to fit into this box.
    Resize(Bounds),
    /// Take it and drop it, to measure the way here.
    DryRun,
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
        match (self.width, self.height) {
            (Some(width), Some(height)) => Ok(Order::Resize(Bounds::Both(width, height))),
            (Some(width), None) => Ok(Order::Resize(Bounds::Width(width))),
            (None, Some(height)) => Ok(Order::Resize(Bounds::Height(height))),
            (None, None) => Err(Problem::NoSize),
        }
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

    #[test]
    fn one_side_or_both_make_a_box() {
        check(
            "width=320&height=200",
            Ok(Order::Resize(Bounds::Both(px(320), px(200)))),
        );
        check(
            "height=200&width=320",
            Ok(Order::Resize(Bounds::Both(px(320), px(200)))),
        );
        check("width=1", Ok(Order::Resize(Bounds::Width(px(1)))));
        check(
            "height=4294967295",
            Ok(Order::Resize(Bounds::Height(px(u32::MAX)))),
        );
        check("%77idth=%33", Ok(Order::Resize(Bounds::Width(px(3)))));
        check("width=3&&", Ok(Order::Resize(Bounds::Width(px(3)))));
    }

    #[test]
    fn a_side_that_is_not_given_does_not_bound() {
        let fit = |query, width, height| match Order::parse(Some(query)) {
            Ok(Order::Resize(bounds)) => {
                imaging::Bounds::from(bounds).fit(Size::new(width, height))
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
        check(
            "dry_run=false&width=3",
            Ok(Order::Resize(Bounds::Width(px(3)))),
        );
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
                "unknown_parameter: unknown parameter \"widht\"; known are width, height and dry_run",
            ),
        );
        let long = "x".repeat(10_000);
        check(
            &long,
            Err(&format!(
                "unknown_parameter: unknown parameter {:?}; known are width, height and dry_run",
                "x".repeat(40)
            )),
        );
    }
}
