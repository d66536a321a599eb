//! A server that stands further away than it does: connections on loopback whose bytes arrive later, in both directions.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

/// A way to a server that takes its time; it ends with this handle.
pub struct Distance {
    address: SocketAddr,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Distance {
    /// Stands before a server; an answer takes `round_trip` longer than from the server itself.
    pub fn before(server: SocketAddr, round_trip: Duration) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime can be made");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        runtime.spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(connect(near, server, round_trip / 2));
            }
        });
        Distance { address, runtime: Some(runtime) }
    }

    /// Returns the address to speak with.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Distance {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn connect(near: TcpStream, server: SocketAddr, delay: Duration) {
    let Ok(far) = TcpStream::connect(server).await else { return };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    tokio::join!(carry(near_in, far_out, delay), carry(far_in, near_out, delay));
}

/// Carries bytes over, each as late as any other: what was sent together arrives together.
async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, delay: Duration) {
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let read = async move {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            if sender.send((Instant::now() + delay, buffer[..count].to_vec())).is_err() {
                return;
            }
        }
    };
    let write = async move {
        while let Some((due, bytes)) = receiver.recv().await {
            tokio::time::sleep_until(due).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
        // The other end learns that nothing more comes.
        let _ = to.shutdown().await;
    };
    tokio::join!(read, write);
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn an_answer_takes_a_round_trip_and_comes_whole() {
        let server = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = server.local_addr().expect("it has one");
        std::thread::spawn(move || {
            let (mut stream, _) = server.accept().expect("somebody connects");
            let mut asked = [0; 4];
            stream.read_exact(&mut asked).expect("four bytes come");
            stream.write_all(&asked).expect("they go back");
        });
        let distance = Distance::before(address, Duration::from_millis(60));
        let begun = std::time::Instant::now();
        let mut stream = std::net::TcpStream::connect(distance.address()).expect("it listens");
        stream.write_all(b"ping").expect("it takes bytes");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers and ends");
        assert_eq!(answer, "ping");
        assert!(begun.elapsed() >= Duration::from_millis(60));
    }
}
