//! Lines that nobody had room for, in a log that is the global one of its process.

#![cfg(test)]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use logs::Batches;

/// Keeps what is written.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, batch: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(batch);
        Ok(batch.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn who_ends_says_how_many_of_the_last_lines_were_dropped() {
    let kept = Kept::default();
    let log = Batches::new(kept.clone());
    tracing_subscriber::fmt()
        .with_writer(log.clone())
        .with_ansi(false)
        .init();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    // The writer has no turn before the program has ended.
    log.run(runtime, async {
        for number in 0..1100 {
            tracing::info!("line {number} of {}", "x".repeat(1024));
        }
    });
    let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    let mut lines = text.lines().rev();
    let last = lines.next().unwrap();
    assert!(last.contains("lines were dropped"), "{last}");
    let said = last.rsplit_once("lines=").unwrap().1;
    assert_eq!(lines.count(), 1100 - said.parse::<usize>().unwrap());
}
