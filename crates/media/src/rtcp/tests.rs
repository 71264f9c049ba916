use super::*;
use proptest::prelude::*;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + ms * 1_000)
}

fn header(sequence: u16, timestamp: u32) -> Header {
    Header { marker: false, payload_type: 0, sequence, timestamp, ssrc: 7 }
}

/// Packets as (sequence number, arrival in ms), each spoken 20 ms after the one before.
fn heard(packets: &[(u16, i64)]) -> Reception {
    let first = packets[0].0;
    let mut reception = Reception::default();
    for (sequence, arrived) in packets {
        let timestamp = u32::from(sequence.wrapping_sub(first)) * 160;
        reception.hear(header(*sequence, timestamp), at(*arrived));
    }
    reception
}

fn report(reports: &mut Reports, reception: &mut Reception, ms: i64) -> Vec<u8> {
    let mut out = [0; REPORT_MAX_OCTETS];
    let own = Own { ssrc: 0xabcd_ef01, timestamp: 99 };
    let length = reports.write(own, reception, at(ms), &mut out);
    out[..length].to_vec()
}

#[test]
fn loss_is_what_never_came_across_the_wrap() {
    assert_eq!(heard(&[(5, 0), (6, 20), (7, 40)]).lost(), 0);
    assert_eq!(heard(&[(5, 0), (9, 80)]).lost(), 3);
    assert_eq!(heard(&[(65_534, 0), (65_535, 20), (1, 60), (0, 61)]).lost(), 0);
    assert_eq!(heard(&[(65_534, 0), (2, 80)]).lost(), 3);
    // A stream that begins anew adds to what was lost before.
    let mut twice = heard(&[(5, 0), (9, 80)]);
    twice.hear(Header { ssrc: 8, ..header(100, 0) }, at(100));
    twice.hear(Header { ssrc: 8, ..header(102, 320) }, at(140));
    assert_eq!(twice.lost(), 4);
}

#[test]
fn jitter_is_that_of_the_standard() {
    let even: Vec<_> = (0..100).map(|n| (n, i64::from(n) * 20)).collect();
    assert_eq!(heard(&even).jitter_samples(), 0);
    // Every other packet 10 ms late: the difference is 80 samples each time.
    let uneven: Vec<_> = (0..200).map(|n| (n, i64::from(n) * 20 + i64::from(n % 2) * 10)).collect();
    let jitter = heard(&uneven).jitter_samples();
    assert!((78..=80).contains(&jitter), "{jitter}");
}

#[test]
fn a_report_has_the_octets_of_the_standard() {
    let mut reception = heard(&[(5, 0), (6, 20), (9, 80), (10, 100)]);
    let mut reports = Reports::new(at(0), 1);
    reports.sent(160);
    reports.sent(160);
    let mut sender = vec![0x81, 200, 0, 12];
    sender.extend([0, 0, 0, 7, 0x00, 0x00, 0x00, 0x55, 0x12, 0x34, 0x00, 0x00]);
    sender.extend([0, 0, 0, 9, 0, 0, 0, 9, 0, 0, 0, 9]);
    // About our stream: 2 of 256 lost, 5 in all, jitter 40.
    sender.extend([
        0xab, 0xcd, 0xef, 0x01, 2, 0, 0, 5, 0, 0, 0, 9, 0, 0, 0, 40, 0, 0, 0, 0, 0, 0, 0, 0,
    ]);
    // The length counts 32-bit words less one.
    sender[3] = u8::try_from(sender.len() / 4 - 1).unwrap();
    assert!(reports.hear(&sender, 0xabcd_ef01, at(500)));
    assert_eq!(reports.said(), Said { lost: 5, jitter_samples: 40 });
    let written = report(&mut reports, &mut reception, 1_500);
    let mut expected = vec![0x81, 200, 0, 12, 0xab, 0xcd, 0xef, 0x01];
    let seconds = u32::try_from(1_700_000_001u64 + 2_208_988_800).unwrap();
    expected.extend(seconds.to_be_bytes());
    expected.extend([0x80, 0, 0, 0, 0, 0, 0, 99, 0, 0, 0, 2, 0, 0, 1, 64]);
    // Two of six lost: 85 of 256. The report above named 0x0055_1234 and came a second ago.
    expected.extend([0, 0, 0, 7, 85, 0, 0, 2, 0, 0, 0, 10, 0, 0, 0, 0]);
    expected.extend([0x00, 0x55, 0x12, 0x34, 0, 1, 0, 0]);
    expected.extend([0x81, 202, 0, 4, 0xab, 0xcd, 0xef, 0x01, 1, 8]);
    expected.extend(b"abcdef01\0\0");
    assert_eq!(written, expected);
    // Nothing was sent or lost since.
    let written = report(&mut reports, &mut reception, 3_000);
    assert_eq!(written[..13], [0x81, 201, 0, 7, 0xab, 0xcd, 0xef, 0x01, 0, 0, 0, 7, 0]);
}

#[test]
fn a_farewell_follows_only_what_was_sent() {
    let own = Own { ssrc: 3, timestamp: 0 };
    let mut out = [0; REPORT_MAX_OCTETS];
    let mut reports = Reports::new(at(0), 1);
    let mut reception = Reception::default();
    assert_eq!(reports.write_bye(own, &mut reception, at(0), &mut out), None);
    reports.sent(160);
    let mut full = heard(&[(5, 0)]);
    let length = reports.write_bye(own, &mut full, at(0), &mut out).unwrap();
    assert_eq!(length, REPORT_MAX_OCTETS);
    assert_eq!(out[length - 8..], [0x81, 203, 0, 1, 0, 0, 0, 3]);
    assert!(Reports::new(at(0), 1).hear(&out[..length], 3, at(0)), "we understand ourselves");
}

#[test]
fn reports_come_in_uneven_intervals_about_five_seconds_apart() {
    let mut reports = Reports::new(at(0), 77);
    assert_eq!(reports.due(), at(2_500));
    let mut intervals = Vec::new();
    for _ in 0..100 {
        let before = reports.due().micros() / 1_000 - at(0).micros() / 1_000;
        report(&mut reports, &mut Reception::default(), before);
        intervals.push(reports.due().since(at(before)).as_millis());
    }
    assert!(intervals.iter().all(|ms| (2_500..=7_500).contains(ms)), "{intervals:?}");
    assert!(intervals.iter().min() < intervals.iter().max().map(|ms| ms - 3_000).as_ref());
}

#[test]
fn malformed_reports_are_refused() {
    let cases: [&[u8]; 5] = [
        &[],
        &[0x80, 201, 0],
        &[0x80, 201, 0, 9, 0, 0, 0, 0],
        &[0x40, 201, 0, 1, 0, 0, 0, 0],
        &[0x80, 201, 0, 0, 1],
    ];
    for datagram in cases {
        assert!(!Reports::new(at(0), 1).hear(datagram, 1, at(0)), "{datagram:?}");
    }
    assert!(is_report(&[0x80, 200]) && !is_report(&[0x80, 0x80]) && !is_report(&[0x80]));
}

proptest! {
    #[test]
    fn any_octets_are_survived(datagram in proptest::collection::vec(any::<u8>(), 0..200)) {
        Reports::new(at(0), 1).hear(&datagram, 1, at(0));
    }

    #[test]
    fn any_packets_are_counted(
        packets in proptest::collection::vec(any::<(u16, u32, u8)>(), 1..60),
    ) {
        let mut reception = Reception::default();
        for (sequence, timestamp, ssrc) in packets {
            let header = Header { ssrc: u32::from(ssrc % 3), ..header(sequence, timestamp) };
            reception.hear(header, at(0));
        }
        report(&mut Reports::new(at(0), 1), &mut reception, 1);
    }
}
