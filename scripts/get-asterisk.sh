#!/bin/bash
# Install real Asterisks for the acceptance tests, each in a Debian of its own:
# .tools/asterisk-SUITE is a directory to chroot into. Needs root, a minute and 600 MB each.
#
# usage: scripts/get-asterisk.sh [SUITE...]      default: bullseye sid
#
# bullseye has Asterisk 16.28, the oldest we support; sid has the newest of Debian (22 at the
# time of writing). The packages come from this machine's own mirror, and the system's own apt
# stays as it is. Does nothing for a suite that is there already. Nothing is mounted when it
# ends: what mmdebstrap mounts goes with the mount namespace.
set -euo pipefail

cd "$(dirname "$0")/.."
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
packages=asterisk,asterisk-core-sounds-en-gsm,asterisk-moh-opsound-gsm
declare -A oldest=([bullseye]=16 [sid]=20) # a suite with an older one has lost its purpose

fail() {
  echo "get-asterisk.sh: $*" >&2
  exit 1
}

find_mirror() {
  # The first archive of this machine that is no security archive: those lack most suites.
  apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' |
    grep -v security | sed -n 1p
}

version_in() { # DIRECTORY: "Asterisk 16.28.0~dfsg-…", or nothing where there is none
  [[ -x $1/usr/sbin/asterisk ]] && chroot "$1" /usr/sbin/asterisk -V 2>/dev/null || true
}

major_of() { # "Asterisk 16.28.0~dfsg-…": 16
  sed -En 's/^Asterisk ([0-9]+).*/\1/p' <<<"$1"
}

install_tools() {
  local program missing=()
  for program in mmdebstrap ip; do
    command -v "$program" >/dev/null || missing+=("${program/#ip/iproute2}")
  done
  ((${#missing[@]})) || return 0
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}"
}

make_root() { # SUITE DIRECTORY
  # A mirror may be some days behind, which is no danger for test programs: hence no dates.
  unshare --mount mmdebstrap --quiet --mode=root --variant=minbase --include="$packages" \
    --keyring="$keyring" \
    --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Check-Date "false"' \
    --aptopt='Acquire::Retries "3"' --aptopt='Acquire::Languages "none"' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    "$1" "$2" "deb [signed-by=$keyring] $mirror $1 main"
}

install_suite() { # SUITE
  local suite=$1 destination=.tools/asterisk-$1 found major
  found=$(version_in "$destination")
  if [[ -z $found ]]; then
    rm -rf --one-file-system "$destination" "$destination.new"
    mkdir -p .tools
    make_root "$suite" "$destination.new" || {
      rm -rf --one-file-system "$destination.new"
      fail "$suite: cannot make a Debian with $packages from $mirror"
    }
    : >"$destination.new/etc/resolv.conf" # it is to ask nobody
    mv "$destination.new" "$destination"
    found=$(version_in "$destination")
  fi
  major=$(major_of "$found")
  ((${major:-0} >= ${oldest[$suite]:-16})) ||
    fail "$suite: expected Asterisk ${oldest[$suite]:-16} or newer, found '$found'"
  echo "$suite: $found in $destination"
}

[[ $(id -u) == 0 ]] || fail "only root can make a directory to chroot into"
mirror=$(find_mirror)
[[ -n $mirror ]] || fail "this machine has no Debian archive configured (apt-get indextargets)"
[[ -r $keyring ]] || fail "missing $keyring: install debian-archive-keyring"
install_tools
(($#)) || set -- bullseye sid
for suite in "$@"; do
  install_suite "$suite"
done
