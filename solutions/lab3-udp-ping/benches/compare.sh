#!/bin/bash
# Compares ping with a pinger in C that does only what it must, and with nping where that may be
# run, on this machine, in one run: the median round-trip time on loopback, against the same echo.
# Then the memory that ping needs for a few requests and for many. Needs cc; says so if it is not
# there.
#
#   benches/compare.sh [REQUESTS a measurement, default 20000] [ROUNDS, default 5]
#
# Each sends the next request when the last is answered (ping's -i 0), and prints a line a reply.
# The rounds take turns, and the best of each counts: what disturbs a measurement only slows it.
set -euo pipefail
cd "$(dirname "$0")/.."

requests=${1:-20000}
rounds=${2:-5}
if ! command -v cc >/dev/null; then
    echo "compare: cc is not installed; nothing compared"
    exit 0
fi

cargo build --quiet --release --bins
target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
ping=$target/release/ping

work=$(mktemp -d)
started=()
finish() {
    for pid in "${started[@]}"; do kill "$pid"; done
    rm -rf "$work"
}
trap finish EXIT

cc -O2 -Wall -o "$work/pinger" benches/pinger.c

# Starts an echo on a random free port, which is then in $port.
start_echo() {
    local pid
    while :; do
        port=$((20000 + RANDOM % 12000))
        "$target/release/echo" --port "$port" 2>/dev/null &
        pid=$!
        until "$ping" 127.0.0.1 --port "$port" -c 1 -W 0.1 >/dev/null; do
            kill -0 "$pid" 2>/dev/null || continue 2
        done
        kill -0 "$pid" 2>/dev/null || continue # another one answers there
        started+=("$pid")
        return
    done
}
start_echo
far_end=$port

# The median of the times that it prints, in microseconds: median COMMAND…
median() {
    "$@" >"$work/lines"
    sed -n 's/.* time=\([0-9.]*\) ms$/\1/p' "$work/lines" | sort -g |
        awk '{ times[NR] = $1 } END { print times[int((NR + 1) / 2)] * 1000 }'
}
lesser() { printf '%s\n' "$@" | sort -g | head -1; }

printf '%-8s %8s %8s %8s   (median in µs; ratio)\n' data C ping ''
for size in 56 1400 16000; do
    c=1e9 ours=1e9
    for _ in $(seq "$rounds"); do
        c=$(lesser "$c" "$(median "$work/pinger" 127.0.0.1 "$far_end" "$requests" "$size")")
        ours=$(lesser "$ours" "$(median "$ping" 127.0.0.1 --port "$far_end" -c "$requests" -i 0 -s "$size")")
    done
    awk -v size="$size" -v c="$c" -v o="$ours" \
        'BEGIN { printf "%-8s %8.0f %8.0f %7.2fx\n", size, c, o, o / c }'
done

# nping cannot make the checksum, so it is given a request whole: 56 octets of zeros. What answers at
# the port it sends from is a second echo, which drops replies; a closed port would refuse them.
if command -v nping >/dev/null && [[ $EUID -eq 0 ]]; then
    start_echo
    request=0800f7fd00010001$(printf '00%.0s' {1..56})
    nping --udp -g "$port" -p "$far_end" -c 2000 --delay 1ms --data "$request" -q 127.0.0.1 |
        sed -n 's/^Max rtt.*| Avg rtt: /1 ms apart, mean: nping, by its own account, /p'
    "$ping" 127.0.0.1 --port "$far_end" -c 2000 -i 0.001 |
        sed -n 's|^rtt [^=]* = [^/]*/\([^/]*\)/.*|1 ms apart, mean: ping \1ms|p'
else
    echo "nping is not installed, or may not be run by this user"
fi

# The most memory it has had when it prints its last line: peak REQUESTS
peak() {
    # One who reads no further ends ping.
    sh -c 'echo $$; exec "$@"' sh "$ping" 127.0.0.1 --port "$far_end" -i 0 -c 10000000 2>/dev/null |
        awk -v last="$1" '
            NR == 1 { status = "/proc/" $1 "/status" }
            NR == last + 2 {
                while ((getline line < status) > 0)
                    if (line ~ /^VmHWM/) { split(line, words); print words[2] }
                exit
            }' || true
}
for count in 1000 10000 100000; do
    printf '%6d requests at -i 0: %5d KiB at most\n' "$count" "$(peak "$count")"
done
