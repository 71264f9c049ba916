//! scratch
use media::*;
use model::*;
use std::net::*;
use std::sync::Arc;
#[allow(clippy::all, unused)]
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let node = a[1] == "node";
    let calls: u64 = a[2].parse().unwrap();
    let tapped = a.get(3).is_some_and(|x| x == "tap");
    let base = if node { 11000 } else { 15000 };
    let other = if node { 15000 } else { 11000 };
    let start = std::time::Instant::now();
    let clock = Clock::new(move || Timestamp::from_micros(start.elapsed().as_micros() as i64));
    let m = Media::start(
        MediaConfig {
            ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            ports: base..=base + 3999,
            threads: 1,
            live_within: std::time::Duration::from_millis(1500),
            lost_after: std::time::Duration::from_secs(10),
        },
        Arc::new(Pack::builtin().unwrap()),
        clock,
        |_| {},
    )
    .unwrap();
    struct T;
    impl Tap for T {
        fn second(&mut self, _: Second) {}
        fn end(self: Box<Self>) {}
    }
    let mut n = 0;
    for c in 0..calls {
        for side in [Side::Station, Side::Called] {
            let leg = CallId(c).leg(side);
            let addr = m.open(leg).unwrap();
            assert_eq!(addr.port(), base + 2 * n);
            m.connect(
                leg,
                Agreed {
                    remote: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), other + 2 * n),
                    codec: model::Codec::Pcmu,
                    telephone_event: Some(101),
                    packet_ms: 20,
                    send: true,
                },
            );
            if !node {
                m.babble(leg, true);
            }
            n += 1;
            std::thread::sleep(std::time::Duration::from_micros(20_000 / (2 * calls)));
        }
        if node {
            m.bridge(CallId(c), if tapped { Some(Box::new(T)) } else { None });
        }
    }
    let cpu = || {
        let s = std::fs::read_to_string("/proc/self/stat").unwrap();
        let f: Vec<&str> = s.rsplit(')').next().unwrap().split_whitespace().collect();
        (f[11].parse::<u64>().unwrap(), f[12].parse::<u64>().unwrap())
    };
    std::thread::sleep(std::time::Duration::from_secs(5));
    let (u, s) = cpu();
    let x = m.statistics(CallId(0).leg(Side::Station)).unwrap();
    std::thread::sleep(std::time::Duration::from_secs(10));
    let (u2, s2) = cpu();
    let y = m.statistics(CallId(0).leg(Side::Station)).unwrap();
    println!(
        "{} user {} sys {} ticks of 1000 -> {:.4} cores per 100; rx {} tx {}",
        a[1],
        u2 - u,
        s2 - s,
        (u2 + s2 - u - s) as f64 / 1000.0 * 100.0 / calls as f64,
        y.received - x.received,
        y.sent - x.sent
    );
    std::thread::sleep(std::time::Duration::from_secs(2));
}
