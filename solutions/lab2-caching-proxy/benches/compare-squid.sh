#!/bin/bash
# Compares proxy with squid on this machine, in one run: cache hits a second over 16 persistent
# connections, for a small and a larger response. Needs wrk, nginx (the origin) and squid; says so if
# they are not there.
#
#   benches/compare-squid.sh [SECONDS a measurement, default 5] [ROUNDS, default 3]
#
# Neither logs, both keep in memory what they serve, and the origin is asked once a response. The
# rounds take turns, and the best of each proxy counts: what disturbs a measurement only slows it.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-5}
rounds=${2:-3}
for tool in wrk nginx squid; do
    if ! command -v "$tool" >/dev/null; then
        echo "compare-squid: $tool is not installed; nothing compared"
        exit 0
    fi
done

cargo build --quiet --release --bins
target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')

work=$(mktemp -d)
started=()
finish() {
    for pid in "${started[@]}"; do kill "$pid" 2>/dev/null && wait "$pid" || true; done
    rm -rf "$work"
}
trap finish EXIT

mkdir "$work/root"
chmod -R 777 "$work" # nginx's workers and squid run as somebody else
head -c 1024 /dev/urandom >"$work/root/1KiB"
head -c 102400 /dev/urandom >"$work/root/100KiB"

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# start NAME CONFIGURATION COMMAND…: starts a program on a free port, which is then in $port. PORT
# stands for it in the command and in the file of the configuration, if there is one.
start() {
    local name=$1 configuration=$2 pid
    shift 2
    for _ in {1..20}; do
        port=$((20000 + RANDOM % 12000))
        listens "$port" && continue
        sed "s/PORT/$port/" <<<"$configuration" >"$work/$name.conf"
        "${@//PORT/$port}" >"$work/$name.log" 2>&1 &
        pid=$!
        while kill -0 "$pid" 2>/dev/null; do
            if listens "$port"; then
                started+=("$pid")
                return
            fi
            sleep 0.05
        done
    done
    echo "compare-squid: $name does not start: $(cat "$work/$name.log" "$work/cache.log")" >&2
    exit 1
}

start origin "
daemon off;
pid $work/origin.pid;
error_log stderr;
events { }
http {
    access_log off;
    client_body_temp_path $work/1; proxy_temp_path $work/2; fastcgi_temp_path $work/3;
    uwsgi_temp_path $work/4; scgi_temp_path $work/5;
    server { listen 127.0.0.1:PORT; root $work/root; add_header Cache-Control max-age=3600; }
}" nginx -p "$work" -c "$work/origin.conf"
origin=$port
start squid "
http_port 127.0.0.1:PORT
http_access allow all
access_log none
cache_log $work/cache.log
pid_filename $work/squid.pid
coredump_dir $work
cache_mem 64 MB
maximum_object_size_in_memory 1 MB
shutdown_lifetime 0 seconds
pinger_enable off" squid -N -n compPORT -f "$work/squid.conf"
squid=$port
start proxy "" "$target/release/proxy" --port PORT
proxy=$port

# Hits a second: measure PORT FILE
measure() {
    echo "request = function() return wrk.format('GET', 'http://127.0.0.1:$origin/$2') end" >"$work/wrk.lua"
    wrk -t2 -c16 -d"${seconds}s" -s "$work/wrk.lua" "http://127.0.0.1:$1/" | awk '
        /Requests\/sec/ { rate = $2 }
        /Non-2xx|Socket errors/ { print > "/dev/stderr" }
        END { print rate }'
}
best() { printf '%s\n' "$@" | sort -g | tail -1; }

printf '%-8s %12s %12s %6s   (hits/s; ratio to squid)\n' size squid proxy ''
for file in 1KiB 100KiB; do
    of_squid=0 of_proxy=0
    for _ in $(seq "$rounds"); do
        of_squid=$(best "$of_squid" "$(measure "$squid" "$file")")
        of_proxy=$(best "$of_proxy" "$(measure "$proxy" "$file")")
    done
    awk -v file="$file" -v s="$of_squid" -v p="$of_proxy" \
        'BEGIN { printf "%-8s %12.0f %12.0f %5.2fx\n", file, s, p, p / s }'
done
