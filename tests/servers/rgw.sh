#!/bin/sh
# One Ceph RADOS gateway, a real S3 server, on loopback and in a folder of its own.
#
#   rgw.sh start FOLDER PORT MONITOR_PORT   return once it answers
#   rgw.sh stop FOLDER                      end it; the folder may be deleted then
#
# Its only user has the access key "testkey" and the secret "testsecret". One
# monitor and one store in memory are behind it; nothing is replicated, and
# nobody has to prove who he is to them. Needs no systemd and no manager.
set -eu

action=$1
folder=$2
CEPH_CONF=$folder/ceph.conf
export CEPH_CONF

wait_for() { # seconds, then a command that succeeds once it is so
    tries=$(($1 * 5))
    shift
    while ! "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        if [ "$tries" -le 0 ]; then
            echo "Waited in vain: $*" >>"$log"
            return 1
        fi
        sleep 0.2
    done
}

is_up() {
    timeout 5 ceph osd stat | grep -q "1 up"
}

is_alive() { # id
    [ -d "/proc/$1" ] && ! grep -q "^State:.Z" "/proc/$1/status"
}

stop() {
    for file in "$folder"/run/*.pid; do
        [ -s "$file" ] || continue
        id=$(cat "$file")
        # An id may have been given to another process since.
        grep -qs "$folder" "/proc/$id/environ" || continue
        kill -KILL "$id" 2>/dev/null || true # Nothing in it is to be kept.
        while is_alive "$id"; do sleep 0.1; done
    done
}

if [ "$action" = stop ]; then
    stop
    exit 0
fi

port=$3
monitor_port=$4
id=$(cat /proc/sys/kernel/random/uuid)
log=$folder/log/start.log
mkdir -p "$folder/run" "$folder/log" "$folder/mon" "$folder/osd" "$folder/rgw"
touch "$folder/keyring"

cat >"$CEPH_CONF" <<CONF
[global]
fsid = $id
mon host = v1:127.0.0.1:$monitor_port
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
auth allow insecure global id reclaim = true
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
run dir = $folder/run
admin socket = $folder/run/\$name.asok
pid file = $folder/run/\$name.pid
log file = $folder/log/\$name.log
keyring = $folder/keyring

[mon]
mon data = $folder/mon
mon initial members = a
# A nearly full disk is no reason to refuse a test.
mon data avail warn = 2
mon data avail crit = 1

[osd]
osd data = $folder/osd
osd objectstore = memstore
# What it would say of itself at its start is sometimes too early for the monitor.
osd crush update on start = false
osd class update on start = false
memstore device bytes = 4294967296

[client]
rgw frontends = beast endpoint=127.0.0.1:$port
rgw data = $folder/rgw
rgw enable usage log = false
rgw gc obj min wait = 5
CONF

give_up() {
    status=$?
    [ "$status" = 0 ] && return
    stop
    tail -n 40 "$log" >&2
    exit "$status"
}
trap give_up EXIT
trap 'exit 1' HUP INT TERM

monmaptool --create --fsid "$id" --addv a "[v1:127.0.0.1:$monitor_port]" \
    "$folder/monmap" >>"$log" 2>&1
ceph-mon --mkfs -i a --monmap "$folder/monmap" >>"$log" 2>&1
ceph-mon -i a >>"$log" 2>&1
wait_for 30 timeout 5 ceph -s

ceph-osd -i 0 --mkfs >>"$log" 2>&1
# A store in memory chooses its own id: tell the monitor that one.
ceph osd new "$(cat "$folder/osd/fsid")" >>"$log" 2>&1
ceph osd crush add osd.0 1.0 root=default >>"$log" 2>&1
wait_for 30 ceph-osd -i 0
wait_for 30 is_up

radosgw -n client.rgw >>"$log" 2>&1
wait_for 60 python3 -c "import socket; socket.create_connection(('127.0.0.1', $port))"
radosgw-admin user create --uid=test --display-name=test \
    --access-key=testkey --secret-key=testsecret >>"$log" 2>&1
