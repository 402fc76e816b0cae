//! Tables of figures: a row per photo, a column per contender.

use std::fmt;

use anyhow::Result;

use super::photos::Photo;
use crate::{
    rounds::Timed,
    rows::{Better, Figure, Row},
};

const NAME_WIDTH: usize = 34;

/// A table that ends with the geometric mean of each column, in which each photo counts alike.
pub(crate) struct Table {
    title: String,
    unit: &'static str,
    columns: Vec<&'static str>,
    rows: Vec<(String, Vec<f64>)>,
}

impl Table {
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            unit: "ms",
            columns: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Adds a row of median times in milliseconds.
    pub(crate) fn times<T>(&mut self, photo: &Photo, timed: &[Timed<T>]) {
        let milliseconds = timed.iter().map(|timed| timed.median.as_secs_f64() * 1e3);
        self.row(photo, timed, milliseconds.collect());
    }

    /// Adds a row of something that is computed from what the contenders produced.
    pub(crate) fn values<T>(
        &mut self,
        photo: &Photo,
        timed: &[Timed<T>],
        value: impl Fn(&T) -> Result<f64>,
    ) -> Result<()> {
        self.unit = "";
        let values: Result<_> = timed.iter().map(|timed| value(&timed.output)).collect();
        self.row(photo, timed, values?);
        Ok(())
    }

    fn row<T>(&mut self, photo: &Photo, timed: &[Timed<T>], values: Vec<f64>) {
        self.columns = timed.iter().map(|timed| timed.name).collect();
        self.rows
            .push((format!("{} {}", photo.name, photo.size), values));
    }

    /// The same figures as rows: ours is the first column.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row> {
        self.rows.iter().filter_map(|(name, values)| {
            let figure = |(name, value): (&&'static str, &f64)| Figure {
                name: (*name).into(),
                median: *value,
                spread: 0.0,
            };
            let mut figures = self.columns.iter().zip(values).map(figure);
            Some(Row {
                name: format!("{}: {name}", self.title),
                unit: self.unit,
                better: Better::Lower,
                ours: figures.next()?,
                peers: figures.collect(),
                target: None,
            })
        })
    }

    fn means(&self) -> Vec<f64> {
        let mean = |column: usize| {
            let logarithms = self.rows.iter().map(|(_, values)| values[column].ln());
            (logarithms.sum::<f64>() / self.rows.len() as f64).exp()
        };
        (0..self.columns.len()).map(mean).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header: String = self
            .columns
            .iter()
            .map(|name| format!(" {name:>16}"))
            .collect();
        writeln!(formatter, "{}\n{:NAME_WIDTH$}{header}", self.title, "")?;
        for (name, values) in &self.rows {
            writeln!(formatter, "{name:NAME_WIDTH$}{}", cells(values))?;
        }
        writeln!(
            formatter,
            "{:NAME_WIDTH$}{}\n",
            "geometric mean",
            cells(&self.means())
        )
    }
}

fn cells(values: &[f64]) -> String {
    values
        .iter()
        .map(|value| format!(" {value:>16.2}"))
        .collect()
}
