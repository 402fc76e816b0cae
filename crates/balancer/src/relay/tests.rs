//! One pump between two connections, by copying and by splicing.

use std::os::fd::OwnedFd;

use fastrand::Rng;
use rustix::event::epoll::EventFlags;
use rustix::net::sockopt;
use testkit::backends::{pair, payload};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::*;
use crate::config::Splice;
use crate::pipes::Budget;
use crate::reactor::watched;
use crate::readiness::Readiness;

const MIB: usize = 1 << 20;

/// A pump between a source and a sink.
struct Line {
    pump: Pump,
    source: End,
    sink: End,
    pipes: Pipes,
}

/// The near end of a connection, with the runtime in the part of the reactor.
struct End {
    file: AsyncFd<OwnedFd>,
    readiness: Readiness,
}

impl End {
    fn new(stream: TcpStream) -> Self {
        let file = stream.into_std().unwrap().into();
        Self {
            file: watched(file, Interest::READABLE | Interest::WRITABLE).unwrap(),
            readiness: Readiness::default(),
        }
    }

    fn socket(&self) -> Socket<'_> {
        Socket::new(self.file.get_ref(), &self.readiness)
    }

    async fn until(&self, awaits: Awaits) {
        loop {
            let known = self.readiness.see();
            let has = match awaits {
                Awaits::Source => known.is_readable(),
                Awaits::Sink => known.is_writable(),
            };
            if has {
                return;
            }
            self.be_told().await;
        }
    }

    async fn be_told(&self) {
        let any = Interest::READABLE | Interest::WRITABLE;
        let mut guard = self.file.ready(any).await.unwrap();
        let ready = guard.ready();
        let events = [
            (ready.is_readable(), EventFlags::IN),
            (ready.is_writable(), EventFlags::OUT),
            (ready.is_read_closed(), EventFlags::RDHUP),
            (ready.is_write_closed(), EventFlags::HUP),
        ];
        let told = events.into_iter().filter(|(is_so, _)| *is_so);
        self.readiness.tell(0, told.map(|(_, flag)| flag).collect());
        guard.clear_ready();
    }

    fn sends_at_once(&self) -> bool {
        sockopt::tcp_nodelay(self.file.get_ref()).unwrap()
    }
}

/// A line, what writes to its source, and what reads from its sink.
async fn line(manner: Manner, pipes: usize) -> (TcpStream, Line, TcpStream) {
    let (writer, source) = pair().await.unwrap();
    let (sink, reader) = pair().await.unwrap();
    let mut pump = Pump::new(Side::Client, Sending::AtOnce);
    pump.manner = manner;
    let pipes = Pipes::new(Splice::Auto, Budget::of(pipes));
    let line = Line {
        pump,
        source: End::new(source),
        sink: End::new(sink),
        pipes,
    };
    line.sink.until(Awaits::Sink).await;
    (writer, line, reader)
}

/// By copying and by splicing.
const BOTH: [Manner; 2] = [Manner::CopyOnly, Manner::Splice { poor: 0 }];

impl Line {
    async fn step(&mut self) -> Step {
        let awaits = self.pump.awaits();
        match awaits {
            Awaits::Source => self.source.until(awaits).await,
            Awaits::Sink => self.sink.until(awaits).await,
        }
        let (source, sink) = (self.source.socket(), self.sink.socket());
        self.pump.step(source, sink, &self.pipes)
    }

    /// Steps until the pump says something else than that bytes moved; returns that with how many did.
    async fn all(&mut self) -> (usize, Step) {
        let mut moved = 0;
        loop {
            match self.step().await {
                Step::Moved { written } => moved += written,
                other => return (moved, other),
            }
        }
    }

    /// Steps until the sink takes no more.
    async fn fill_up(&mut self) {
        while self.pump.is_empty() {
            assert!(matches!(self.step().await, Step::Moved { .. }));
        }
    }
}

/// What has come in a pipe or a buffer when the source ends is handed on before the end is.
#[tokio::test]
async fn everything_arrives_before_the_end_is_told_however_slow_the_sink() {
    for manner in BOTH {
        let (mut writer, mut line, mut reader) = line(manner, 1).await;
        let (sent, full) = (payload(1, 8 * MIB), Notify::new());
        let write = async {
            writer.write_all(&sent).await.unwrap();
            writer.shutdown().await.unwrap();
        };
        let relay = async {
            line.fill_up().await;
            full.notify_one();
            let ended = line.all().await.1;
            drop(line);
            ended
        };
        let mut received = Vec::new();
        let read = async {
            full.notified().await;
            reader.read_to_end(&mut received).await.unwrap();
        };
        let ((), ended, ()) = tokio::join!(write, relay, read);
        assert!(matches!(ended, Step::Finished), "{manner:?}: {ended:?}");
        assert!(received == sent, "{manner:?}: {} bytes", received.len());
    }
}

/// Sends `bytes` in pieces of random sizes, with random pauses between them.
async fn send_in_pieces(writer: &mut TcpStream, mut bytes: &[u8], rng: &mut Rng) {
    while !bytes.is_empty() {
        let (most, turns) = ([100, 5_000, 900_000][rng.usize(..3)], rng.usize(..4));
        let (piece, rest) = bytes.split_at(rng.usize(1..=most).min(bytes.len()));
        writer.write_all(piece).await.unwrap();
        bytes = rest;
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn whatever_the_sizes_every_byte_arrives() {
    for seed in 0..40 {
        let (mut writer, mut line, mut reader) = line(Manner::Copy { full: 0 }, 1).await;
        let mut rng = Rng::with_seed(seed);
        let sent = payload(seed, 3 * MIB);
        let write = async {
            send_in_pieces(&mut writer, &sent, &mut rng).await;
            drop(writer);
        };
        let relay = async {
            let ended = line.all().await;
            drop(line);
            ended
        };
        let mut received = Vec::new();
        let ((), (moved, ended), read) =
            tokio::join!(write, relay, reader.read_to_end(&mut received));
        assert!(matches!(ended, Step::Finished), "seed {seed}: {ended:?}");
        assert_eq!(moved, sent.len(), "seed {seed}");
        assert!(read.is_ok() && received == sent, "seed {seed}");
    }
}

#[tokio::test]
async fn an_idle_pump_holds_no_buffer_and_no_pipe() {
    for manner in BOTH {
        let (mut writer, mut line, mut reader) = line(manner, 1).await;
        writer.write_all(&[7; 1000]).await.unwrap();
        let step = line.step().await;
        assert!(matches!(step, Step::Moved { written: 1000 }), "{step:?}");
        assert!(line.pump.is_empty());
        assert!(line.pipes.borrow().is_some(), "the only pipe is there");
        let mut received = [0; 1000];
        reader.read_exact(&mut received).await.unwrap();
    }
}

#[tokio::test]
async fn what_was_needed_for_a_slow_sink_is_given_back() {
    for manner in BOTH {
        let (mut writer, mut line, mut reader) = line(manner, 1).await;
        let write = async { while writer.write_all(&[0; 4096]).await.is_ok() {} };
        let relay = async {
            line.fill_up().await;
            let is_spliced = matches!(line.pump.pending.as_deref(), Some(Pending::Piped(_)));
            assert_eq!(is_spliced, manner != Manner::CopyOnly);
            assert_eq!(line.pipes.borrow().is_none(), is_spliced);
            let mut buffer = vec![0; MIB];
            while !line.pump.is_empty() {
                tokio::select! {
                    count = reader.read(&mut buffer) => assert!(count.unwrap() > 0),
                    step = line.step() => assert!(matches!(step, Step::Moved { .. }), "{step:?}"),
                }
            }
            assert!(line.pipes.borrow().is_some());
        };
        tokio::select! { () = write => panic!("the source stays open"), () = relay => {} }
    }
}

/// The bytes of one session must never get into another.
#[tokio::test]
async fn a_pipe_is_not_used_again_when_its_session_ends_with_bytes_in_it() {
    let (mut writer, mut line, reader) = line(Manner::Splice { poor: 0 }, 1).await;
    let write = async { while writer.write_all(b"of the first").await.is_ok() {} };
    tokio::select! { () = write => panic!("the source stays open"), () = line.fill_up() => {} }
    reader.set_zero_linger().unwrap();
    drop(reader);
    let (_, ended) = line.all().await;
    assert!(matches!(ended, Step::Unwritable(_)), "{ended:?}");
    assert!(
        !line.pump.is_empty(),
        "whoever finalizes knows that bytes are lost"
    );
    drop(std::mem::replace(
        &mut line.pump,
        Pump::new(Side::Client, Sending::AtOnce),
    ));
    let mut pipe = line.pipes.borrow().expect("a new one may be made");
    let (mut second, source) = pair().await.unwrap();
    second.write_all(b"of the second").await.unwrap();
    let source = End::new(source);
    source.until(Awaits::Source).await;
    assert_eq!(pipe.fill(source.socket()).unwrap(), b"of the second".len());
    let (sink, mut reader) = pair().await.unwrap();
    let sink = End::new(sink);
    sink.until(Awaits::Sink).await;
    assert_eq!(pipe.drain(sink.socket()).unwrap(), b"of the second".len());
    let mut received = [0; b"of the second".len()];
    reader.read_exact(&mut received).await.unwrap();
    assert_eq!(&received, b"of the second");
}

#[tokio::test]
async fn a_reset_source_is_told_from_a_finished_one_after_its_last_bytes() {
    for manner in BOTH {
        let (mut writer, mut line, reader) = line(manner, 1).await;
        writer.write_all(b"last words").await.unwrap();
        writer.set_zero_linger().unwrap();
        drop(writer);
        let (moved, ended) = line.all().await;
        assert!(
            matches!(ended, Step::Unreadable(_)),
            "{manner:?}: {ended:?}"
        );
        assert_eq!(moved, b"last words".len());
        drop(reader);
    }
}

#[tokio::test]
async fn a_sink_that_is_gone_is_told() {
    for manner in BOTH {
        let (mut writer, mut line, reader) = line(manner, 1).await;
        reader.set_zero_linger().unwrap();
        drop(reader);
        // A socket on which a reset has come is readable.
        line.sink.until(Awaits::Source).await;
        writer.write_all(b"to nobody").await.unwrap();
        let (moved, ended) = line.all().await;
        assert!(
            matches!(ended, Step::Unwritable(_)),
            "{manner:?}: {ended:?}"
        );
        assert_eq!(moved, 0);
    }
}

#[tokio::test]
async fn what_is_discarded_is_read_to_its_end() {
    let (mut writer, line, _reader) = line(Manner::CopyOnly, 0).await;
    writer.write_all(&[1; 10]).await.unwrap();
    drop(writer);
    loop {
        line.source.until(Awaits::Source).await;
        match Pump::discard(line.source.socket()) {
            Step::Moved { written } => assert_eq!(written, 0),
            ended => break assert!(matches!(ended, Step::Finished), "{ended:?}"),
        }
    }
}

#[test]
fn streams_that_fill_the_buffer_are_spliced_and_small_messages_copied() {
    let full_reads =
        |count| (0..count).fold(Manner::Copy { full: 0 }, |m, _| m.copied(CHUNK_BYTES));
    assert!(!full_reads(2).wants_a_pipe());
    assert!(full_reads(3).wants_a_pipe());
    assert!(full_reads(300).wants_a_pipe(), "though there was none");
    assert!(!full_reads(3).copied(CHUNK_BYTES - 1).wants_a_pipe());

    let spliced = full_reads(3).spliced(MIB);
    let twice = spliced.spliced(100).spliced(100);
    assert!(twice.wants_a_pipe(), "two small ones do not make a habit");
    assert!(twice.spliced(MIB).spliced(100).wants_a_pipe());
    assert!(!twice.spliced(100).wants_a_pipe());
    assert_eq!(Manner::CopyOnly.copied(CHUNK_BYTES), Manner::CopyOnly);
}

#[tokio::test]
async fn the_system_is_told_to_send_at_once_only_when_it_matters() {
    let (mut writer, mut line, _reader) = line(Manner::CopyOnly, 0).await;
    sockopt::set_tcp_nodelay(line.sink.file.get_ref(), false).unwrap();
    line.pump.sending = Sending::Fresh;
    for (message, at_once) in [(&[1_u8; 100], false), (&[2; 100], true)] {
        writer.write_all(message).await.unwrap();
        let step = line.step().await;
        assert!(matches!(step, Step::Moved { written: 100 }), "{step:?}");
        assert_eq!(line.sink.sends_at_once(), at_once);
    }
}

#[tokio::test]
async fn a_large_first_message_is_sent_at_once_to_its_last_byte() {
    let (mut writer, mut line, _reader) = line(Manner::CopyOnly, 0).await;
    sockopt::set_tcp_nodelay(line.sink.file.get_ref(), false).unwrap();
    line.pump.sending = Sending::Fresh;
    writer.write_all(&[1; 5000]).await.unwrap();
    assert!(matches!(line.step().await, Step::Moved { .. }));
    assert!(line.sink.sends_at_once());
}

/// A broken sink counts as one that takes more, for ever; who waited for it would never wait.
#[tokio::test]
async fn a_pump_that_discards_waits_for_its_source_whatever_was_left_for_its_sink() {
    for manner in BOTH {
        let (mut writer, mut line, _reader) = line(manner, 1).await;
        let write = async { while writer.write_all(&[0; 4096]).await.is_ok() {} };
        tokio::select! { () = write => panic!("the source stays open"), () = line.fill_up() => {} }
        assert_eq!(line.pump.awaits(), Awaits::Sink);
        line.pump.discard_from_now_on(1);
        assert_eq!(line.pump.awaits(), Awaits::Source);
    }
}

/// A pump with an always ready source and an always ready sink still lets others have their turn.
#[tokio::test]
async fn a_busy_pump_says_when_others_should_have_their_turn() {
    let (mut writer, mut line, mut reader) = line(Manner::Splice { poor: 0 }, 1).await;
    let mut buffer = vec![0; MIB];
    let write = async { while writer.write_all(&[0; 65536]).await.is_ok() {} };
    let read = async { while reader.read(&mut buffer).await.is_ok_and(|count| count > 0) {} };
    let relay = async {
        let mut moved = 0;
        while !line.pump.has_had_its_turn() {
            let Step::Moved { written } = line.step().await else {
                panic!("both stay open");
            };
            moved += written.max(STEP_BYTES);
        }
        assert!(moved >= TURN_BYTES, "after {moved} bytes");
        assert!(!line.pump.has_had_its_turn(), "it says so once");
    };
    tokio::select! { () = write => {}, () = read => {}, () = relay => {} }
}
