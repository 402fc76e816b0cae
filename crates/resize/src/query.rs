//! What is asked of the resizers, as the query of a request.

use std::fmt::Display;

use imaging::{Options, SETTINGS};

/// Writes options as a query. What is at its default is left out, so that also older resizers understand what they can.
pub(crate) fn query(options: &Options) -> String {
    let mut query = Query::default();
    query.add("width", options.bounds.width);
    query.add("height", options.bounds.height);
    for setting in SETTINGS {
        query.add(setting.name, setting.write(options));
    }
    query.0
}

#[derive(Default)]
struct Query(String);

impl Query {
    /// Adds a parameter. Neither names nor values have characters that would have to be escaped.
    fn add(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            let separator = if self.0.is_empty() { "" } else { "&" };
            self.0.push_str(&format!("{separator}{name}={value}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use imaging::{Bounds, Enlarge, Gravity, Mode, Output, Size};

    use super::*;

    #[test]
    fn only_what_is_unusual_is_asked_for() {
        assert_eq!(
            query(&Options::new(Size::new(64, 48))),
            "width=64&height=48"
        );
        assert_eq!(query(&Options::new(Bounds::of_height(48))), "height=48");
        let options = Options {
            mode: Mode::Fill(Gravity::Centre),
            quality: Some(7),
            ..Options::new(Bounds::of_width(64))
        };
        assert_eq!(query(&options), "width=64&fit=fill&quality=7");
    }

    #[test]
    fn what_is_unusual_is_asked_for_in_the_words_of_the_table() {
        let options = Options {
            mode: Mode::Pad(Gravity::NorthEast),
            enlarge: Enlarge::Allowed,
            output: Output::WebPLossless,
            background: [1, 2, 3, 4],
            ..Options::new(Size::new(9, 8))
        };
        assert_eq!(
            query(&options),
            "width=9&height=8&fit=pad&gravity=north-east&enlarge=true&format=webp-lossless&background=01020304"
        );
    }
}
