//! What a request asks for: the query of `POST /resize`, read by a pure function.

use std::{borrow::Cow, num::NonZero};

use imaging::{Bounds, Options, SETTINGS, Setting};

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
struct Found<'q> {
    width: Option<NonZero<u32>>,
    height: Option<NonZero<u32>>,
    dry_run: Option<bool>,
    /// What is said of each setting of the table, in its order.
    settings: [Option<Cow<'q, str>>; SETTINGS.len()],
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
            found.put(&name, value)?;
        }
        found.order()
    }
}

impl<'q> Found<'q> {
    fn put(&mut self, name: &str, value: Cow<'q, str>) -> Result<(), Problem> {
        match name {
            "width" => once("width", &mut self.width, side("width", &value)?),
            "height" => once("height", &mut self.height, side("height", &value)?),
            "dry_run" => once("dry_run", &mut self.dry_run, truth("dry_run", &value)?),
            _ => {
                let mut settings = SETTINGS.iter().zip(&mut self.settings);
                match settings.find(|(setting, _)| setting.name == name) {
                    Some((setting, place)) => once(setting.name, place, value),
                    None => Err(Problem::UnknownParameter {
                        name: name.chars().take(ECHOED_CHARS_MAX).collect(),
                    }),
                }
            }
        }
    }

    fn order(self) -> Result<Order, Problem> {
        let mut options = Options::new(Bounds {
            width: self.width.map(NonZero::get),
            height: self.height.map(NonZero::get),
        });
        for (setting, said) in SETTINGS.iter().zip(self.settings) {
            if let Some(text) = said {
                read(setting, &text, &mut options)?;
            }
        }
        match (self.dry_run, self.width, self.height) {
            (Some(true), _, _) => Ok(Order::DryRun),
            (_, None, None) => Err(Problem::NoSize),
            _ => Ok(Order::Resize(options)),
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

fn read(setting: &Setting, text: &str, options: &mut Options) -> Result<(), Problem> {
    let bad = |error: imaging::SettingError| Problem::BadParameter {
        name: setting.name,
        why: error.to_string(),
    };
    setting.read(text, options).map_err(bad)
}

fn truth(name: &'static str, value: &str) -> Result<bool, Problem> {
    value.parse().map_err(|_| Problem::BadParameter {
        name,
        why: "must be true or false".into(),
    })
}

#[cfg(test)]
mod tests {
    use imaging::{Gravity, Light, Mode, Size};

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
    fn the_result_can_be_wished_for_in_the_words_of_the_table() {
        let wished = Options {
            mode: Mode::Pad(Gravity::SouthWest),
            background: [255, 0, 0, 255],
            light: Light::Linear,
            ..Options::new(Bounds::of_width(9))
        };
        check(
            "gravity=south-west&linear=true&width=9&fit=pad&background=%23ff0000",
            Ok(Order::Resize(wished)),
        );
    }

    #[test]
    fn every_setting_is_a_parameter() {
        for setting in SETTINGS {
            let value = match setting.name {
                "fit" => "pad".to_owned(),
                "quality" => "7".to_owned(),
                _ => setting.usual(),
            };
            let query = format!("width=9&{}={value}", setting.name);
            let query = query.replace("gravity", "fit=fill&gravity");
            assert!(Order::parse(Some(&query)).is_ok(), "{query}");
            let twice = format!("{query}&{}={value}", setting.name);
            let said = format!("bad_parameter: parameter {} is given twice", setting.name);
            check(&twice, Err(&said));
        }
    }

    #[test]
    fn a_wish_that_cannot_be_met_says_what_can() {
        for (query, detail) in [
            ("fit=cover", "fit must be fit, fill, exact or pad"),
            (
                "gravity=north",
                "gravity has no effect unless fit is fill or pad",
            ),
            ("enlarge=1", "enlarge must be true or false"),
            ("quality=", "quality must be a whole number from 1 to 100"),
        ] {
            check(
                &format!("width=9&{query}"),
                Err(&format!("bad_parameter: parameter {detail}")),
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
                "unknown_parameter: unknown parameter \"widht\"; known are width, height, dry_run, fit, gravity, enlarge, format, quality, background, metadata, linear, turn, shrink",
            ),
        );
        let long = "x".repeat(10_000);
        check(
            &long,
            Err(&format!(
                "unknown_parameter: unknown parameter {:?}; known are width, height, dry_run, fit, gravity, enlarge, format, quality, background, metadata, linear, turn, shrink",
                "x".repeat(40)
            )),
        );
    }
}
