#!/usr/bin/env bash
# Builds Wasmtime's C API once a machine and prints the folder that then holds lib/libmicro_wasm_engine.a and include/.
# The folder's name carries everything that decides its contents, so checkouts and presets share it and an upgrade never
# meets an old archive. Log: build.log beside it.
set -euo pipefail

readonly kMinRustMinor=95  # Wasmtime 48's minimum is Rust 1.95
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${MICRO_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/micro}
say() { printf '%s\n' "$*" >&2; }

find_tool() {  # Debian's rustc-web and cargo-web and rustup's default folder both serve
  local tool
  for tool in "$@"; do
    if command -v "$tool"; then return; fi
    if [ -x "$HOME/.cargo/bin/$tool" ]; then echo "$HOME/.cargo/bin/$tool"; return; fi
  done
  say "wasm engine: $1 is missing."
  say "Run ./micro, which installs it; or: apt install rustc-web cargo-web (Debian 12, security suite);"
  say "or install Rust 1.$kMinRustMinor or newer."
  exit 3
}
cargo=$(find_tool cargo cargo-web)
RUSTC=$(find_tool rustc rustc-web)
export RUSTC
version=$("$RUSTC" --version)
minor=$(sed -nE 's/^rustc 1\.([0-9]+)\..*/\1/p' <<<"$version")
if [ -z "$minor" ] || [ "$minor" -lt "$kMinRustMinor" ]; then
  say "wasm engine: found '$version', Wasmtime 48 needs Rust 1.$kMinRustMinor or newer."
  say "Debian 12: apt install rustc-web cargo-web from the security suite (main holds 1.85, which is too old)."
  exit 3
fi

engine=$(sed -nE '/wasmtime-c-api-impl/,$ s/^version = "=([0-9.]+)"/\1/p' "$here/Cargo.toml" | head -1)
key=$( (cat "$here/Cargo.toml" "$here/Cargo.lock" "$here/src/lib.rs"; echo "$version") | sha256sum | cut -c1-12)
out=$cache/wasmtime-$engine-$key
if [ "${1:-}" = --where ]; then echo "$out"; exit; fi
if [ -f "$out/lib/libmicro_wasm_engine.a" ]; then echo "$out"; exit; fi

mkdir -p "$cache"
exec 9>"$cache/wasmtime.lock"
flock 9  # a second run waits here and then finds the first one's result
if [ -f "$out/lib/libmicro_wasm_engine.a" ]; then echo "$out"; exit; fi

say "wasm engine: building Wasmtime $engine with $version; about 5 minutes, once a machine"
work=$cache/wasmtime-build
crates=$(grep -c '^\[\[package\]\]' "$here/Cargo.lock")
# In the shell, not in awk: Debian's mawk holds back its input until a block is full.
show_progress() {
  local n=0 word crate
  while read -r word crate _; do
    [ "$word" = Compiling ] || continue
    n=$((n + 1))
    printf '%d%% wasm engine: %s\n' $((n < crates ? 100 * n / crates : 99)) "$crate"
  done >&2
}
if ! CARGO_TARGET_DIR=$work "$cargo" build --release --locked --manifest-path "$here/Cargo.toml" 2>&1 |
  tee "$cache/build.log" | show_progress; then
  tail -n 25 "$cache/build.log" >&2
  say "wasm engine: cargo failed; the whole log: $cache/build.log"
  exit 1
fi
headers=$(dirname "$(ls -t "$work"/release/build/wasmtime-c-api-impl-*/out/include/wasmtime.h | head -1)")
fresh=$(mktemp -d "$cache/wasmtime-new.XXXXXX")
mkdir "$fresh/lib"
cp "$work/release/libmicro_wasm_engine.a" "$fresh/lib/"
cp -r "$headers" "$fresh/include"
chmod 755 "$fresh"
rm -rf "$out"
mv "$fresh" "$out"
rm -rf "$work"  # half a gigabyte that nothing reads again
echo "$out"
