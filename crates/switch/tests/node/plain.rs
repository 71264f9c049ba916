//! The other end as plain text on a socket, for what our own telephones would never say.

use std::net::{SocketAddr, UdpSocket};

use crate::phone::{LOOPBACK, PATIENCE};

pub(crate) struct Plain(UdpSocket);

/// A request as it came.
pub(crate) struct Request {
    text: String,
    from: SocketAddr,
}

impl Plain {
    pub(crate) fn new() -> Self {
        let socket = UdpSocket::bind((LOOPBACK, 0)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(socket)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// Calls the node with audio it cannot understand, and says how that ends.
    pub(crate) fn invite(&self, node: SocketAddr, user: &str) -> u16 {
        let us = self.address();
        let sdp = foreign_audio(us);
        let invite = format!(
            "INVITE sip:menu@{node} SIP/2.0\r\nVia: SIP/2.0/UDP {us};branch=z9hG4bKone;rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{user}@{us}>;tag=us\r\nTo: <sip:menu@{node}>\r\n\
             Call-ID: one@{us}\r\nCSeq: 1 INVITE\r\nContact: <sip:{user}@{us}>\r\n\
             Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
            sdp.len()
        );
        self.0.send_to(invite.as_bytes(), node).unwrap();
        loop {
            let (text, _) = self.read();
            let status: u16 = text.split(' ').nth(1).unwrap().parse().unwrap();
            if status >= 200 {
                return status;
            }
        }
    }

    /// Waits for a request with this method; others are passed over.
    pub(crate) fn wait_for(&self, method: &str) -> Request {
        loop {
            let (text, from) = self.read();
            if text.starts_with(&format!("{method} ")) {
                return Request { text, from };
            }
        }
    }

    /// Says yes to a request; to an INVITE with audio that nobody offered.
    pub(crate) fn accept(&self, request: &Request) {
        let us = self.address();
        let is_invite = request.text.starts_with("INVITE ");
        let sdp = if is_invite { foreign_audio(us) } else { String::new() };
        let mut response = String::from("SIP/2.0 200 OK\r\n");
        for line in request.text.lines().skip(1).take_while(|line| !line.is_empty()) {
            let name = line.split(':').next().unwrap();
            if ["Via", "From", "Call-ID", "CSeq"].contains(&name) {
                response += &format!("{line}\r\n");
            } else if name == "To" {
                let tag = if line.contains(";tag=") { "" } else { ";tag=them" };
                response += &format!("{line}{tag}\r\n");
            }
        }
        response += &format!("Contact: <sip:them@{us}>\r\n");
        if is_invite {
            response += "Content-Type: application/sdp\r\n";
        }
        response += &format!("Content-Length: {}\r\n\r\n{sdp}", sdp.len());
        self.0.send_to(response.as_bytes(), request.from).unwrap();
    }

    fn read(&self) -> (String, SocketAddr) {
        let mut buffer = [0; 4_096];
        let (octets, from) = self.0.recv_from(&mut buffer).unwrap();
        (String::from_utf8(buffer[..octets].to_vec()).unwrap(), from)
    }
}

/// G.729, which the node neither offers nor understands.
fn foreign_audio(us: SocketAddr) -> String {
    let ip = us.ip();
    format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n\
         m=audio 4000 RTP/AVP 18\r\na=rtpmap:18 G729/8000\r\n"
    )
}
