#!/usr/bin/env bash
# Runs the matcher's tests on vector instructions that this machine may lack: AVX-512 BW and VBMI in Bochs, which boots a
# kernel for them, and NEON in QEMU. Takes some minutes.
# Usage: tiers.sh [avx512|neon]...   both unless told otherwise
# Where an emulator can't be had it prints "SKIPPED: NAME: REASON". Exits 0 where all that ran passed.
# Installs what packages.debian lists for `tiers`; kernel and foreign compiler are only unpacked, below the target folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Emulating may take so long.
TIMEOUT_S=3600

target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
work=$target/tiers
failed=0

main() {
    local wanted=" ${*:-avx512 neon} "
    mkdir -p "$work"
    if [[ $(uname -m) != x86_64 ]] || ! command -v apt-get >/dev/null; then
        skip "it needs Debian on x86-64"
    elif ! deploy/prepare.sh build tiers; then
        skip "packages are missing"
    elif ! apt_private apt-get update; then
        skip "the lists of packages can't be had"
    else
        [[ $wanted != *" avx512 "* ]] || tier_avx512
        [[ $wanted != *" neon "* ]] || tier_neon
    fi
    exit "$failed"
}

skip() {
    echo "SKIPPED: tiers: $1" >&2
}

# The tests in an emulated machine of their own.
tier_avx512() {
    local root=$work/kernel disc=$work/disc run=$work/run
    unpack "$root" "$(newest_kernel)" busybox-static || {
        skip "avx512: no kernel can be had"
        return 0
    }
    rm -rf "$disc" "$run"
    mkdir -p "$disc/isolinux" "$run/init/tests"
    build_static "$run/init/tests"
    cp tests/tiers/init "$run/init/init"
    cp "$root/bin/busybox" "$run/init/busybox"
    (cd "$run/init" && find . | cpio --quiet -o -H newc -R 0:0 | gzip -1 >"$disc/initrd.gz")
    cp "$root"/boot/vmlinuz-* "$disc/vmlinuz"
    cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 tests/tiers/isolinux.cfg "$disc/isolinux/"
    xorriso -as mkisofs -quiet -o "$run/disc.iso" -b isolinux/isolinux.bin -c isolinux/boot.cat \
        -no-emul-boot -boot-load-size 4 -boot-info-table "$disc"
    cp tests/tiers/bochsrc "$run/bochsrc"
    # Debian's emulator has a debugger, which waits to be told.
    echo continue >"$run/commands"
    : >"$work/avx512.log"
    echo "booting the tests in Bochs"
    # It wants a terminal, and calls power off a failure: its log of what was said there decides.
    (cd "$run" &&
        TERM=xterm timeout --foreground -k 5 "$TIMEOUT_S" script -qfec "bochs -q -f bochsrc -rc commands" terminal.log \
            </dev/null | watch_screen) || true
    tr -d '\r' <"$run/serial.log" >"$work/avx512.log" || true
    judge "$work/avx512.log" scalar ssse3 avx2 avx512bw avx512vbmi
}

# The emulator's screen is a terminal that it makes and names; it stops as soon as nobody reads there any more.
watch_screen() {
    local line screen
    while read -r line; do
        [[ $line =~ connected\ to\ screen\ \"(/dev/pts/[0-9]+)\" ]] || continue
        screen=${BASH_REMATCH[1]}
        stty raw -echo <"$screen"
        # Ends with the emulator, which is an error to it.
        cat "$screen" >/dev/null 2>&1 &
    done
    wait
}

# build_static FOLDER: the tests as programs that need nothing else.
build_static() {
    local built
    built=$(RUSTFLAGS="-C target-feature=+crt-static" cargo test --quiet --locked -p dlp-patterns --lib \
        --test every_tier_equals_scalar --target x86_64-unknown-linux-gnu --no-run --message-format=json |
        jq -r 'select(.executable != null) | "\(.executable) \(.target.kind[0]) \(.target.name)"')
    local path kind name
    while read -r path kind name; do
        [[ $kind != lib ]] || name=lib
        strip -o "$1/$name" "$path"
    done <<<"$built"
}

# The tests under QEMU, by a compiler that has a library for the other processor.
tier_neon() {
    local root=$work/compiler std llvm
    std=$(dependency libstd-rust-web-dev libstd-rust-web-)
    llvm=$(dependency "$std" libllvm)
    unpack "$root" rustc-web "$std" "$llvm" libstd-rust-web-dev:amd64 libstd-rust-web-dev:arm64 || {
        skip "neon: no compiler with a library for aarch64 can be had"
        return 0
    }
    cat >"$work/rustc" <<EOF
#!/bin/sh
LD_LIBRARY_PATH='$root/usr/lib/x86_64-linux-gnu' exec '$root/usr/bin/rustc' --sysroot '$root/usr' "\$@"
EOF
    chmod +x "$work/rustc"
    : >"$work/neon.log"
    cross_test lib --lib -- --skip however_many simd:: sieve::
    cross_test every_tier_equals_scalar --test every_tier_equals_scalar -- --skip together
    judge "$work/neon.log" scalar neon
}

# cross_test NAME ARGUMENT...: tests under QEMU.
cross_test() {
    local name=$1 code=0
    shift
    echo "running $name in QEMU"
    RUSTC=$work/rustc CARGO_TARGET_DIR=$work/neon RUSTFLAGS="-C target-feature=+crt-static" \
        CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
        CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER=qemu-aarch64 \
        timeout "$TIMEOUT_S" cargo test --quiet --locked -p dlp-patterns --target aarch64-unknown-linux-gnu "$@" \
        --nocapture >>"$work/neon.log" 2>&1 || code=$?
    echo "$name: exit code $code" >>"$work/neon.log"
}

# judge LOG TIER...: both programs have to have passed, and to have seen each tier.
judge() {
    local log=$1 name tier wrong=0
    shift
    for name in lib every_tier_equals_scalar; do
        grep "^$name: exit code 0$" "$log" >/dev/null || wrong=1
    done
    for tier in "$@"; do
        if grep "tier $tier: masks are right" "$log" >/dev/null && grep "tier $tier: scans are equal" "$log" >/dev/null; then
            echo "ok: $tier"
        else
            echo "FAILED: $tier was not seen, or not right" >&2
            wrong=1
        fi
    done
    grep '^test result: ' "$log" || wrong=1
    [[ $wrong -eq 0 ]] || {
        failed=1
        echo "FAILED: the whole log, $log:" >&2
        tail -n 60 "$log" >&2
    }
}

# apt_private TOOL ARGUMENT...: apt with lists and packages of its own, for both processors, so that nothing of the machine's is changed.
apt_private() {
    local apt=$work/apt tool=$1
    shift
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
    "$tool" -qq -o APT::Architectures::=amd64 -o APT::Architectures::=arm64 -o APT::Sandbox::User=root \
        -o Dir::State::lists="$apt/lists" -o Dir::Cache="$apt/cache" "$@"
}

# dependency PACKAGE BEGIN: what the package depends on whose name begins so.
dependency() {
    apt_private apt-cache depends --important "$1" | sed -n "s/^ *Depends: \($2[^ ]*\)$/\1/p" | head -n1
}

# The newest small kernel: older ones stop in the emulator while they boot.
newest_kernel() {
    apt_private apt-cache pkgnames linux-image- | grep -E '^linux-image-[0-9].*-cloud-amd64$' | sort -V | tail -n1
}

# unpack FOLDER PACKAGE...: downloads and unpacks, unless that was done.
unpack() {
    local root=$1 package
    shift
    [[ ! -e $root.complete ]] || return 0
    rm -rf "$root" "$root.packages"
    mkdir -p "$root" "$root.packages"
    (cd "$root.packages" && apt_private apt-get download "$@") || return 1
    for package in "$root.packages"/*.deb; do
        dpkg -x "$package" "$root"
    done
    rm -rf "$root.packages"
    touch "$root.complete"
}

main "$@"
