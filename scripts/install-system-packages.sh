#!/bin/sh
# Installs what the acceptance tests need beside callmon: podman and what it needs to build
# and run an image, mmdebstrap to make a base image where no image registry can be reached,
# a Mosquitto, of which each test starts its own, and a Chromium that shows the mails.
set -eu
packages="ca-certificates chromium conmon crun fonts-droid-fallback fuse-overlayfs iptables
mmdebstrap mosquitto netavark podman runc uidmap"
missing=
for package in $packages; do
    dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null |
        grep -qx installed || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ]; then
    echo "acceptance tests need root, or these packages beforehand:$missing" >&2
    exit 1
fi
apt-get update -qq
# shellcheck disable=SC2086 # a list of words
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing
