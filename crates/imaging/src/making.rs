//! All results of a picture on their way: takes the rows of the decoder, and gives each to the scaling of each result.

use crate::colours::Colours;
use crate::extras::Extras;
use crate::pixels::Channels;
use crate::resize::Job;
use crate::rows::{Form, RowSink};
use crate::scale::Scaler;
use crate::watch::Watch;
use crate::{ImageError, Resized};

/// How many bytes of rows are scaled between two questions whether to go on: about a millisecond of work.
const ROWS_BYTES: usize = 1 << 20;

/// All results on their way, fed by the decoder.
pub(crate) struct Making<'a> {
    jobs: &'a [Job<'a>],
    pub(crate) extras: Extras<'a>,
    /// What the picture consists of, once that is known.
    channels: Option<Channels>,
    pub(crate) colours: Colours,
    /// Whether there was a profile that is of no use.
    pub(crate) broken_profile: bool,
    /// Whether some of the picture is made up.
    pub(crate) is_damaged: bool,
    /// One for each job, once it is known what the rows are like.
    scalers: Vec<Scaler>,
    pub(crate) watch: &'a Watch<'a>,
    /// What came since the last question.
    bytes: usize,
}

impl RowSink for Making<'_> {
    fn begin(&mut self, form: &Form) -> Result<(), ImageError> {
        self.read_profile(form.channels());
        let scalers = self
            .jobs
            .iter()
            .map(|job| Scaler::new(&job.scaling(&self.colours), form, &self.colours));
        self.scalers = scalers.collect();
        Ok(())
    }

    fn wants_coarse_colours(&mut self) -> bool {
        self.read_profile(Channels::Rgb);
        let mut jobs = self.jobs.iter();
        jobs.all(|job| job.scaling(&self.colours).passes_colours_on())
    }

    fn take(&mut self, plane: usize, row: &[u8]) -> Result<(), ImageError> {
        self.bytes += row.len();
        if self.bytes >= ROWS_BYTES {
            self.bytes = 0;
            self.watch.check()?;
        }
        let mut scalers = self.scalers.iter_mut();
        scalers.try_for_each(|scaler| scaler.take(plane, row))
    }

    fn note_damage(&mut self) {
        self.is_damaged = true;
    }
}

impl<'a> Making<'a> {
    pub(crate) fn new(jobs: &'a [Job<'a>], extras: Extras<'a>, watch: &'a Watch<'a>) -> Self {
        Self {
            jobs,
            extras,
            channels: None,
            colours: Colours::Plain,
            broken_profile: false,
            is_damaged: false,
            scalers: Vec::new(),
            watch,
            bytes: 0,
        }
    }

    /// Reads the profile for a picture with these channels.
    fn read_profile(&mut self, channels: Channels) {
        if self.channels.replace(channels) == Some(channels) {
            return;
        }
        let profile = self.extras.profile.as_ref();
        let colours = profile.map(|profile| Colours::read(profile, channels));
        self.broken_profile = self.extras.lost_profile || matches!(colours, Some(Err(_)));
        self.colours = colours.and_then(Result::ok).unwrap_or(Colours::Plain);
    }

    /// Makes the results of what was scaled.
    pub(crate) fn finish(mut self) -> Result<Vec<Resized>, ImageError> {
        let scaled = std::mem::take(&mut self.scalers).into_iter();
        let jobs = self.jobs.iter();
        jobs.zip(scaled)
            .map(|(job, scaler)| job.perform(scaler, &self))
            .collect()
    }
}
