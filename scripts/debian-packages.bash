# shellcheck shell=bash
# Sourced by the scripts that fetch programs from other suites of Debian. The system's own apt
# stays as it is: the mirror is taken from it, everything else is private. The script that
# sources this has `fail MESSAGE`, which ends it.

keyring=/usr/share/keyrings/debian-archive-keyring.gpg

find_mirror() { # sets mirror
  # The first archive of this machine that is no security archive: those lack most suites.
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' |
    grep -v security | sed -n 1p)
  [[ -n $mirror ]] || fail "this machine has no Debian archive configured (apt-get indextargets)"
  [[ -r $keyring ]] || fail "missing $keyring: install debian-archive-keyring"
}

unpack_packages() { # DIRECTORY SUITES PACKAGE...: into DIRECTORY/root
  local work=$1 suites=$2 suite package
  shift 2
  mkdir -p "$work"/{lists/partial,cache/archives/partial,root,debs}
  : >"$work/status"
  for suite in $suites; do
    echo "deb [signed-by=$keyring] $mirror $suite main"
  done >"$work/sources.list"
  # A mirror may be some days behind, which is no danger for test programs: hence no dates.
  local apt=(apt-get -qq
    -o "Dir::Etc::sourcelist=$work/sources.list"
    -o Dir::Etc::sourceparts=/dev/null
    -o Dir::Etc::preferencesparts=/dev/null
    -o "Dir::State::lists=$work/lists"
    -o "Dir::State::status=$work/status"
    -o "Dir::Cache=$work/cache"
    -o Acquire::Check-Valid-Until=false
    -o Acquire::Check-Date=false
    -o Acquire::Languages=none
    -o Acquire::Retries=3
    -o APT::Sandbox::User=root
    -o APT::Update::Error-Mode=any)
  "${apt[@]}" update || fail "$suites: the package index cannot be had from this machine's mirror"
  (cd "$work/debs" && "${apt[@]}" download "$@") || fail "$suites: cannot download $*"
  for package in "$work"/debs/*.deb; do
    dpkg -x "$package" "$work/root" || fail "$suites: cannot unpack ${package##*/}"
  done
}
