//! Who calls: answered from memory to the line.

use std::net::SocketAddr;

use line::Directory;
use model::{Private, StationId};

use crate::desk::Desk;

impl Directory for Desk {
    fn station(&self, source: SocketAddr, user: &str) -> Option<StationId> {
        self.book().station_by_source(source, user)
    }

    fn digest(&self, user: &str) -> Option<(StationId, Private<[u8; 16]>)> {
        self.book().station_by_digest(user)
    }

    fn trunk(&self) -> Option<SocketAddr> {
        self.book().trunk.as_ref().map(|trunk| trunk.address)
    }
}
