//! The workers that are this program itself, started once more: our engine, and command-line tools that are started for each
//! batch.

use std::{
    fs,
    io::{BufRead, Read, Write},
    num::NonZero,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use futures_util::future::try_join_all;
use imaging::{Limits, Options, Output, Size};
use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike,
};
use teamwork::BlockingPool;

use super::protocol::{Batch, Used};

/// What makes the thumbnails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Tool {
    Imaging,
    VipsThumbnail,
    Gm,
}

/// Answers each batch on standard input, until there is none.
pub(crate) fn serve(tool: Tool, at_a_time: NonZero<usize>, out: &mut dyn Write) -> Result<()> {
    if tool == Tool::Imaging {
        // As our programs do.
        heap::use_small_pages();
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .max_blocking_threads(at_a_time.get())
        .build()
        .context("start a runtime")?;
    let pool = BlockingPool::new(at_a_time, usize::from(u16::MAX));
    for line in std::io::stdin().lock().lines() {
        let batch: Batch = serde_json::from_str(&line.context("read a batch")?)?;
        let made = match tool {
            Tool::Imaging => runtime.block_on(resize_all(&pool, batch)),
            Tool::VipsThumbnail => run_all(&batch, at_a_time, vipsthumbnail),
            Tool::Gm => run_all(&batch, at_a_time, gm),
        };
        let mut used = used(tool, made.err().map(|error| format!("{error:#}")))?;
        if tool != Tool::Imaging {
            // What is known is the largest process; all that run at a time do the same work.
            used.peak_bytes *= at_a_time.get() as u64;
        }
        writeln!(out, "{}", serde_json::to_string(&used)?)?;
        out.flush().context("answer")?;
    }
    Ok(())
}

fn used(tool: Tool, error: Option<String>) -> Result<Used> {
    let who = match tool {
        Tool::Imaging => UsageWho::RUSAGE_SELF,
        Tool::VipsThumbnail | Tool::Gm => UsageWho::RUSAGE_CHILDREN,
    };
    let usage = getrusage(who).context("ask what was used")?;
    let microseconds = (usage.user_time() + usage.system_time()).num_microseconds();
    let peak_bytes = match tool {
        Tool::Imaging => peak_of_status(&fs::read_to_string("/proc/self/status")?)
            .context("no peak in /proc/self/status")?,
        // In KiB. No tool is smaller than this program was when it started it, which would be counted.
        Tool::VipsThumbnail | Tool::Gm => u64::try_from(usage.max_rss())? * 1024,
    };
    Ok(Used {
        cpu_ns: u64::try_from(microseconds)? * 1000,
        peak_bytes,
        error,
    })
}

/// The peak in `/proc/PID/status`, in bytes. Unlike `ru_maxrss` it knows nothing of the process that started this one.
fn peak_of_status(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

/// What files were read into. Peers map files or read them piece by piece; an allocator that keeps what was freed would have
/// the input several times.
static BUFFERS: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

async fn resize_all(pool: &BlockingPool, batch: Batch) -> Result<()> {
    let calls = batch.files.into_iter().map(|(source, target)| {
        // The numbers of WebP say little: with another effort of the encoder they stand for other files. What counts is in the table.
        let quality = (extension(&target) != "webp").then_some(batch.quality);
        let options = Options {
            quality,
            output: match extension(&target) {
                "jpg" => Output::Jpeg,
                _ => Output::Same,
            },
            ..Options::new(Size::new(batch.side, batch.side))
        };
        async move {
            pool.run(move |_| resize(&source, &target, &options))
                .await?
        }
    });
    try_join_all(calls).await?;
    Ok(())
}

fn resize(source: &Path, target: &Path, options: &Options) -> Result<()> {
    let reading = || format!("read {}", source.display());
    let buffers = || BUFFERS.lock().unwrap_or_else(PoisonError::into_inner);
    // Room that nobody has written to costs nothing.
    let room = || Vec::with_capacity(Limits::INPUT_BYTES_MAX);
    let mut photo = buffers().pop().unwrap_or_else(room);
    photo.clear();
    let mut file = fs::File::open(source).with_context(reading)?;
    file.read_to_end(&mut photo).with_context(reading)?;
    let made = imaging::resize(&photo, options)?;
    buffers().push(photo);
    fs::write(target, made.bytes).with_context(|| format!("write {}", target.display()))
}

/// Starts as many processes as wanted at a time, each with its share of the files, and waits for all of them.
fn run_all(
    batch: &Batch,
    at_a_time: NonZero<usize>,
    start: fn(&Batch) -> Result<Child>,
) -> Result<()> {
    let share = batch.files.len().div_ceil(at_a_time.get()).max(1);
    let children: Vec<Child> = batch
        .files
        .chunks(share)
        .map(|files| {
            let files = files.to_vec();
            start(&Batch { files, ..*batch })
        })
        .collect::<Result<_>>()?;
    for child in children {
        let output = child.wait_with_output().context("wait for a tool")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}: {said}", output.status);
    }
    Ok(())
}

/// All targets lie in one folder, have one extension, and are called like their sources.
fn vipsthumbnail(batch: &Batch) -> Result<Child> {
    let (_, target) = batch.files.first().context("no files")?;
    let folder = target.parent().context("a target has a folder")?;
    let (extension, side) = (extension(target), batch.side);
    let options = if extension == "png" {
        "[strip]".to_owned()
    } else {
        format!("[Q={},strip]", batch.quality)
    };
    let output = format!("{}/%s.{extension}{options}", folder.display());
    Command::new("vipsthumbnail")
        .args(["--size", &format!("{side}x{side}>")])
        .args(["--output", &output, "--vips-cache-max=0"])
        .args(batch.files.iter().map(|(source, _)| source))
        .env("VIPS_CONCURRENCY", "1")
        .stderr(Stdio::piped())
        .spawn()
        .context("start vipsthumbnail")
}

fn gm(batch: &Batch) -> Result<Child> {
    let mut child = Command::new("gm")
        .args(["batch", "-stop-on-error", "on", "-"])
        .env("OMP_NUM_THREADS", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("start gm")?;
    let mut stdin = child.stdin.take().context("standard input is a pipe")?;
    stdin
        .write_all(gm_commands(batch).as_bytes())
        .context("tell gm what to do")?;
    Ok(child)
}

/// `-size` has the decoder of JPEG shrink, to twice what is wanted. The quality of a PNG is the level of zlib and a filter:
/// the usual ones.
fn gm_commands(batch: &Batch) -> String {
    let Batch { side, quality, .. } = *batch;
    let twice = side * 2;
    let commands = batch.files.iter().map(|(source, target)| {
        let quality = if extension(target) == "png" { 75 } else { quality };
        let (source, target) = (source.display(), target.display());
        format!(
            "convert -size {twice}x{twice} '{source}' -filter Lanczos -resize '{side}x{side}>' -strip -quality {quality} '{target}'\n"
        )
    });
    commands.collect()
}

fn extension(path: &Path) -> &str {
    path.extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_in_bytes() {
        let status = "VmPeak:\t  900 kB\nVmHWM:\t  12 kB\nVmRSS:\t 7 kB\n";
        assert_eq!(peak_of_status(status), Some(12 * 1024));
        assert_eq!(peak_of_status("VmRSS:\t 7 kB\n"), None);
    }

    #[test]
    fn gm_is_told_one_command_for_each_file() {
        let file = |extension: &str| {
            (
                format!("/in/a.{extension}").into(),
                format!("/out/a.{extension}").into(),
            )
        };
        let batch = Batch {
            side: 256,
            quality: 82,
            files: vec![file("jpg"), file("png")],
        };
        assert_eq!(
            gm_commands(&batch),
            "convert -size 512x512 '/in/a.jpg' -filter Lanczos -resize '256x256>' -strip -quality 82 '/out/a.jpg'\n\
             convert -size 512x512 '/in/a.png' -filter Lanczos -resize '256x256>' -strip -quality 75 '/out/a.png'\n"
        );
    }

    #[test]
    fn our_worker_makes_what_it_is_told_and_says_what_it_used() {
        let folder = tempfile::tempdir().unwrap();
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples/coffee.jpg");
        let target = folder.path().join("coffee.jpg");
        let options = Options::new(Size::new(64, 64));
        resize(Path::new(source), &target, &options).unwrap();
        let used = used(Tool::Imaging, None).unwrap();
        assert!(used.cpu_ns > 0 && used.peak_bytes > 1 << 20);
        let made = imaging::inspect(&fs::read(target).unwrap(), &Limits::default());
        assert_eq!(made.unwrap().width, 64);
        assert!(resize(Path::new("/nowhere.jpg"), folder.path(), &options).is_err());
    }
}
