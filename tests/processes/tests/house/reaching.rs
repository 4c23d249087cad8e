//! Which server murmur asks, and what it says when that is not as it should be.
//! Never AWS: whoever would be reached by accident is a listener of the test.
//! Next: `living`.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::ensure;
use aws::clients::{Clients, Limits, standin};
use embedded_cloud::{EmbeddedCloud, Options};
use processes::Site;
use serde_json::Value;

use crate::shell::{Shell, pids};

/// Counts who comes, and answers each with the same.
struct Listener {
    url: String,
    came: Arc<AtomicUsize>,
}

impl Listener {
    fn start(status: &'static str, body: &'static str) -> anyhow::Result<Listener> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let came = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&came);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counted.fetch_add(1, Ordering::SeqCst);
                // Whoever hangs up has come all the same.
                let _ = answer(stream, status, body);
            }
        });
        Ok(Listener { url, came })
    }

    fn came(&self) -> usize {
        self.came.load(Ordering::SeqCst)
    }
}

fn answer(mut stream: TcpStream, status: &str, body: &str) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    let _ = stream.read(&mut [0; 8192])?;
    let length = body.len();
    write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

/// Everything that would send an AWS program somewhere, set to a listener.
fn lured(listener: &Listener) -> anyhow::Result<Shell> {
    let shell = Shell::new()?;
    let folder = shell.home().join(".aws");
    std::fs::create_dir_all(&folder)?;
    let config = format!("[default]\nregion = eu-west-1\nendpoint_url = {}\n", listener.url);
    std::fs::write(folder.join("config"), config)?;
    std::fs::write(folder.join("credentials"), "[default]\naws_access_key_id = real\naws_secret_access_key = real\n")?;
    let variables = [
        ("AWS_ENDPOINT_URL", listener.url.as_str()),
        ("AWS_ENDPOINT_URL_SQS", &listener.url),
        ("AWS_ENDPOINT_URL_EVENTBRIDGE", &listener.url),
        ("AWS_ENDPOINT_URL_DYNAMODB", &listener.url),
        ("AWS_ENDPOINT_URL_STS", &listener.url),
        ("AWS_ENDPOINT_URL_S3", &listener.url),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &listener.url),
        ("AWS_ACCESS_KEY_ID", "real"),
        ("AWS_SECRET_ACCESS_KEY", "real"),
        ("AWS_REGION", "eu-west-1"),
        ("MURMUR_ARTIFACTS", "s3://a-real-bucket/murmuration"),
    ];
    Ok(variables.into_iter().fold(shell, |shell, (name, value)| shell.with(name, value)))
}

#[tokio::test(flavor = "multi_thread")]
async fn without_aws_nothing_of_the_environment_is_reached() -> anyhow::Result<()> {
    let listener = Listener::start("500 No", "")?;
    let shell = lured(&listener)?;
    shell.does(&["provision"]).await?;
    shell.does(&["doctor"]).await?;
    shell.does(&["up", "--detach"]).await?;
    shell.does(&["status"]).await?;
    shell.does(&["ingest", &processes::sample::folder().display().to_string()]).await?;
    shell.does(&["down"]).await?;
    ensure!(listener.came() == 0, "{} connections", listener.came());
    // And it is where AWS would be found.
    let said = shell.types(&["provision", "--aws"]).await?;
    ensure!(said.code == Some(1) && listener.came() > 0, "{said:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_credentials_are_called_so() -> anyhow::Result<()> {
    let expired = "<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code>\
                   <Message>The security token included in the request is expired</Message></Error></ErrorResponse>";
    let shell = lured(&Listener::start("403 Forbidden", expired)?)?;
    shell.types(&["provision", "--aws"]).await?.refuses(1, &["expired", "sign in again"])?;
    let doctor = shell.types(&["doctor", "--aws", "--json"]).await?;
    ensure!(doctor.code == Some(1), "{doctor:?}");
    let found = verdicts(&doctor.document()?, "credentials", "fail");
    ensure!(found.len() == 1 && found[0].contains("expired"), "{found:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_reached_or_done_is_said_with_what_to_do() -> anyhow::Result<()> {
    let shell = Shell::new()?;
    let nobody = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let nobody = format!("http://{nobody}");
    shell
        .types(&["provision", "--endpoint", &nobody])
        .await?
        .refuses(1, &["nothing answers", &nobody, "--endpoint"])?;
    let of_aws = "https://sqs.us-east-1.amazonaws.com";
    shell.types(&["provision", "--endpoint", of_aws]).await?.refuses(2, &["--aws"])?;
    shell.types(&["provision", "--endpoint", "localhost:4566"]).await?.refuses(2, &["http://"])?;
    shell.types(&["provision", "--endpoint", &nobody, "--aws"]).await?.refuses(2, &["--aws"])?;
    let regionless = Shell::new()?.with("AWS_EC2_METADATA_DISABLED", "true");
    regionless.types(&["provision", "--aws"]).await?.refuses(64, &["AWS_REGION"])?;
    let poor = Shell::new()?.with("AWS_EC2_METADATA_DISABLED", "true").with("AWS_REGION", "eu-west-1");
    let said = poor.types(&["provision", "--aws"]).await?;
    said.refuses(1, &["no AWS credentials", "AWS_PROFILE"])?;
    ensure!(said.err.lines().count() == 1 && !said.err.contains('{') && said.err.len() < 400, "no sentence: {said:?}");
    std::fs::write(shell.home().join("file"), "")?;
    shell.types(&["ingest", "file", "--collection", "Bad Name"]).await?.refuses(2, &["Bad Name", "a to z"])?;
    shell.types(&["provision", "--data", "file/data"]).await?.refuses(64, &["file/data", "--data"])?;
    shell.types(&["up", "--agents", "painter=1"]).await?.refuses(2, &["painter", "research"])?;
    shell.types(&["up", "--agents", "research"]).await?.refuses(2, &["NAME=COUNT"])?;
    shell.types(&["run", "  "]).await?.refuses(2, &["empty goal"])?;
    shell.types(&["run", "x", "--sources", "nowhere"]).await?.refuses(2, &["nowhere", "--sources"])?;
    shell.types(&["run", "x", "--out", "file/out"]).await?.refuses(1, &["file/out", "--out"])?;
    let odd = Shell::new()?.with("MURMUR_LOGS", "debug");
    odd.types(&["provision"]).await?.refuses(64, &["MURMUR_LOGS", "MURMUR_LOG"])?;
    let empty = EmbeddedCloud::start(Options::in_memory()).await?;
    let ingest = ["ingest", "file", "--endpoint", empty.endpoint()];
    shell.types(&ingest).await?.refuses(1, &["queue", "region us-east-1", "murmur provision --endpoint"])?;
    ensure!(pids(&shell.status().await?).is_empty());
    empty.stop().await;
    Ok(())
}

fn outcomes(said: &Value) -> Vec<String> {
    let steps = said["steps"].as_array().into_iter().flatten();
    steps.map(|step| step["outcome"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_everything_and_changes_nothing() -> anyhow::Result<()> {
    let cloud = EmbeddedCloud::start(Options::in_memory()).await?;
    let shell = Shell::new()?;
    let dry = ["provision", "--dry-run", "--json", "--endpoint", cloud.endpoint()];
    let first = outcomes(&shell.does(&dry).await?.document()?);
    ensure!(first.len() > 15 && first.iter().all(|outcome| outcome == "missing"), "{first:?}");
    for call in cloud.operations(0) {
        let only_reads = ["Get", "List", "Describe"].iter().any(|verb| call.operation.starts_with(verb));
        ensure!(only_reads, "a dry run called {}", call.operation);
    }
    let made = outcomes(&shell.does(&["provision", "--json", "--endpoint", cloud.endpoint()]).await?.document()?);
    ensure!(made.len() == first.len() && made.iter().all(|outcome| outcome == "created"), "{made:?}");
    let then = outcomes(&shell.does(&dry).await?.document()?);
    ensure!(then.len() == first.len() && then.iter().all(|outcome| outcome == "unchanged"), "{then:?}");
    cloud.stop().await;
    Ok(())
}

fn verdicts(said: &Value, check: &str, verdict: &str) -> Vec<String> {
    let all = said["checks"].as_array().into_iter().flatten();
    let wanted = all.filter(|finding| finding["check"] == check && finding["verdict"] == verdict);
    wanted.map(|finding| finding["found"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_lists_each_thing_that_is_broken() -> anyhow::Result<()> {
    let cloud = EmbeddedCloud::start(Options::in_memory()).await?;
    let site = Site::at(cloud.endpoint())?;
    site.provision().await?;
    let shell = Shell::new()?;
    let doctor = ["doctor", "--json", "--endpoint", cloud.endpoint()];
    let sound = shell.does(&doctor).await?.document()?;
    ensure!(sound["ok"] == true, "{sound:#}");

    let clients = Clients::load(standin(cloud.endpoint(), "us-east-1"), Limits::default()).await;
    let (gone, closed) = (&site.choreography.rows[0].queue, &site.choreography.rows[1].queue);
    let url = |queue: &str| clients.sqs.get_queue_url().queue_name(queue).send();
    let found = url(gone.as_str()).await?.queue_url;
    clients.sqs.delete_queue().set_queue_url(found).send().await?;
    let found = url(closed.as_str()).await?.queue_url;
    clients.sqs.set_queue_attributes().set_queue_url(found).attributes("Policy".into(), "").send().await?;
    let bus = &site.choreography.bus;
    let rules = clients.events.list_rules().event_bus_name(bus).send().await?.rules.unwrap_or_default();
    let rule = rules[0].name.clone().unwrap_or_default();
    clients.events.disable_rule().event_bus_name(bus).name(&rule).send().await?;
    clients.dynamodb.delete_table().table_name("murmuration").send().await?;

    let said = shell.with("MURMUR_LOGS", "x").types(&doctor).await?;
    let broken = said.document()?;
    ensure!(said.code == Some(1) && broken["ok"] == false, "{said:?}");
    ensure!(verdicts(&broken, "settings", "fail").len() == 1, "{broken:#}");
    // Without its own settings in order, murmur cannot know which resources are meant.
    let shell = Shell::new()?;
    let broken = shell.types(&doctor).await?.document()?;
    for (check, names) in
        [("queues", gone.as_str()), ("policies", closed.as_str()), ("rules", rule.as_str()), ("table", "murmuration")]
    {
        let found = verdicts(&broken, check, "fail");
        ensure!(found.iter().any(|found| found.contains(names)), "{check} {names}: {broken:#}");
    }
    shell.does(&["provision", "--endpoint", cloud.endpoint()]).await?;
    let repaired = shell.does(&doctor).await?.document()?;
    ensure!(repaired["ok"] == true, "{repaired:#}");
    cloud.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_looks_makes_nothing() -> anyhow::Result<()> {
    let shell = Shell::new()?;
    let looks = [&["goal", "list"][..], &["status"], &["dlq", "list"], &["subscribe", "--list"], &["doctor"]];
    for look in looks {
        shell.does(look).await?;
    }
    for look in [&["goal", "show", "abcdef"][..], &["goal", "watch", "abcdef"], &["explain", "abcdef"]] {
        shell.types(look).await?.refuses(1, &["nothing has run", "murmur up"])?;
    }
    let cloud = EmbeddedCloud::start(Options::in_memory()).await?;
    let at = ["--endpoint", cloud.endpoint()];
    shell.does(&["provision", at[0], at[1]]).await?;
    for look in looks {
        shell.does(&[look, &at].concat()).await?;
    }
    ensure!(std::fs::read_dir(shell.home())?.next().is_none(), "something was made in {}", shell.home().display());
    cloud.stop().await;
    Ok(())
}
