//! A keyholder somewhere else, as whoever asks sees it.

use crate::{
    Answer, Ask, SegmentAnswer, SegmentAsk, State,
    limits::{BODY_OCTETS_MAX, EXCHANGE_MAX, HEAD_OCTETS_MAX, HEADERS_COUNT_MAX, SILENCE_MAX},
    patience::Patience,
    serve::{OPEN, OPEN_SEGMENT, STATE, Why, body_length, more},
};
use rustls::{ClientConfig, ClientConnection, StreamOwned, pki_types::ServerName};
use serde::de::DeserializeOwned;
use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
};

/// A keyholder that listens somewhere.
#[derive(Clone, Debug)]
pub struct Remote {
    address: SocketAddr,
    name: ServerName<'static>,
    tls: Arc<ClientConfig>,
}

impl Remote {
    /// The keyholder at `address`, whose certificate is for `name`.
    ///
    /// # Errors
    /// When nobody's certificate can be for that name.
    pub fn at(
        address: SocketAddr,
        name: &str,
        tls: Arc<ClientConfig>,
    ) -> Result<Self, NotAnswered> {
        let name = ServerName::try_from(name.to_owned()).map_err(|_| NotAnswered::Name)?;
        Ok(Self { address, name, tls })
    }

    /// The name that its certificate is for.
    #[must_use]
    pub fn name(&self) -> String {
        self.name.to_str().into_owned()
    }

    /// What must be known before asking.
    ///
    /// # Errors
    /// When it cannot be reached, or says no.
    pub fn state(&self) -> Result<State, NotAnswered> {
        self.exchange("GET", STATE, &[])
    }

    /// Asks for a share.
    ///
    /// # Errors
    /// When it cannot be reached, or says no. Asking again is safe.
    pub fn open(&self, ask: &Ask) -> Result<Answer, NotAnswered> {
        let body = serde_json::to_vec(ask).map_err(|_| NotAnswered::Answer)?;
        self.exchange("POST", OPEN, &body)
    }

    /// Asks for the shares of a segment's key.
    ///
    /// # Errors
    /// As [`Remote::open`].
    pub fn open_segment(&self, ask: &SegmentAsk) -> Result<SegmentAnswer, NotAnswered> {
        let body = serde_json::to_vec(ask).map_err(|_| NotAnswered::Answer)?;
        self.exchange("POST", OPEN_SEGMENT, &body)
    }

    fn exchange<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        body: &[u8],
    ) -> Result<T, NotAnswered> {
        let stream = TcpStream::connect_timeout(&self.address, SILENCE_MAX)?;
        stream.set_read_timeout(Some(SILENCE_MAX))?;
        stream.set_write_timeout(Some(SILENCE_MAX))?;
        let _patience = Patience::with(&stream, EXCHANGE_MAX)?;
        let connection = ClientConnection::new(Arc::clone(&self.tls), self.name.clone())
            .map_err(|fault| NotAnswered::Unreached(fault.to_string()))?;
        let mut stream = StreamOwned::new(connection, stream);
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            self.name.to_str(),
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        stream.flush()?;
        let (status, body) = read(&mut stream)?;
        if status == 200 {
            return serde_json::from_slice(&body).map_err(|_| NotAnswered::Answer);
        }
        let why = serde_json::from_slice::<Why>(&body).map_err(|_| NotAnswered::Answer)?;
        Err(NotAnswered::Refused(why.refused))
    }
}

/// Why a keyholder gave no share.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnswered {
    /// Nobody's certificate can be for this name.
    #[error("this is no name that a certificate can be for")]
    Name,
    /// No program can be run by this command.
    #[error(
        "a keyholder's command names a program, and says once, as `{{do}}`, where the word `state`, `open` or \
         `open-segment` belongs"
    )]
    Command,
    /// It cannot be reached, or one of both certificates is not accepted.
    #[error("the keyholder cannot be reached: {0}")]
    Unreached(String),
    /// It said no.
    #[error("the keyholder refuses: {0}")]
    Refused(String),
    /// It answered with something else.
    #[error("the keyholder's answer cannot be read")]
    Answer,
}

impl From<io::Error> for NotAnswered {
    fn from(fault: io::Error) -> Self {
        Self::Unreached(fault.to_string())
    }
}

fn read(stream: &mut impl Read) -> Result<(u16, Vec<u8>), NotAnswered> {
    let mut octets = Vec::new();
    let (status, start, length) = loop {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_COUNT_MAX];
        let mut head = httparse::Response::new(&mut headers);
        match head.parse(&octets) {
            Ok(httparse::Status::Complete(start)) => {
                let length = body_length(head.headers).filter(|length| *length <= BODY_OCTETS_MAX);
                break (head.code.unwrap_or(0), start, length.ok_or(NotAnswered::Answer)?);
            }
            Ok(httparse::Status::Partial) if octets.len() < HEAD_OCTETS_MAX => {
                more(stream, &mut octets)?;
            }
            Ok(httparse::Status::Partial) | Err(_) => return Err(NotAnswered::Answer),
        }
    };
    while octets.len() < start + length {
        more(stream, &mut octets)?;
    }
    Ok((status, octets.get(start..start + length).unwrap_or_default().to_vec()))
}
