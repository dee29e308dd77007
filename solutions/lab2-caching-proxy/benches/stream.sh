#!/bin/bash
# Sends a body of 1 GiB through proxy, from an origin to a client, with a length and without, and says
# how long that took and how much memory the proxy had at most. Needs nginx and curl; says so if they
# are not there.
set -euo pipefail
cd "$(dirname "$0")/.."

for tool in nginx curl; do
    if ! command -v "$tool" >/dev/null; then
        echo "stream: $tool is not installed; nothing measured"
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
chmod -R 777 "$work"
truncate -s 1G "$work/root/1GiB"
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
free_port() {
    port=$((20000 + RANDOM % 12000))
    while listens "$port"; do port=$((20000 + RANDOM % 12000)); done
}

free_port
origin=$port
cat >"$work/nginx.conf" <<CONF
daemon off;
pid $work/nginx.pid;
error_log stderr;
events { }
http {
    access_log off;
    sendfile on;
    client_body_temp_path $work/1; proxy_temp_path $work/2; fastcgi_temp_path $work/3;
    uwsgi_temp_path $work/4; scgi_temp_path $work/5;
    server {
        listen 127.0.0.1:$origin;
        root $work/root;
        location /chunked/ { alias $work/root/; ssi on; ssi_types application/octet-stream; }
    }
}
CONF
nginx -p "$work" -c "$work/nginx.conf" 2>"$work/nginx.log" &
started+=($!)
free_port
"$target/release/proxy" --port "$port" &
proxy=$!
started+=("$proxy")
until listens "$origin" && listens "$port"; do sleep 0.05; done

for path in 1GiB chunked/1GiB; do
    curl -sS -o /dev/null -x "http://127.0.0.1:$port" "http://127.0.0.1:$origin/$path" \
        -w "$path: %{size_download} octets in %{time_total} s, "
    awk '/VmHWM/ { print "at most", int($2 / 1024), "MiB of memory" }' "/proc/$proxy/status"
done
