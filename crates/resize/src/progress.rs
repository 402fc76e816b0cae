//! The progress bar, for a person who watches.

use std::convert::Infallible;
use std::future::pending;
use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use resize::Tally;

/// Often enough to look alive, seldom enough to cost nothing.
const INTERVAL: Duration = Duration::from_millis(100);

/// The total grows as long as the scan goes on.
const TEMPLATE: &str = "{bar:30} {pos}/{len}{msg} images, {per_sec}, {eta} left";

/// Shows the progress until the future is dropped, if standard error is a terminal; the bar goes with it.
pub(crate) async fn show(tally: &Tally) -> Infallible {
    if !stderr().is_terminal() {
        return pending().await;
    }
    let style =
        ProgressStyle::with_template(TEMPLATE).expect("the template is fixed, and tried by a test");
    let bar = ProgressBar::new(0)
        .with_style(style)
        .with_finish(ProgressFinish::AndClear);
    let mut interval = tokio::time::interval(INTERVAL);
    loop {
        interval.tick().await;
        let (planned, settled, is_scanned) = tally.look(|summary| {
            (
                summary.planned,
                summary.done + summary.failed,
                summary.is_scanned,
            )
        });
        bar.set_length(planned);
        bar.set_position(settled);
        bar.set_message(if is_scanned { "" } else { "+" });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_understood() {
        assert!(ProgressStyle::with_template(TEMPLATE).is_ok());
    }
}
