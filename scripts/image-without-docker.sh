#!/bin/sh
# usage: image-without-docker.sh NAME:TAG
# Builds the image on a machine without Docker, without systemd and without an image registry,
# as root. Where the base image cannot be pulled, Debian trixie from the machine's own mirror
# stands in for it under the same name. Prints the file to export as CONTAINERS_CONF, with
# which the image also runs there.
set -eu
name=$1
cd "$(dirname "$0")/.."
base=docker.io/library/python:3.13-slim-trixie
work=$PWD/.tools/image
mkdir -p "$work"

# runc with plain cgroupfs works where cgroups are hybrid; small ulimits where the machine
# may not raise them.
cat > "$work/containers.conf" <<'CONF'
[containers]
default_ulimits = ["nofile=1024:4096", "nproc=1024:1024"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
CONF
export CONTAINERS_CONF="$work/containers.conf"

stand_in() {
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' |
        grep -v security | sed -n 1p)
    mmdebstrap --quiet --variant=minbase \
        --include=ca-certificates,python3,python3-pip,python3-venv,tzdata,tini \
        --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --customize-hook='rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED' \
        --customize-hook='ln -s /usr/bin/python3 "$1"/usr/local/bin/python3' \
        --customize-hook='ln -s /usr/bin/python3 "$1"/usr/local/bin/python' \
        --customize-hook='ln -s /usr/bin/pip3 "$1"/usr/local/bin/pip' \
        trixie "$work/base.tar" "deb $mirror trixie main"
    podman import --quiet \
        --change 'ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin' \
        --change 'ENV LANG=C.UTF-8' --change 'CMD ["python3"]' "$work/base.tar" "$base"
    rm "$work/base.tar"
}

if ! podman image exists "$base" && ! timeout 60 podman pull --quiet "$base"; then
    echo "no registry can be reached: Debian trixie stands in for $base" >&2
    stand_in >&2
fi
# The machine's own certificates: it may see the package index through a proxy.
scripts/build-image.sh "$name" --pull=never --network host \
    --volume /etc/ssl/certs/ca-certificates.crt:/etc/ssl/certs/ca-certificates.crt:ro >&2
echo "$work/containers.conf"
