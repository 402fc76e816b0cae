//! Panics as values, with the place where they happened.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

use crate::CauseKind;

/// What is said of a payload that is not a string.
const NO_STRING: &str = "a payload that is not a string";

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
    /// Where the last panic was, and what it said.
    static LAST: RefCell<Option<(String, String)>> = const { RefCell::new(None) };
}

/// Wraps the panic hook, once per process, to note where a panic in a task happened. The hook that was there before is
/// called as ever, so panics are printed as the program wishes.
pub(crate) fn note_locations() {
    static NOTED: Once = Once::new();
    NOTED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if CATCHING.get() {
                let message = info.payload_as_str().unwrap_or(NO_STRING).to_owned();
                LAST.set(info.location().map(|at| (at.to_string(), message)));
            }
            before(info);
        }));
    });
}

/// Calls a closure; a panic in it becomes a [`CauseKind::Panic`], boxed: it is rare, and what is returned is copied.
#[inline]
pub(crate) fn catch<T>(call: impl FnOnce() -> T) -> Result<T, Box<CauseKind>> {
    let outer = CATCHING.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(call));
    CATCHING.set(outer);
    result.map_err(described)
}

/// Drops a value whose drop may panic, and is too late to be anyone's failure; the panic has been printed.
pub(crate) fn discard<T>(value: T) {
    let _ = catch(|| drop(value));
}

#[cold]
fn described(payload: Box<dyn Any + Send>) -> Box<CauseKind> {
    let message = match (
        payload.downcast_ref::<&str>(),
        payload.downcast_ref::<String>(),
    ) {
        (Some(message), _) => (*message).to_owned(),
        (_, Some(message)) => message.clone(),
        _ => NO_STRING.to_owned(),
    };
    // The drop of a payload can panic as well; forgetting one that is not a string is the lesser evil.
    if !payload.is::<&str>() && !payload.is::<String>() {
        std::mem::forget(payload);
    }
    // One that the task has caught itself may have been the last; and one that goes on has no place of its own.
    let last = LAST.take().filter(|(_, said)| *said == message);
    Box::new(CauseKind::Panic {
        message,
        location: last.map(|(at, _)| at),
    })
}
