//! Owns the port: accepts connections, serves each in a task, and ends them all when it stops.
//! Never lets one connection harm another: what breaks is that connection.
//! Next: `Front::answer` for each request.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Front;

/// A client that has opened a connection must send its request's head within this.
const HEAD_MAX: Duration = Duration::from_secs(75);
/// What is under way may still end within this when the server stops.
const GOODBYE_MAX: Duration = Duration::from_secs(2);
/// Out of file descriptors: others must close first.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(crate) struct Server {
    listener: TcpListener,
}

impl Server {
    pub(crate) async fn bind(address: SocketAddr) -> io::Result<Server> {
        Ok(Server { listener: TcpListener::bind(address).await? })
    }

    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    pub(crate) async fn serve(self, front: Arc<Front>, mut stop: watch::Receiver<bool>) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => drop(connections.spawn(connection(stream, front.clone(), stop.clone()))),
                    Err(_) => tokio::time::sleep(ACCEPT_AGAIN).await,
                },
                Some(_) = connections.join_next() => {}
                () = stopped(&mut stop) => break,
            }
        }
        let ended = async { while connections.join_next().await.is_some() {} };
        drop(tokio::time::timeout(GOODBYE_MAX, ended).await);
    }
}

async fn connection(stream: TcpStream, front: Arc<Front>, mut stop: watch::Receiver<bool>) {
    drop(stream.set_nodelay(true));
    let service = service_fn(move |request| front.clone().answer(request));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_MAX);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        ended = connection.as_mut() => drop(ended),
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            drop(connection.await);
        }
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // The sender goes only with the cloud itself.
    drop(stop.wait_for(|stop| *stop).await);
}
