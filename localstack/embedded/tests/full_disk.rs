//! What happens when the disk is full: requests are answered with errors, and nothing that was answered is lost.
//! Never a real full disk: the process may write files of so many bytes and no larger, which SQLite meets the same way.
//! Next: `engine`, which gives up a round that was not stored.

#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

struct Server {
    child: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// No file may grow beyond so many blocks of 512 bytes.
    fn start(data: &Path, blocks_max: &str) -> anyhow::Result<Server> {
        let mut command = Command::new("sh");
        // A write beyond the limit is to fail, not to end the process.
        command.args(["-c", r#"trap '' XFSZ; ulimit -f "$1"; shift; exec "$@""#, "sh", blocks_max]);
        command.arg(env!("CARGO_BIN_EXE_embedded-cloud")).arg("--data").arg(data).args(["--listen", "127.0.0.1:0"]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut first = String::new();
        BufReader::new(child.stdout.take().context("piped")?).read_line(&mut first)?;
        let address = first.split("http://").nth(1).and_then(|rest| rest.split(' ').next());
        let address = address.with_context(|| format!("it said {first:?}"))?.to_owned();
        Ok(Server { child, address })
    }

    fn ask(&self, operation: &str, body: &Value) -> anyhow::Result<(u16, Value)> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let body = body.to_string();
        write!(
            stream,
            "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Amz-Target: AmazonSQS.{operation}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut said = String::new();
        stream.read_to_string(&mut said)?;
        let (head, body) = said.split_once("\r\n\r\n").context("no head")?;
        Ok((head.split(' ').nth(1).context("a status")?.parse()?, serde_json::from_str(body)?))
    }
}

#[test]
fn on_a_full_disk_requests_fail_and_nothing_that_was_answered_is_lost() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let mut sent = vec![];
    {
        let server = Server::start(data.path(), "1000")?;
        let (status, made) = server.ask("CreateQueue", &json!({"QueueName": "small"}))?;
        ensure!(status == 200, "{made}");
        let mut refused = None;
        for n in 0..200 {
            let text = format!("message {n} {}", "x".repeat(10_000));
            let (status, said) =
                server.ask("SendMessage", &json!({"QueueUrl": made["QueueUrl"], "MessageBody": text}))?;
            if status == 200 {
                ensure!(refused.is_none() || sent.len() < 199, "the limit is too high");
                sent.push(said["MessageId"].clone());
            } else {
                refused = Some((status, said));
                break;
            }
        }
        let (status, said) = refused.context("the disk never was full")?;
        ensure!(status == 500, "{said}");
        ensure!(said["message"].as_str().is_some_and(|why| why.contains("not stored")), "{said}");
        ensure!(!sent.is_empty(), "nothing was stored at all");
        // It lives on, with what it has.
        let (status, said) = server.ask("GetQueueUrl", &json!({"QueueName": "small"}))?;
        ensure!(status == 200, "{said}");
    }
    let server = Server::start(data.path(), "unlimited")?;
    let (_, made) = server.ask("GetQueueUrl", &json!({"QueueName": "small"}))?;
    let mut found = vec![];
    while found.len() < sent.len() {
        let ask = json!({"QueueUrl": made["QueueUrl"], "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1});
        let (_, said) = server.ask("ReceiveMessage", &ask)?;
        let some = said["Messages"].as_array().cloned().unwrap_or_default();
        ensure!(!some.is_empty(), "{} of {} were lost", sent.len() - found.len(), sent.len());
        found.extend(some.iter().map(|message| message["MessageId"].clone()));
    }
    found.sort_by_key(Value::to_string);
    sent.sort_by_key(Value::to_string);
    ensure!(found == sent, "what is there is not what was answered");
    Ok(())
}
