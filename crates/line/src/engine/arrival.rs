//! Streams: what comes by them, and the way into them.

use super::{Engine, Phase};
use crate::WireId;
use crate::stream::Arrival;
use crate::transport::{Hop, Transport};
use rsipstack::transport::SipConnection;

impl Engine {
    /// Something came by a stream.
    pub(super) async fn arrival(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Opened(stream) => {
                self.count(|tally| &tally.streams);
                self.streams.insert(stream.hop, stream);
            }
            Arrival::Message { hop, octets } => self.message(&octets, hop).await,
            Arrival::Closed { hop, id } => {
                // Another stream to the same hop may be there already.
                if self.streams.get(&hop).is_some_and(|stream| stream.id == id) {
                    self.streams.remove(&hop);
                }
                self.lose_hop(hop).await;
            }
        }
    }

    /// The library's way to `hop`. A stream that is not there yet is made to a trunk only: nobody
    /// else can make us connect anywhere.
    pub(super) async fn connection(&mut self, hop: Hop) -> Option<SipConnection> {
        if hop.transport == Transport::Udp {
            return Some(self.stack.datagrams());
        }
        if let Some(stream) = self.streams.get(&hop) {
            return Some(stream.connection.clone());
        }
        let (_, trunk) = self.trunks.iter().find(|(_, trunk)| trunk.is_at(hop))?;
        let tls = trunk.tls.clone();
        let stream = self.maker.open(hop, tls).await.ok()?;
        let connection = stream.connection.clone();
        self.streams.insert(hop, stream);
        Some(connection)
    }

    /// Sends octets that belong to no transaction.
    pub(super) async fn send_octets(&self, octets: &[u8], hop: Hop) {
        if hop.transport == Transport::Udp {
            // An unreachable peer is one that does not answer: its timers tell.
            let _ = self.socket.send_to(octets, hop.address).await;
        } else if let Some(stream) = self.streams.get(&hop) {
            stream.send(octets);
        }
    }

    /// The stream to `hop` broke or never came about: calls that wait for an answer on it have
    /// none to wait for (RFC 3261 section 8.1.3.1).
    async fn lose_hop(&mut self, hop: Hop) {
        let waiting = self.wires.iter().filter(|(_, wire)| {
            wire.dialog.peer == hop && matches!(wire.phase, Phase::Dialling(_))
        });
        let waiting: Vec<WireId> = waiting.map(|(id, _)| *id).collect();
        for id in waiting {
            if let Some(Phase::Dialling(dialling)) = self.wires.get(&id).map(|wire| &wire.phase) {
                dialling.serving.terminate();
            }
            self.fail(id, 503).await;
        }
    }
}
