//! A list that is filled, emptied in order and filled again.

/// How many elements a batch has.
const BATCH: usize = 256;

/// A list that grows without being copied, in batches: a hundred thousand messages may lie here at a time.
pub(crate) struct Pile<T> {
    /// Batches that are full, in order.
    full: Vec<Vec<T>>,
    last: Vec<T>,
}

impl<T> Default for Pile<T> {
    fn default() -> Self {
        Self {
            full: Vec::new(),
            last: Vec::new(),
        }
    }
}

impl<T> Pile<T> {
    pub(super) fn push(&mut self, element: T) {
        if self.last.len() == BATCH {
            let full = std::mem::replace(&mut self.last, Vec::with_capacity(BATCH));
            self.full.push(full);
        }
        self.last.push(element);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.last.is_empty()
    }

    /// Whether a batch has just become full.
    pub(super) fn is_batch(&self) -> bool {
        self.last.len() == BATCH
    }

    /// Calls this with each element, in order. What is left is empty and keeps the memory of one batch.
    pub(super) fn drain(&mut self, mut each: impl FnMut(T)) {
        for batch in std::mem::take(&mut self.full) {
            batch.into_iter().for_each(&mut each);
        }
        self.last.drain(..).for_each(each);
    }
}

#[cfg(test)]
mod tests {
    use super::{BATCH, Pile};

    #[test]
    fn what_is_put_on_it_comes_back_in_order() {
        let mut pile = Pile::default();
        for many in [0, 1, BATCH, 3 * BATCH + 1, 2] {
            (0..many).for_each(|element| pile.push(element));
            assert_eq!(pile.is_empty(), many == 0);
            let mut drained = Vec::new();
            pile.drain(|element| drained.push(element));
            assert!(drained.into_iter().eq(0..many));
        }
    }
}
