//! Rows of figures: ours, each peer's, the ratio to the best peer, and the target.

use std::fmt;

use serde::Serialize;

/// The median of some rounds, and how far they lay apart.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) median: f64,
    /// Half the distance between the quartiles.
    pub(crate) spread: f64,
}

impl Figure {
    pub(crate) fn of(name: &'static str, mut rounds: Vec<f64>) -> Self {
        rounds.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let index = (rounds.len().saturating_sub(1)) as f64 * share;
            rounds
                .get(index.round() as usize)
                .copied()
                .unwrap_or(f64::NAN)
        };
        Self {
            name,
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
    /// At most so much more than the best peer, in the row's unit.
    Above(f64),
    /// At most so much, in the row's unit.
    AtMost(f64),
}

/// One thing measured, ours beside the peers'.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) unit: &'static str,
    pub(crate) ours: Figure,
    pub(crate) peers: Vec<Figure>,
    pub(crate) target: Option<Target>,
}

impl Row {
    fn best(&self) -> f64 {
        self.peers
            .iter()
            .map(|peer| peer.median)
            .fold(f64::INFINITY, f64::min)
    }

    fn ratio(&self) -> f64 {
        self.ours.median / self.best()
    }

    fn is_ok(&self) -> bool {
        let ours = self.ours.median;
        match self.target {
            None => true,
            Some(Target::AtMost(limit)) => ours <= limit,
            Some(Target::Above(limit)) => ours <= self.best() + limit,
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

    pub(crate) fn to_json(&self) -> Vec<JsonRow> {
        self.0.iter().map(JsonRow::from).collect()
    }
}

impl From<&Row> for JsonRow {
    fn from(row: &Row) -> Self {
        let peers = row
            .peers
            .iter()
            .map(|peer| (peer.name.to_owned(), peer.median.into()))
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
            Self::Above(more) => write!(f, "≤ best + {more}"),
            Self::AtMost(limit) => write!(f, "≤ {limit}"),
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:.1} ±{:.1}", self.name, self.median, self.spread)
    }
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.0 {
            let mark = match (row.target, row.is_ok()) {
                (None, _) => " ",
                (_, true) => "✓",
                (_, false) => "✗",
            };
            write!(
                f,
                "{mark} {:58} {:>5}  {:22}",
                row.name,
                row.unit,
                row.ours.to_string()
            )?;
            for peer in &row.peers {
                write!(f, "  {peer}")?;
            }
            write!(f, "  ratio {:.2}", row.ratio())?;
            match row.target {
                Some(target) => writeln!(f, "  target {target}")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}
