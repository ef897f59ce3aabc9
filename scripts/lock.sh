#!/bin/sh
# usage: lock.sh UV [--upgrade]
# Writes the pinned, hashed requirements*.txt from pyproject.toml. Versions already there stay
# unless --upgrade is given. No index address gets into the files: pip uses the reader's own.
set -eu
uv=$1
shift
compile() {
    "$uv" pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes \
        --no-header --no-annotate --no-emit-index-url "$@"
}
compile pyproject.toml --output-file requirements.txt "$@"
compile pyproject.toml --group test --constraints requirements.txt \
    --output-file requirements-test.txt "$@"
compile pyproject.toml --group dev --constraints requirements-test.txt \
    --output-file requirements-dev.txt "$@"
