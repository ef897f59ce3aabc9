#!/bin/sh
# usage: build-image.sh NAME:TAG [BUILD-OPTION…]
# Builds the container image with podman, or with docker where its daemon answers.
set -eu
name=$1
shift
cd "$(dirname "$0")/.."
revision=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
if command -v podman >/dev/null; then
    # The docker format keeps the health check.
    exec podman build --format docker --build-arg REVISION="$revision" --tag "$name" "$@" .
fi
if docker info >/dev/null 2>&1; then
    exec docker build --build-arg REVISION="$revision" --tag "$name" "$@" .
fi
echo "make image needs podman, or docker with its daemon running: found neither" >&2
exit 1
