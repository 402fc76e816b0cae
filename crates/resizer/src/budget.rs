//! The memory that may be held, all connections together: by bodies of requests and of answers, and by pictures that are worked on.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{problem::Problem, units::ByteSize};

/// A number of bytes that bodies share, or pictures. Nobody waits for it: one that finds no room is refused, because a
/// client that is told so can go elsewhere, and one that waits cannot.
#[derive(Debug, Clone)]
pub(crate) struct MemoryBudget {
    size: ByteSize,
    /// One permit is one block, so that a count of permits fits 32 bits.
    blocks: Arc<Semaphore>,
}

/// A part of the budget, given back when dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: MemoryBudget,
    held: OwnedSemaphorePermit,
}

const BLOCK_BYTES: u64 = 4096;

impl MemoryBudget {
    pub(crate) fn new(size: ByteSize) -> Self {
        Self {
            size,
            blocks: Arc::new(Semaphore::new(blocks_of(size))),
        }
    }

    /// Says how much there is if nobody holds any.
    pub(crate) const fn size(&self) -> ByteSize {
        self.size
    }

    /// Says how much is taken, in whole blocks.
    pub(crate) fn used(&self) -> u64 {
        let used = blocks_of(self.size).saturating_sub(self.blocks.available_permits());
        used as u64 * BLOCK_BYTES
    }

    /// Takes room for this many bytes, rounded up to whole blocks.
    ///
    /// # Errors
    ///
    /// [`Problem::MemoryFull`] if that much is not left.
    pub(crate) fn reserve(&self, bytes: u64) -> Result<Reservation, Problem> {
        Ok(Reservation {
            budget: self.clone(),
            held: self.take(bytes.div_ceil(BLOCK_BYTES))?,
        })
    }

    fn take(&self, blocks: u64) -> Result<OwnedSemaphorePermit, Problem> {
        let blocks = u32::try_from(blocks).map_err(|_| Problem::MemoryFull)?;
        Arc::clone(&self.blocks)
            .try_acquire_many_owned(blocks)
            .map_err(|_| Problem::MemoryFull)
    }
}

/// How many blocks there are in so many bytes: what is as large as the budget fits, although its last block is not full.
fn blocks_of(size: ByteSize) -> usize {
    let blocks = usize::try_from(size.0.div_ceil(BLOCK_BYTES));
    blocks.map_or(Semaphore::MAX_PERMITS, |blocks| {
        blocks.min(Semaphore::MAX_PERMITS)
    })
}

impl Reservation {
    /// Makes the part at least this large; it never shrinks.
    ///
    /// # Errors
    ///
    /// [`Problem::MemoryFull`] if that much is not left. What is held stays held.
    pub(crate) fn grow_to(&mut self, bytes: u64) -> Result<(), Problem> {
        let missing = bytes
            .div_ceil(BLOCK_BYTES)
            .saturating_sub(self.held.num_permits() as u64);
        if missing > 0 {
            self.held.merge(self.budget.take(missing)?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_can_be_reserved_again() {
        let budget = MemoryBudget::new(ByteSize(10 * BLOCK_BYTES));
        let most = budget.reserve(9 * BLOCK_BYTES).unwrap();
        assert_eq!(
            budget.reserve(2 * BLOCK_BYTES).err(),
            Some(Problem::MemoryFull)
        );
        drop(most);
        budget.reserve(10 * BLOCK_BYTES).unwrap();
    }

    #[test]
    fn all_of_a_budget_fits_into_it() {
        for size in [1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1] {
            let budget = MemoryBudget::new(ByteSize(size));
            budget.reserve(budget.size().0).unwrap();
        }
    }

    #[test]
    fn a_part_block_counts_whole_and_nothing_counts_nothing() {
        let budget = MemoryBudget::new(ByteSize(BLOCK_BYTES));
        let none = budget.reserve(0).unwrap();
        let one = budget.reserve(1).unwrap();
        assert_eq!(budget.reserve(1).err(), Some(Problem::MemoryFull));
        drop((none, one));
        budget.reserve(1).unwrap();
    }

    #[test]
    fn a_reservation_grows_until_the_budget_ends() {
        let budget = MemoryBudget::new(ByteSize(3 * BLOCK_BYTES));
        let mut part = budget.reserve(1).unwrap();
        part.grow_to(BLOCK_BYTES).unwrap();
        part.grow_to(3 * BLOCK_BYTES).unwrap();
        assert_eq!(part.grow_to(3 * BLOCK_BYTES + 1), Err(Problem::MemoryFull));
        assert_eq!(budget.reserve(1).err(), Some(Problem::MemoryFull));
        drop(part);
        budget.reserve(3 * BLOCK_BYTES).unwrap();
    }

    #[test]
    fn more_than_any_budget_is_refused_not_wrapped() {
        let budget = MemoryBudget::new(ByteSize(u64::MAX));
        assert_eq!(budget.reserve(u64::MAX).err(), Some(Problem::MemoryFull));
    }
}
