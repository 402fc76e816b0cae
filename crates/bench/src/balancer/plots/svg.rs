//! Draws SVG: bars for one scenario, lines for what grows with the number of sessions.

use std::fmt::Write;

/// How wide a plot is, and how much of that is left for names.
const WIDTH: f64 = 720.0;
const NAMES: f64 = 170.0;

/// How high a bar is with the room around it, and a plot of lines without its title.
const BAR: f64 = 22.0;
const LINES: f64 = 320.0;

/// The room for the title, and below and beside a plot.
const TITLE: f64 = 40.0;
const MARGIN: f64 = 40.0;

/// One bar, or one point.
#[derive(Debug, Clone)]
pub(crate) struct Bar {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) spread: f64,
}

/// A figure of one scenario, for each contestant.
#[derive(Debug, Clone)]
pub(crate) struct Bars {
    pub(crate) title: String,
    pub(crate) unit: &'static str,
    pub(crate) bars: Vec<Bar>,
}

/// A figure over the number of sessions, for each contestant.
#[derive(Debug, Clone)]
pub(crate) struct Lines {
    pub(crate) title: String,
    pub(crate) unit: &'static str,
    pub(crate) lines: Vec<(String, Vec<(f64, f64)>)>,
}

impl Bars {
    pub(crate) fn to_svg(&self) -> String {
        let height = TITLE + BAR * self.bars.len() as f64 + MARGIN / 2.0;
        let most = highest(self.bars.iter().map(|bar| bar.value + bar.spread));
        let scale = (WIDTH - NAMES - 2.0 * MARGIN) / most;
        let mut svg = opening(&self.title, self.unit, height);
        for (row, bar) in self.bars.iter().enumerate() {
            let top = TITLE + BAR * row as f64;
            let (middle, color) = (top + BAR / 2.0, color(&bar.name));
            text(&mut svg, (NAMES - 6.0, middle + 4.0), "end", &bar.name);
            let width = bar.value * scale;
            let thick = BAR - 6.0;
            let _ = write!(
                svg,
                r#"<rect x="{NAMES}" y="{:.1}" width="{width:.1}" height="{thick}" fill="{color}"/>"#,
                top + 3.0,
            );
            let (low, high) = (bar.value - bar.spread, bar.value + bar.spread);
            let _ = write!(
                svg,
                r#"<path d="M{:.1} {middle:.1}H{:.1}" stroke="black"/>"#,
                NAMES + low.max(0.0) * scale,
                NAMES + high * scale,
            );
            let end = NAMES + high * scale + 6.0;
            text(&mut svg, (end, middle + 4.0), "start", &short(bar.value));
        }
        svg + "</svg>\n"
    }
}

impl Lines {
    pub(crate) fn to_svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|(_, points)| points);
        let axes = Axes {
            most_x: highest(points().map(|point| point.0)).max(2.0),
            most_y: highest(points().map(|point| point.1)),
        };
        let mut svg = opening(&self.title, self.unit, Axes::BOTTOM + MARGIN);
        axes.draw(&mut svg, points().map(|point| point.0).collect());
        for (row, (name, points)) in self.lines.iter().enumerate() {
            let path: Vec<_> = points
                .iter()
                .map(|point| axes.place(*point))
                .map(|(x, y)| format!("{x:.1},{y:.1}"))
                .collect();
            let (path, style) = (path.join(" "), style(name));
            let _ = write!(svg, r#"<polyline points="{path}" fill="none" {style}/>"#);
            let (left, at) = (MARGIN * 2.0 + Axes::WIDTH, TITLE + 20.0 * row as f64);
            let _ = write!(svg, r#"<path d="M{left:.1} {at:.1}h24" {style}/>"#);
            text(&mut svg, (left + 30.0, at + 4.0), "start", name);
        }
        svg + "</svg>\n"
    }
}

/// The axes of a plot of lines; the number of sessions is on a logarithmic scale.
struct Axes {
    most_x: f64,
    most_y: f64,
}

impl Axes {
    const WIDTH: f64 = WIDTH - NAMES - 2.0 * MARGIN;
    const BOTTOM: f64 = TITLE + LINES;

    fn place(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let across = x.max(1.0).ln() / self.most_x.ln();
        let up = y / self.most_y;
        (MARGIN + across * Self::WIDTH, Self::BOTTOM - up * LINES)
    }

    fn draw(&self, svg: &mut String, mut numbers: Vec<f64>) {
        for step in 0..=4 {
            let y = self.most_y * f64::from(step) / 4.0;
            let (at, width) = (self.place((1.0, y)).1, Self::WIDTH);
            let _ = write!(
                svg,
                r##"<path d="M{MARGIN} {at:.1}h{width:.1}" stroke="#ccc"/>"##
            );
            text(svg, (MARGIN - 4.0, at + 4.0), "end", &short(y));
        }
        numbers.sort_by(f64::total_cmp);
        let mut last = f64::NEG_INFINITY;
        for number in numbers {
            let at = self.place((number, 0.0)).0;
            // There is no room for every number.
            if at - last >= MARGIN {
                last = at;
                text(svg, (at, Self::BOTTOM + 16.0), "middle", &short(number));
            }
        }
        let middle = MARGIN + Self::WIDTH / 2.0;
        text(svg, (middle, Self::BOTTOM + 32.0), "middle", "sessions");
    }
}

fn opening(title: &str, unit: &str, height: f64) -> String {
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>"#
    );
    let _ = write!(
        svg,
        r#"<text x="{}" y="22" font-size="14" text-anchor="middle">{}, {}</text>"#,
        WIDTH / 2.0,
        escaped(title),
        escaped(unit)
    );
    svg
}

fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, content: &str) {
    let content = escaped(content);
    let _ = write!(
        svg,
        r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{content}</text>"#
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// The highest of some values, or one if none is higher than nought.
fn highest(values: impl Iterator<Item = f64>) -> f64 {
    let most = values.filter(|value| value.is_finite()).fold(0.0, f64::max);
    if most > 0.0 { most } else { 1.0 }
}

/// Ours stand out; the others are told apart by family.
fn color(name: &str) -> &'static str {
    match name {
        _ if name.starts_with("haproxy") => "#5b7db1",
        _ if name.starts_with("nginx") => "#6a9a5b",
        _ if name.starts_with("direct") => "#999999",
        _ => "#d9480f",
    }
}

/// A line: members of a family have different dashes, and one thread is thinner than two.
fn style(name: &str) -> String {
    let dashes = match name.split_once('/').map_or(name, |(name, _)| name) {
        name if name.ends_with("splice-256k") => "2 3",
        name if name.ends_with("256k") => "8 3",
        name if name.ends_with("splice") => "8 3 2 3",
        _ => "none",
    };
    let width = if name.ends_with("/1") { 1.5 } else { 3.5 };
    let color = color(name);
    format!(r#"stroke="{color}" stroke-width="{width}" stroke-dasharray="{dashes}""#)
}

fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || size == 0.0 || value.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(name: &str, value: f64) -> Bar {
        Bar {
            name: name.to_owned(),
            value,
            spread: 0.0,
        }
    }

    #[test]
    fn bars_are_as_long_as_their_values_and_text_is_escaped() {
        let svg = Bars {
            title: "a < b".to_owned(),
            unit: "µs/op",
            bars: vec![bar("balancer/1", 50.0), bar("haproxy/1", 100.0)],
        }
        .to_svg();
        let room = WIDTH - NAMES - 2.0 * MARGIN;
        assert!(svg.contains(&format!(r#"width="{room:.1}""#)), "{svg}");
        assert!(
            svg.contains(&format!(r#"width="{:.1}""#, room / 2.0)),
            "{svg}"
        );
        assert!(svg.contains("a &lt; b, µs/op"), "{svg}");
        assert!(svg.ends_with("</svg>\n"));
    }

    #[test]
    fn lines_go_from_the_left_to_the_right_and_nothing_divides_by_nought() {
        let line = ("balancer/1".to_owned(), vec![(1.0, 2.0), (1000.0, 4.0)]);
        let plot = |lines| Lines {
            title: "CPU".to_owned(),
            unit: "µs/op",
            lines,
        };
        let svg = plot(vec![line]).to_svg();
        let right = WIDTH - NAMES - MARGIN;
        assert!(
            svg.contains(&format!(r#"points="40.0,200.0 {right:.1},40.0""#)),
            "{svg}"
        );
        let nothing = plot(vec![("x".to_owned(), vec![(1.0, 0.0)])]).to_svg();
        assert!(!nothing.contains("NaN") && !nothing.contains("inf"));
    }
}
