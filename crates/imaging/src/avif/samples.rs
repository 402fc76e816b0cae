//! From samples of 8 to 12 bits to bytes.

/// What a sample is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Light, beside two planes of colour: keeps its range.
    Light,
    /// A difference of colour, of which the middle is none: likewise.
    Colour,
    /// Gray, red, green, blue or opacity: is spread to all 256 numbers.
    Alone,
}

/// Returns the byte for each sample of so many bits, unless they are the same. `is_full` says whether all numbers are used.
pub(super) fn table(depth: u8, role: Role, is_full: bool) -> Option<Vec<u8>> {
    let depth = u32::from(depth);
    let excess = depth.saturating_sub(8);
    let largest = f64::from((1 << depth) - 1);
    let one = f64::from(1 << excess);
    let byte: &dyn Fn(f64) -> f64 = match (role, is_full) {
        (Role::Light | Role::Alone, true) => &|sample| sample * 255.0 / largest,
        (Role::Colour, true) => &|sample| (sample - 128.0 * one) * 255.0 / largest + 128.0,
        (Role::Light | Role::Colour, false) => &|sample| sample / one,
        (Role::Alone, false) => &|sample| (sample / one - 16.0) * 255.0 / 219.0,
    };
    if depth == 8 && (is_full || role != Role::Alone) {
        return None;
    }
    let bytes =
        (0..1 << depth).map(|sample| byte(f64::from(sample)).round().clamp(0.0, 255.0) as u8);
    Some(bytes.collect())
}

/// Appends samples of 8 bits, or of 16 with the least significant byte first.
pub(super) fn append(samples: &[u8], depth: u8, table: Option<&[u8]>, row: &mut Vec<u8>) {
    let look_up = |sample: usize| table.and_then(|table| table.get(sample)).copied();
    match (depth, table) {
        (8, None) => row.extend_from_slice(samples),
        (8, _) => row.extend(
            samples
                .iter()
                .map(|&byte| look_up(byte.into()).unwrap_or(byte)),
        ),
        _ => {
            let (samples, _) = samples.as_chunks::<2>();
            row.extend(samples.iter().map(|&sample| {
                // No decoder gives more than the depth it states; white if one does.
                look_up(u16::from_le_bytes(sample).into()).unwrap_or(u8::MAX)
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check((depth, role, is_full): (u8, Role, bool), pairs: &[(usize, u8)]) {
        let table = table(depth, role, is_full).expect("a change");
        assert_eq!(table.len(), 1 << depth);
        for &(sample, expected) in pairs {
            assert_eq!(
                table[sample], expected,
                "{sample} of {depth} bits, {role:?}"
            );
        }
    }

    #[test]
    fn what_is_none_and_what_is_all_stay_so() {
        check((10, Role::Light, true), &[(0, 0), (512, 128), (1023, 255)]);
        check((12, Role::Light, true), &[(0, 0), (4095, 255)]);
        check((10, Role::Colour, true), &[(0, 0), (512, 128), (1023, 255)]);
        check(
            (12, Role::Colour, true),
            &[(0, 0), (2048, 128), (4095, 255)],
        );
        check((10, Role::Light, false), &[(64, 16), (940, 235)]);
        check(
            (12, Role::Colour, false),
            &[(256, 16), (2048, 128), (3840, 240)],
        );
        check(
            (8, Role::Alone, false),
            &[(0, 0), (16, 0), (126, 128), (235, 255), (255, 255)],
        );
        check((10, Role::Alone, false), &[(64, 0), (940, 255)]);
        assert_eq!(table(8, Role::Light, false), None);
        assert_eq!(table(8, Role::Alone, true), None);
    }

    #[test]
    fn samples_are_read_as_they_are_stored() {
        let mut row = vec![7];
        append(&[1, 2], 8, None, &mut row);
        append(&[1, 2], 8, Some(&[0, 5, 6]), &mut row);
        append(&[1, 0, 0, 2], 10, Some(&[0; 513]), &mut row);
        append(&[0xFF, 0xFF], 10, Some(&[0; 1024]), &mut row);
        assert_eq!(row, [7, 1, 2, 5, 6, 0, 0, 255]);
    }
}
