//! A directory of images and a place for the results, gone after the test.

use std::fs;
use std::path::{Path, PathBuf};

use resize::{Address, Config, Connections, Engine, Via};

pub(crate) struct Place {
    root: tempfile::TempDir,
}

impl Place {
    /// An input directory with these files in it.
    pub(crate) fn with<N: AsRef<str>>(files: impl IntoIterator<Item = (N, Vec<u8>)>) -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("in")).unwrap();
        for (name, content) in files {
            let path = root.path().join("in").join(name.as_ref());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        Self { root }
    }

    /// An input directory with so many images, each with a content of its own, in several directories.
    pub(crate) fn with_images(count: usize) -> Self {
        Self::with((0..count).map(|number| {
            let name = format!("{}/photo {number}.jpg", number % 3);
            (name.clone(), jpeg(&name))
        }))
    }

    pub(crate) fn input(&self) -> PathBuf {
        self.root.path().join("in")
    }

    pub(crate) fn output(&self) -> PathBuf {
        self.root.path().join("out")
    }

    /// A run in this process.
    pub(crate) fn local(&self) -> Config {
        Config::new(&self.input(), &self.output(), "64x64".parse().unwrap()).unwrap()
    }

    /// A run over connections.
    pub(crate) fn via(&self, address: &Address, min: usize, max: usize) -> Config {
        let count = |count: usize| count.try_into().unwrap();
        let connections = Connections::new(count(min), count(max)).unwrap();
        let via = Via {
            connections,
            ..Via::new(address.clone())
        };
        Config {
            engine: Engine::Via(via),
            ..self.local()
        }
    }

    /// Everything that lies in the output directory, with forward slashes, sorted. Temporary files included.
    pub(crate) fn results(&self) -> Vec<String> {
        let mut results = Vec::new();
        list(&self.output(), &self.output(), &mut results);
        results.sort();
        results
    }

    pub(crate) fn result(&self, name: &str) -> Vec<u8> {
        fs::read(self.output().join(name)).unwrap()
    }
}

/// The head of a JPEG and some text: an image as far as a scan can see, and a server that echoes does not look closer.
pub(crate) fn jpeg(text: &str) -> Vec<u8> {
    [b"\xff\xd8\xff\xe0 ", text.as_bytes()].concat()
}

fn list(root: &Path, directory: &Path, results: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(root, &path, results);
        } else {
            results.push(
                path.strip_prefix(root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned(),
            );
        }
    }
}
