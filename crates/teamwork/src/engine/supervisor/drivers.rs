//! The drivers of a job.

use std::slice;

use crate::engine::{machine::make_room, step::Driver};

/// Drivers by slot; `None` is one that is away, or over.
pub(super) enum Drivers {
    /// Lies here by itself: of the many jobs that a server has, most have one task, and a list would be one more piece of memory for each.
    One(Option<Driver>),
    Many(Vec<Option<Driver>>),
}

impl Drivers {
    pub(super) const fn new() -> Self {
        Self::Many(Vec::new())
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Many(drivers) => drivers.len(),
        }
    }

    pub(super) fn slots(&mut self) -> &mut [Option<Driver>] {
        match self {
            Self::One(driver) => slice::from_mut(driver),
            Self::Many(drivers) => drivers,
        }
    }

    pub(super) fn at(&mut self, slot: u32) -> Option<&mut Option<Driver>> {
        self.slots().get_mut(slot as usize)
    }

    pub(super) fn take(&mut self, slot: u32) -> Option<Driver> {
        self.at(slot)?.take()
    }

    /// Makes room for so many.
    pub(super) fn reserve(&mut self, more: usize) {
        self.list().reserve_exact(more);
    }

    pub(super) fn push(&mut self, driver: Driver) {
        match self {
            Self::Many(drivers) if drivers.capacity() == 0 => *self = Self::One(Some(driver)),
            _ => {
                let drivers = self.list();
                make_room(drivers);
                drivers.push(Some(driver));
            }
        }
    }

    /// Puts a driver into its slot, one of about so many.
    pub(super) fn put(&mut self, slot: u32, driver: Driver, all: usize) {
        let index = slot as usize;
        if self.len() <= index {
            // Where one comes home, so do the others.
            let all = all.max(index + 1);
            self.list().resize_with(all, || None);
        }
        self.slots()[index] = Some(driver);
    }

    /// Gives back the memory for drivers that are away.
    pub(super) fn forget_away(&mut self) {
        if let Self::Many(drivers) = self {
            while let Some(None) = drivers.last() {
                drivers.pop();
            }
            drivers.shrink_to_fit();
        }
    }

    fn list(&mut self) -> &mut Vec<Option<Driver>> {
        if let Self::One(driver) = self {
            let mut drivers = Vec::with_capacity(2);
            drivers.push(driver.take());
            *self = Self::Many(drivers);
        }
        match self {
            Self::Many(drivers) => drivers,
            Self::One(_) => unreachable!("it has just become many"),
        }
    }
}
