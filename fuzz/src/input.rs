//! Reading a target's choices from its input.

/// The kind of edit that has one place more than there are bytes.
const INSERT: u8 = 3;

/// What is left of an input. When nothing is left, every choice is 0.
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// All of it.
    pub fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One byte.
    pub fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    /// A number of `bytes` bytes.
    pub fn number(&mut self, bytes: usize) -> usize {
        self.take(bytes).iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
    }

    /// A number below `bound`, 0 if there is none.
    pub fn below(&mut self, bound: usize) -> usize {
        self.number(2).checked_rem(bound).unwrap_or(0)
    }

    /// At most this many bytes.
    pub fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, left) = self.0.split_at(count.min(self.0.len()));
        self.0 = left;
        taken
    }

    /// `u16 length || bytes`, or what is left of it.
    pub fn part(&mut self) -> &'a [u8] {
        let length = self.number(2);
        self.take(length)
    }

    /// Everything that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        self.take(self.0.len())
    }

    /// `bytes` after the edits that are left, 16 at most, 5 bytes each: `u8 kind || u24 position || u8 value`.
    pub fn edited(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..16 {
            if self.is_empty() || bytes.is_empty() {
                break;
            }
            let kind = self.byte() % 5;
            let at = self.number(3) % (bytes.len() + usize::from(kind == INSERT));
            let value = self.byte();
            match kind {
                0 => bytes[at] ^= value,
                1 => bytes[at] = value,
                2 => bytes.truncate(at),
                INSERT => bytes.insert(at, value),
                _ => {
                    bytes.remove(at);
                }
            }
        }
        bytes
    }
}

/// `u16 length || bytes`: what [`Input::part`] reads.
pub fn part(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("parts of seeds are short");
    [&length.to_be_bytes(), bytes].concat()
}

/// One edit: what [`Input::edited`] reads.
pub fn edit(kind: u8, at: u32, value: u8) -> [u8; 5] {
    let [_, a, b, c] = at.to_be_bytes();
    [kind, a, b, c, value]
}
