#!/usr/bin/env bash
# Installs the real services that the tests run against (Debian 12; Ubuntu as far as its archive has them).
# They are only installed: nothing is left running or enabled, the tests start their own instances.
# Needs root. May be run again: what is there already stays as it is.
set -euo pipefail

packages=(
  mosquitto mosquitto-clients            # broker, and the plain subscriber that benchmarks compare with
  influxdb victoria-metrics              # the stores beside the built-in one
  prometheus-alertmanager                # takes our alerts, and groups them
  fping iputils-ping iperf3 nginx-light  # what probes use, and what the testpoint is compared with
  iproute2 nftables ethtool procps       # shaped links in network namespaces
  snmpsim                                # SNMP devices from captured walks
  chromium fonts-noto-cjk                # the page in a real browser, with Chinese glyphs
  openssl ca-certificates                # certificates for TLS tests
)
services=(mosquitto influxdb victoria-metrics prometheus-alertmanager nginx iperf3 snmpsim nftables)

say() { printf 'install.sh: %s\n' "$*"; }
installed() { [[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]; }

if ! command -v apt-get >/dev/null; then
  say "this is for Debian and Ubuntu (no apt-get here); tests without their services are skipped"
  exit 1
fi
if [[ $EUID -ne 0 ]]; then
  say "must run as root: sudo $0"
  exit 1
fi

# shellcheck source=/dev/null
. /etc/os-release
if [[ "${ID:-}" != debian ]]; then
  say "made for Debian 12, trying on ${PRETTY_NAME:-an unknown system}"
fi

wanted=()
for package in "${packages[@]}"; do
  installed "$package" || wanted+=("$package")
done
if [[ ${#wanted[@]} -eq 0 ]]; then
  say "everything is installed already"
  exit 0
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq

# Not every archive has every package; what is missing is said aloud and its tests are skipped.
available=()
for package in "${wanted[@]}"; do
  if [[ "$package" == chromium && "${ID:-}" == ubuntu ]]; then
    say "Ubuntu's chromium is a snap, which servers and containers often cannot run: browser tests may be skipped"
    package=chromium-browser
    installed "$package" && continue
  fi
  candidate=$(apt-cache policy "$package" | sed -n 's/^  Candidate: //p')
  if [[ -z "$candidate" || "$candidate" == '(none)' ]]; then
    say "MISSING: ${PRETTY_NAME:-this system} has no package $package; tests that need it are skipped"
  else
    available+=("$package")
  fi
done

# Services that are here already are their owner's; only new ones are kept from starting.
fresh=()
for service in "${services[@]}"; do
  systemctl is-enabled --quiet "$service" 2>/dev/null || fresh+=("$service")
done

# Debian asks policy-rc.d before it starts a service; 101 means no. The one that was there before comes back at the end.
policy=/usr/sbin/policy-rc.d
saved=$policy.before-linkbell
restore_policy() {
  rm -f "$policy"
  if [[ -e "$saved" ]]; then mv "$saved" "$policy"; fi
}
if [[ -e "$policy" && ! -e "$saved" ]]; then mv "$policy" "$saved"; fi
trap restore_policy EXIT
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 755 "$policy"

if [[ ${#available[@]} -gt 0 ]]; then
  say "installing ${available[*]}"
  apt-get install -y -qq --no-install-recommends "${available[@]}"
fi

# Installed units are enabled for the next boot although they were not started: undo that too.
for service in "${fresh[@]}"; do
  if command -v systemctl >/dev/null; then
    systemctl disable --quiet "$service" >/dev/null 2>&1 || true
  elif [[ -e "/etc/init.d/$service" ]]; then
    update-rc.d "$service" disable >/dev/null 2>&1 || true
  fi
done
say "done"
