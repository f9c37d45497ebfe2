#!/bin/sh
# Bring what the tests drive beside Python: programs of Debian, the official
# JavaScript SDK, and the rules of axe. Where it can't (no Debian, not root), the tests that need a
# missing program say so and are skipped.
#
#   bring.sh [bench]    with "bench", the programs it is measured beside instead
set -u
cd "$(dirname "$0")/.."

want() { # program packages
    command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}

missing=""
want unzip unzip
want zip zip
want 7z p7zip-full
want bsdtar libarchive-tools
if [ "${1:-}" = bench ]; then
    want zstd zstd
    want pigz pigz
    want restic restic
    want curl curl
    want nginx nginx-light
else
    want node nodejs
    want npm npm
    want strace strace
    want javac default-jdk-headless
    want go golang-go
    want chromium chromium
    want radosgw "radosgw ceph-mon ceph-osd ceph-mgr ceph-base ceph-common"
fi

if [ -n "$missing" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        apt-get update -qq &&
            DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
                --no-install-recommends $missing >/dev/null
    else
        echo "Not installed, so what needs them is skipped:$missing"
    fi
fi

if [ "${1:-}" != bench ] && command -v npm >/dev/null 2>&1; then
    for folder in tests/sdk tests/e2e; do
        if [ ! -d $folder/node_modules ] ||
            [ $folder/package-lock.json -nt $folder/node_modules ]; then
            npm ci --silent --no-audit --no-fund --prefix $folder &&
                touch $folder/node_modules
        fi
    done
fi
exit 0
