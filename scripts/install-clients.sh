#!/usr/bin/env bash
# Installs the real WebRTC clients that the integration tests drive, on a bare Debian 12 with Go. Safe to run again: what is there is left alone.
#
#   scripts/install-clients.sh            install what is missing
#   scripts/install-clients.sh --check    install nothing, end with 1 when something is missing
#
# From Debian's packages (root or sudo):  Chromium, Firefox ESR, curl, nginx, Caddy, iproute2, nftables, debootstrap, Node.js
# Into ${HEADGATE_CLIENTS:-${XDG_CACHE_HOME:-~/.cache}/headgate/clients}:
#   sid/   a small Debian unstable root with FFmpeg >= 8, simple-whip-client and GStreamer, because Debian 12's own cannot speak WHIP
#   bin/   commands that run a program of that root in the current folder: ffmpeg, ffprobe, whip-client, gst-python, ...
#   js/    WHIP and WHEP clients that nobody here wrote, bundled for a browser, and axe-core, which judges whether pages are accessible
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
clients=${HEADGATE_CLIENTS:-${XDG_CACHE_HOME:-$HOME/.cache}/headgate/clients}
root=$clients/sid
missing=0
started=$SECONDS
export DEBIAN_FRONTEND=noninteractive

say() { printf 'clients: %s\n' "$*"; }
has() { PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null 2>&1; }

# want NAME TEST INSTALL: runs INSTALL unless TEST is true.
want() {
  local name=$1 check=$2 install=$3
  "$check" && return 0
  if [ "$mode" = check ]; then
    say "missing: $name"
    missing=1
    return 0
  fi
  say "installing $name"
  "$install"
  "$check" || { say "$name is still missing after its installation"; exit 1; }
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; return; fi
  has sudo || { say "needs root or sudo for: $*"; exit 1; }
  sudo --preserve-env=DEBIAN_FRONTEND "$@"
}

# --- Debian packages of this machine ------------------------------------------------------------------------------------------

declare -A package=([chromium]=chromium [firefox-esr]=firefox-esr [curl]=curl [ip]=iproute2 [nft]=nftables [debootstrap]=debootstrap
  [nginx]=nginx-light [caddy]=caddy
  [unshare]=util-linux [node]=nodejs [npm]=npm)

absent_commands() {
  local command
  for command in "${!package[@]}"; do has "$command" || printf '%s\n' "$command"; done
}

packages_there() { [ -z "$(absent_commands)" ]; }

install_packages() {
  local command wanted=()
  for command in $(absent_commands); do wanted+=("${package[$command]}"); done
  say "Debian packages: ${wanted[*]}"
  apt_quiet update
  apt_quiet install --no-install-recommends "${wanted[@]}"
}

# apt_quiet waits for another package manager to finish and shows its output only when it fails.
apt_quiet() {
  local log
  log=$(mktemp)
  if ! as_root apt-get -y -q -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1; then
    cat "$log"; rm -f "$log"; return 1
  fi
  rm -f "$log"
}

# --- the Debian unstable root -------------------------------------------------------------------------------------------------

root_packages=(ffmpeg simple-whip-client python3 python3-gi gir1.2-gstreamer-1.0 gir1.2-gst-plugins-base-1.0 gir1.2-gst-plugins-bad-1.0
  gstreamer1.0-tools gstreamer1.0-nice gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
  gstreamer1.0-plugins-ugly gstreamer1.0-libav)

# machine_mirror prints the Debian mirror that this machine's own apt uses.
machine_mirror() {
  local files=(/etc/apt/sources.list /etc/apt/sources.list.d/*)
  sed -n -E -e 's/^URIs:[[:space:]]*([^[:space:]]+).*/\1/p' -e 's/^deb[[:space:]]+(\[[^]]*\][[:space:]]+)?([^[:space:]]+).*/\2/p' "${files[@]}" 2>/dev/null |
    sed -n -E '\#/debian/?$#{p;q}' || true
}

root_there() {
  [ -f "$root/.headgate-complete" ] && [ "$(cat "$root/.headgate-complete")" = "${root_packages[*]}" ]
}

install_root() {
  local mirror log=$clients/sid.log
  mirror=$(machine_mirror)
  [ -n "$mirror" ] || { say "no Debian mirror found in /etc/apt"; exit 1; }
  mkdir -p "$clients"
  say "Debian unstable root in $root (about 1.1 GB; progress in $log)"
  as_root rm -rf "$root"
  {
    as_root debootstrap --variant=minbase sid "$root" "$mirror" &&
      in_root apt-get -q -o Acquire::Check-Valid-Until=false update &&
      in_root apt-get -q -y --no-install-recommends install "${root_packages[@]}" &&
      in_root apt-get -q clean
  } >"$log" 2>&1 || { tail -n 30 "$log"; exit 1; }
  printf '%s\n' "${root_packages[*]}" | as_root tee "$root/.headgate-complete" >/dev/null
}

# in_root runs a command in the root. It takes the machine's way to its mirror (proxy, certificates) from the machine's apt settings.
in_root() {
  local setting
  for setting in /etc/apt/apt.conf /etc/apt/apt.conf.d/*proxy*; do
    [ -f "$setting" ] && as_root cp "$setting" "$root/etc/apt/apt.conf.d/"
  done
  as_root chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} "$@"
}

# --- commands that run a program of the root ----------------------------------------------------------------------------------

root_commands=(ffmpeg ffprobe whip-client gst-launch-1.0 gst-inspect-1.0 gst-python)

commands_there() {
  local name
  for name in "${root_commands[@]}"; do cmp -s "$clients/bin/$name" <(command_text); done
}

install_commands() {
  local name
  mkdir -p "$clients/bin"
  for name in "${root_commands[@]}"; do
    command_text >"$clients/bin/$name"
    chmod +x "$clients/bin/$name"
  done
}

# command_text is one script for all commands: its own name says which program to run. The current folder is seen under its own path,
# in a mount namespace that ends with the program; exec keeps the process, so that signals reach the program itself.
command_text() {
  cat <<'SCRIPT'
#!/bin/sh
# Runs the program of this name out of the Debian root beside this folder, in the current folder. Made by scripts/install-clients.sh.
set -e
root=$(cd "$(dirname "$0")/../sid" && pwd)
program=$(basename "$0")
[ "$program" = gst-python ] && program=python3
if [ "$1" != --headgate-inside ]; then
  [ "$(id -u)" = 0 ] || exec unshare --user --map-root-user --mount -- "$0" --headgate-inside "$@"
  exec unshare --mount -- "$0" --headgate-inside "$@"
fi
shift
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
mkdir -p "$root$PWD"
mount --bind "$PWD" "$root$PWD"
exec chroot "$root" /usr/bin/env -C "$PWD" HOME=/tmp LC_ALL=C.UTF-8 PATH=/usr/bin:/bin "$program" "$@"
SCRIPT
}

# --- JavaScript clients ---------------------------------------------------------------------------------------------------------

js_source=$repository/integration/thirdparty

js_there() {
  [ -f "$clients/js/thirdparty.js" ] && [ -f "$clients/js/node_modules/axe-core/axe.min.js" ] && cmp -s "$js_source/package.json" "$clients/js/package.json" &&
    cmp -s "$js_source/thirdparty.js" "$clients/js/entry.js"
}

install_js() {
  mkdir -p "$clients/js"
  cp "$js_source/package.json" "$clients/js/package.json"
  cp "$js_source/thirdparty.js" "$clients/js/entry.js"
  (
    cd "$clients/js"
    npm install --no-package-lock --no-audit --no-fund --loglevel=error
    npx --no-install esbuild entry.js --bundle --format=iife --global-name=thirdparty --platform=browser --log-level=warning \
      --outfile=thirdparty.js
  )
}

# --- schemathesis ---------------------------------------------------------------------------------------------------------------

schemathesis_version=4.32.5

schemathesis_there() {
  [ -x "$clients/bin/schemathesis" ] && [ "$("$clients/bin/schemathesis" --version 2>/dev/null | tr -dc '0-9.')" = "$schemathesis_version" ]
}

install_schemathesis() {
  rm -rf "$clients/schemathesis"
  mkdir -p "$clients/bin"
  if ! python3 -m venv "$clients/schemathesis" >/dev/null 2>&1; then
    apt_quiet install --no-install-recommends python3-venv
    rm -rf "$clients/schemathesis"
    python3 -m venv "$clients/schemathesis"
  fi
  "$clients/schemathesis/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$schemathesis_version"
  ln -sf ../schemathesis/bin/schemathesis "$clients/bin/schemathesis"
}

# --- what there is --------------------------------------------------------------------------------------------------------------

first_line() { "$@" 2>/dev/null | head -n 1 || true; }

print_versions() {
  say "$(first_line chromium --version)"
  say "$(first_line firefox-esr --version)"
  say "$(first_line curl --version | cut -d' ' -f1-2)"
  say "node $(first_line node --version)"
  if root_there; then
    say "$(first_line "$clients/bin/ffmpeg" -version)"
    say "$(first_line "$clients/bin/gst-inspect-1.0" --version)"
    say "simple-whip-client $(first_line as_root chroot "$root" dpkg-query -W -f '${Version}' simple-whip-client)"
  fi
  if schemathesis_there; then say "schemathesis $schemathesis_version"; fi
  if js_there; then
    sed -n -E 's/^ *"((@eyevinn\/|whip|axe)[^"]*)": "([^"]*)".*/clients: \1 \3/p' "$clients/js/package.json"
  fi
}

mode=install
case "${1:-}" in
  "") ;;
  --check) mode=check ;;
  *) sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac

want "Debian packages ($(absent_commands | tr '\n' ' '))" packages_there install_packages
want "the Debian unstable root" root_there install_root
want "the commands of the root" commands_there install_commands
want "the JavaScript clients" js_there install_js
want "schemathesis" schemathesis_there install_schemathesis
print_versions
say "ready in $((SECONDS - started)) s under $clients"
[ "$missing" = 0 ]
