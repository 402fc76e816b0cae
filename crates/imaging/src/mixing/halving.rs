//! Makes light as coarse as the colours beside it, before pixels are made of both.

use crate::rows::Plane;

/// Halves light in both directions, each sample weighted by its opacity.
///
/// This takes a small part of the time that scaling takes, and is as good if twice as much is left to that: the rule
/// of [`Shrink`](crate::Shrink).
pub(super) struct Halving {
    /// Of all pixels.
    opacities: Vec<u8>,
    height: u32,
    /// How many rows came.
    taken: u32,
    /// The row that waits for the one below.
    above: Vec<u8>,
    halved: Vec<u8>,
}

impl Halving {
    pub(super) const fn new(opacities: Vec<u8>, light: Plane) -> Self {
        Self {
            opacities,
            height: light.size.height,
            taken: 0,
            above: Vec::new(),
            halved: Vec::new(),
        }
    }

    /// Takes the next row of light. Returns the row that it completes, and appends the opacity of that to `opacities`.
    pub(super) fn take(&mut self, row: &[u8], opacities: &mut Vec<u8>) -> Option<&[u8]> {
        let y = self.taken as usize;
        self.taken += 1;
        let is_upper = y.is_multiple_of(2);
        if is_upper && self.taken < self.height {
            self.above.clear();
            self.above.extend_from_slice(row);
            return None;
        }
        // Behind the lower edge, and the right one, is what lies at it.
        let (above, y_above) = match is_upper {
            true => (row, y),
            false => (&*self.above, y - 1),
        };
        let weights = |y: usize| self.opacities.get(y * row.len()..(y + 1) * row.len());
        let (weights_above, weights) = (weights(y_above)?, weights(y)?);
        self.halved.clear();
        let samples = pairs(above).zip(pairs(row));
        let weights = pairs(weights_above).zip(pairs(weights));
        for (samples, weights) in samples.zip(weights) {
            let (light, opacity) = mean(samples, weights);
            self.halved.push(light);
            opacities.push(opacity);
        }
        Some(&self.halved)
    }
}

/// Returns neighbours, of which the last may stand alone and be its own.
fn pairs(row: &[u8]) -> impl Iterator<Item = [u8; 2]> {
    let (pairs, last) = row.as_chunks::<2>();
    let last = last.iter().map(|&last| [last; 2]);
    pairs.iter().copied().chain(last)
}

/// Returns the weighted mean of four samples, and that of their weights.
fn mean((above, below): ([u8; 2], [u8; 2]), weights: ([u8; 2], [u8; 2])) -> (u8, u8) {
    let samples = [above[0], above[1], below[0], below[1]].map(u32::from);
    let (above, below) = weights;
    let weights = [above[0], above[1], below[0], below[1]].map(u32::from);
    let weight: u32 = weights.iter().sum();
    let products = samples.iter().zip(weights);
    let sum: u32 = products.map(|(sample, weight)| sample * weight).sum();
    let light = (sum + weight / 2).checked_div(weight);
    // What nobody sees keeps a colour, as it would without being halved.
    let light = light.unwrap_or_else(|| (samples.iter().sum::<u32>() + 2) / 4);
    (light as u8, ((weight + 2) / 4) as u8)
}
