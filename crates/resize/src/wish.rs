//! What the results are to be, as flags of a command line: the box, and every option of the table that the resizers read as well.

use clap::builder::{TypedValueParser, ValueParser};
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};
use imaging::{Bounds, Gravity, Mode, Options, SETTINGS, Setting};

/// What the results are to be.
#[derive(Clone, Debug)]
pub struct Wish(pub Options);

impl Args for Wish {
    fn augment_args(command: Command) -> Command {
        let size = Arg::new("size")
            .long("size")
            .value_name("WxH")
            .help("The box in pixels that each image is fitted into: 256x256, or 256x or x256 if only one side matters")
            .required(true)
            .value_parser(size);
        command
            .next_help_heading("What the results are to be")
            .arg(size)
            .args(SETTINGS.iter().map(flag))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Wish {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let size: &Bounds = matches.get_one("size").expect("clap requires it");
        let mut options = Options::new(*size);
        for setting in SETTINGS {
            if let Some(text) = said(setting, matches) {
                let error = |error| {
                    let message = format!("--{} {error}\n", setting.name);
                    Error::raw(ErrorKind::ValueValidation, message)
                };
                setting.read(text, &mut options).map_err(error)?;
            }
        }
        Ok(Self(options))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Makes the flag of a setting.
fn flag(setting: &'static Setting) -> Arg {
    let flag = Arg::new(setting.name).long(setting.name);
    let Some(value) = setting.value else {
        // As clap writes its own: no full stop at the end.
        let help = setting.help.trim_end_matches('.');
        return flag.help(help).action(ArgAction::SetTrue);
    };
    let help = match setting.usual() {
        // It depends on the picture, and the help says how.
        usual if usual.is_empty() => setting.help.to_owned(),
        usual => format!("{} [default: {usual}]", setting.help),
    };
    flag.value_name(value)
        .help(help)
        .value_parser(checked(setting))
}

/// Keeps the text of a value that is one; a gravity is one whatever the mode, which is not known yet.
fn checked(setting: &'static Setting) -> ValueParser {
    let check = |text: String| {
        let mut scrap = Options::new(Bounds::of_width(1));
        scrap.mode = Mode::Fill(Gravity::default());
        setting.read(&text, &mut scrap).map(|()| text)
    };
    clap::builder::StringValueParser::new()
        .try_map(check)
        .into()
}

/// Returns what was said of a setting.
fn said<'m>(setting: &Setting, matches: &'m ArgMatches) -> Option<&'m str> {
    match setting.value {
        Some(_) => matches.get_one(setting.name).map(String::as_str),
        None => matches.get_flag(setting.name).then_some("true"),
    }
}

/// Reads a size and says what would be one with a side left open.
fn size(text: &str) -> Result<Bounds, String> {
    let wrong = |error| format!("{error}; or with one side left open, 256x or x256");
    text.parse().map_err(wrong)
}
