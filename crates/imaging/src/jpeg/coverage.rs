//! Which coefficients of a JPEG its scans bring: where some are missing, decoders leave gray or smears without a word.

use super::frame::FrameHeader;

/// What the scans so far have brought.
///
/// A progressive file that was cut and given an end lacks its last scans. ITU T.81 does not demand that all coefficients are
/// sent, but encoders send them: what lacks some has most likely lost them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Coverage<'a> {
    header: &'a FrameHeader,
    /// For each component, a bit for each coefficient that is there to its last bit.
    whole: [u64; 4],
}

impl<'a> Coverage<'a> {
    pub(super) const fn new(header: &'a FrameHeader) -> Self {
        Self {
            header,
            whole: [0; 4],
        }
    }

    /// Notes what a scan with this header brings. One that makes no sense brings nothing.
    pub(super) fn note(&mut self, scan: &[u8]) {
        let Some((&count, rest)) = scan.split_first() else {
            return;
        };
        let Some((components, band)) = rest.split_at_checked(2 * usize::from(count)) else {
            return;
        };
        let brought = match band {
            _ if !self.header.progressive => u64::MAX,
            // The last bits of the coefficients from the first to the last.
            &[first @ 0..=63, last @ 0..=63, bits, ..] if first <= last && bits & 0x0F == 0 => {
                (u64::MAX << first) & (u64::MAX >> (63 - last))
            }
            _ => return,
        };
        for id in components.iter().step_by(2) {
            let known = self.header.known_ids().iter();
            for (whole, _) in self
                .whole
                .iter_mut()
                .zip(known)
                .filter(|(_, known)| *known == id)
            {
                *whole |= brought;
            }
        }
    }

    /// Whether each component has all of its coefficients.
    pub(super) fn is_whole(&self) -> bool {
        let components = self.whole.iter().zip(self.header.known_ids());
        components
            .map(|(&whole, _)| whole)
            .all(|whole| whole == u64::MAX)
    }
}
