//! Rotations and mirrors, which a file may say in any number, one after the other.

use crate::Orientation;

/// Quarter turns clockwise, and whether left and right change places after them: all that rotations and mirrors come to.
#[derive(Default, Clone, Copy)]
pub(super) struct Turning {
    quarters: u8,
    is_mirrored: bool,
}

impl Turning {
    /// Rotates by so many quarters anticlockwise: `irot` (ISO/IEC 23008-12, 6.5.10).
    pub(super) const fn rotate(&mut self, quarters: u8) {
        // In the mirror they go the other way.
        let clockwise = match self.is_mirrored {
            true => quarters,
            false => 4 - quarters % 4,
        };
        self.quarters = (self.quarters + clockwise) % 4;
    }

    /// Has left and right change places: `imir` with an axis of 1 (ISO/IEC 23008-12:2022, 6.5.12).
    pub(super) const fn mirror(&mut self) {
        self.is_mirrored = !self.is_mirrored;
    }

    /// Has top and bottom change places: `imir` with an axis of 0.
    pub(super) const fn flip(&mut self) {
        self.mirror();
        self.quarters = (self.quarters + 2) % 4;
    }

    pub(super) const fn orientation(self) -> Orientation {
        match (self.quarters, self.is_mirrored) {
            (0, false) => Orientation::Upright,
            (1, false) => Orientation::Rotate90,
            (2, false) => Orientation::Rotate180,
            (_, false) => Orientation::Rotate270,
            (0, true) => Orientation::MirrorHorizontal,
            (1, true) => Orientation::Transpose,
            (2, true) => Orientation::MirrorVertical,
            (_, true) => Orientation::Transverse,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(steps: &[&str], expected: Orientation) {
        let mut turning = Turning::default();
        for step in steps {
            match *step {
                "mirror" => turning.mirror(),
                "flip" => turning.flip(),
                _ => turning.rotate(1),
            }
        }
        assert_eq!(turning.orientation(), expected, "{steps:?}");
    }

    #[test]
    fn rotations_and_mirrors_are_one_of_eight() {
        check(&[], Orientation::Upright);
        check(&["left"], Orientation::Rotate270);
        check(&["left", "left", "left"], Orientation::Rotate90);
        check(&["mirror"], Orientation::MirrorHorizontal);
        check(&["flip"], Orientation::MirrorVertical);
        check(&["mirror", "flip"], Orientation::Rotate180);
        // As libavif has it: `avifImageSetExif` and its inverse.
        check(&["left", "flip"], Orientation::Transpose);
        check(&["left", "mirror"], Orientation::Transverse);
        // The other order, the other diagonal.
        check(&["flip", "left"], Orientation::Transverse);
        check(&["mirror", "left"], Orientation::Transpose);
    }
}
