//! Which ABI and data model this process has: the one place, outside `sys`, that asks `cfg(target_…)`.

#[cfg(target_arch = "aarch64")]
use callsmith_arch::abi::Aapcs64;
use callsmith_arch::abi::Abi;
#[cfg(target_arch = "x86")]
use callsmith_arch::abi::{X86Call, X86Flavour};
use callsmith_arch::layout::DataModel;

cfg_if::cfg_if! {
    if #[cfg(all(target_arch = "x86_64", target_os = "linux"))] {
        /// The ABI of `extern "C"` in this process.
        pub const ABI: Abi = Abi::SysV64;
        /// What C code in this process was compiled for.
        pub const MODEL: &DataModel = &DataModel::LP64;
        /// The process in words, for messages.
        pub const NAME: &str = "x86-64 Linux";
    } else if #[cfg(all(target_arch = "x86_64", windows))] {
        /// The ABI of `extern "C"` in this process.
        pub const ABI: Abi = Abi::Win64;
        /// What C code in this process was compiled for.
        pub const MODEL: &DataModel =
            if cfg!(target_env = "msvc") { &DataModel::LLP64_MSVC } else { &DataModel::LLP64_GNU };
        /// The process in words, for messages.
        pub const NAME: &str = "x86-64 Windows";
    } else if #[cfg(all(target_arch = "x86", target_os = "linux"))] {
        /// The ABI of `extern "C"` in this process.
        pub const ABI: Abi = Abi::X86(X86Call::Cdecl, X86Flavour::Linux);
        /// What C code in this process was compiled for.
        pub const MODEL: &DataModel = &DataModel::ILP32_GNU;
        /// The process in words, for messages.
        pub const NAME: &str = "x86 Linux";
    } else if #[cfg(all(target_arch = "x86", windows))] {
        /// The ABI of `extern "C"` in this process.
        pub const ABI: Abi = Abi::X86(
            X86Call::Cdecl,
            if cfg!(target_env = "msvc") { X86Flavour::Msvc } else { X86Flavour::Mingw },
        );
        /// What C code in this process was compiled for.
        pub const MODEL: &DataModel =
            if cfg!(target_env = "msvc") { &DataModel::ILP32_MSVC } else { &DataModel::ILP32_MINGW };
        /// The process in words, for messages.
        pub const NAME: &str = "x86 Windows";
    } else if #[cfg(all(target_arch = "aarch64", target_os = "linux"))] {
        /// The ABI of `extern "C"` in this process.
        pub const ABI: Abi = Abi::Aapcs64(Aapcs64::Linux);
        /// What C code in this process was compiled for.
        pub const MODEL: &DataModel = &DataModel::AAPCS64_LINUX;
        /// The process in words, for messages.
        pub const NAME: &str = "AArch64 Linux";
    } else {
        compile_error!(
            "callsmith runs on x86-64 and x86, on Linux and Windows, and on AArch64 Linux; other systems are planned for in \
             `arch` only"
        );
    }
}

/// Whether C functions give a `float` and a `double` back on the x87 stack, where they have one format.
pub(crate) const FLOATS_ON_X87: bool = cfg!(target_arch = "x86");

/// Whether the C library is musl, whose loader looks for libraries in its own places.
#[cfg(unix)]
pub(crate) const IS_MUSL: bool = cfg!(target_env = "musl");

cfg_if::cfg_if! {
    if #[cfg(any(target_arch = "x86_64", target_arch = "x86"))] {
        /// The largest vector, in bytes, that this processor has registers for.
        pub fn vector_bytes() -> u32 {
            if std::is_x86_feature_detected!("avx512f") {
                64
            } else if std::is_x86_feature_detected!("avx") {
                32
            } else {
                16
            }
        }
    } else {
        /// The largest vector, in bytes, that this processor has registers for. Every AArch64 has these; the scalable ones
        /// pass nothing here.
        pub fn vector_bytes() -> u32 {
            16
        }
    }
}
