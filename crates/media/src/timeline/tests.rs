use super::*;
use crate::rtp::Header;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_micros(50_000_000 + ms * 1_000)
}

fn header(timestamp: u32) -> Header {
    Header { marker: false, payload_type: 0, sequence: 0, timestamp, ssrc: 5 }
}

/// Packets of the called party as (arrival in ms, RTP timestamp, octet repeated 160 times); gives
/// the first second as runs of (octet, length).
fn check(packets: &[(i64, u32, u8)], expected: &[(u8, usize)]) {
    let mut timeline = Timeline::new(at(0));
    for (arrived, timestamp, octet) in packets {
        let header = header(*timestamp);
        timeline.place(Side::Called, header, Codec::Pcmu, &[*octet; 160], at(*arrived));
    }
    let second = timeline.poll_second(at(1_200)).unwrap();
    let mut runs: Vec<(u8, usize)> = Vec::new();
    for octet in second.called.octets {
        match runs.last_mut() {
            Some((run, length)) if *run == octet => *length += 1,
            _ => runs.push((octet, 1)),
        }
    }
    assert_eq!(runs, expected, "{packets:?}");
    assert!(second.station.octets.iter().all(|octet| *octet == 0xff));
}

#[test]
fn packets_lie_where_their_timestamps_put_them() {
    // In order, the second a little late.
    check(&[(10, 0, 1), (37, 160, 2)], &[(255, 80), (1, 160), (2, 160), (255, 7_600)]);
    // A lost packet is a gap of its length; so is a pause of the sender.
    check(&[(0, 0, 1), (40, 320, 3)], &[(1, 160), (255, 160), (3, 160), (255, 7_520)]);
    // Out of order, and twice.
    let order = [(0, 0, 1), (40, 320, 3), (41, 160, 2), (42, 160, 2)];
    check(&order, &[(1, 160), (2, 160), (3, 160), (255, 7_520)]);
    // All at once after a delay of the network.
    let burst = [(0, 0, 1), (180, 160, 2), (180, 320, 3)];
    check(&burst, &[(1, 160), (2, 160), (3, 160), (255, 7_520)]);
    // Across the wrap of the timestamp.
    check(&[(0, u32::MAX - 159, 1), (20, 0, 2)], &[(1, 160), (2, 160), (255, 7_680)]);
}

#[test]
fn a_clock_set_anew_goes_on_at_arrival() {
    let ahead = [(0, 0, 1), (20, 400_000, 2), (40, 400_160, 3)];
    check(&ahead, &[(1, 160), (2, 160), (3, 160), (255, 7_520)]);
    let behind = [(0, 400_000, 1), (100, 5, 2)];
    check(&behind, &[(1, 160), (255, 640), (2, 160), (255, 7_040)]);
    // Not over what is there.
    check(&[(0, 0, 1), (5, 400_000, 2)], &[(1, 160), (2, 160), (255, 7_680)]);
}

#[test]
fn another_stream_is_placed_by_its_own_arrival() {
    let mut timeline = Timeline::new(at(0));
    timeline.place(Side::Station, header(0), Codec::Pcmu, &[1; 160], at(0));
    let other = Header { ssrc: 6, ..header(80) };
    timeline.place(Side::Station, other, Codec::Pcmu, &[2; 160], at(500));
    let octets = timeline.poll_second(at(1_200)).unwrap().station.octets;
    assert_eq!(octets[4_000..4_160], [2; 160]);
    assert_eq!(octets[160..4_000], [255; 3_840]);
}

#[test]
fn seconds_follow_each_other_and_late_packets_have_a_while() {
    let mut timeline = Timeline::new(at(0));
    let place = |timeline: &mut Timeline, ms: i64, arrived: i64, octet| {
        let timestamp = u32::try_from(1_000 + ms * 8).unwrap();
        timeline.place(Side::Station, header(timestamp), Codec::Pcmu, &[octet; 160], at(arrived));
    };
    place(&mut timeline, 0, 0, 1);
    // Half of it belongs to the next second.
    place(&mut timeline, 990, 990, 2);
    place(&mut timeline, 1_010, 1_010, 3);
    place(&mut timeline, 960, 1_190, 4);
    assert_eq!(timeline.ready_at(), at(1_200));
    assert!(timeline.poll_second(at(1_199)).is_none());
    let first = timeline.poll_second(at(1_200)).unwrap();
    assert_eq!((first.index, first.started, first.station.rtp_time), (0, at(0), 1_000));
    assert_eq!(first.station.octets.len(), 8_000);
    assert_eq!(first.station.octets[7_680..7_840], [4; 160]);
    assert_eq!(first.station.octets[7_920..], [2; 80]);
    // Too late: its second was handed over; a part of it was not.
    place(&mut timeline, 970, 1_210, 5);
    place(&mut timeline, 995, 1_211, 6);
    assert!(timeline.poll_second(at(2_199)).is_none());
    let second = timeline.poll_second(at(2_200)).unwrap();
    assert_eq!((second.index, second.started, second.station.rtp_time), (1, at(1_000), 9_000));
    assert_eq!(second.station.octets[..120], [6; 120]);
    assert_eq!(second.station.octets[120..240], [3; 120]);
    // A second in which nothing came still knows its time.
    let third = timeline.poll_second(at(3_200)).unwrap();
    assert_eq!(third.station.rtp_time, 17_000);
    assert!(third.station.octets.iter().all(|octet| *octet == 255));
    assert_eq!(third.called.rtp_time, 0);
}

#[test]
fn the_rest_is_as_long_as_the_conversation() {
    for (ended, lengths) in [
        (0, vec![]),
        (5, vec![40]),
        (999, vec![7_992]),
        (1_000, vec![8_000]),
        (1_100, vec![8_000, 800]),
    ] {
        let mut timeline = Timeline::new(at(0));
        let mut rest = Vec::new();
        while let Some(second) = timeline.poll_rest(at(ended)) {
            assert_eq!(second.station.octets.len(), second.called.octets.len());
            rest.push(second.station.octets.len());
        }
        assert_eq!(rest, lengths, "{ended}");
    }
    // What came is kept, even if its time is not over.
    let mut timeline = Timeline::new(at(0));
    timeline.place(Side::Called, header(0), Codec::Pcma, &[9; 160], at(990));
    assert_eq!(timeline.poll_rest(at(990)).unwrap().called.octets[7_920..], [9; 80]);
    let last = timeline.poll_rest(at(990)).unwrap();
    assert_eq!((last.called.octets, last.station.octets), (vec![9; 80], vec![255; 80]));
    assert!(timeline.poll_rest(at(990)).is_none());
}

#[test]
fn a_track_has_one_codec() {
    let mut timeline = Timeline::new(at(0));
    timeline.place(Side::Called, header(0), Codec::Pcma, &[0xd5; 160], at(0));
    timeline.place(Side::Called, header(160), Codec::Pcmu, &[0x80; 160], at(20));
    let track = timeline.poll_second(at(1_200)).unwrap().called;
    assert_eq!(track.codec, Codec::Pcma);
    // The loudest octet of one law is the loudest of the other.
    assert_eq!(track.octets[160..320], [0xaa; 160]);
    assert_eq!(track.octets[320..], [0xd5; 7_680]);
    // The codec of a second in which nothing came is the last one.
    assert_eq!(timeline.poll_second(at(2_200)).unwrap().called.codec, Codec::Pcmu);
}

/// A sender whose clock is off by so many parts in a million stays within 20 ms for half an hour.
#[test]
fn a_clock_that_drifts_is_followed() {
    for drift_ppm in [100, -100i64] {
        let mut timeline = Timeline::new(at(0));
        let mut worst = 0;
        for packet in 0..30 * 60 * 50i64 {
            let spoken_us = packet * 20_000 + packet * 20_000 / 1_000_000 * drift_ppm;
            // Up to 9 ms of jitter.
            let jitter_us = packet * 37 % 10 * 1_000;
            let arrived = Timestamp::from_micros(50_000_000 + spoken_us + jitter_us);
            while timeline.poll_second(arrived).is_some() {}
            let timestamp = u32::try_from(packet * 160).unwrap();
            timeline.place(Side::Called, header(timestamp), Codec::Pcmu, &[1; 160], arrived);
            let anchor = timeline.called.anchor.unwrap();
            let off = anchor.position_of(timestamp) - spoken_us * 8 / 1_000;
            worst = worst.max(off.abs());
        }
        assert!(worst <= 160, "{worst} samples at {drift_ppm} ppm");
    }
}
