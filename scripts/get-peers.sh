#!/bin/bash
# Install real Prometheus and Alertmanager, with promtool and amtool, for the acceptance
# tests: .tools/SUITE/bin/{prometheus,promtool,alertmanager,amtool} for each Debian SUITE.
#
# usage: scripts/get-peers.sh [SUITE...]      default: trixie sid
#
# trixie is the oldest we support, sid the newest. Debian's Go programs need nothing but
# libc, so they run on older Debian too. The system's own apt stays as it is: the mirror is
# taken from it, everything else is private. Does nothing for a suite that is there already.
set -euo pipefail

cd "$(dirname "$0")/.."
. scripts/debian-packages.bash
packages=(prometheus promtool prometheus-alertmanager)
programs=(prometheus promtool alertmanager amtool)

fail() {
  echo "get-peers.sh: $*" >&2
  exit 1
}

complete() { # DIRECTORY: every program is there and starts
  local program
  for program in "${programs[@]}"; do
    "$1/bin/$program" --version >/dev/null 2>&1 || return 1
  done
}

wrap_alertmanager() { # DIRECTORY
  # Debian's Alertmanager reads its own templates from /usr/share/prometheus and starts not
  # without. The wrapper shows it ours there, in a mount namespace that ends with it; the
  # process id stays the same, so a signal to it reaches Alertmanager.
  cat >"$1/bin/alertmanager" <<'WRAPPER'
#!/bin/sh
here=$(dirname "$(dirname "$(readlink -f "$0")")")
exec unshare --mount sh -c '
  mount -t overlay overlay -o "lowerdir=$0/share:/usr/share" /usr/share &&
  exec "$0/bin/prometheus-alertmanager" "$@"' "$here" "$@"
WRAPPER
  chmod +x "$1/bin/alertmanager"
}

install_suite() { # SUITE
  local suite=$1 destination=.tools/$1 work package
  if complete "$destination"; then
    echo "$suite: already in $destination"
    return
  fi
  work=$(mktemp -d)
  # shellcheck disable=SC2064  # the directory of this call
  trap "rm -rf '$work'" EXIT
  unpack_packages "$work" "$suite" "${packages[@]}"
  rm -rf "$destination"
  mkdir -p "$destination"
  cp -r "$work/root/usr/bin" "$work/root/usr/share" "$destination"
  wrap_alertmanager "$destination"
  complete "$destination" || fail "$suite: a program of ${programs[*]} is missing or does not start"
  rm -rf "$work"
  trap - EXIT
  echo "$suite: installed in $destination"
}

find_mirror
(($#)) || set -- trixie sid
for suite in "$@"; do
  install_suite "$suite"
done
