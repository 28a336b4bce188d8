//! Code to publish: a function that gives back a number, as short as it can be, or after instructions that do nothing.

cfg_if::cfg_if! {
    if #[cfg(target_arch = "aarch64")] {
        /// `nop`
        pub(in crate::engine) const NOP: [u8; 4] = 0xd503_201f_u32.to_le_bytes();

        /// `mov w0, value; ret`
        pub(in crate::engine) fn returns(value: u32) -> [u8; 12] {
            let [low, high] = [value & 0xffff, value >> 16];
            // movz, movk with a shift of 16, ret.
            let words = [0x5280_0000 | low << 5, 0x72a0_0000 | high << 5, 0xd65f_03c0];
            let mut code = [0; 12];
            for (place, word) in code.chunks_exact_mut(4).zip(words) {
                place.copy_from_slice(&u32::to_le_bytes(word));
            }
            code
        }
    } else {
        /// `nop`
        pub(in crate::engine) const NOP: [u8; 1] = [0x90];

        /// `mov eax, value; ret`
        pub(in crate::engine) fn returns(value: u32) -> [u8; 6] {
            let [a, b, c, d] = value.to_le_bytes();
            [0xb8, a, b, c, d, 0xc3]
        }
    }
}

/// `len` bytes: `nop`s, then [`returns`].
pub(in crate::engine) fn long_code(len: usize, value: u32) -> Vec<u8> {
    let end = returns(value);
    let mut code = NOP.repeat((len - end.len()) / NOP.len());
    code.extend(end);
    code
}
