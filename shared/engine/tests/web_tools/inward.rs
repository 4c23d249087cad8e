//! Owns case 44 of docs/delivery.md: whatever leads inwards is refused before a byte is sent.
//! Never takes an error for proof: there is a listener wherever the request would have gone.
//! Next: `pages` shows what happens to what is fetched.

use std::sync::Arc;

use contract::PortError;
use engine::tools::fetch::{Allowed, Fetch, Settings};
use wiremock::ResponseTemplate;

use super::desk::{Desk, PUBLIC, Raw, Script, Then, Untouched, asked, serving, settings, shows, text};

/// `PORT` is where the listener is.
const INWARD: &[&str] = &[
    // Loopback, as it is and in disguise.
    "http://127.0.0.1:PORT/",
    "http://127.0.0.1:PORT",
    "https://127.0.0.1:PORT/",
    "http://127.0.0.2:PORT/",
    "http://127.1.2.3:PORT/x?y#z",
    "http://127.255.255.254:PORT/",
    "http://127.1:PORT/",
    "http://127.0.1:PORT/",
    "http://127.0.0.1.:PORT/",
    "http://2130706433:PORT/",
    "http://2130706433.:PORT/",
    "http://0x7f000001:PORT/",
    "http://0X7F000001:PORT/",
    "http://017700000001:PORT/",
    "http://0x7f.0x0.0x0.0x1:PORT/",
    "http://0x7f.1:PORT/",
    "http://0177.0.0.1:PORT/",
    "http://0177.0.0.01:PORT/",
    "http://00000177.1:PORT/",
    "http://127.0x1:PORT/",
    "http://１２７.0.0.1:PORT/",
    "http://１２７．０．０．１:PORT/",
    "http://127。0。0。1:PORT/",
    "http://①②⑦.0.0.1:PORT/",
    "http://%31%32%37.0.0.1:PORT/",
    "http://127%2e0%2e0%2e1:PORT/",
    "HTTP://127.0.0.1:PORT/",
    " http://127.0.0.1:PORT/ ",
    "http://0.0.0.0:PORT/",
    "http://0:PORT/",
    "http://0.0.0.0.:PORT/",
    "http://0x0:PORT/",
    "http://00:PORT/",
    "http://[::1]:PORT/",
    "http://[0:0:0:0:0:0:0:1]:PORT/",
    "http://[0000::0001]:PORT/",
    "http://[::]:PORT/",
    "http://[::ffff:127.0.0.1]:PORT/",
    "http://[::ffff:7f00:1]:PORT/",
    "http://[::FFFF:7F00:0001]:PORT/",
    "http://[0:0:0:0:0:ffff:127.0.0.1]:PORT/",
    "http://[::127.0.0.1]:PORT/",
    "http://[::ffff:0:127.0.0.1]:PORT/",
    "http://[64:ff9b::127.0.0.1]:PORT/",
    "http://[64:ff9b:1::7f00:1]:PORT/",
    "http://[2002:7f00:1::]:PORT/",
    "http://[2001:0:7f00:1::80ff:fffe]:PORT/",
    "http://[::1%25lo]:PORT/",
    "http://[fe80::1%25eth0]:PORT/",
    // Names for it.
    "http://localhost:PORT/",
    "http://LOCALHOST:PORT/",
    "http://localhost.:PORT/",
    "http://a.localhost:PORT/",
    "http://localhost.localdomain:PORT/",
    "http://ip6-localhost:PORT/",
    "http://ｌｏｃａｌｈｏｓｔ:PORT/",
    "http://loc%61lhost:PORT/",
    "http://broadcasthost:PORT/",
    "http://router:PORT/",
    "http://printer.local:PORT/",
    "http://wiki.corp:PORT/",
    "http://wiki.intranet:PORT/",
    "http://nas.home.arpa:PORT/",
    "http://box.lan:PORT/",
    "http://1.0.0.127.in-addr.arpa:PORT/",
    "http://kubernetes.default.svc:PORT/",
    "http://kubernetes.default.svc.cluster.local:PORT/",
    "http://example.com.:PORT/",
    // A cloud's metadata.
    "http://169.254.169.254:PORT/latest/meta-data/",
    "http://169.254.169.254/latest/meta-data/iam/",
    "http://169.254.170.2/v2/credentials",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/",
    "http://169.254.43518/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "http://192.0.0.192/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://metadata/",
    "http://instance-data/",
    "http://instance-data.ec2.internal/",
    "http://METADATA.GOOGLE.INTERNAL/",
    "http://[fd20:ce::254]/",
    // Private and special ranges.
    "http://10.0.0.1:PORT/",
    "http://10.1:PORT/",
    "http://167772161:PORT/",
    "http://172.16.0.1:PORT/",
    "http://172.31.255.255:PORT/",
    "http://192.168.1.1:PORT/",
    "http://192.168.257:PORT/",
    "http://100.64.0.1:PORT/",
    "http://169.254.1.1:PORT/",
    "http://192.0.2.1:PORT/",
    "http://198.18.0.1:PORT/",
    "http://198.51.100.1:PORT/",
    "http://203.0.113.1:PORT/",
    "http://224.0.0.1:PORT/",
    "http://255.255.255.255:PORT/",
    "http://240.0.0.1:PORT/",
    "http://[fc00::1]:PORT/",
    "http://[fd12:3456::1]:PORT/",
    "http://[fe80::1]:PORT/",
    "http://[fec0::1]:PORT/",
    "http://[ff02::1]:PORT/",
    "http://[2001:db8::1]:PORT/",
    "http://[::ffff:10.0.0.1]:PORT/",
    "http://[100::1]:PORT/",
    // Who one claims to be, and how else one might get there.
    "http://user@127.0.0.1:PORT/",
    "http://example.com@127.0.0.1:PORT/",
    "http://example.com:80@127.0.0.1:PORT/",
    "http://user:word@example.com/",
    "http://@127.0.0.1:PORT/",
    "http://example.com%40127.0.0.1:PORT/",
    "http://127.0.0.1:PORT\\@example.com/",
    "http://example.com\\@127.0.0.1:PORT/",
    "http:127.0.0.1:PORT/",
    "http:/127.0.0.1:PORT/",
    "http:///127.0.0.1:PORT/",
    "http:\\\\127.0.0.1:PORT/",
    "ht\ntp://127.0.0.1:PORT/",
    "http://127.0.\t0.1:PORT/",
    "//127.0.0.1:PORT/",
    "127.0.0.1:PORT",
    "ftp://127.0.0.1:PORT/",
    "gopher://127.0.0.1:PORT/_x",
    "file:///etc/passwd",
    "file://127.0.0.1/etc/passwd",
    "data:text/html,x",
    "javascript:alert(1)",
    "ws://127.0.0.1:PORT/",
    "unix:/run/x.sock",
    "dict://127.0.0.1:PORT/",
    "jar:http://127.0.0.1:PORT/!/",
    "",
    // Ports of other protocols.
    "http://example.com:22/",
    "http://example.com:25/",
    "http://example.com:6379/",
    "http://example.com:443/",
    "https://example.com:80/",
    "http://example.com:0/",
    "http://93.184.215.14:8080/",
];

fn reason(outcome: Result<engine::tools::fetch::Page, PortError>) -> Result<String, String> {
    match outcome {
        Err(PortError::Permanent { reason }) => Ok(reason),
        other => Err(format!("{other:?}")),
    }
}

#[tokio::test]
async fn a_fetch_that_is_aimed_inwards_is_refused_before_a_byte_is_sent() -> anyhow::Result<()> {
    assert!(INWARD.len() >= 80);
    let (listener, desk) = (Untouched::new()?, Desk::new());
    let at = listener.at()?;
    // The port is no obstacle, and every name leads to the listener: only the judgement of the host is in the way.
    let open = Settings { ports: vec![at.port()], ..Settings::default() };
    let fetch = Fetch::over(open, Arc::new(Script::to(at, &[at.ip()])));
    for inward in INWARD {
        let url = inward.replace("PORT", &at.port().to_string());
        let why = reason(fetch.page(&url, &desk).await).map_err(|got| anyhow::anyhow!("{url}: {got}"))?;
        assert!(why.contains("is refused"), "{url}: {why}");
        assert!(listener.was_left_alone(), "{url} reached the listener");
    }
    Ok(())
}

#[tokio::test]
async fn a_name_that_resolves_inwards_is_refused_before_a_byte_is_sent() -> anyhow::Result<()> {
    let (listener, desk) = (Untouched::new()?, Desk::new());
    let answers: &[&[&str]] = &[
        &["127.0.0.1"],
        &["10.0.0.7"],
        &["172.20.0.1"],
        &["192.168.0.1"],
        &["169.254.169.254"],
        &["100.64.3.2"],
        &["0.0.0.0"],
        &["::1"],
        &["::ffff:127.0.0.1"],
        &["fd00:ec2::254"],
        &["fe80::1"],
        &["64:ff9b::10.0.0.1"],
        &["2002:7f00:1::"],
        &["168.63.129.16"],
        &["93.184.215.14", "127.0.0.1"],
        &["2606:4700::1111", "::1"],
    ];
    for answer in answers {
        let script = Script::to(listener.at()?, &[]).says("docs.example.com", &[answer])?;
        let fetch = Fetch::over(Settings::default(), Arc::new(script));
        let why = reason(fetch.page("http://docs.example.com/", &desk).await).map_err(anyhow::Error::msg)?;
        assert!(why.contains("is refused: it resolves to"), "{answer:?}: {why}");
        assert!(listener.was_left_alone(), "{answer:?} reached the listener");
    }
    Ok(())
}

#[tokio::test]
async fn a_redirect_inwards_is_refused_before_a_byte_is_sent() -> anyhow::Result<()> {
    let (listener, desk) = (Untouched::new()?, Desk::new());
    let port = listener.at()?.port();
    let inward = ["127.0.0.1", "[::ffff:127.0.0.1]", "2130706433", "localhost", "127.1", "inward.example.com", "0"];
    for host in inward {
        for location in [format!("http://{host}:{port}/secret"), format!("//{host}:{port}/secret")] {
            let moved = ResponseTemplate::new(302).insert_header("location", location.as_str());
            let server = serving("/start", moved).await;
            let script = Script::to(*server.address(), &[PUBLIC]).says("inward.example.com", &[&["127.0.0.1"]])?;
            let open = Settings { ports: vec![port], ..settings(server.address()) };
            let fetch = Fetch::over(open, Arc::new(script));
            let why = reason(fetch.page("http://docs.example.com/start", &desk).await).map_err(anyhow::Error::msg)?;
            assert!(why.contains("is refused"), "{location}: {why}");
            assert_eq!(asked(&server, "/start").await, 1, "{location}");
            assert_eq!(asked(&server, "/secret").await, 0, "{location}");
            assert!(listener.was_left_alone(), "{location} reached the listener");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_redirect_to_another_scheme_or_with_a_password_is_refused() -> anyhow::Result<()> {
    let desk = Desk::new();
    for location in ["file:///etc/passwd", "ftp://docs.example.com/", "http://a:b@docs.example.com/", "http://x y/"] {
        let moved = ResponseTemplate::new(301).insert_header("location", location);
        let server = serving("/start", moved).await;
        let fetch = Fetch::over(settings(server.address()), Arc::new(Script::to(*server.address(), &[PUBLIC])));
        let why = reason(fetch.page("http://docs.example.com/start", &desk).await).map_err(anyhow::Error::msg)?;
        assert!(why.contains("is refused"), "{location}: {why}");
    }
    Ok(())
}

#[tokio::test]
async fn a_name_that_is_public_first_and_loopback_then_is_refused() -> anyhow::Result<()> {
    let (server, desk) = (serving("/page", text("secret")).await, Desk::new());
    // robots.txt is read from the public address; a moment later the same name leads inwards.
    let script = Script::to(*server.address(), &[]);
    let script = script.says("rebinding.example.com", &[&["93.184.215.14"], &["127.0.0.1"]])?;
    let fetch = Fetch::over(settings(server.address()), Arc::new(script));
    let why = reason(fetch.page("http://rebinding.example.com/page", &desk).await).map_err(anyhow::Error::msg)?;
    assert!(why.contains("it resolves to 127.0.0.1"), "{why}");
    assert_eq!((asked(&server, "/robots.txt").await, asked(&server, "/page").await), (1, 0));
    Ok(())
}

#[tokio::test]
async fn a_name_that_turns_inwards_between_two_pages_is_judged_again() -> anyhow::Result<()> {
    let (server, desk) = (serving("/one", text("one")).await, Desk::new());
    shows(&server, "/two", text("two")).await;
    let public = &["93.184.215.14"][..];
    let script = Script::to(*server.address(), &[]);
    let script = script.says("rebinding.example.com", &[public, public, &["::ffff:10.0.0.1"]])?;
    let fetch = Fetch::over(settings(server.address()), Arc::new(script));
    fetch.page("http://rebinding.example.com/one", &desk).await?;
    // No connection was kept open that would lead past the judgement.
    let why = reason(fetch.page("http://rebinding.example.com/two", &desk).await).map_err(anyhow::Error::msg)?;
    assert!(why.contains("is refused: it resolves to"), "{why}");
    assert_eq!(asked(&server, "/two").await, 0);
    Ok(())
}

#[tokio::test]
async fn what_is_public_is_fetched_through_the_address_that_was_judged() -> anyhow::Result<()> {
    let (server, desk) = (serving("/page", text("hello")).await, Desk::new());
    for answer in ["93.184.215.14", "2606:4700:4700::1111", "64:ff9b::808:808"] {
        let script = Script::to(*server.address(), &[]).says("docs.example.com", &[&[answer]])?;
        let fetch = Fetch::over(settings(server.address()), Arc::new(script));
        let page = fetch.page(&format!("http://docs.example.com/page?{answer}#part"), &desk).await?;
        assert_eq!(page.read(&**contract::Workplace::artifacts(&desk)).await?, b"hello");
        assert_eq!(page.url, format!("http://docs.example.com/page?{answer}"));
    }
    Ok(())
}

#[tokio::test]
async fn a_listed_host_may_lie_anywhere_but_only_at_its_port_and_never_at_metadata() -> anyhow::Result<()> {
    let (server, desk, listener) = (serving("/page", text("hello")).await, Desk::new(), Untouched::new()?);
    let (at, other) = (*server.address(), listener.at()?.port());
    let listed = |host: &str| {
        let allow = Allowed::of(&format!("{host}:{}", at.port())).into_iter().collect();
        Settings { allow, ports: vec![other], ..settings(&at) }
    };
    let fetch = Fetch::over(listed("wiki.corp"), Arc::new(Script::to(at, &[at.ip()])));
    fetch.page(&format!("http://wiki.corp:{}/page", at.port()), &desk).await?;
    for elsewhere in
        [format!("http://wiki.corp:{other}/"), "http://wiki.corp/".into(), format!("http://a.corp:{other}/")]
    {
        assert!(reason(fetch.page(&elsewhere, &desk).await).is_ok_and(|why| why.contains("is refused")), "{elsewhere}");
    }
    assert!(reason(fetch.page(&format!("http://127.0.0.1:{}/page", at.port()), &desk).await).is_ok());
    assert!(listener.was_left_alone());
    let metadata = Script::to(at, &[]).says("wiki.corp", &[&["169.254.169.254"]])?;
    let fetch = Fetch::over(listed("wiki.corp"), Arc::new(metadata));
    let url = format!("http://wiki.corp:{}/credentials", at.port());
    assert!(reason(fetch.page(&url, &desk).await).is_ok_and(|why| why.contains("metadata")));
    assert_eq!(asked(&server, "/credentials").await, 0);
    let fetch = Fetch::over(listed("169.254.169.254"), Arc::new(Script::to(at, &[])));
    let url = format!("http://169.254.169.254:{}/", at.port());
    assert!(reason(fetch.page(&url, &desk).await).is_ok_and(|why| why.contains("metadata")));
    Ok(())
}

#[tokio::test]
async fn a_proxy_that_was_named_resolves_for_us_and_words_are_still_judged() -> anyhow::Result<()> {
    let (listener, desk) = (Untouched::new()?, Desk::new());
    let answer = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nhello";
    let proxy = Raw::saying(answer, Then::Close).await?;
    let settings = Settings {
        ports: vec![listener.at()?.port()],
        proxy: Some(format!("http://{}", proxy.at).into()),
        ..settings(&proxy.at)
    };
    let fetch = Fetch::over(settings, Arc::new(Script::to(listener.at()?, &[PUBLIC])));
    assert_eq!(fetch.page("http://docs.example.com/", &desk).await?.bytes, 5);
    for inward in ["http://127.0.0.1:PORT/", "http://localhost:PORT/", "http://169.254.169.254/"] {
        let url = inward.replace("PORT", &listener.at()?.port().to_string());
        assert!(reason(fetch.page(&url, &desk).await).is_ok_and(|why| why.contains("is refused")), "{url}");
    }
    assert!(listener.was_left_alone());
    Ok(())
}
