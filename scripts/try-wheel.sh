#!/bin/sh
# usage: try-wheel.sh FOLDER
# Installs the one wheel in FOLDER in a clean environment outside the tree and tries it there.
set -eu
wheel=$(realpath "$1"/*.whl)
tree=$(realpath "$(dirname "$0")/..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
install() {
    "$work/venv/bin/pip" --quiet --disable-pip-version-check install "$@"
}
install --require-hashes -r "$tree/requirements.txt"
install --no-deps "$wheel"
cp -r "$tree/config" "$work/"
cd "$work" # callmon must come from the wheel, not from the tree
callmon=$work/venv/bin/callmon
"$callmon" --version
"$callmon" check --config config/callmon.yml >check.txt
"$callmon" schema thresholds >thresholds.schema.json
"$callmon" schema api >openapi.json
# The wallboard's templates, styles and scripts came along.
"$work/venv/bin/python" -c "from callmon.wallboard.pages import Pages
for name in ('wallboard.css', 'wallboard.js', 'charts.js', 'icon.svg'):
    assert Pages('wheel').asset(name), name"
# Without the extra for terminals the plain table is there all the same.
"$callmon" top --once --url http://127.0.0.1:1 2>trouble && exit 1
grep -q '127.0.0.1:1' trouble
cat >queue_log <<'LOG'
1600000000|1600000000.1|sales|NONE|ENTERQUEUE||5550100|1
1600000010|1600000000.1|sales|Agent/1|CONNECT|10|1600000000.2|3
1600000070|1600000000.1|sales|Agent/1|COMPLETECALLER|10|60|1
LOG
"$callmon" replay queue_log | tee figures
grep -q '^sales  *1 ' figures
echo "the wheel works: $(basename "$wheel")"
