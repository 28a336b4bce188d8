# Debian's wine of either width, unpacked and not installed: i386 as a second architecture would have one unreadable
# package list spoil the others. Read by `run`.

# private_apt ARCH: sets APT, options under which apt-get knows this architecture alone.
private_apt() {
    local s=$CROSS/apt/$1
    mkdir -p "$s"/lists/partial "$s"/cache/archives/partial
    : >"$s/status"
    APT=(-qq -o APT::Architecture="$1" -o APT::Architectures="$1" -o Dir::State::lists="$s/lists" -o Dir::State::status="$s/status"
         -o Dir::Cache="$s/cache" -o Acquire::Languages=none -o Acquire::Retries=3 -o APT::Sandbox::User=root
         -o Acquire::IndexTargets::deb-src::Sources::DefaultEnabled=false)
    apt-get "${APT[@]}" update || say "the package lists of $1 are not complete"
}

wine() {                                 # wine 64|32
    local bits=$1 root=$CROSS/wine$1 prefix=$CROSS/prefix$1 arch lib pe mingw rc=0
    [ ! -e "$prefix/ready" ] || return 0
    case $bits in
    64) arch=amd64 lib=x86_64-linux-gnu pe=x86_64-windows mingw=x86_64-w64-mingw32 ;;
    32) arch=i386 lib=i386-linux-gnu pe=i386-windows mingw=i686-w64-mingw32 ;;
    esac
    private_apt "$arch"
    rm -rf "$root" "$prefix"; mkdir -p "$root/packages" "$CROSS/bin"
    (cd "$root/packages" && apt-get "${APT[@]}" download "libwine:$arch" "wine$bits:$arch")
    for deb in "$root/packages/"*.deb; do dpkg-deb -x "$deb" "$root"; done
    rm -rf "$root/packages" "$root/usr/share/doc"
    # As libwine's own set-up does: zlib1.dll, marked as one of wine's.
    { head -c 64 "/usr/$mingw/lib/zlib1.dll"; printf 'Wine builtin DLL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'
      tail -c +97 "/usr/$mingw/lib/zlib1.dll"; } >"$root/usr/lib/$lib/wine/$pe/zlib1.dll"
    ln -sfn "wineserver$bits" "$root/usr/lib/wine/wineserver"
    wine_runner "$bits"
    CROSS_COLD=1 boxed timeout -k 5 180 "$CROSS/bin/wine$bits" wineboot -i || rc=$?
    WINEPREFIX=$prefix "$root/usr/lib/wine/wineserver$bits" -k || true
    [ $rc = 0 ] || die "wineboot failed: $rc"
    # Rust's standard library needs ProcessPrng, which wine 8 lacks.
    printf '%s\n' '#include <windows.h>' 'BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);' \
        '__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE p, SIZE_T n) { return SystemFunction036(p, (ULONG)n); }' >"$root/random.c"
    $mingw-gcc -O2 -shared -s -Wl,--kill-at -o "$prefix/drive_c/windows/system32/bcryptprimitives.dll" "$root/random.c" -ladvapi32
    boxed timeout -k 5 60 "$CROSS/bin/wine$bits" cmd /c 'echo it-runs' | grep -q it-runs || rc=1
    WINEPREFIX=$prefix "$root/usr/lib/wine/wineserver$bits" -k || true
    [ $rc = 0 ] || die "wine$bits runs no program"
    touch "$prefix/ready"
}

wine_runner() {                          # writes the command that runs a program
    local bits=$1 root=$CROSS/wine$1 loader=wine
    [ "$bits" = 32 ] || loader=wine64
    cat >"$CROSS/bin/wine$bits" <<RUN
#!/bin/sh
export WINEPREFIX="$CROSS/prefix$bits" WINEARCH=win$bits WINESERVER="$root/usr/lib/wine/wineserver$bits"
# No desktop, which can start itself without end, and no debugger: a test that crashes ends at once, with its status.
export WINEDEBUG="\${WINEDEBUG--all}"
export WINEDLLOVERRIDES="\${WINEDLLOVERRIDES-explorer.exe=;winedbg.exe=;winemenubuilder.exe=;mscoree=;mshtml=}"
# The server stays for the next test, and is started apart from this one: it would hold on to the test's output.
[ -n "\${CROSS_COLD-}" ] ||
    flock -o "$CROSS/lock-up$bits" sh -c '"\$WINESERVER" -p20 && "$root/usr/lib/wine/$loader" cmd /c exit' </dev/null >/dev/null 2>&1
exec "$root/usr/lib/wine/$loader" "\$@"
RUN
    chmod +x "$CROSS/bin/wine$bits"
}
