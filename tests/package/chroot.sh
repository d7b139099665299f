#!/bin/sh
# SPDX-License-Identifier: MIT
# chroot.sh PACKAGE: does the package work on a Debian that has nothing else?
# Installs it, with what it depends on, into a fresh Debian in a temporary folder, does the README's daily tasks
# there with the installed program, samples and verifier, and takes it off again.
# Root; uses the package sources of this machine.
set -eu
[ "$(id -u)" -eq 0 ] || { echo "chroot.sh: only root can make a chroot" >&2; exit 1; }
package=$(realpath "$1")
cd "$(dirname "$0")/../.."

place=$(mktemp -d "${TMPDIR:-/var/tmp}/vidimus-chroot.XXXXXX")
finish() {
    umount "$place/proc" 2>/dev/null || true
    rm -rf --one-file-system "$place"
}
trap finish EXIT
# apt's own user reads in it.
chmod 755 "$place"

# shellcheck disable=SC2016  # the variable is one of apt-get's
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | head -n 1)
# shellcheck disable=SC1091
release=$(. /etc/os-release && echo "$VERSION_CODENAME")
debootstrap --variant=minbase "$release" "$place" "$mirror" >"$place.log" 2>&1 ||
    { tail -n 20 "$place.log" >&2; exit 1; }
rm -f "$place.log"
# With the updates that this machine has: the package asks for a libsodium of these.
rm -f "$place/etc/apt/sources.list"
cp -r /etc/apt/sources.list* "$place/etc/apt/"
mount -t proc proc "$place/proc"

inside() {
    chroot "$place" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive \
        DEBCONF_NOWARNINGS=yes "$@"
}
cp "$package" "$place/vidimus.deb"
inside apt-get update -qq
install() { inside apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 "$@" >/dev/null; }
install /vidimus.deb
inside vidimus --version
inside dpkg --verify vidimus

# The second verifier needs what the package suggests. This tree's script runs the commands; what they use of the
# tree is what the package has installed.
install python3 zstd
mkdir -p "$place/tree/tests"
cp -r scripts "$place/tree/"
cp tests/check_readme.py "$place/tree/tests/"
ln -s /usr/share/doc/vidimus/README.md "$place/tree/README.md"
ln -s /usr/share/vidimus/samples "$place/tree/samples"
ln -s /usr/share/vidimus/verify "$place/tree/tests/interop"
inside python3 -B /tree/tests/check_readme.py /usr/bin/vidimus

inside apt-get purge -y -qq -o Dpkg::Use-Pty=0 vidimus >/dev/null
left=$(inside find /usr /etc /var/lib -xdev -path '*vidimus*' -not -path '/var/lib/apt/*')
[ -z "$left" ] || { echo "left behind: $left" >&2; exit 1; }
echo "installed, used and taken off again on Debian $release"
