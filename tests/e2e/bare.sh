#!/bin/sh
# The promise of the README on a bare machine: a minimal Debian 12 root made with debootstrap, entered by pivot_root (in
# a plain chroot no sandbox can be made), a fresh clone of what is committed here, both README commands, with times.
#
#   tests/e2e/bare.sh                 ./micro demo and ./tests/run, cold, then both again, warm
#   tests/e2e/bare.sh COMMAND…        one command in the clone instead, for example: bare.sh ./micro version
#
# Needs root and, for the packages, the mirror that apt of this machine uses. MICRO_BARE_ROOT says where the root is
# made (/var/tmp/micro-bare); it is made anew each time and stays for a look afterwards.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd -P)
. "$root/tests/setup.sh"

suite=bookworm
clone=root/micro # in the home of the root's only user
bare=${MICRO_BARE_ROOT:-/var/tmp/micro-bare}

# mirror_of SUITE: the address from which this machine's own apt gets it.
mirror_of() {
  apt-get indextargets --format '$(CREATED_BY) $(RELEASE) $(COMPONENT) $(REPO_URI)' |
    awk -v suite="$1" '$1 == "Packages" && $2 == suite && $3 == "main" { print $4; exit }'
}

make_root() {
  [ ! -e "$bare" ] || [ -f "$bare/etc/debian_version" ] || die "$bare exists and is no Debian root." "Remove it first."
  rm -rf --one-file-system "$bare"
  say "making a minimal Debian 12 in $bare"
  mkdir -p "$root/build"
  debootstrap --variant=minbase "$suite" "$bare" "$(mirror_of $suite)" >"$root/build/bare.log" 2>&1 || {
    show_log "$root/build/bare.log"
    die "debootstrap failed (see above)."
  }
  : >"$bare/etc/apt/sources.list"
  for part in $suite $suite-updates $suite-security; do
    mirror=$(mirror_of $part)
    [ -n "$mirror" ] || die "apt of this machine has no suite $part." "Add it to apt's sources and run apt-get update."
    echo "deb $mirror $part main" >>"$bare/etc/apt/sources.list"
  done
  # What a machine in this network has: name resolution and its own certificate authorities.
  cp /etc/resolv.conf /etc/hosts "$bare/etc/"
  mkdir -p "$bare/usr/local/share/ca-certificates"
  find /usr/local/share/ca-certificates -name '*.crt' -exec cp {} "$bare/usr/local/share/ca-certificates/" \;
  git clone -q --no-hardlinks "$root" "$bare/$clone"
}

# enter COMMAND…: in the root, as its own machine as far as files and processes go.
enter() {
  unshare --mount --pid --fork sh -euc '
    bare=$1 clone=$2; shift 2
    mount --make-rprivate /
    mount --bind "$bare" "$bare"
    cd "$bare"
    mount -t proc proc proc
    mount --rbind /dev dev
    mount -t sysfs sysfs sys
    mount -t tmpfs tmpfs run
    mkdir -p .outside
    pivot_root . .outside
    cd "/$clone"
    umount -l /.outside
    rmdir /.outside
    env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
      ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} "$@"
  ' sh "$bare" "$clone" "$@" </dev/null
}

timed() {
  name=$1
  shift
  started=$(date +%s)
  if enter "$@"; then outcome=passed; else outcome="FAILED ($?)"; fi
  results="$results$(printf '%-24s %-12s %6d s' "$name" "$outcome" "$(($(date +%s) - started))")
"
}

[ "$(id -u)" -eq 0 ] || die "making a Debian root needs root." "Run it with sudo."
need_packages debootstrap git
make_root
results=''
if [ $# -gt 0 ]; then
  timed "$*" "$@"
else
  timed "./micro demo, cold" ./micro demo
  timed "./tests/run, cold" ./tests/run
  timed "./micro demo, warm" ./micro demo
  timed "./tests/run, warm" ./tests/run
fi
commit=$(git -C "$root" rev-parse --short HEAD)
printf '\nOn a bare Debian 12, %s processors, commit %s:\n%s' "$(nproc)" "$commit" "$results"
case $results in *FAILED*) exit 1 ;; esac
