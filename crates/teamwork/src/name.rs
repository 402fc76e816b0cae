//! Names of jobs and tasks: a static string costs nothing, a computed one is shared.

use std::{
    borrow::Cow,
    fmt::{self, Write},
    ops::Deref,
    sync::Arc,
};

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
    // Inlined, a name that is written in the code is known where it is used, and nothing is looked at.
    #[inline]
    fn from(name: Cow<'static, str>) -> Self {
        match name {
            Cow::Borrowed(name) => Self::Static(name),
            Cow::Owned(name) => Self::shared(name),
        }
    }
}

impl Name {
    fn shared(name: String) -> Self {
        Self::Shared(Arc::new(name.into_boxed_str()))
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Shown(self).fmt(f)
    }
}

/// A name as it is printed. It may have come from a peer: what could end a line, or tell a terminal what to do, is escaped.
pub(crate) struct Shown<'a>(pub(crate) &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(name) = self;
        if !name.contains(is_unsafe) {
            return f.pad(name);
        }
        name.chars().try_for_each(|char| match char {
            char if is_unsafe(char) => write!(f, "{}", char.escape_default()),
            char => f.write_char(char),
        })
    }
}

/// A control character, or one that turns the direction of a line or breaks it.
fn is_unsafe(char: char) -> bool {
    char.is_control() || matches!(char, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

const _: () = assert!(size_of::<Name>() == 16, "a name is stored twice per task");
