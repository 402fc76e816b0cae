//! A file of settings, in TOML.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::{ConfigError, Problem};
use crate::raw::{Origin, RawConfig, Said, may_repeat, setter};

/// The size that no file of settings has.
const BYTES_MAX: u64 = 1 << 20;

/// Reads a file of settings. What is wrong goes to `errors`, all of it; the rest is returned.
pub(crate) fn read(path: &Path, errors: &mut Vec<ConfigError>) -> RawConfig {
    match text_of(path) {
        Ok(text) => parse(&path.display().to_string(), &text, errors),
        Err(error) => {
            errors.push(ConfigError::new(
                Origin::of_file(path),
                Problem::Unreadable(error),
            ));
            RawConfig::default()
        }
    }
}

fn text_of(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let length = File::open(path)?
        .take(BYTES_MAX + 1)
        .read_to_string(&mut text)?;
    if length as u64 > BYTES_MAX {
        let message = format!("larger than {BYTES_MAX} bytes, which no file of settings is");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(text)
}

/// Reads the text of a file.
fn parse(name: &str, text: &str, errors: &mut Vec<ConfigError>) -> RawConfig {
    let source = Source {
        name: name.into(),
        text,
    };
    let (table, wrong) = DeTable::parse_recoverable(text);
    for error in &wrong {
        let at = error.span().map(|span| span.start);
        errors.push(source.error(at, None, Problem::Syntax(error.message().to_owned())));
    }
    let mut raw = RawConfig::default();
    for (key, value) in table.get_ref() {
        let at = if matches!(value.get_ref(), DeValue::Table(_)) {
            key.span()
        } else {
            value.span()
        };
        if let Err(problem) = source.take(&mut raw, key.get_ref(), value) {
            errors.push(source.error(Some(at.start), Some(key.get_ref()), Problem::Value(problem)));
        }
    }
    raw
}

struct Source<'a> {
    name: Arc<str>,
    text: &'a str,
}

impl Source<'_> {
    /// Takes a setting, with all that it lists.
    fn take(
        &self,
        raw: &mut RawConfig,
        key: &str,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<(), String> {
        let set = setter(key)?;
        match value.get_ref() {
            DeValue::Array(list) if may_repeat(key) => list
                .iter()
                .try_for_each(|value| set(raw, self.said(key, value)?)),
            _ => set(raw, self.said(key, value)?),
        }
    }

    fn said(&self, key: &str, value: &Spanned<DeValue<'_>>) -> Result<Said, String> {
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_owned(),
            _ => return Err("must be a text in quotes or a whole number".to_owned()),
        };
        let origin = self.origin(Some(value.span().start), Some(key));
        Ok(Said { text, origin })
    }

    fn error(&self, at: Option<usize>, key: Option<&str>, problem: Problem) -> ConfigError {
        ConfigError::new(self.origin(at, key), problem)
    }

    fn origin(&self, at: Option<usize>, key: Option<&str>) -> Origin {
        let line = |at| {
            1 + self.text.as_bytes()[..at]
                .iter()
                .filter(|&&byte| byte == b'\n')
                .count()
        };
        Origin::File {
            name: Arc::clone(&self.name),
            line: at.map(line),
            key: key.map(str::to_owned),
        }
    }
}
