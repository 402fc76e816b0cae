//! The units of coded data, as the decoder wants them (AV1, 5.3).

use std::borrow::Cow;

use oxideav_av1::{Error, ObuIter};

/// The bit of the first byte that says that numbers of layers follow.
const HAS_LAYERS: u8 = 1 << 2;
/// The bit that says that the length follows.
const HAS_SIZE: u8 = 1 << 1;

/// Writes the length into the last unit if it has none, as is allowed: it reaches to the end then. The decoder knows only units that
/// say how long they are.
pub(super) fn with_sizes(data: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    match complete(&data) {
        Some(complete) => Cow::Owned(complete),
        None => data,
    }
}

/// Returns `None` if nothing is missing, or something else.
fn complete(data: &[u8]) -> Option<Vec<u8>> {
    let mut units = ObuIter::new(data);
    if units.find_map(Result::err) != Some(Error::MissingSizeField) {
        return None;
    }
    let (others, last) = data.split_at_checked(units.position())?;
    let (&first, rest) = last.split_first()?;
    let (layers, payload) = rest.split_at_checked(usize::from(first & HAS_LAYERS != 0))?;
    let mut complete = Vec::with_capacity(data.len() + 5);
    complete.extend_from_slice(others);
    complete.push(first | HAS_SIZE);
    complete.extend_from_slice(layers);
    push_length(u32::try_from(payload.len()).ok()?, &mut complete);
    complete.extend_from_slice(payload);
    Some(complete)
}

/// Appends a length in groups of seven bits, the lowest first (4.10.5).
fn push_length(mut length: u32, data: &mut Vec<u8>) {
    while length >= 0x80 {
        data.push(length as u8 | 0x80);
        length >>= 7;
    }
    data.push(length as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(data: &[u8], expected: &[u8]) {
        assert_eq!(&*with_sizes(Cow::Borrowed(data)), expected);
    }

    #[test]
    fn the_last_unit_may_reach_to_the_end() {
        // A delimiter, then a frame: without and with numbers of layers.
        check(b"\x12\0\x30abc", b"\x12\0\x32\x03abc");
        check(b"\x12\0\x34\x08abc", b"\x12\0\x36\x08\x03abc");
        check(b"\x30", b"\x32\0");
        let long = [&b"\x30"[..], &[7; 300]].concat();
        check(&long, &[&b"\x32\xAC\x02"[..], &[7; 300]].concat());
    }

    #[test]
    fn what_says_its_length_or_makes_no_sense_stays_as_it_is() {
        for data in [
            &b""[..],
            b"\x12\0\x32\x03abc",
            b"\x32\x04abc",
            b"\x80",
            b"\x34",
        ] {
            check(data, data);
        }
    }
}
