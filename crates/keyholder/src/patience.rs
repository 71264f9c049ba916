//! An end to every exchange: whoever sends an octet now and then is not silent, and still holds a
//! place that others need.

use std::{
    io,
    net::{Shutdown, TcpStream},
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread,
    time::Duration,
};

/// While it lives, a connection has so long and no longer; then it is cut.
pub(crate) struct Patience {
    /// Dropped with it: whoever watches sees that it is over.
    _over: Sender<()>,
}

impl Patience {
    /// Begins to watch `stream`.
    pub(crate) fn with(stream: &TcpStream, most: Duration) -> io::Result<Self> {
        let stream = stream.try_clone()?;
        let (over, watch) = channel::<()>();
        thread::Builder::new().name("patience".to_owned()).spawn(move || {
            if watch.recv_timeout(most) == Err(RecvTimeoutError::Timeout) {
                // Whoever reads or writes gets an error, here and there.
                let _ = stream.shutdown(Shutdown::Both);
            }
        })?;
        Ok(Self { _over: over })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
    };

    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let one = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (one, listener.accept().unwrap().0)
    }

    #[test]
    fn who_sends_drop_by_drop_is_cut_off() {
        let (mut slow, mut ours) = pair();
        let sender = thread::spawn(move || while slow.write_all(b"x").is_ok() {});
        let patience = Patience::with(&ours, Duration::from_millis(50)).unwrap();
        let mut octets = Vec::new();
        // Without an end this would read for ever.
        drop(ours.read_to_end(&mut octets));
        drop((ours, patience));
        sender.join().unwrap();
    }

    #[test]
    fn who_is_done_in_time_is_left_alone() {
        let (mut one, mut other) = pair();
        drop(Patience::with(&other, Duration::from_secs(3_600)).unwrap());
        one.write_all(b"still here").unwrap();
        drop(one);
        let mut text = String::new();
        other.read_to_string(&mut text).unwrap();
        assert_eq!(text, "still here");
    }
}
