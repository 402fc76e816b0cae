//! Turns panics of the codecs into errors.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::ImageError;

/// Runs `work`, and reports a panic in it as an error.
///
/// Whatever `work` was building is dropped while it unwinds, and the input is only read; so nothing half-done
/// can be seen afterwards, which is what `AssertUnwindSafe` asserts.
pub(crate) fn catch_panic<T>(
    work: impl FnOnce() -> Result<T, ImageError>,
) -> Result<T, ImageError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        Err(ImageError::Panicked {
            message: message(payload.as_ref()),
        })
    })
}

fn message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "no message".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_with_its_message() {
        let error = catch_panic::<()>(|| panic!("index {} out of range", 7)).unwrap_err();
        assert_eq!(error.to_string(), "codec panicked: index 7 out of range");
    }

    #[test]
    fn an_error_stays_the_same() {
        let error = catch_panic::<()>(|| Err(ImageError::Unrecognised)).unwrap_err();
        assert!(matches!(error, ImageError::Unrecognised));
    }
}
