//! Decodes a PNG with 8 bits per channel, no palette and rows in their order, as nearly all photos are: chunks and inflating are
//! left to the `png` crate.

use png::{Decoded, DecodingError, StreamingDecoder, UnfilterRegion, chunk};

use super::unfilter::Unfilter;
use crate::codec::Decoding;
use crate::rows::RowSink;
use crate::watch::BATCH_BYTES;
use crate::{Format, ImageError};

/// How much is inflated before what is done with makes room: some times as much as deflate may refer back to.
const WINDOW_BYTES: usize = 160 << 10;
/// What the `png` crate inflates at a time.
const INFLATED_BYTES: usize = 8 << 10;

/// Gives the rows of pixels with `N` bytes.
pub(super) fn decode<const N: usize>(
    decoding: &Decoding<'_>,
    sink: &mut dyn RowSink,
) -> Result<(), ImageError> {
    let size = decoding.source.stored_size();
    let row_bytes = size.width as usize * N;
    let mut stream = Stream::new(decoding, row_bytes + 1);
    let mut unfilter = Unfilter::<N>::new(size.width as usize);
    let mut left = size.height;
    while left > 0 {
        let Some((filter, filtered)) = stream.next_row()? else {
            return Err(ImageError::corrupt(Format::Png, "rows are missing"));
        };
        let row = unfilter.next(filter, filtered);
        let row = row.ok_or_else(|| ImageError::corrupt(Format::Png, "there is no such filter"))?;
        sink.take(0, row)?;
        left -= 1;
    }
    stream.finish()
}

/// Inflated rows, each with its filter before it.
struct Stream<'a> {
    decoding: &'a Decoding<'a>,
    decoder: StreamingDecoder,
    position: usize,
    /// Where to ask next whether to go on.
    ask_at: usize,
    row_bytes: usize,
    window: Vec<u8>,
    region: UnfilterRegion,
    /// Where the next row starts in the window.
    start: usize,
    is_over: bool,
}

impl<'a> Stream<'a> {
    fn new(decoding: &'a Decoding<'a>, row_bytes: usize) -> Self {
        let mut decoder = StreamingDecoder::new();
        decoder.set_ignore_text_chunk(true);
        decoder.set_ignore_iccp_chunk(true);
        Self {
            decoding,
            decoder,
            position: 0,
            ask_at: 0,
            row_bytes,
            window: vec![0; WINDOW_BYTES + 2 * row_bytes],
            region: UnfilterRegion::default(),
            start: 0,
            is_over: false,
        }
    }

    /// Returns the next row, if there is one.
    fn next_row(&mut self) -> Result<Option<(u8, &[u8])>, ImageError> {
        while self.region.filled - self.start < self.row_bytes {
            if self.is_over {
                return Ok(None);
            }
            self.make_room();
            let mut region = self.region;
            let mut window = std::mem::take(&mut self.window);
            let event = self.advance(Some((&mut region, &mut window)));
            (self.region, self.window) = (region, window);
            self.is_over = matches!(event?, Decoded::ImageDataFlushed);
        }
        let row = &self.window[self.start..self.start + self.row_bytes];
        self.start += self.row_bytes;
        Ok(row.split_first().map(|(&filter, row)| (filter, row)))
    }

    /// Drops what is neither needed for a row nor referred back to.
    fn make_room(&mut self) {
        if self.region.filled + INFLATED_BYTES <= self.window.len() {
            return;
        }
        let done = self.region.available.min(self.start);
        self.window.copy_within(done..self.region.filled, 0);
        self.region.available -= done;
        self.region.filled -= done;
        self.start -= done;
    }

    /// Reads on. Pixels are inflated if there is a place for them.
    fn advance(
        &mut self,
        place: Option<(&mut UnfilterRegion, &mut Vec<u8>)>,
    ) -> Result<Decoded, ImageError> {
        if self.position >= self.ask_at {
            self.ask_at = self.position + BATCH_BYTES;
            self.decoding.watch.check()?;
        }
        let rest = self.decoding.input.get(self.position..self.ask_at);
        let rest = rest.or_else(|| self.decoding.input.get(self.position..));
        let rest = rest.filter(|rest| !rest.is_empty());
        let rest =
            rest.ok_or_else(|| ImageError::corrupt(Format::Png, "the file ends too early"))?;
        let advanced = match place {
            Some((region, window)) => self.decoder.update(rest, Some(&mut region.as_buf(window))),
            None => self.decoder.update(rest, None),
        };
        let (read, event) =
            advanced.map_err(|error: DecodingError| ImageError::corrupt(Format::Png, error))?;
        self.position += read;
        Ok(event)
    }

    /// Reads to the end. Without this, a file that lacks it would pass.
    fn finish(mut self) -> Result<(), ImageError> {
        while !matches!(self.advance(None)?, Decoded::ChunkComplete(chunk::IEND)) {}
        Ok(())
    }
}
