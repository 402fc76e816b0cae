//! Rows of figures: ours, each peer's, the ratio to the best peer, and the target.

use std::{borrow::Cow, fmt};

use serde::Serialize;

/// The median of some rounds, and how far they lay apart.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    pub(crate) name: Cow<'static, str>,
    pub(crate) median: f64,
    /// Half the distance between the quartiles.
    pub(crate) spread: f64,
}

impl Figure {
    pub(crate) fn of(name: impl Into<Cow<'static, str>>, mut rounds: Vec<f64>) -> Self {
        rounds.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let index = (rounds.len().saturating_sub(1)) as f64 * share;
            rounds
                .get(index.round() as usize)
                .copied()
                .unwrap_or(f64::NAN)
        };
        Self {
            name: name.into(),
            median: at(0.5),
            spread: (at(0.75) - at(0.25)) / 2.0,
        }
    }
}

/// What a row has to reach.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    /// At most this share of the peer of this name.
    RatioTo(&'static str, f64),
    /// At most this share of the best peer whose name begins like this.
    RatioToBestOf(&'static str, f64),
    /// At most so much more than the best peer, in the row's unit.
    Above(f64),
    /// At most so much less than the best peer, in the row's unit.
    Below(f64),
    /// At most so much, in the row's unit.
    AtMost(f64),
}

/// Which of two figures one would rather have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Better {
    Lower,
    Higher,
}

/// One thing measured, ours beside the peers'.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) unit: &'static str,
    pub(crate) better: Better,
    pub(crate) ours: Figure,
    pub(crate) peers: Vec<Figure>,
    pub(crate) target: Option<Target>,
}

impl Row {
    fn best(&self) -> f64 {
        self.best_of("")
    }

    /// The best figure of the peers whose name begins like this.
    fn best_of(&self, prefix: &str) -> f64 {
        let peers = self.peers.iter();
        let medians = peers.filter_map(|peer| peer.name.starts_with(prefix).then_some(peer.median));
        match self.better {
            Better::Lower => medians.fold(f64::INFINITY, f64::min),
            Better::Higher => medians.fold(f64::NEG_INFINITY, f64::max),
        }
    }

    fn ratio(&self) -> f64 {
        self.ours.median / self.best()
    }

    pub(crate) fn is_ok(&self) -> bool {
        let ours = self.ours.median;
        match self.target {
            None => true,
            Some(Target::AtMost(limit)) => ours <= limit,
            Some(Target::Above(limit)) => ours <= self.best() + limit,
            Some(Target::Below(limit)) => ours >= self.best() - limit,
            Some(Target::RatioToBestOf(prefix, limit)) => ours <= self.best_of(prefix) * limit,
            Some(Target::RatioTo(name, limit)) => self
                .peers
                .iter()
                .filter(|peer| peer.name == name)
                .all(|peer| ours <= peer.median * limit),
        }
    }
}

/// All rows of a suite.
#[derive(Debug, Default)]
pub(crate) struct Rows(pub(crate) Vec<Row>);

/// A row as it is written to a file.
#[derive(Debug, Serialize)]
pub(crate) struct JsonRow {
    name: String,
    unit: &'static str,
    ours: f64,
    peers: serde_json::Map<String, serde_json::Value>,
    ratio: f64,
    target: Option<String>,
    ok: bool,
}

impl Rows {
    pub(crate) fn all_ok(&self) -> bool {
        self.0.iter().all(Row::is_ok)
    }

    /// Those that have a target.
    pub(crate) fn judged(&self) -> impl Iterator<Item = &Row> {
        self.0.iter().filter(|row| row.target.is_some())
    }

    pub(crate) fn to_json(&self) -> Vec<JsonRow> {
        self.0.iter().map(JsonRow::from).collect()
    }
}

impl From<&Row> for JsonRow {
    fn from(row: &Row) -> Self {
        let peers = row
            .peers
            .iter()
            .map(|peer| (peer.name.clone().into_owned(), peer.median.into()))
            .collect();
        let target = row.target.map(|target| target.to_string());
        let (name, unit, ours) = (row.name.clone(), row.unit, row.ours.median);
        Self {
            name,
            unit,
            ours,
            peers,
            ratio: row.ratio(),
            target,
            ok: row.is_ok(),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RatioTo(peer, ratio) => write!(f, "≤ {ratio}× {peer}"),
            Self::RatioToBestOf("", ratio) => write!(f, "≤ {ratio}× best"),
            Self::RatioToBestOf(prefix, ratio) => write!(f, "≤ {ratio}× best {prefix}"),
            Self::Above(more) => write!(f, "≤ best + {more}"),
            Self::Below(less) => write!(f, "≥ best − {less}"),
            Self::AtMost(limit) => write!(f, "≤ {limit}"),
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:.1} ±{:.1}", self.name, self.median, self.spread)
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match (self.target, self.is_ok()) {
            (None, _) => " ",
            (_, true) => "✓",
            (_, false) => "✗",
        };
        let (name, unit, ours) = (&self.name, self.unit, self.ours.to_string());
        write!(f, "{mark} {name:58} {unit:>5}  {ours:22}")?;
        for peer in &self.peers {
            write!(f, "  {peer}")?;
        }
        if !self.peers.is_empty() {
            write!(f, "  ratio {:.2}", self.ratio())?;
        }
        match self.target {
            Some(target) => write!(f, "  target {target}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|row| writeln!(f, "{row}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(better: Better, ours: f64, target: Target) -> Row {
        let figure = |name: &'static str, median| Figure::of(name, vec![median]);
        Row {
            name: "row".to_owned(),
            unit: "µs",
            better,
            ours: figure("ours", ours),
            peers: vec![figure("a/1", 10.0), figure("a/2", 8.0), figure("b/1", 5.0)],
            target: Some(target),
        }
    }

    #[test]
    fn the_best_is_the_lowest_or_the_highest() {
        let any = Target::AtMost(100.0);
        assert_eq!(row(Better::Lower, 2.5, any).ratio(), 0.5);
        assert_eq!(row(Better::Higher, 5.0, any).ratio(), 0.5);
    }

    #[test]
    fn a_ratio_may_be_to_the_best_of_some_peers() {
        for (ours, target, is_ok) in [
            (4.0, Target::RatioToBestOf("", 0.8), true),
            (4.1, Target::RatioToBestOf("", 0.8), false),
            (8.0, Target::RatioToBestOf("a", 1.0), true),
            (8.1, Target::RatioToBestOf("a", 1.0), false),
            (10.0, Target::RatioTo("a/1", 1.0), true),
        ] {
            assert_eq!(
                row(Better::Lower, ours, target).is_ok(),
                is_ok,
                "{ours} {target}"
            );
        }
    }

    #[test]
    fn a_row_may_stay_a_little_below_the_best() {
        for (ours, is_ok) in [(9.0, true), (8.9, false), (12.0, true)] {
            let row = row(Better::Higher, ours, Target::Below(1.0));
            assert_eq!(row.is_ok(), is_ok, "{ours}");
        }
    }

    #[test]
    fn a_figure_is_the_median_and_half_the_distance_of_the_quartiles() {
        let figure = Figure::of("x", vec![5.0, 1.0, 3.0, 2.0, 4.0]);
        assert_eq!((figure.median, figure.spread), (3.0, 1.0));
    }
}
