//! How each proxy is told what to do: the text of its configuration, or its arguments.

use std::{fmt::Write, net::SocketAddr, path::Path};

use super::contestants::{Edition, HaProxy, Nginx};

/// Sessions that a proxy must be able to hold: what fits twice into 20,000 open files, with room for other files.
pub(crate) const SESSIONS_MAX: usize = 9_600;

/// Open files of a process.
pub(crate) const FILES_MAX: usize = 20_000;

/// What a proxy is to do.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) listen: SocketAddr,
    pub(crate) upstreams: &'a [SocketAddr],
    pub(crate) threads: usize,
    /// Where it may write.
    pub(crate) folder: &'a Path,
    pub(crate) access_logs: AccessLogs,
    pub(crate) user: User,
}

/// Whether a line is written for each session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AccessLogs {
    Off,
    /// Each proxy writes its usual line to a file.
    On,
}

/// Who runs the proxies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum User {
    /// Whoever runs the suite.
    Same,
    /// The user `nobody`, from root.
    Nobody,
}

impl Plan<'_> {
    /// The configuration of HAProxy.
    pub(crate) fn haproxy(&self, setup: HaProxy) -> String {
        let global = match setup {
            HaProxy::Stock => "",
            HaProxy::Buffers => "\n    tune.bufsize 262144",
            // Otherwise it would want a pipe for every fourth session, which together do not fit the open files.
            HaProxy::Splice => "\n    maxpipes 128",
            HaProxy::SplicePipes => "\n    maxpipes 128\n    tune.pipesize 262144",
        };
        let splice = match setup {
            HaProxy::Stock | HaProxy::Buffers => "",
            HaProxy::Splice | HaProxy::SplicePipes => {
                "\n    option splice-request\n    option splice-response"
            }
        };
        let (log, tcplog) = match self.access_logs {
            AccessLogs::Off => ("", ""),
            AccessLogs::On => (
                "\n    log stdout format raw local0",
                "\n    log global\n    option tcplog",
            ),
        };
        let mut servers = String::new();
        for (index, upstream) in self.upstreams.iter().enumerate() {
            let _ = write!(servers, "\n    server s{index} {upstream}");
        }
        let (threads, listen) = (self.threads, self.listen);
        format!(
            "global
    nbthread {threads}
    maxconn {SESSIONS_MAX}{global}{log}
defaults
    mode tcp
    timeout connect 5s
    timeout client 10m
    timeout server 10m{splice}{tcplog}
listen bench
    bind {listen}{servers}
"
        )
    }

    /// The configuration of nginx.
    pub(crate) fn nginx(&self, setup: Nginx, edition: Edition) -> String {
        let (reuseport, buffers) = match setup {
            Nginx::Stock => ("", ""),
            Nginx::Buffers => (" reuseport", "\n        proxy_buffer_size 256k;"),
        };
        let module = module(edition);
        let folder = self.folder.display();
        let (log_format, log) = match self.access_logs {
            AccessLogs::Off => ("", "access_log off;".to_owned()),
            AccessLogs::On => (
                "\n    log_format line '$remote_addr [$time_local] $protocol $status $bytes_sent $bytes_received $session_time';",
                format!("access_log {folder}/access.log line;"),
            ),
        };
        // Root's workers would be nobody's otherwise.
        let user = if self.user == User::Same && rustix::process::geteuid().is_root() {
            "user root;\n"
        } else {
            ""
        };
        let mut servers = String::new();
        for upstream in self.upstreams {
            let _ = write!(servers, "\n        server {upstream};");
        }
        let (threads, listen) = (self.threads, self.listen);
        format!(
            "load_module {module};
{user}daemon off;
worker_processes {threads};
worker_rlimit_nofile {FILES_MAX};
pid {folder}/nginx.pid;
error_log {folder}/error.log error;
events {{
    worker_connections {FILES_MAX};
}}
stream {{{log_format}
    {log}
    upstream servers {{{servers}
    }}
    server {{
        listen {listen}{reuseport} backlog=4096;
        proxy_pass servers;
        proxy_connect_timeout 5s;
        proxy_timeout 10m;{buffers}
    }}
}}
"
        )
    }

    /// The arguments of the balancer, without the number of its threads.
    pub(crate) fn balancer(&self) -> Vec<String> {
        let log = match self.access_logs {
            AccessLogs::Off => "warn",
            AccessLogs::On => "info",
        };
        let mut arguments = vec!["--log".to_owned(), log.to_owned()];
        arguments.extend(["--listen".to_owned(), self.listen.to_string()]);
        for upstream in self.upstreams {
            arguments.extend(["--upstream".to_owned(), upstream.to_string()]);
        }
        arguments
    }
}

/// Where nginx finds its stream module: the newer one looks beside what it takes for its own folder.
pub(crate) fn module(edition: Edition) -> &'static str {
    match edition {
        Edition::Installed => "/usr/lib/nginx/modules/ngx_stream_module.so",
        Edition::Newer => "modules/ngx_stream_module.so",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(upstreams: &[SocketAddr], access_logs: AccessLogs) -> Plan<'_> {
        Plan {
            listen: "127.0.0.1:1000".parse().unwrap(),
            upstreams,
            threads: 2,
            folder: Path::new("/tmp/bench"),
            access_logs,
            user: User::Nobody,
        }
    }

    fn upstreams() -> Vec<SocketAddr> {
        ["127.0.0.11:1", "127.0.0.12:2"]
            .map(|address| address.parse().unwrap())
            .to_vec()
    }

    #[test]
    fn haproxy_splices_and_logs_only_where_it_is_told_to() {
        let upstreams = upstreams();
        let stock = plan(&upstreams, AccessLogs::Off).haproxy(HaProxy::Stock);
        assert!(stock.contains(
            "bind 127.0.0.1:1000\n    server s0 127.0.0.11:1\n    server s1 127.0.0.12:2\n"
        ));
        assert!(stock.contains("nbthread 2\n"));
        for word in ["splice", "log", "bufsize"] {
            assert!(!stock.contains(word), "{word} in {stock}");
        }
        let splice = plan(&upstreams, AccessLogs::On).haproxy(HaProxy::Splice);
        for line in [
            "option splice-request\n",
            "option splice-response\n",
            "option tcplog\n",
        ] {
            assert!(splice.contains(line), "no {line} in {splice}");
        }
    }

    #[test]
    fn nginx_shares_the_port_only_when_tuned() {
        let upstreams = upstreams();
        let plan = plan(&upstreams, AccessLogs::Off);
        assert!(
            plan.nginx(Nginx::Stock, Edition::Installed)
                .contains("listen 127.0.0.1:1000 backlog")
        );
        let tuned = plan.nginx(Nginx::Buffers, Edition::Newer);
        assert!(tuned.contains("listen 127.0.0.1:1000 reuseport backlog"));
        assert!(tuned.contains("proxy_buffer_size 256k;"));
        assert!(tuned.starts_with("load_module modules/"));
    }

    #[test]
    fn the_balancer_gets_every_upstream() {
        let upstreams = upstreams();
        let arguments = plan(&upstreams, AccessLogs::Off).balancer().join(" ");
        assert_eq!(
            arguments,
            "--log warn --listen 127.0.0.1:1000 --upstream 127.0.0.11:1 --upstream 127.0.0.12:2"
        );
    }
}
