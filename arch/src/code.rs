//! Code in the making: bytes, and the labels that jumps go to.

use alloc::vec::Vec;

/// Up to eight bytes that belong together, the first one lowest: an instruction, or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bytes {
    value: u64,
    len: u32,
}

impl Bytes {
    /// No bytes.
    pub(crate) const NONE: Bytes = Bytes { value: 0, len: 0 };

    /// One byte.
    pub(crate) const fn one(byte: u8) -> Bytes {
        Bytes { value: byte as u64, len: 1 }
    }

    /// A byte if it is needed.
    pub(crate) const fn one_if(needed: bool, byte: u8) -> Bytes {
        if needed { Bytes::one(byte) } else { Bytes::NONE }
    }

    /// Four bytes, the lowest of `value` first.
    pub(crate) const fn four(value: i32) -> Bytes {
        Bytes { value: value.cast_unsigned() as u64, len: 4 }
    }

    /// These bytes, at most seven, then `next`: at most eight in all.
    pub(crate) const fn then(self, next: Bytes) -> Bytes {
        Bytes { value: self.value | next.value << (8 * self.len), len: self.len + next.len }
    }
}

/// A place in the code that a jump can name before it is known. It means nothing to other code than its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(usize);

/// Bytes, appended in order, and the places of labels in them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Code {
    bytes: Vec<u8>,
    labels: Vec<Option<usize>>,
}

impl Code {
    /// Room for `capacity` bytes before the memory has to grow.
    pub(crate) fn with_capacity(capacity: usize) -> Code {
        // `put` writes eight bytes at a time, whatever it keeps of them.
        Code { bytes: Vec::with_capacity(capacity.saturating_add(8)), labels: Vec::new() }
    }

    /// How many bytes there are.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Appends `bytes`.
    #[inline]
    pub(crate) fn put(&mut self, bytes: Bytes) {
        // One store of eight bytes and a shorter length cost less than a copy of a length known only at run time.
        let len = self.bytes.len() + bytes.len as usize;
        self.bytes.extend_from_slice(&bytes.value.to_le_bytes());
        self.bytes.truncate(len);
    }

    /// Writes four bytes over those at `at`.
    pub(crate) fn patch(&mut self, at: usize, value: i32) {
        self.bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }

    /// A label without a place.
    pub(crate) fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// Gives `label` its place: here.
    pub(crate) fn bind(&mut self, label: Label) {
        self.labels[label.0] = Some(self.bytes.len());
    }

    /// The place of `label`, if it has one yet.
    pub(crate) fn place(&self, label: Label) -> Option<usize> {
        self.labels[label.0]
    }

    /// The bytes.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
