#!/usr/bin/env bash
# Makes this machine ready: installs as root, or says by name, what is missing of packages.debian.
# Usage: prepare.sh USE...   where USE is build, demo, peers, check or tiers.
# Exits 1 where something is missing still. Never installs a Rust toolchain.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

main() {
    check_rust
    if ! command -v dpkg-query >/dev/null; then
        echo "prepare: this is no Debian; see deploy/packages.debian for what is needed" >&2
        return
    fi
    local missing
    mapfile -t missing < <(missing_packages "$@")
    [[ ${#missing[@]} -gt 0 ]] || return 0
    if [[ $EUID -ne 0 ]]; then
        echo "prepare: packages are missing; install them as root with" >&2
        echo "    apt-get install --no-install-recommends ${missing[*]}" >&2
        exit 1
    fi
    install_packages "${missing[@]}"
}

# The compiler must be there, and recent enough; which one to install is for the user to say.
check_rust() {
    local wanted found
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$here/../Cargo.toml")
    if ! command -v cargo >/dev/null || ! found=$(RUSTUP_AUTO_INSTALL=0 rustc --version 2>/dev/null); then
        echo "prepare: Rust $wanted or later is needed, and there is no cargo in PATH:" >&2
        echo "    install it from https://rustup.rs, or pass your PATH on: sudo -E env PATH=\"\$PATH\" make ..." >&2
        exit 1
    fi
    found=$(cut -d' ' -f2 <<<"$found")
    if [[ $(printf '%s\n' "$wanted" "${found%%-*}" | sort -V | head -n1) != "$wanted" ]]; then
        echo "prepare: Rust $wanted or later is needed, and this is $found: run rustup update stable" >&2
        exit 1
    fi
}

# Prints those packages of the given uses that are not installed.
missing_packages() {
    local name use why wanted
    while read -r name use why; do
        [[ $name != \#* && -n $why ]] || continue
        for wanted in "$@"; do
            [[ $use == "$wanted" ]] || continue
            dpkg-query -W -f='${Status}\n' "$name" 2>/dev/null | grep ' installed$' >/dev/null || echo "$name"
        done
    done <"$here/packages.debian"
}

# Debian starts a server as soon as it is installed; what is wanted here is the program alone.
install_packages() {
    local policy=/usr/sbin/policy-rc.d ours=
    if [[ ! -e $policy ]]; then
        ours=$policy
        # Expanded now: the variables are gone when the trap runs.
        # shellcheck disable=SC2064
        trap "rm -f '$ours'" EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    echo "prepare: installing $*" >&2
    local before
    before=$(started_at_boot)
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
    # Nor is it to be started at the next boot.
    comm -13 <(echo "$before") <(started_at_boot) | xargs -r systemctl disable --quiet 2>/dev/null || true
}

started_at_boot() {
    systemctl list-unit-files --type=service,socket --state=enabled --no-legend 2>/dev/null | cut -d' ' -f1 | sort
}

main "$@"
