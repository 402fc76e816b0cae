//! What a run ran on, and who is missing.

use std::{
    fs,
    io::Write,
    net::{TcpListener, TcpStream},
    process::Command,
};

use anyhow::{Context, Result};

use super::{
    configs::{AccessLogs, module},
    contestants::{Contestant, Edition, Setup},
    running::{called, program},
};

/// Removes the contestants whose program is not installed, and says so.
pub(crate) fn skip_missing(contestants: &mut Vec<Contestant>, out: &mut dyn Write) -> Result<()> {
    let module = Some(module(Edition::Installed));
    for (name, module, edition) in [
        ("haproxy", None, Edition::Installed),
        ("haproxy", None, Edition::Newer),
        ("nginx", module, Edition::Installed),
        ("nginx", None, Edition::Newer),
    ] {
        let program_name = called(name, edition);
        let reason = match program(&program_name) {
            Err(error) => Some(error.to_string()),
            Ok(_) => module
                .filter(|module| fs::metadata(module).is_err())
                .map(|module| format!("{module} is missing")),
        };
        if let Some(reason) = reason {
            writeln!(out, "without {program_name}: {reason}").context("print")?;
            contestants.retain(|contestant| !is_of((name, edition), contestant));
        }
    }
    Ok(())
}

fn is_of(program: (&str, Edition), contestant: &Contestant) -> bool {
    match contestant.setup {
        Setup::HaProxy(_, edition) => program == ("haproxy", edition),
        Setup::Nginx(_, edition) => program == ("nginx", edition),
        Setup::Direct | Setup::Ours | Setup::Like(_) => false,
    }
}

/// Whether a port whose connection has ended may be used again at once.
const TW_REUSE: &str = "/proc/sys/net/ipv4/tcp_tw_reuse";

/// Prints versions, the machine and what is the same for all.
pub(crate) fn print(access_logs: AccessLogs, out: &mut dyn Write) -> Result<()> {
    let read = |file: &str| {
        fs::read_to_string(file)
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let cores = std::thread::available_parallelism().context("count the cores")?;
    let logs = match access_logs {
        AccessLogs::Off => {
            "off everywhere (HAProxy: no `log`, nginx: `access_log off`, balancer: `--log warn`)"
        }
        AccessLogs::On => {
            "on everywhere, to a file (HAProxy: `option tcplog`, nginx: `access_log`, balancer: `--log info`)"
        }
    };
    let lines = [
        ("haproxy", version("haproxy", "-v")),
        ("nginx", version("nginx", "-v")),
        ("newer", version("haproxy-newer", "-v")),
        ("newer", version("nginx-newer", "-v")),
        ("kernel", read("/proc/sys/kernel/osrelease")),
        ("processor", format!("{cores} cores, {}", processor())),
        (
            "tcp",
            format!("{} on loopback, tcp_tw_reuse {}", congestion()?, read(TW_REUSE)),
        ),
        ("user id", rustix::process::geteuid().as_raw().to_string()),
        ("session logs", logs.to_owned()),
        (
            "load",
            "clients and upstream in one process with one thread; loopback; four upstream addresses; sinks drop bytes in the kernel".to_owned(),
        ),
        (
            "figures",
            "median ± half the distance of the quartiles; CPU: all threads of the proxy, by schedstat".to_owned(),
        ),
    ];
    for (name, value) in lines {
        writeln!(out, "{name:13}{value}").context("print")?;
    }
    Ok(())
}

/// The first line that a program says about its version.
fn version(name: &str, flag: &str) -> String {
    let said = program(name)
        .ok()
        .and_then(|path| Command::new(path).arg(flag).output().ok())
        .map(|output| [output.stdout, output.stderr].concat());
    let said = said.unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    said.lines().next().unwrap_or("missing").to_owned()
}

/// The congestion control of a connection over loopback, which may not be the system's default.
fn congestion() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").context("listen")?;
    let stream = TcpStream::connect(listener.local_addr()?).context("connect")?;
    rustix::net::sockopt::tcp_congestion(&stream).context("ask for the congestion control")
}

fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    model
        .map_or("unknown", |model| {
            model.trim_start_matches([' ', '\t', ':'])
        })
        .to_owned()
}
