//! Owns the proof that addresses are judged right, whatever their spelling.
//! Never connects.
//! Next: `inward` shows the same over sockets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use engine::tools::fetch::{Settings, Target, forbidden};
use proptest::prelude::*;

const FORBIDDEN: &[&str] = &[
    "0.0.0.0",
    "0.255.255.255",
    "10.0.0.0",
    "10.255.255.255",
    "100.64.0.0",
    "100.127.255.255",
    "127.0.0.0",
    "127.0.0.1",
    "127.255.255.255",
    "168.63.129.16",
    "169.254.0.0",
    "169.254.169.254",
    "169.254.170.2",
    "169.254.255.255",
    "172.16.0.0",
    "172.31.255.255",
    "192.0.0.0",
    "192.0.0.192",
    "192.0.0.255",
    "192.0.2.0",
    "192.0.2.255",
    "192.88.99.1",
    "192.168.0.0",
    "192.168.255.255",
    "198.18.0.0",
    "198.19.255.255",
    "198.51.100.0",
    "198.51.100.255",
    "203.0.113.0",
    "203.0.113.255",
    "224.0.0.0",
    "239.255.255.255",
    "240.0.0.0",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::a00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:7f00:1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::10.1.2.3",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:1ff:ffff::1",
    "2001:db8::1",
    "2001:db8:ffff::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2002:808:808::1",
    "3fff::1",
    "3fff:fff:ffff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fdff:ffff::1",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "feff::1",
    "ff00::1",
    "ff02::1",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
];

const PUBLIC: &[&str] = &[
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "93.184.215.14",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "191.255.255.255",
    "192.0.1.0",
    "192.0.3.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "198.51.99.255",
    "198.51.101.0",
    "203.0.112.255",
    "203.0.114.0",
    "223.255.255.255",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2001:db7::1",
    "2003::1",
    "2606:4700:4700::1111",
    "2a00:1450::1",
    "3ffe::1",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
];

/// Independent of the table that is tested: what the prefixes are, by their first address and length.
const RANGES: &[(u32, u32)] = &[
    (0x0000_0000, 8),
    (0x0a00_0000, 8),
    (0x6440_0000, 10),
    (0x7f00_0000, 8),
    (0xa9fe_0000, 16),
    (0xac10_0000, 12),
    (0xc000_0000, 24),
    (0xc000_0200, 24),
    (0xc058_6300, 24),
    (0xc0a8_0000, 16),
    (0xc612_0000, 15),
    (0xc633_6400, 24),
    (0xcb00_7100, 24),
    (0xe000_0000, 4),
    (0xf000_0000, 4),
];

fn judged(host: &str) -> Result<Target, String> {
    Target::of(&format!("http://{host}/"), None, &Settings::default()).map_err(|refusal| refusal.to_string())
}

#[test]
fn every_address_that_is_not_public_is_forbidden() -> anyhow::Result<()> {
    for text in FORBIDDEN {
        assert!(forbidden(text.parse()?).is_some(), "{text} passes");
        let host = if text.contains(':') { format!("[{text}]") } else { (*text).to_owned() };
        assert!(judged(&host).is_err(), "http://{host}/ passes");
    }
    Ok(())
}

#[test]
fn public_addresses_pass() -> anyhow::Result<()> {
    for text in PUBLIC {
        assert_eq!(forbidden(text.parse()?), None, "{text}");
        let host = if text.contains(':') { format!("[{text}]") } else { (*text).to_owned() };
        judged(&host).map_err(anyhow::Error::msg)?;
    }
    Ok(())
}

/// What the url crate takes for the same IPv4 address, the plain spelling first.
fn spellings(address: Ipv4Addr) -> Vec<String> {
    let [a, b, c, d] = address.octets();
    let whole = address.to_bits();
    let low = u32::from(c) << 8 | u32::from(d);
    let lower = u32::from(b) << 16 | low;
    let wide_digit = |digit: u32| char::from_u32(0xff10 + digit);
    let wide: String = address.to_string().chars().map(|c| c.to_digit(10).and_then(wide_digit).unwrap_or(c)).collect();
    let coded: String = address.to_string().bytes().map(|byte| format!("%{byte:02x}")).collect();
    vec![
        address.to_string(),
        format!("{address}."),
        whole.to_string(),
        format!("{whole}."),
        format!("{whole:#x}"),
        format!("{whole:#X}"),
        format!("0{whole:o}"),
        format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"),
        format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
        format!("000{a:o}.{b}.{c:#x}.{d}"),
        format!("{a}.{lower}"),
        format!("{a}.{b}.{low}"),
        format!("{a:#x}.{lower:#x}"),
        wide,
        address.to_string().replace('.', "\u{3002}"),
        coded,
        format!("[::ffff:{address}]"),
        format!("[0:0:0:0:0:FFFF:{address}]"),
        format!("[64:ff9b::{address}]"),
        format!("[::{address}]"),
    ]
}

proptest! {
    #[test]
    fn no_address_of_a_forbidden_range_passes_in_any_spelling(range in 0..RANGES.len(), host in any::<u32>()) {
        let (first, length) = RANGES[range];
        let address = Ipv4Addr::from_bits(first | (host & (u32::MAX >> length)));
        prop_assert!(forbidden(IpAddr::V4(address)).is_some());
        for spelling in spellings(address) {
            prop_assert!(judged(&spelling).is_err(), "http://{}/ passes", spelling);
            let userinfo = format!("example.com@{spelling}");
            prop_assert!(judged(&userinfo).is_err(), "http://{}/ passes", userinfo);
        }
    }

    #[test]
    fn what_passes_is_public_and_plainly_spelled(bits in any::<u32>()) {
        let address = Ipv4Addr::from_bits(bits);
        let inside = RANGES.iter().any(|(first, length)| (bits ^ first).leading_zeros() >= *length);
        prop_assert_eq!(forbidden(IpAddr::V4(address)).is_some(), inside || bits == 0xa83f_8110);
        for (at, spelling) in spellings(address).iter().enumerate() {
            if let Ok(target) = judged(spelling) {
                prop_assert!(!inside);
                let host = target.url.host_str().unwrap_or_default().to_owned();
                prop_assert!(at == 0 || host.starts_with('['), "{} passes as {}", spelling, host);
            }
        }
    }

    #[test]
    fn only_global_unicast_addresses_of_the_sixth_version_pass(bits in any::<u128>()) {
        let address = Ipv6Addr::from_bits(bits);
        if forbidden(IpAddr::V6(address)).is_none() {
            let mapped = address.to_ipv4_mapped().is_some() || (bits >> 32) == 0x64_ff9b_0000_0000_0000_0000;
            prop_assert!(mapped || bits >> 125 == 1, "{} passes", address);
        }
        let long = address.segments().map(|part| format!("{part:04X}")).join(":");
        prop_assert_eq!(judged(&format!("[{address}]")).is_ok(), judged(&format!("[{long}]")).is_ok());
    }

    #[test]
    fn no_text_makes_the_judge_panic(text in "\\PC{0,80}") {
        let _ = Target::of(&text, None, &Settings::default());
        let _ = Target::of(&format!("http://{text}"), None, &Settings::default());
    }
}
