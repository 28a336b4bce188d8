//! Code in the making: bytes, and the labels that jumps go to.

use alloc::vec::Vec;

/// Up to eight bytes that belong together, the first one lowest: an instruction, or a part of one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bytes {
    /// What lies above `len` bytes means nothing.
    value: u64,
    len: usize,
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
        Bytes::lowest(value, 4)
    }

    /// The `len` lowest bytes of `value`, at most four. Nothing but [`Code::put_both`] joins what is behind them to them.
    pub(crate) const fn lowest(value: i32, len: usize) -> Bytes {
        Bytes { value: value.cast_unsigned() as u64, len }
    }

    /// These bytes, at most seven, then `next`: at most eight in all.
    pub(crate) const fn then(self, next: Bytes) -> Bytes {
        Bytes { value: self.value | next.value << (8 * self.len), len: self.len + next.len }
    }
}

/// A place in the code that a jump can name before it is known. It means nothing to other code than its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(usize);

/// How many bytes are written at once, whatever is kept of them: a store and a shorter step cost less than a copy of a
/// length known only at run time.
const STEP: usize = 16;

/// Bytes, appended in order, and the places of labels in them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Code {
    /// The bytes, then anything, so that appending is a store and no more.
    buffer: Vec<u8>,
    /// How many bytes there are.
    len: usize,
    labels: Vec<Option<usize>>,
}

impl Code {
    /// Room for `capacity` bytes before the memory has to grow.
    pub(crate) fn with_capacity(capacity: usize) -> Code {
        Code::reusing(Vec::new(), capacity)
    }

    /// Room for `capacity` bytes in memory whose content is no longer needed.
    #[inline]
    pub(crate) fn reusing(mut buffer: Vec<u8>, capacity: usize) -> Code {
        let room = capacity.saturating_add(STEP);
        if buffer.len() < room {
            buffer.resize(room, 0);
        }
        Code { buffer, len: 0, labels: Vec::new() }
    }

    /// How many bytes there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Appends `bytes`.
    #[inline(always)]
    pub(crate) fn put(&mut self, bytes: Bytes) {
        self.put_both(Bytes::NONE, bytes);
    }

    /// Appends `first`, at most seven bytes, and then `second`.
    #[inline(always)]
    pub(crate) fn put_both(&mut self, first: Bytes, second: Bytes) {
        let Some(free) = self.buffer.get_mut(self.len..self.len + STEP) else {
            // Out of line and last, so that the usual way has no registers to save.
            return self.grow_and_put_both(first, second);
        };
        free[..8].copy_from_slice(&first.value.to_le_bytes());
        free[first.len & 7..][..8].copy_from_slice(&second.value.to_le_bytes());
        self.len += first.len + second.len;
    }

    #[cold]
    #[inline(never)]
    fn grow_and_put_both(&mut self, first: Bytes, second: Bytes) {
        self.buffer.resize(2 * self.buffer.len() + STEP, 0);
        self.put_both(first, second);
    }

    /// Writes four bytes over those at `at`.
    pub(crate) fn patch(&mut self, at: usize, value: i32) {
        self.buffer[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }

    /// A label without a place.
    pub(crate) fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// Gives `label` its place: here.
    pub(crate) fn bind(&mut self, label: Label) {
        self.labels[label.0] = Some(self.len);
    }

    /// The place of `label`, if it has one yet.
    pub(crate) fn place(&self, label: Label) -> Option<usize> {
        self.labels[label.0]
    }

    /// The bytes.
    #[inline]
    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        self.buffer.truncate(self.len);
        self.buffer
    }
}
