//! What a program counts, as a page that monitors read: the text format of Prometheus, version 0.0.4.
//!
//! Numbers are where they are counted; a [`Page`] is written of them when somebody asks.
//!
//! # Examples
//!
//! ```
//! use metrics::Page;
//!
//! let mut page = Page::default();
//! page.gauge("bakery_ovens", "Ovens that are hot.").value(2);
//! page.counter("bakery_loaves_total", "Loaves baked, by kind.")
//!     .sample("kind", "rye", 40)
//!     .sample("kind", "\"white\"", 7);
//! assert_eq!(page.to_string(), r#"# HELP bakery_ovens Ovens that are hot.
//! ## TYPE bakery_ovens gauge
//! bakery_ovens 2
//! ## HELP bakery_loaves_total Loaves baked, by kind.
//! ## TYPE bakery_loaves_total counter
//! bakery_loaves_total{kind="rye"} 40
//! bakery_loaves_total{kind="\"white\""} 7
//! "#);
//! ```

mod histogram;

use std::fmt::{self, Display, Formatter};

pub use histogram::Histogram;

/// The `Content-Type` of a page.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The numbers of a program at one moment; printed, it is what a monitor reads.
///
/// Names follow the [conventions](https://prometheus.io/docs/practices/naming/): the program first, base units, `_total` at the end of what
/// only grows.
#[derive(Debug, Default)]
pub struct Page {
    text: String,
}

/// Numbers of one name.
#[derive(Debug)]
pub struct Family<'p> {
    text: &'p mut String,
    name: &'static str,
}

impl Page {
    /// Begins numbers that only grow.
    pub fn counter(&mut self, name: &'static str, help: &str) -> Family<'_> {
        debug_assert!(name.ends_with("_total"), "{name} is no name of a counter");
        self.begin(name, help, "counter")
    }

    /// Begins numbers that rise and fall.
    pub fn gauge(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.begin(name, help, "gauge")
    }

    /// Adds how often there were values up to each bound.
    pub fn histogram(&mut self, name: &'static str, help: &str, histogram: &Histogram) {
        let family = self.begin(name, help, "histogram");
        histogram.write(family.text, name);
    }

    fn begin(&mut self, name: &'static str, help: &str, kind: &str) -> Family<'_> {
        self.text += &format!("# HELP {name} {help}\n# TYPE {name} {kind}\n");
        Family {
            text: &mut self.text,
            name,
        }
    }
}

impl Display for Page {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl Family<'_> {
    /// Adds the only number of this name.
    pub fn value(&mut self, value: impl Display) {
        *self.text += &format!("{} {value}\n", self.name);
    }

    /// Adds one of several numbers, told apart by a label. There should be few of them, whatever a client does.
    pub fn sample(&mut self, label: &str, text: &str, value: impl Display) -> &mut Self {
        let text = escaped(text);
        *self.text += &format!("{}{{{label}=\"{text}\"}} {value}\n", self.name);
        self
    }
}

/// The text of a label, as it stands between quotes.
fn escaped(text: &str) -> String {
    text.replace('\\', r"\\")
        .replace('"', r#"\""#)
        .replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_ends_where_it_is_said_to_end() {
        let mut page = Page::default();
        page.gauge("a", "b").sample("c", "\"}\\\n 1", 2);
        assert_eq!(
            page.to_string(),
            "# HELP a b\n# TYPE a gauge\na{c=\"\\\"}\\\\\\n 1\"} 2\n"
        );
    }
}
