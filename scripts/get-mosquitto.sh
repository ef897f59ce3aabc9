#!/bin/bash
# Install a newer Mosquitto for the acceptance tests: .tools/mosquitto/bin/mosquitto, from
# Debian's backports. The one of Debian 12 (2.0.11) sends more messages at once than it is
# asked for; callmon must do its work with it, and keep its memory with one of 2.0.17 or later.
#
# usage: scripts/get-mosquitto.sh
#
# The system's own apt stays as it is: the mirror is taken from it, everything else is
# private. Does nothing where the system is not Debian 12, or has 2.0.17 or later itself.
set -euo pipefail

cd "$(dirname "$0")/.."
. scripts/debian-packages.bash
destination=.tools/mosquitto
packages=(mosquitto/bookworm-backports libwebsockets17)
needed=2.0.17

fail() {
  echo "get-mosquitto.sh: $*" >&2
  exit 1
}

version() { # PROGRAM: its version; nothing where it does not start
  "$1" -h 2>/dev/null | sed -n 's/^mosquitto version //p' || true
}

new_enough() { # VERSION
  [[ -n $1 ]] && printf '%s\n' "$needed" "$1" | sort --version-sort --check=quiet
}

system=$(PATH=$PATH:/usr/sbin command -v mosquitto || true)
if [[ -n $system ]] && new_enough "$(version "$system")"; then
  echo "mosquitto: the system has $(version "$system"): nothing to do"
  exit 0
fi
if new_enough "$(version $destination/bin/mosquitto)"; then
  echo "mosquitto: already in $destination"
  exit 0
fi
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
if [[ $codename != bookworm ]]; then
  echo "mosquitto: this is not Debian 12 (bookworm): nothing to do"
  exit 0
fi

find_mirror
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unpack_packages "$work" "$codename $codename-backports" "${packages[@]}"
rm -rf "$destination"
mkdir -p "$destination"/{bin,lib}
cp "$work/root/usr/sbin/mosquitto" "$destination/lib/"
cp "$work"/root/usr/lib/*/{libwebsockets.so.*,mosquitto_dynamic_security.so} "$destination/lib/"
# Its other libraries are those of the system's own mosquitto. The process id stays the same.
cat >"$destination/bin/mosquitto" <<'WRAPPER'
#!/bin/sh
lib=$(dirname "$(readlink -f "$0")")/../lib
LD_LIBRARY_PATH=$lib exec "$lib/mosquitto" "$@"
WRAPPER
chmod +x "$destination/bin/mosquitto"
new_enough "$(version $destination/bin/mosquitto)" ||
  fail "it does not start: run scripts/install-system-packages.sh first"
echo "mosquitto: installed $(version $destination/bin/mosquitto) in $destination"
