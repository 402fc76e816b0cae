//! What a file says besides its picture.

use std::borrow::Cow;

use super::boxes::Fields;
use super::coded::Stream;
use super::colours::{is_bright, profile};
use super::container::{Container, Id};
use super::picture::Picture;
use super::properties::Coding;
use crate::exif;
use crate::extras::{Extras, Profile};

/// How many items that describe the picture are looked at.
const DESCRIPTIONS_MAX: usize = 16;

/// Finds EXIF, XMP and a profile of at most `most` bytes, or makes one of the code points.
pub(crate) fn read_extras(input: &[u8], most: usize) -> Extras<'_> {
    let mut extras = Extras::default();
    let Ok(container) = Container::read(input) else {
        return extras;
    };
    let Ok(picture) = Picture::find(&container, container.primary) else {
        return extras;
    };
    for id in container
        .referring(*b"cdsc", &[picture.id])
        .take(DESCRIPTIONS_MAX)
    {
        read_description(&container, id, &mut extras);
    }
    if let Some(profile) = picture.properties.profile {
        extras.set_profile(profile, most);
    } else if let Some(coding) = coding(&container, &picture) {
        extras.profile = profile(coding).map(|profile| Profile::Made(Box::new(profile)));
        extras.is_bright = is_bright(coding);
    }
    extras
}

/// Returns what the boxes say of the colours, or otherwise the coded data.
fn coding(container: &Container<'_>, picture: &Picture<'_>) -> Option<Coding> {
    if picture.properties.coding.is_some() {
        return picture.properties.coding;
    }
    let (pieces, _) = picture.pieces(container).ok()?;
    let first = *pieces.first()?;
    let configuration = container.properties_of(first).ok()?.configuration;
    let data = container.data_of(first).ok()?;
    Some(Stream::read(data, configuration).ok()?.kind().coding)
}

/// Takes EXIF or XMP that is in one piece.
fn read_description<'a>(container: &Container<'a>, id: Id, extras: &mut Extras<'a>) {
    let (Some(item), Ok(Cow::Borrowed(data))) = (container.item(id), container.data_of(id)) else {
        return;
    };
    match (&item.kind, item.media_type) {
        (b"Exif", _) => extras.exif = extras.exif.or_else(|| read_exif(data)),
        (b"mime", b"application/rdf+xml") => extras.xmp = extras.xmp.or(Some(data)),
        _ => {}
    }
}

/// Before EXIF stands how many bytes are between.
fn read_exif(data: &[u8]) -> Option<&[u8]> {
    let mut fields = Fields::new(data);
    let between = fields.long()?;
    fields.bytes(between as usize)?;
    Some(exif::without_prefix(fields.rest()))
}
