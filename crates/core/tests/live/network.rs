//! What the network does to envelopes: loses, delays, reorders, repeats and alters them.

use crate::random::Random;

/// An envelope on its way.
#[derive(Clone)]
pub struct Flight {
    pub number: u32,
    pub envelope: Vec<u8>,
    pub content: Vec<u8>,
    /// How often it was held back.
    held_back: u32,
}

impl Flight {
    pub const fn new(number: u32, envelope: Vec<u8>, content: Vec<u8>) -> Self {
        Self { number, envelope, content, held_back: 0 }
    }

    pub fn is_sealed(&self) -> bool {
        self.envelope[0] == 0x01
    }

    /// The envelope with one byte changed, and what the recipient must say to it (B6.1, B6.3, B7, B7.2).
    pub fn altered(&self, random: &mut Random) -> (Vec<u8>, &'static str) {
        let (range, error) = match (self.is_sealed(), random.below(4)) {
            (_, 0) => (0..2, "UnsupportedVersion"),
            (true, 1) => (2..1123, "DecryptFailed"),
            (true, _) => (1123..self.envelope.len(), "DecryptFailed"),
            (false, 1) => (2..78, "NoSession"),
            (false, 2) => (78..110, "DecryptFailed"),
            (false, _) => (110..self.envelope.len(), "DecryptFailed"),
        };
        let offset = range.start + random.below(range.len());
        let mut envelope = self.envelope.clone();
        // The high bit: another type or version is then none that exists.
        envelope[offset] ^= 0x80 | random.below(128) as u8;
        (envelope, error)
    }
}

/// How reliable it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Network {
    Bad,
    Perfect,
}

/// One direction.
#[derive(Default)]
pub struct Line(Vec<Flight>);

impl Line {
    pub fn push(&mut self, flight: Flight) {
        self.0.push(flight);
    }

    /// What arrives now. A bad network holds some back, at most twice, and hands out the others in any order.
    pub fn arriving(&mut self, network: Network, random: &mut Random) -> Vec<Flight> {
        let mut arriving = Vec::new();
        for mut flight in std::mem::take(&mut self.0) {
            if network == Network::Bad && flight.held_back < 2 && random.once_in(4) {
                flight.held_back += 1;
                self.0.push(flight);
            } else {
                let place = if network == Network::Bad { random.below(arriving.len() + 1) } else { arriving.len() };
                arriving.insert(place, flight);
            }
        }
        arriving
    }
}
