#!/bin/sh
# Bring what the tests drive beside Python: programs of Debian and the official
# JavaScript SDK. Where it can't (no Debian, not root), the tests that need a
# missing program say so and are skipped.
set -u
cd "$(dirname "$0")/.."

want() { # program packages
    command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}

missing=""
want node nodejs
want npm npm
want unzip unzip
want zip zip
want strace strace
want 7z p7zip-full
want bsdtar libarchive-tools
want radosgw "radosgw ceph-mon ceph-osd ceph-mgr ceph-base ceph-common"

if [ -n "$missing" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        apt-get update -qq &&
            DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
                --no-install-recommends $missing >/dev/null
    else
        echo "Not installed, so the tests that need them are skipped:$missing"
    fi
fi

if command -v npm >/dev/null 2>&1; then
    if [ ! -d tests/sdk/node_modules ] ||
        [ tests/sdk/package-lock.json -nt tests/sdk/node_modules ]; then
        npm ci --silent --no-audit --no-fund --prefix tests/sdk &&
            touch tests/sdk/node_modules
    fi
fi
exit 0
