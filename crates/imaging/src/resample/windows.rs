//! Which samples become one, and how much of each.

use std::f64::consts::PI;
use std::ops::Range;

/// How many bits of a weight are behind the point. Those of a window sum to one exactly, so that what is flat stays so.
pub(crate) const WEIGHT_BITS: u32 = 14;
const ONE: i16 = 1 << WEIGHT_BITS;
/// More are not averaged at once, so that their sum fits into 32 bits.
const STEPS_MAX: f64 = 256.0;
/// Where Lanczos3 reaches that far, its weights have too few bits. That means of pixels leave such a factor changes nothing.
pub(crate) const FAR: f64 = 64.0;

/// How samples are weighted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filter {
    /// The window of Lanczos with three lobes, widened by the scale.
    Lanczos3,
    /// A triangle: linear interpolation where there are fewer samples than wanted.
    Triangle,
}

impl Filter {
    /// How far it reaches, in samples of the coarser side.
    const fn reach(self) -> f64 {
        match self {
            Self::Lanczos3 => 3.0,
            Self::Triangle => 1.0,
        }
    }

    fn weight(self, x: f64) -> f64 {
        let x = x.abs();
        match self {
            _ if x >= self.reach() => 0.0,
            _ if x == 0.0 => 1.0,
            Self::Lanczos3 => {
                // sin(3a) = 3 sin(a) - 4 sin(a)^3, and computing sines is most of the work of a window.
                let third = (PI * x / 3.0).sin();
                3.0 * (3.0 - 4.0 * third * third) * third * third / (PI * x).powi(2)
            }
            Self::Triangle => 1.0 - x,
        }
    }
}

/// One side of a picture that is scaled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Side {
    /// How many samples there are.
    pub(crate) source: u32,
    /// Where the part that is seen begins, and how long it is.
    pub(crate) start: f64,
    pub(crate) length: f64,
    /// How many samples that part becomes.
    pub(crate) target: u32,
    pub(crate) filter: Filter,
}

impl Side {
    /// How many samples become one.
    pub(crate) fn scale(&self) -> f64 {
        self.length / f64::from(self.target)
    }

    /// Returns how many samples may be averaged to one if a factor of at least `gap` is to be left.
    pub(super) fn whole_steps(&self, gap: f64) -> u32 {
        (self.scale() / gap).clamp(1.0, STEPS_MAX) as u32
    }

    /// The same side after so many samples each were averaged.
    pub(super) fn divided(self, steps: u32) -> Self {
        Self {
            source: self.source.div_ceil(steps),
            start: self.start / f64::from(steps),
            length: self.length / f64::from(steps),
            ..self
        }
    }

    /// Computes the weights for each sample of the result.
    pub(super) fn windows(&self) -> Windows {
        let mut windows = Windows::default();
        for target in 0..self.target {
            self.add_window(target, &mut windows);
        }
        windows
    }

    fn add_window(&self, target: u32, windows: &mut Windows) {
        let scale = self.scale();
        let stretch = scale.max(1.0);
        let centre = self.start + (f64::from(target) + 0.5) * scale;
        let reach = self.filter.reach() * stretch;
        let source = f64::from(self.source);
        let first = (centre - reach).floor().clamp(0.0, source - 1.0);
        let last = (centre + reach).ceil().clamp(first + 1.0, source);
        let weights: Vec<f64> = (first as usize..last as usize)
            .map(|at| self.filter.weight((at as f64 + 0.5 - centre) / stretch))
            .collect();
        windows.add(first as usize, &weights);
    }
}

/// The weights for each sample of a result.
#[derive(Debug, Default)]
pub(crate) struct Windows {
    spans: Vec<(usize, Range<usize>)>,
    weights: Vec<i16>,
}

impl Windows {
    /// Adds a window that begins at sample `first`, rounded so that it sums to one.
    fn add(&mut self, first: usize, weights: &[f64]) {
        let total: f64 = weights.iter().sum();
        let start = self.weights.len();
        let rounded = weights
            .iter()
            .map(|weight| (weight / total * f64::from(ONE)).round());
        self.weights.extend(rounded.map(|weight| weight as i16));
        let own = &mut self.weights[start..];
        let missing = i32::from(ONE) - own.iter().map(|&weight| i32::from(weight)).sum::<i32>();
        if let Some(largest) = own.iter_mut().max() {
            *largest = (i32::from(*largest) + missing) as i16;
        }
        let is_used = |weight: &i16| *weight != 0;
        let unused = own.iter().position(is_used).unwrap_or(0);
        let end = start + own.iter().rposition(is_used).map_or(0, |last| last + 1);
        self.spans.push((first + unused, start + unused..end));
    }

    pub(super) const fn len(&self) -> usize {
        self.spans.len()
    }

    /// For each sample of the result: the first sample that it is made of, and the weights of that and the next ones.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &[i16])> {
        let spans = self.spans.iter();
        spans.map(|(first, weights)| (*first, &self.weights[weights.clone()]))
    }

    /// The samples that any sample of the result is made of.
    pub(super) fn reach(&self) -> Range<usize> {
        let starts = self.spans.iter().map(|(first, _)| *first);
        let ends = self
            .spans
            .iter()
            .map(|(first, weights)| first + weights.len());
        starts.min().unwrap_or(0)..ends.max().unwrap_or(0)
    }
}
