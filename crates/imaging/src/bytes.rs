//! Numbers in a file, each read checked.

/// Reads a number of `N` bytes, least significant first.
pub(crate) fn little<const N: usize>(bytes: &[u8], offset: usize) -> Option<u32> {
    let bytes: &[u8; N] = bytes.get(offset..)?.first_chunk()?;
    Some(
        bytes
            .iter()
            .rev()
            .fold(0, |number, &byte| number << 8 | u32::from(byte)),
    )
}

/// Reads a number of 4 bytes, most significant first.
pub(crate) fn big_long(bytes: &[u8], offset: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(offset..)?.first_chunk()?))
}
