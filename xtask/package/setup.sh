#!/usr/bin/env bash
# Makes the image of this autograder: Gradescope runs it once, as root, when the zip is uploaded. It installs what
# is missing, builds wirelab, and judges the lab's untouched starter, so that an image that cannot judge fails here
# and not when students hand in.
set -euo pipefail

AUTOGRADER="${AUTOGRADER:-/autograder}"
cd "$AUTOGRADER/source/wirelab"
read -r lab folder <lab

# command:package, as Debian and Ubuntu name them
tools=(cc:gcc ld:binutils curl:curl ip:iproute2 prlimit:util-linux bwrap:bubblewrap)
packages=()
for tool in "${tools[@]}"; do
    command -v "${tool%%:*}" >/dev/null || packages+=("${tool#*:}")
done
if ((${#packages[@]})); then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends \
        ca-certificates libc6-dev "${packages[@]}"
fi

[[ -f rust.env ]] && source ./rust.env
# The lab says which Rust it needs; distributions are often behind.
needed="$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)"
present="$(rustc --version 2>/dev/null | cut -d' ' -f2 || true)"
if [[ -z $present || "$(printf '%s\n' "$needed" "$present" | sort -V | head -n1)" != "$needed" ]]; then
    # Where every user can read it: programs are built and run by others than root.
    printf 'export RUSTUP_HOME=/usr/local/rustup CARGO_HOME=/usr/local/cargo PATH="/usr/local/cargo/bin:$PATH"\n' >rust.env
    source ./rust.env
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs |
        sh -s -- -y --quiet --no-modify-path --profile minimal --default-toolchain stable
fi

cargo build --quiet --locked --package xtask
cargo fetch --quiet --locked --manifest-path "labs/$folder/Cargo.toml"

"$AUTOGRADER/source/run_autograder" --trial
