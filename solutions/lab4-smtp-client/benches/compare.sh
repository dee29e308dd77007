#!/bin/bash
# Compares mail with curl, msmtp, swaks and Python's smtplib, those that are installed, on this
# machine, in one run: a mail with a large file attached, over plain TCP and over STARTTLS, and a
# small mail, all to the same sink. What the sink itself takes is measured with octets that are ready
# to be sent. Then the memory that mail needs for a small file and for a large one. Needs python3 and
# openssl; says so if they are not there.
#
#   benches/compare.sh [MEBIBYTES attached, default 25] [ROUNDS, default 7]
#
# The rounds take turns, and the best of each counts: what disturbs a measurement only slows it.
set -euo pipefail
cd "$(dirname "$0")/.."

size=${1:-25}
rounds=${2:-7}
for tool in python3 openssl; do
    if ! command -v "$tool" >/dev/null; then
        echo "compare: $tool is not installed; nothing compared"
        exit 0
    fi
done

cargo build --quiet --release --bins
target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
mail=$target/release/mail

work=$(mktemp -d)
started=()
finish() {
    for pid in "${started[@]}"; do kill "$pid"; done
    rm -rf "$work"
}
trap finish EXIT

head -c "$((size << 20))" /dev/urandom >"$work/large"
head -c 1000 /dev/urandom >"$work/small"
ca=$work/ca.pem
{
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca \
        -keyout "$work/ca.key" -out "$ca"
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
        -keyout "$work/key" -out "$work/csr"
    openssl x509 -req -days 2 -in "$work/csr" -CA "$ca" -CAkey "$work/ca.key" -CAcreateserial \
        -extfile <(echo subjectAltName=DNS:localhost) -out "$work/pem"
} 2>/dev/null

# Starts a sink; its port is then in $port.
start_sink() {
    mkfifo "$work/port"
    python3 benches/sink.py sink "$@" >"$work/port" &
    started+=($!)
    read -r port <"$work/port"
    rm "$work/port"
}
start_sink
plain=$port
start_sink "$work/pem" "$work/key"
secure=$port

# How a client sends a file: send CLIENT FILE plain|secure
send() {
    local file=$work/$2
    case $1-$3 in
    mail-plain) "$mail" --server localhost --port "$plain" --tls none \
        --from a@b.example --to x@y.example --text hello --attach "$file" ;;
    mail-secure) "$mail" --server localhost --port "$secure" --ca-file "$ca" \
        --from a@b.example --to x@y.example --text hello --attach "$file" ;;
    curl-plain) curl -sS "smtp://localhost:$plain" --mail-from a@b.example --mail-rcpt x@y.example \
        -F '=hello' -F "file=@$file;encoder=base64" -H 'Subject: a file' ;;
    curl-secure) curl -sS "smtp://localhost:$secure" --ssl-reqd --cacert "$ca" \
        --mail-from a@b.example --mail-rcpt x@y.example \
        -F '=hello' -F "file=@$file;encoder=base64" -H 'Subject: a file' ;;
    msmtp-plain) msmtp --host=localhost --port="$plain" --from=a@b.example x@y.example <"$file.eml" ;;
    msmtp-secure) msmtp --host=localhost --port="$secure" --tls=on --tls-trust-file="$ca" \
        --from=a@b.example x@y.example <"$file.eml" ;;
    swaks-plain) swaks --server localhost --port "$plain" -f a@b.example -t x@y.example \
        --attach "@$file" --silent 3 ;;
    swaks-secure) swaks --server localhost --port "$secure" --tls -f a@b.example -t x@y.example \
        --attach "@$file" --silent 3 ;;
    smtplib-plain) python3 benches/sink.py smtplib "$plain" "$file" ;;
    smtplib-secure) python3 benches/sink.py smtplib "$secure" "$file" "$ca" ;;
    esac
}

# msmtp does no encoding: it is given the mail whole, with lines as base64 has them.
for file in small large; do
    { printf 'Subject: a file\n\n'; base64 -w 76 "$work/$file"; } >"$work/$file.eml"
done

clients=(mail)
for client in curl msmtp swaks; do
    if command -v "$client" >/dev/null; then clients+=("$client"); else echo "$client is not installed"; fi
done
clients+=(smtplib)

# Milliseconds that a command takes.
timed() {
    local start=$EPOCHREALTIME
    "$@" >/dev/null
    awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.2f\n", (b - a) * 1000 }'
}
lesser() { printf '%s\n' "$@" | sort -g | head -1; }

# compare FILE plain|secure
compare() {
    local client
    declare -A best
    for _ in $(seq "$rounds"); do
        for client in "${clients[@]}"; do
            best[$client]=$(lesser "${best[$client]:-1e9}" "$(timed send "$client" "$1" "$2")")
        done
    done
    printf '%-5s %-6s' "$1" "$2"
    for client in "${clients[@]}"; do
        awk -v name="$client" -v time="${best[$client]}" -v ours="${best[mail]}" \
            'BEGIN { printf "  %s %.1f ms (%.1fx)", name, time, time / ours }'
    done
    echo
}
for mode in plain secure; do compare large "$mode"; done
for mode in plain secure; do compare small "$mode"; done

least=1e9
for _ in $(seq "$rounds"); do
    took=$(timed python3 benches/sink.py raw "$plain" "$((size * 1024 * 1024 * 78 / 57))")
    nothing=$(timed python3 benches/sink.py raw "$plain" 0)
    least=$(lesser "$least" "$(awk -v a="$took" -v b="$nothing" 'BEGIN { print a - b }')")
done
echo "the sink alone takes $least ms for as many octets"

for file in small large; do
    memory=$(python3 benches/sink.py peak "$mail" --server 127.0.0.1 --port PORT --tls none \
        --from a@b.example --to x@y.example --attach "$work/$file")
    echo "$file: mail has $memory KiB at most"
done
