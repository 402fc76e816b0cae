//! Scales light and colours to what a JPEG stores of them: a colour for each two columns and rows.
//!
//! Where a JPEG becomes a JPEG and no pixel has to be looked at, none is made: colours stay as coarse as they are stored.

use crate::Size;
use crate::pixels::{Channels, Pixels};
use crate::resample::{Resampler, Side, to_byte};
use crate::rows::Plane;
use crate::scale::Scaling;

/// Scales three planes, two of them to half the size.
pub(crate) struct Halved {
    lanes: [Lane; 3],
}

/// One plane.
#[derive(Clone)]
struct Lane {
    resampler: Resampler,
    target: Size,
    data: Vec<u8>,
}

impl Lane {
    fn new(sides: [Side; 2], gap: f64) -> Self {
        let target = Size::new(sides[0].target, sides[1].target);
        Self {
            resampler: Resampler::new(sides, 1, gap),
            target,
            data: Vec::with_capacity(target.pixels() as usize),
        }
    }
}

impl Halved {
    pub(crate) fn new(scaling: &Scaling, [light, blue, red]: [Plane; 3]) -> Self {
        let lane = |plane| Lane::new(scaling.sides(plane).map(halve), scaling.gap());
        let blue_lane = lane(blue);
        // The colours are mostly alike, and so are their weights.
        let red_lane = match red == blue {
            true => blue_lane.clone(),
            false => lane(red),
        };
        let light = Lane::new(scaling.sides(light), scaling.gap());
        Self {
            lanes: [light, blue_lane, red_lane],
        }
    }

    /// Takes the next row of a plane.
    pub(crate) fn take(&mut self, plane: usize, row: &[u8]) {
        if let Some(Lane {
            resampler, data, ..
        }) = self.lanes.get_mut(plane)
        {
            resampler.take(row, &mut |row| {
                data.extend(row.iter().map(|&sample| to_byte(sample)));
            });
        }
    }

    /// Returns the scaled planes, or `None` if rows are missing.
    pub(crate) fn finish(self) -> Option<[Pixels; 3]> {
        let planes = self
            .lanes
            .map(|lane| Pixels::new(lane.target, Channels::Gray, lane.data));
        let [light, blue, red] = planes;
        Some([light?, blue?, red?])
    }
}

/// Half as many samples. If they are odd, the last one reaches beyond the edge.
fn halve(side: Side) -> Side {
    let target = side.target.div_ceil(2);
    Side {
        length: side.length * f64::from(2 * target) / f64::from(side.target),
        target,
        ..side
    }
}
