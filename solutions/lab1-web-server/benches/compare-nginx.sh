#!/bin/bash
# Compares web-server with nginx on this machine, in one run: requests a second with 16 persistent
# connections, for a small, a middling and a large file. Needs wrk and nginx; says so if they are
# not there.
#
#   benches/compare-nginx.sh [SECONDS a measurement, default 5] [ROUNDS, default 3]
#
# Both log every request into a file, both use sendfile, nginx has a worker for each core. The
# rounds take turns, and the best of each server counts: what disturbs a measurement only slows it.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-5}
rounds=${2:-3}
for tool in wrk nginx; do
    if ! command -v "$tool" >/dev/null; then
        echo "compare-nginx: $tool is not installed; nothing compared"
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

chmod 755 "$work" # nginx's workers may run as somebody else
mkdir "$work/root"
head -c 1024 /dev/urandom >"$work/root/1KiB"
head -c 102400 /dev/urandom >"$work/root/100KiB"
head -c 10485760 /dev/urandom >"$work/root/10MiB"

accepts() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Starts a server on a random free port, which is then in $port: launch NAME COMMAND…, with PORT in
# the command standing for the port.
launch() {
    local name=$1 attempt pid
    shift
    for attempt in {1..20}; do
        port=$((20000 + RANDOM % 12000))
        accepts "$port" && continue
        sed "s/PORT/$port/" "$work/nginx.conf.in" >"$work/nginx.conf"
        "${@//PORT/$port}" >"$work/$name.log" 2>"$work/$name.errors" &
        pid=$!
        until accepts "$port"; do
            kill -0 "$pid" 2>/dev/null || continue 2
            sleep 0.05
        done
        started+=("$pid")
        return
    done
    echo "compare-nginx: $name does not start: $(cat "$work/$name.errors")" >&2
    exit 1
}

cat >"$work/nginx.conf.in" <<EOF
daemon off;
worker_processes auto;
pid $work/nginx.pid;
error_log stderr;
events { worker_connections 1024; }
http {
    access_log $work/access.log;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    client_body_temp_path $work/1;
    proxy_temp_path $work/2;
    fastcgi_temp_path $work/3;
    uwsgi_temp_path $work/4;
    scgi_temp_path $work/5;
    server { listen 127.0.0.1:PORT; root $work/root; }
}
EOF

launch nginx nginx -p "$work" -c "$work/nginx.conf"
nginx_port=$port
launch pool "$target/release/web-server" --port PORT --root "$work/root"
pool_port=$port
launch fork "$target/release/web-server" --port PORT --root "$work/root" --model fork
fork_port=$port

# Requests a second: measure PORT FILE
measure() {
    wrk -t2 -c16 -d"${seconds}s" "http://127.0.0.1:$1/$2" | awk '
        /Requests\/sec/ { rate = $2 }
        /Non-2xx|Socket errors/ { print > "/dev/stderr" }
        END { print rate }'
}
best() { printf '%s\n' "$@" | sort -g | tail -1; }

printf '%-8s %12s %12s %6s %12s %6s   (requests/s; ratio to nginx)\n' file nginx pool '' fork ''
for file in 1KiB 100KiB 10MiB; do
    nginx=0 pool=0 fork=0
    for _ in $(seq "$rounds"); do
        nginx=$(best "$nginx" "$(measure "$nginx_port" "$file")")
        pool=$(best "$pool" "$(measure "$pool_port" "$file")")
        fork=$(best "$fork" "$(measure "$fork_port" "$file")")
    done
    awk -v file="$file" -v n="$nginx" -v p="$pool" -v f="$fork" 'BEGIN {
        printf "%-8s %12.0f %12.0f %5.2fx %12.0f %5.2fx\n", file, n, p, p / n, f, f / n
    }'
done
