#!/usr/bin/env bash
# Makes an aarch64 JDK 25 that runs on this machine under user-mode emulation: Debian's packages of the JDK, of the C library
# and of qemu-user, unpacked to a folder; nothing is installed and no root is needed.
#
#   arm64-jdk.sh FOLDER
#
# Writes FOLDER/bin/java, which starts it, and FOLDER/emulation.properties: arm64.java, and arm64.skip, which is true, with the
# reason on standard output, where there is no way to make one.
set -euo pipefail

# NEON, but no SVE: as on an Apple M2 or a Snapdragon X Elite
cpu=neoverse-n1
suite=trixie
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
packages=(openjdk-25-jre-headless:arm64 libc6:arm64 libgcc-s1:arm64 libstdc++6:arm64 zlib1g:arm64)

folder=${1:?"the folder to write to"}
mkdir -p "$folder/bin"
folder=$(cd "$folder" && pwd)
part=
trap 'rm -rf "$part"' EXIT
cache=${TMAC_CACHE_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/tmac4j}/arm64-jdk

properties() {
    printf 'arm64.skip=%s\narm64.java=%s\n' "$1" "$folder/bin/java" > "$folder/emulation.properties"
}

skip() {
    printf 'arm64 emulation skipped: %s\n' "$1"
    properties true
    exit 0
}

# apt with lists and settings of its own, for both architectures, from the mirror that this machine uses
private_apt() {
    APT_CONFIG=$part/apt/apt.conf "$@"
}

configure_apt() {
    local mirror root=$part/apt
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Identifier: Packages' 2>/dev/null | head -n 1)
    [ -n "$mirror" ] || skip "apt knows no Debian mirror; run apt-get update on a Debian system"
    mkdir -p "$root"/etc/apt/{apt.conf.d,preferences.d,trusted.gpg.d} "$root"/var/lib/apt/lists/partial \
        "$root"/var/cache/apt/archives/partial "$root"/var/lib/dpkg
    : > "$root/var/lib/dpkg/status"
    printf 'deb [signed-by=%s] %s %s main\n' "$keyring" "$mirror" "$suite" > "$root/etc/apt/sources.list"
    cat > "$root/apt.conf" <<CONF
Dir "$root";
Dir::State::status "$root/var/lib/dpkg/status";
APT::Architecture "$(dpkg --print-architecture)";
APT::Architectures { "$(dpkg --print-architecture)"; "arm64"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
CONF
}

unpack() {
    local root=$part/root package link
    configure_apt
    private_apt apt-get update > "$part/log" 2>&1 || skip "the package lists of Debian $suite could not be fetched: $(tail -n 1 "$part/log")"
    [ -n "$qemu" ] || packages+=("qemu-user:$(dpkg --print-architecture)")
    (mkdir -p "$part/packages" && cd "$part/packages" && private_apt apt-get download "${packages[@]}") >> "$part/log" 2>&1 \
        || skip "the packages ${packages[*]} of Debian $suite could not be fetched: $(tail -n 1 "$part/log")"
    for package in "$part"/packages/*.deb; do
        case $package in
            */qemu-user_*) dpkg-deb -x "$package" "$part/qemu" ;;
            *) dpkg-deb -x "$package" "$root" ;;
        esac
    done
    [ -e "$root/lib" ] || ln -s usr/lib "$root/lib"
    # what packages link to by absolute names lies here, not in this machine's own folders
    while IFS= read -r link; do
        ln -sfn "$cache/root$(readlink "$link")" "$link"
    done < <(find "$root" -lname '/*')
    rm -rf "$part/apt" "$part/packages" "$part/log"
    sha256sum < "$0" > "$part/complete"
    rm -rf "$cache"
    mv "$part" "$cache"
}

[ "$(uname -s)" = Linux ] || skip "it needs Linux"
[ "$(uname -m)" = x86_64 ] || skip "it is for x86-64 machines; on $(uname -m) run the tests themselves"
qemu=$(command -v qemu-aarch64 || command -v qemu-aarch64-static || true)
if ! sha256sum < "$0" | cmp -s - "$cache/complete" || { [ -z "$qemu" ] && [ ! -x "$cache/qemu/usr/bin/qemu-aarch64" ]; }; then
    for tool in apt-get dpkg dpkg-deb; do
        command -v "$tool" > /dev/null || skip "it needs Debian's $tool"
    done
    [ -r "$keyring" ] || skip "there is no $keyring; install debian-archive-keyring"
    part=$cache.part.$$
    mkdir -p "$part"
    unpack
fi
[ -n "$qemu" ] || qemu=$cache/qemu/usr/bin/qemu-aarch64

home=$cache/root/usr/lib/jvm/java-25-openjdk-arm64
cat > "$folder/bin/java" <<JAVA
#!/bin/sh
exec '$qemu' -cpu $cpu -L '$cache/root' '$home/bin/java' "\$@"
JAVA
chmod +x "$folder/bin/java"
cp "$home/release" "$folder/release"
"$folder/bin/java" -version > "$folder/version" 2>&1 || skip "the JDK does not start under $qemu: $(tail -n 1 "$folder/version")"
printf 'arm64: %s on %s, CPU %s\n' "$(sed -n 2p "$folder/version")" "$("$qemu" --version | head -n 1)" "$cpu"
properties false
