# A Rust that builds for other targets: rustup's, where it can add them; else Debian's, with a standard library built once.
# Read by `run`.

DEBIAN_RUST=(rustc-web cargo-web rust-web-src rust-web-clippy)
SYSROOT=$CROSS/sysroot

# by_rustup TARGET: whether rustup's toolchain builds for it. The first time it is told to add it; what came of that is
# remembered, since a network that does not answer takes its time.
by_rustup() {
    local known=$CROSS/rustup/$1
    if [ ! -e "$known" ]; then
        mkdir -p "$CROSS/rustup"
        if command -v rustup >/dev/null && timeout 300 rustup target add "$1" >/dev/null 2>&1; then
            echo yes >"$known"
        else
            echo no >"$known"
        fi
    fi
    [ "$(cat "$known")" = yes ]
}

use_debian_toolchain() {
    export RUSTC=$CROSS/bin/rustc RUSTDOC=$CROSS/bin/rustdoc CARGO=/usr/bin/cargo SYSROOT
    export PATH=$CROSS/bin:$PATH         # cargo's subcommands are found there
    # Beside rustup's builds, which would be thrown away.
    export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$ROOT/target}/cross
}

debian_toolchain() {                     # debian_toolchain TARGET...
    local t d missing=()
    [ -x /usr/bin/rustc ] || die "neither can rustup add $*, nor is Debian's rustc here"
    mkdir -p "$CROSS/bin" "$SYSROOT/lib/rustlib"
    d=$(/usr/bin/rustc --print sysroot)/lib/rustlib
    ln -sfn "$d/x86_64-unknown-linux-gnu" "$SYSROOT/lib/rustlib/x86_64-unknown-linux-gnu"
    for t in cargo cargo-clippy clippy-driver; do ln -sfn /usr/bin/$t "$CROSS/bin/$t"; done
    for t in rustc rustdoc; do
        printf '#!/bin/sh\nexec /usr/bin/%s --sysroot "%s" "$@"\n' $t "$SYSROOT" >"$CROSS/bin/$t.new"
        chmod +x "$CROSS/bin/$t.new"
        mv "$CROSS/bin/$t.new" "$CROSS/bin/$t"
    done
    for t in "$@"; do
        [ "$(cat "$SYSROOT/lib/rustlib/$t/made-by" 2>/dev/null)" = "$(/usr/bin/rustc -vV)" ] || missing+=("$t")
    done
    [ ${#missing[@]} = 0 ] && return
    say "building std for ${missing[*]}"
    step std standard_library "$d/src/rust/library" "${missing[@]}"
}

# standard_library SOURCE TARGET...: built from the vendored sources, in one run of cargo for all targets. Afterwards plain
# cargo works: the project is built without an unstable flag.
standard_library() {
    local src=$1 work=$CROSS/std t o d args=()
    shift
    rm -rf "$work"; mkdir -p "$work/src"
    echo '#![no_std]' >"$work/src/lib.rs"
    printf '[package]\nname="seed"\nversion="0.0.0"\nedition="2021"\n[workspace]\n[profile.release]\ndebug=0\n' >"$work/Cargo.toml"
    for t in "$@"; do args+=(--target "$t"); done
    [ ! -d "$src/vendor" ] ||
        args+=(--offline --config 'source.crates-io.replace-with="v"' --config "source.v.directory=\"$src/vendor\"")
    (cd "$work"; unset RUSTFLAGS RUSTC_WRAPPER CARGO_BUILD_TARGET
     CARGO_TARGET_DIR=$work/target RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_INCREMENTAL=0 \
        /usr/bin/cargo build --release -Zbuild-std=std,panic_unwind,panic_abort,proc_macro,test "${args[@]}")
    for t in "$@"; do
        d=$SYSROOT/lib/rustlib/$t; rm -rf "$d"; mkdir -p "$d/lib"
        cp "$work/target/$t/release/deps/"*.rlib "$d/lib/"; rm -f "$d/lib/libseed-"*
        case $t in *-windows-gnu)        # the linker wants these two, and cargo does not build them
            for o in rsbegin rsend; do
                RUSTC_BOOTSTRAP=1 /usr/bin/rustc --sysroot "$SYSROOT" --target "$t" --emit=obj -o "$d/lib/$o.o" "$src/rtstartup/$o.rs"
            done ;;
        esac
        /usr/bin/rustc -vV >"$d/made-by"
    done
    rm -rf "$work"
}
