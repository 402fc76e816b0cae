//! Which part of a picture is seen, how large it becomes, and where it lies in the result: numbers only.

use crate::{Enlarge, Mode, Options, Orientation, Size};

/// A rectangle in a picture, in its pixels, which it may cut through.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Area {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Area {
    pub(crate) fn whole(size: Size) -> Self {
        Self {
            left: 0.0,
            top: 0.0,
            width: size.width.into(),
            height: size.height.into(),
        }
    }

    /// Returns this area in a picture whose sides were divided by so much.
    pub(crate) fn divided(self, (columns, rows): (u32, u32)) -> Self {
        let (columns, rows) = (f64::from(columns), f64::from(rows));
        Self {
            left: self.left / columns,
            top: self.top / rows,
            width: self.width / columns,
            height: self.height / rows,
        }
    }
}

/// What becomes of an upright picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Layout {
    /// The part that is seen.
    pub(crate) seen: Area,
    /// What that part is scaled to.
    pub(crate) scaled: Size,
    /// The size of the result, larger than `scaled` only if it is padded.
    pub(crate) canvas: Size,
    /// Where the scaled part lies in the result: columns from the left, rows from the top.
    pub(crate) offset: (u32, u32),
}

impl Layout {
    pub(crate) fn new(options: &Options, picture: Size) -> Self {
        let Some(bounds) = options.bounds.closed() else {
            return Self::whole(picture, fit(options, picture));
        };
        match options.mode {
            Mode::Fit => Self::whole(picture, fit(options, picture)),
            Mode::Exact => Self::whole(picture, not_larger(options, picture, bounds)),
            Mode::Pad(gravity) => {
                let scaled = fit(options, picture);
                let (x, y) = gravity.shares();
                let free = |outer: u32, inner, share| (f64::from(outer - inner) * share) as u32;
                Self {
                    canvas: bounds,
                    offset: (
                        free(bounds.width, scaled.width, x),
                        free(bounds.height, scaled.height, y),
                    ),
                    ..Self::whole(picture, scaled)
                }
            }
            Mode::Fill(gravity) => {
                let scaled = not_larger(options, picture, bounds);
                let seen = cut(options, picture, bounds, gravity.shares());
                Self {
                    seen,
                    ..Self::whole(picture, scaled)
                }
            }
        }
    }

    fn whole(picture: Size, scaled: Size) -> Self {
        Self {
            seen: Area::whole(picture),
            scaled,
            canvas: scaled,
            offset: (0, 0),
        }
    }
}

fn fit(options: &Options, picture: Size) -> Size {
    match options.enlarge {
        Enlarge::Never => options.bounds.fit(picture),
        Enlarge::Allowed => options.bounds.widest(picture).fill_inside(picture),
    }
}

fn not_larger(options: &Options, picture: Size, bounds: Size) -> Size {
    match options.enlarge {
        Enlarge::Never => Size::new(
            bounds.width.min(picture.width),
            bounds.height.min(picture.height),
        ),
        Enlarge::Allowed => bounds,
    }
}

/// Returns the part of a picture that fills the box, held where `shares` says.
fn cut(options: &Options, picture: Size, bounds: Size, shares: (f64, f64)) -> Area {
    let whole = Area::whole(picture);
    let ratio = |target: u32, side: f64| f64::from(target) / side;
    let ratio = ratio(bounds.width, whole.width).max(ratio(bounds.height, whole.height));
    let grows = ratio > 1.0 && options.enlarge == Enlarge::Never;
    let scale = if grows { 1.0 } else { ratio };
    let width = (f64::from(bounds.width) / scale).min(whole.width);
    let height = (f64::from(bounds.height) / scale).min(whole.height);
    // Where nothing is scaled, a cut through pixels would only blur them.
    let at = |free: f64, share: f64| match free * share {
        offset if scale == 1.0 => offset.floor(),
        offset => offset,
    };
    Area {
        left: at(whole.width - width, shares.0),
        top: at(whole.height - height, shares.1),
        width,
        height,
    }
}

impl Orientation {
    /// Returns where an area of the upright picture lies in the stored one of this size.
    pub(crate) fn stored_area(self, area: Area, stored: Size) -> Area {
        let walk = self.walk();
        let (columns, rows) = ((area.left, area.width), (area.top, area.height));
        let (columns, rows) = if walk.swap {
            (rows, columns)
        } else {
            (columns, rows)
        };
        let start = |(start, length): (f64, f64), side: u32, mirrored| {
            if mirrored {
                f64::from(side) - start - length
            } else {
                start
            }
        };
        Area {
            left: start(columns, stored.width, walk.mirror_x),
            top: start(rows, stored.height, walk.mirror_y),
            width: columns.1,
            height: rows.1,
        }
    }
}
