//! Names of jobs and tasks: a static string costs nothing, a computed one is shared.

use std::{borrow::Cow, fmt, ops::Deref, sync::Arc};

/// The name of a job or of a task.
#[derive(Clone)]
pub(crate) enum Name {
    Static(&'static str),
    /// Boxed once more, so that a name takes two words, not three.
    Shared(Arc<Box<str>>),
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Static(name) => name,
            Self::Shared(name) => name,
        }
    }
}

impl From<Cow<'static, str>> for Name {
    fn from(name: Cow<'static, str>) -> Self {
        match name {
            Cow::Borrowed(name) => Self::Static(name),
            Cow::Owned(name) => Self::Shared(Arc::new(name.into_boxed_str())),
        }
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

const _: () = assert!(size_of::<Name>() == 16, "a name is stored twice per task");
