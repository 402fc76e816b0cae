//! Reads what a program tells a monitor, and holds it to the text format of OpenMetrics, version 1.0.0.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::str::Lines;

/// Numbers of one name, as they are explained before them.
#[derive(Debug)]
struct Family<'p> {
    name: &'p str,
    kind: &'p str,
}

/// Reads a page: the value of each series, by its name with its labels.
///
/// # Panics
///
/// If the page does not end as it says, a line is none of the format, a name is not explained before its numbers or twice, a name
/// lacks its unit, or a series comes twice.
#[must_use]
pub fn read(page: &str) -> BTreeMap<String, f64> {
    let page = page.strip_suffix("# EOF\n").expect("a last line");
    let mut families = BTreeSet::new();
    let mut series = BTreeMap::new();
    let mut lines = page.lines().peekable();
    while let Some(family) = next_family(&mut lines) {
        assert!(families.insert(family.name), "{} comes twice", family.name);
        while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').expect("a series and its value");
            assert!(family.has(name), "{line} is not of {family:?}");
            let value: f64 = value.parse().expect("a number");
            let is_new = series.insert(name.to_owned(), value).is_none();
            assert!(is_new, "{name} comes twice");
        }
    }
    series
}

/// Reads what explains the next numbers.
fn next_family<'p>(lines: &mut Peekable<Lines<'p>>) -> Option<Family<'p>> {
    let line = lines.next()?;
    let explained = line.strip_prefix("# HELP ").expect("help before numbers");
    let (name, help) = explained.split_once(' ').expect("a name and its help");
    assert!(is_name(name) && !help.is_empty(), "{line}");
    let kind = lines.next().and_then(|line| about("TYPE", name, line));
    let kind = kind.expect("a type after each help");
    // What is at its end on each line of a counter is no part of its name.
    assert!(!name.ends_with("_total"), "{name} is a {kind}");
    if let Some(line) = lines.next_if(|line| line.starts_with("# UNIT ")) {
        let unit = about("UNIT", name, line).expect("the unit of the same name");
        let is_last = name
            .strip_suffix(unit)
            .is_some_and(|name| name.ends_with('_'));
        assert!(is_last, "{name} lacks its unit, {unit}");
    }
    Some(Family { name, kind })
}

/// What a line of this kind says about this name.
fn about<'p>(kind: &str, name: &str, line: &'p str) -> Option<&'p str> {
    let line = line.strip_prefix("# ")?.strip_prefix(kind)?;
    line.strip_prefix(' ')?
        .strip_prefix(name)?
        .strip_prefix(' ')
}

impl Family<'_> {
    /// Whether a series is one of the family, with labels that are well-formed.
    fn has(&self, series: &str) -> bool {
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}')),
            None => (series, Some("")),
        };
        let suffixes: &[&str] = match self.kind {
            "histogram" => &["_bucket", "_sum", "_count"],
            "counter" => &["_total"],
            "gauge" => &[""],
            _ => &[],
        };
        let suffix = name.strip_prefix(self.name);
        suffix.is_some_and(|suffix| suffixes.contains(&suffix)) && labels.is_some_and(is_one_label)
    }
}

fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    let is_first = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    letters.next().is_some_and(is_first)
        && letters.all(|letter| is_first(letter) || letter.is_ascii_digit())
}

/// Whether it is `name="text"`, with quotes in the text escaped; or nothing.
fn is_one_label(text: &str) -> bool {
    let Some((name, text)) = text.split_once("=\"") else {
        return text.is_empty();
    };
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => return is_name(name) && letters.next().is_none(),
            '\\' if !matches!(letters.next(), Some('\\' | '"' | 'n')) => return false,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_by_its_series() {
        let page = "# HELP a Some.\n# TYPE a counter\na_total{b=\"\\\"}\"} 2\n\
                    # HELP c_seconds Others.\n# TYPE c_seconds histogram\n# UNIT c_seconds seconds\n\
                    c_seconds_sum 0.5\nc_seconds_count 1\nc_seconds_bucket{le=\"+Inf\"} 1\n# EOF\n";
        let series = read(page);
        assert_eq!(series["a_total{b=\"\\\"}\"}"], 2.0);
        assert_eq!(series["c_seconds_sum"], 0.5);
        assert_eq!(series.len(), 4);
    }

    #[test]
    #[should_panic(expected = "a last line")]
    fn a_page_that_was_cut_is_found() {
        let _ = read("# HELP a Some.\n# TYPE a gauge\na 1\n");
    }

    #[test]
    #[should_panic(expected = "is not of")]
    fn a_series_of_another_family_is_found() {
        let _ = read("# HELP a Some.\n# TYPE a gauge\nb 1\n# EOF\n");
    }

    #[test]
    #[should_panic(expected = "is not of")]
    fn a_label_without_an_end_is_found() {
        let _ = read("# HELP a Some.\n# TYPE a gauge\na{b=\"c\\\"} 1\n# EOF\n");
    }

    #[test]
    #[should_panic(expected = "comes twice")]
    fn a_series_that_comes_twice_is_found() {
        let _ = read("# HELP a Some.\n# TYPE a gauge\na 1\na 1\n# EOF\n");
    }

    #[test]
    #[should_panic(expected = "comes twice")]
    fn a_family_that_comes_twice_is_found() {
        let _ = read(
            "# HELP a Some.\n# TYPE a gauge\na 1\n# HELP a Some.\n# TYPE a counter\na_total 1\n# EOF\n",
        );
    }

    #[test]
    #[should_panic(expected = "is a counter")]
    fn a_counter_whose_family_says_total_is_found() {
        let _ = read("# HELP a_total Some.\n# TYPE a_total counter\na_total 1\n# EOF\n");
    }

    #[test]
    #[should_panic(expected = "lacks its unit")]
    fn a_name_without_its_unit_is_found() {
        let _ = read("# HELP a Some.\n# TYPE a gauge\n# UNIT a bytes\na 1\n# EOF\n");
    }
}
