//! The client of go-work's README, five tasks: none reads before there is a connection; if one fails, all end.
//! Prints: `saved hen`
#![expect(clippy::print_stdout, reason = "an example shows what happens")]
use teamwork::{Context, Flow, Job, Receiver, Result, Sender, rendezvous};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf};
use tokio::sync::Mutex;
type Connection = (Mutex<OwnedReadHalf>, Mutex<OwnedWriteHalf>);

async fn read(found: &mut Sender<[u8; 3], ()>, cx: &Context<Connection>) -> Result<Flow> {
    let mut word = [0; 3];
    match cx.wait(cx.value().0.lock().await.read(&mut word)).await? {
        0 => Ok(Flow::Done(())),
        _ => Ok(found.send(word).await.map(|()| Flow::Tick)?), // It is saved.
    }
}

async fn write(words: &mut Receiver<[u8; 3], ()>, cx: &Context<Connection>) -> Result<Flow> {
    let mut writer = cx.value().1.lock().await;
    let Some(word) = cx.wait(words.recv()).await else {
        return Ok(Flow::Done(writer.shutdown().await?)); // There is no more.
    };
    writer.write_all(&*word).await?;
    word.answer(());
    Ok(Flow::Tick)
}

#[tokio::main]
async fn main() -> Result {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let server = listener.local_addr()?;
    let ((to_write, words), (to_save, mut found)) = (rendezvous(), rendezvous());
    let mut job = Job::new("client").add_oneshot_fn("connect", async move |_: &Context| {
        let (reader, writer) = TcpStream::connect(server).await?.into_split();
        Ok((Mutex::new(reader), Mutex::new(writer)))
    });
    job.add_recurrent("read", to_save, read);
    job.add_recurrent("write", words, write);
    job.add_fn("scan", async move |_: &Context<Connection>| {
        for word in [b"cat", b"dog", b"hen"] {
            to_write.send(*word).await?; // Returns when it is written.
        }
        Ok(())
    });
    job.add_fn("save", async move |_: &Context<Connection>| {
        while let Some(word) = found.recv().await {
            println!("saved {}", str::from_utf8(&*word)?);
            word.answer(());
        }
        Ok(())
    });
    job.add_future("server that echoes", async move {
        let (mut reader, mut writer) = listener.accept().await?.0.into_split();
        Ok(copy(&mut reader, &mut writer).await?)
    });
    println!("{}", job.run_until_signal().await?);
    Ok(())
}
