# shellcheck shell=bash
# An emulated machine whose network cards have zero-copy: its emulator and its kernel, which are unpacked from packages and
# never installed, and its initial file system with the engine in it.
# Sourced, in strict mode. `root` is the workspace; what was fetched is kept below the target folder, so that the network is
# needed once.

guest=$(realpath -m "${CARGO_TARGET_DIR:-$root/target}")/guest

# machine_obstacle CARD: fetches what is missing. Says why that can't be had; fails where all is there.
machine_obstacle() {
    local kernel
    kernel=$(machine_kernel "$1")
    mkdir -p "$guest"
    if [[ $1 == igb ]] && ! command -v ethtool >/dev/null; then
        echo "there is no ethtool, without which the driver of igb takes VLAN tags off"
    elif [[ -e $guest/emulator.complete && -e $guest/$kernel.complete ]]; then
        return 1
    elif [[ $(uname -m) != x86_64 || -z $(debian_suites) ]]; then
        echo "QEMU and the kernel come from packages of Debian 12 or 13 on x86-64"
    elif ! apt_private apt-get update >"$guest/fetch.log" 2>&1; then
        echo "the lists of packages can't be had"
    elif ! fetch_emulator >>"$guest/fetch.log" 2>&1; then
        echo "QEMU can't be had, see $guest/fetch.log"
    elif ! fetch_kernel "$kernel" >>"$guest/fetch.log" 2>&1; then
        echo "no kernel can be had whose drivers have zero-copy, see $guest/fetch.log"
    else
        return 1
    fi
}

# The kernel that has a driver for the card: a small one, or a full one.
machine_kernel() {
    case $1 in
    virtio) echo kernel-cloud-amd64 ;;
    igb) echo kernel-amd64 ;;
    esac
}

# machine_image CARD CONFIGS FILE: the initial file system with the engine `weir`, and all that it needs in the folder
# CONFIGS.
machine_image() {
    local tree=$dir/tree program path module
    mkdir -p "$tree/modules" "$tree/bin"
    cp "$root/tests/guest/init" "$guest/emulator/bin/busybox" "$tree"
    cp -r "$2/." "$tree"
    strip -o "$tree/bin/weir" "$weir"
    # Optional: it reads the counters of a driver.
    for program in "$weir" "$(command -v ethtool)"; do
        [[ -n $program ]] || continue
        [[ $program == "$weir" ]] || cp "$program" "$tree/bin"
        while read -r path; do
            cp -L --parents "$path" "$tree"
        done < <(ldd "$program" | grep -o '/[^ ]*')
    done
    for module in $(machine_modules "$1"); do
        path=$(find "$guest/$(machine_kernel "$1")" -name "$module.ko.xz")
        "$guest/emulator/bin/busybox" unxz -c "$path" >"$tree/modules/$module.ko"
        echo "$module" >>"$tree/modules/order"
    done
    (cd "$tree" && find . | "$guest/emulator/bin/busybox" cpio -o -H newc 2>/dev/null | gzip -1) >"$3"
    rm -r "$tree"
}

# The driver of a card, after the modules that it needs.
machine_modules() {
    case $1 in
    virtio) echo failover net_failover virtio_net ;;
    igb) echo dca i2c-algo-bit igb ;;
    esac
}

# machine_command CARD IMAGE: sets `machine`, the emulator with the arguments that lead to what was fetched. It ends with
# the program that starts it.
machine_command() {
    local share=$guest/emulator/usr/share kernel
    kernel=$(find "$guest/$(machine_kernel "$1")/boot" -name 'vmlinuz-*')
    machine=(setpriv --pdeathsig KILL
        env LD_LIBRARY_PATH="$guest/emulator/usr/lib/x86_64-linux-gnu:$guest/emulator/lib/x86_64-linux-gnu"
        "$guest/emulator/usr/bin/qemu-system-x86_64" -L "$share/qemu" -L "$share/seabios"
        -kernel "$kernel" -initrd "$2")
}

# The suites that have QEMU 10 and a kernel of which virtio-net has zero-copy; nothing on other systems.
debian_suites() {
    local codename
    # shellcheck source=/dev/null
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME-}") 2>/dev/null || return 0
    case $codename in
    bookworm) echo bookworm bookworm-backports trixie-backports ;;
    trixie) echo trixie trixie-backports ;;
    esac
}

# fetch NAME ARGUMENT...: has apt-get download packages, and unpacks them as the folder NAME, unless that was done.
# Signatures and checksums are apt's to verify.
fetch() {
    local name=$1 package
    local folder=$guest/$name archives=$guest/archives
    shift
    [[ ! -e $folder.complete ]] || return 0
    rm -rf "$folder" "$archives"
    mkdir -p "$folder" "$archives/partial"
    (cd "$archives" && apt_private apt-get -o Dir::Cache::Archives="$archives" "$@") || return
    for package in "$archives"/*.deb; do
        # The one of this machine may be too old to stand beside the emulator, and nothing here runs it.
        [[ $package != */qemu-user_* ]] || continue
        dpkg -x "$package" "$folder" || return
    done
    rm -rf "$archives"
    touch "$folder.complete"
}

# The emulator and a shell, with what they need beyond this machine's libraries.
fetch_emulator() {
    fetch emulator install --yes --download-only --reinstall --no-install-recommends qemu-system-x86 busybox-static
}

fetch_kernel() {
    local package
    package=$(newest_kernel "$1")
    [[ -n $package ]] && fetch "$1" download "$package"
}

# newest_kernel KIND: the newest of the version that is known to work, or where that is gone of all later ones.
newest_kernel() {
    local known=6.18 names
    names=$(apt_private apt-cache pkgnames linux-image- | grep -E "^linux-image-[0-9.]+[+]deb[0-9]+${1#kernel}$" | sort -V)
    grep "^linux-image-${known}[.]" <<<"$names" | tail -n1 | grep . ||
        printf '%s\n' "linux-image-$known" "$names" | sort -V | sed "1,/^linux-image-$known$/d" | tail -n1
}

# apt_private TOOL ARGUMENT...: apt with sources, lists and packages of its own; nothing of this machine's is changed.
apt_private() {
    local apt=$guest/apt tool=$1 suites
    shift
    mkdir -p "$apt/lists/partial"
    read -ra suites <<<"$(debian_suites)"
    printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian %s main\n' \
        "${suites[@]}" >"$apt/sources.list"
    "$tool" -q -o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::lists="$apt/lists" -o Dir::Cache="$apt" -o Debug::NoLocking=true \
        -o APT::Sandbox::User= -o APT::Default-Release="${suites[1]}" -o APT::Architectures::=amd64 \
        -o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
        -o APT::Update::Error-Mode=any -o Acquire::Retries=1 -o Acquire::http::Timeout=20 "$@"
}
