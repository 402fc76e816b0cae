//! What is asked of the resizers, as the query of a request.

use std::fmt::Display;

use imaging::{Colour, Enlarge, Light, Options};

/// Writes options as a query. What is at its default is left out, so that also older resizers understand what they can.
pub(crate) fn query(options: &Options) -> String {
    let usual = Options::new(options.bounds);
    let mut query = Query::default();
    query.add("width", options.bounds.width);
    query.add("height", options.bounds.height);
    query.add("fit", unusual(options.mode, &usual.mode));
    let gravity = options.mode.gravity().unwrap_or_default();
    query.add("gravity", unusual(gravity, &<_>::default()));
    query.add(
        "enlarge",
        (options.enlarge == Enlarge::Allowed).then_some(true),
    );
    query.add("format", unusual(options.output, &usual.output));
    query.add("quality", options.quality);
    let background = unusual(options.background, &usual.background);
    query.add("background", background.map(Colour));
    query.add("metadata", unusual(options.metadata, &usual.metadata));
    query.add("linear", (options.light == Light::Linear).then_some(true));
    query.add("turn", unusual(options.turn, &usual.turn));
    query.add("shrink", unusual(options.shrink, &usual.shrink));
    query.0
}

fn unusual<T: PartialEq>(value: T, usual: &T) -> Option<T> {
    (value != *usual).then_some(value)
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
    use imaging::{Bounds, Gravity, Metadata, Mode, Output, Shrink, Size, Turn};

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
    fn all_that_can_be_wished_for_is_asked_for() {
        let options = Options {
            mode: Mode::Pad(Gravity::NorthEast),
            enlarge: Enlarge::Allowed,
            turn: Turn::AsStored,
            output: Output::WebPLossless,
            quality: Some(100),
            background: [1, 2, 3, 4],
            metadata: Metadata::Copyright,
            light: Light::Linear,
            shrink: Shrink::Fast,
            ..Options::new(Size::new(9, 8))
        };
        assert_eq!(
            query(&options),
            "width=9&height=8&fit=pad&gravity=north-east&enlarge=true&format=webp-lossless&quality=100\
             &background=01020304&metadata=copyright&linear=true&turn=as-stored&shrink=fast"
        );
    }
}
