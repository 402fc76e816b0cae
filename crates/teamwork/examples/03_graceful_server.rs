//! A server with a job per connection. Ctrl-C: it accepts no more, lets connections end for two seconds, then finishes them.
//!
//! Prints: `3 tasks came and went`
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::time::Duration;

use teamwork::{Context, Job, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn accept(listener: TcpListener, cx: &Context) -> Result {
    while let Some(accepted) = cx.unless_draining(listener.accept()).await {
        let (stream, peer) = accepted?;
        let mut connection = Job::new(format!("connection {peer}")).isolated(); // It fails alone.
        connection.add_fn("echo", async move |cx: &Context| echo(stream, cx).await);
        if cx.job().add_job(connection.inline()).is_err() {
            break; // The server has just begun to stop; the connection is closed.
        }
    }
    Ok(())
}

async fn echo(mut stream: TcpStream, cx: &Context) -> Result {
    let mut chunk = [0; 1024];
    loop {
        // A finish ends the connection here, and never in the middle of an answer.
        let bytes = cx.wait(stream.read(&mut chunk)).await?;
        match bytes {
            0 => return Ok(()),
            _ => stream.write_all(&chunk[..bytes]).await?,
        }
    }
}

/// Some visitors, so that there is something to see; then the end, as after Ctrl-C.
async fn visit(server: std::net::SocketAddr, cx: &Context) -> Result {
    for name in [b"ann", b"bob", b"eve"] {
        let mut stream = TcpStream::connect(server).await?;
        stream.write_all(name).await?;
        stream.read_exact(&mut [0; 3]).await?;
    }
    cx.job().drain();
    Ok(())
}

#[tokio::main]
async fn main() -> Result {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let mut server = Job::new("server").drain_deadline(Duration::from_secs(2));
    server.add_fn("accept", async move |cx: &Context| {
        accept(listener, cx).await
    });
    server.add_fn("visitors", async move |cx: &Context| {
        visit(address, cx).await
    });
    println!("{}", server.run_until_signal().await?);
    Ok(())
}
