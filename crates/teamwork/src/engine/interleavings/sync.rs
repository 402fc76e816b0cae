//! Atomics and a lock, at each use of which another thread of the test may have its turn first.

pub(in crate::engine) use std::sync::{MutexGuard, atomic::Ordering};
use std::{
    sync::{LockResult, PoisonError, TryLockError, atomic},
    task::Waker,
};

use futures_util::task;

use super::threads::point;

/// An atomic with the calls that the core uses.
macro_rules! atomic {
    ($name:ident($value:ty): $($call:ident($($argument:ident: $type:ty),*) -> $returned:ty),*) => {
        #[derive(Debug)]
        pub(in crate::engine) struct $name(atomic::$name);

        impl $name {
            pub(in crate::engine) fn new(value: $value) -> Self {
                Self(atomic::$name::new(value))
            }

            $(pub(in crate::engine) fn $call(&self, $($argument: $type,)* order: Ordering) -> $returned {
                point();
                self.0.$call($($argument,)* order)
            })*
        }
    };
}

atomic!(AtomicBool(bool): load() -> bool, store(value: bool) -> (), swap(value: bool) -> bool);
atomic!(AtomicU8(u8): load() -> u8, store(value: u8) -> ());
atomic!(AtomicU32(u32): load() -> u32, store(value: u32) -> (), fetch_add(by: u32) -> u32, fetch_sub(by: u32) -> u32);
atomic!(AtomicUsize(usize): fetch_add(by: usize) -> usize, fetch_sub(by: usize) -> usize);

pub(in crate::engine) fn fence(order: Ordering) {
    point();
    atomic::fence(order);
}

/// Of [`futures_util`], likewise.
#[derive(Debug)]
pub(in crate::engine) struct AtomicWaker(task::AtomicWaker);

impl AtomicWaker {
    pub(in crate::engine) fn new() -> Self {
        Self(task::AtomicWaker::new())
    }

    pub(in crate::engine) fn register(&self, waker: &Waker) {
        point();
        self.0.register(waker);
    }

    pub(in crate::engine) fn wake(&self) {
        point();
        self.0.wake();
    }
}

/// Whoever finds it locked lets others have their turn until it is not.
#[derive(Debug, Default)]
pub(in crate::engine) struct Mutex<T>(std::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(in crate::engine) fn new(guarded: T) -> Self {
        Self(std::sync::Mutex::new(guarded))
    }

    pub(in crate::engine) fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        loop {
            if !point() {
                return self.0.lock();
            }
            match self.0.try_lock() {
                Ok(guard) => return Ok(guard),
                Err(TryLockError::Poisoned(poisoned)) => {
                    return Err(PoisonError::new(poisoned.into_inner()));
                }
                Err(TryLockError::WouldBlock) => {}
            }
        }
    }
}
