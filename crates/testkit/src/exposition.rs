//! Reads what a program tells a monitor, and holds it to the text format of Prometheus, version 0.0.4.

use std::collections::{BTreeMap, BTreeSet};

/// Reads a page: the value of each series, by its name with its labels.
///
/// # Panics
///
/// If a line is none of the format, a name is not explained before its numbers or twice, a series comes twice, or what only
/// grows is not named so.
#[must_use]
pub fn read(page: &str) -> BTreeMap<String, f64> {
    assert!(page.ends_with('\n'), "the last line has no end");
    let mut families = BTreeSet::new();
    let mut family = ("", "");
    let mut series = BTreeMap::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(explained) = line.strip_prefix("# HELP ") {
            let (name, help) = explained.split_once(' ').expect("a name and its help");
            assert!(is_name(name) && !help.is_empty(), "{line}");
            assert!(families.insert(name), "{name} comes twice");
            let kind = lines.next().and_then(|line| line.strip_prefix("# TYPE "));
            let kind = kind.and_then(|kind| kind.strip_prefix(name));
            family = (name, kind.expect("a type after each help").trim());
            let is_counter = family.1 == "counter";
            assert_eq!(
                is_counter,
                name.ends_with("_total"),
                "{name} is a {}",
                family.1
            );
        } else {
            let (name, value) = line.rsplit_once(' ').expect("a series and its value");
            assert!(belongs(name, family), "{line} is not of {family:?}");
            let value: f64 = value.parse().expect("a number");
            let is_new = series.insert(name.to_owned(), value).is_none();
            assert!(is_new, "{name} comes twice");
        }
    }
    series
}

fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    let is_first = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    letters.next().is_some_and(is_first)
        && letters.all(|letter| is_first(letter) || letter.is_ascii_digit())
}

/// Whether a series is one of the family, with labels that are well-formed.
fn belongs(series: &str, (family, kind): (&str, &str)) -> bool {
    let (name, labels) = match series.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}')),
        None => (series, Some("")),
    };
    let suffixes: &[&str] = match kind {
        "histogram" => &["_bucket", "_sum", "_count"],
        "counter" | "gauge" => &[""],
        _ => &[],
    };
    let suffix = name.strip_prefix(family);
    suffix.is_some_and(|suffix| suffixes.contains(&suffix)) && labels.is_some_and(is_one_label)
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
        let page = "# HELP a_total Some.\n# TYPE a_total counter\na_total{b=\"\\\"}\"} 2\n\
                    # HELP c Others.\n# TYPE c histogram\nc_bucket{le=\"+Inf\"} 1\nc_sum 0.5\nc_count 1\n";
        let series = read(page);
        assert_eq!(series["a_total{b=\"\\\"}\"}"], 2.0);
        assert_eq!(series["c_sum"], 0.5);
        assert_eq!(series.len(), 4);
    }

    #[test]
    #[should_panic(expected = "is not of")]
    fn a_series_of_another_family_is_found() {
        let _ = read("# HELP a Some.\n# TYPE a gauge\nb 1\n");
    }

    #[test]
    #[should_panic(expected = "is not of")]
    fn a_label_without_an_end_is_found() {
        let _ = read("# HELP a Some.\n# TYPE a gauge\na{b=\"c\\\"} 1\n");
    }

    #[test]
    #[should_panic(expected = "comes twice")]
    fn a_series_that_comes_twice_is_found() {
        let _ = read("# HELP a Some.\n# TYPE a gauge\na 1\na 1\n");
    }

    #[test]
    #[should_panic(expected = "is a counter")]
    fn a_counter_of_another_name_is_found() {
        let _ = read("# HELP a Some.\n# TYPE a counter\na 1\n");
    }
}
