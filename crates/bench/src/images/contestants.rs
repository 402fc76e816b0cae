//! Who is measured, how each is started, and whether it is there.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/images");

/// Who makes thumbnails. Ours is the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Contestant {
    Imaging,
    VipsThumbnail,
    Pyvips,
    Sharp,
    Pillow,
    Gm,
}

/// All of them, in the order of the tables.
pub(crate) const EVERYBODY: [Contestant; 6] = [
    Contestant::Imaging,
    Contestant::VipsThumbnail,
    Contestant::Pyvips,
    Contestant::Sharp,
    Contestant::Pillow,
    Contestant::Gm,
];

/// Where the script has put the peers.
#[derive(Debug)]
pub(crate) struct Installed {
    folder: PathBuf,
}

impl Contestant {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Imaging => "imaging",
            Self::VipsThumbnail => "vipsthumbnail",
            Self::Pyvips => "pyvips",
            Self::Sharp => "sharp",
            Self::Pillow => "pillow",
            Self::Gm => "gm",
        }
    }

    /// Whether it is one of these, by how its name begins; no names are all names. Ours always is: it is what is judged.
    pub(crate) fn is_wanted(self, names: &[String]) -> bool {
        self == Self::Imaging
            || names.is_empty()
            || names.iter().any(|name| self.name().starts_with(name))
    }
}

impl Installed {
    pub(crate) fn new(folder: &Path) -> Self {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        Self { folder }
    }

    /// The command that starts a worker, which works on so many images at a time with one thread each.
    pub(crate) fn worker(&self, contestant: Contestant, at_a_time: usize) -> Result<Command> {
        let at_a_time = at_a_time.to_string();
        let mut command = match contestant {
            Contestant::Imaging => this_program("imaging", &at_a_time)?,
            Contestant::VipsThumbnail => this_program("vips-thumbnail", &at_a_time)?,
            Contestant::Gm => this_program("gm", &at_a_time)?,
            Contestant::Pyvips => self.python(&[&format!("{SCRIPTS}/vips.py"), &at_a_time]),
            Contestant::Pillow => self.python(&[&format!("{SCRIPTS}/pillow.py"), &at_a_time]),
            Contestant::Sharp => {
                let mut node = Command::new("node");
                node.args([&format!("{SCRIPTS}/sharp.mjs"), &at_a_time]);
                node.arg(self.node());
                node
            }
        };
        command.env("VIPS_CONCURRENCY", "1");
        command.env("UV_THREADPOOL_SIZE", &at_a_time);
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        Ok(command)
    }

    /// Which version is there.
    pub(crate) fn version(&self, contestant: Contestant) -> Result<String> {
        let mut command = match contestant {
            Contestant::Imaging => return Ok("of this build".to_owned()),
            Contestant::VipsThumbnail => with(Command::new("vipsthumbnail"), &["--version"]),
            Contestant::Gm => with(Command::new("gm"), &["version"]),
            Contestant::Pyvips => self.python(&[
                "-c",
                "import pyvips; print('libvips', '.'.join(str(pyvips.version(n)) for n in range(3)))",
            ]),
            Contestant::Pillow => self.python(&["-c", "import PIL; print(PIL.__version__)"]),
            Contestant::Sharp => {
                let module = self.node().join("node_modules/sharp");
                let script = format!("(({{sharp, vips}}) => `${{sharp}}, libvips ${{vips}}`)(require({module:?}).versions)");
                with(Command::new("node"), &["-p", &script])
            }
        };
        let output = command.output().context("is not installed")?;
        anyhow::ensure!(
            output.status.success(),
            "does not run; crates/bench/scripts/images.sh installs it"
        );
        let said = String::from_utf8_lossy(&output.stdout);
        Ok(said.lines().next().unwrap_or_default().trim().to_owned())
    }

    fn node(&self) -> PathBuf {
        self.folder.join("node")
    }

    fn python(&self, arguments: &[&str]) -> Command {
        with(Command::new(self.folder.join("venv/bin/python")), arguments)
    }
}

fn with(mut command: Command, arguments: &[&str]) -> Command {
    command.args(arguments);
    command
}

fn this_program(tool: &str, at_a_time: &str) -> Result<Command> {
    let program = std::env::current_exe().context("find this program")?;
    let arguments = ["--images-worker", tool, "--at-a-time", at_a_time];
    Ok(with(Command::new(program), &arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contestants_are_chosen_by_how_their_names_begin_and_ours_always_is() {
        let chosen = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(ToString::to_string).collect();
            EVERYBODY.map(|one| one.is_wanted(&names))
        };
        assert_eq!(chosen(&[]), [true; 6]);
        let vips_and_pillow = [true, true, false, false, true, false];
        assert_eq!(chosen(&["vips", "pil"]), vips_and_pillow);
    }
}
