#!/usr/bin/env bash
# A small certificate authority for the broker and its agents: openssl and nothing else. Keep its folder off the broker.
#   certificates.sh DIR init                  ca.key, ca.crt, and ca.crl, the list of revoked certificates (empty)
#   certificates.sh DIR server HOST [HOST…]   server.key, server.crt for these names or addresses
#   certificates.sh DIR agent ID [ID…]        ID.key, ID.crt; the name in it is the agent's id
#   certificates.sh DIR revoke ID             puts the certificate of ID on ca.crl; copy that to the broker, restart it
set -euo pipefail
umask 077

usage() {
  sed -n '3,6s/^# *//p' "$0" >&2
  exit 2
}
fail() {
  printf 'certificates.sh: %s\n' "$*" >&2
  exit 1
}

[[ $# -ge 2 ]] || usage
dir=$1 action=$2
shift 2

# The broker refuses everybody once ca.crl is out of date, hence its long life: a new one is made at each revocation.
openssl_ca() {
  openssl ca -batch -notext -config <(
    cat <<CONFIG
[ca]
default_ca = linkbell
[linkbell]
database = $dir/index.txt
new_certs_dir = $dir/issued
certificate = $dir/ca.crt
private_key = $dir/ca.key
serial = $dir/serial
crlnumber = $dir/crlnumber
default_md = sha256
default_days = 1826
default_crl_days = 3653
unique_subject = no
policy = names
[names]
commonName = supplied
CONFIG
  ) "$@" 2>"$dir/openssl.log" || fail "openssl failed: $(tail -n 2 "$dir/openssl.log")"
}

# issue FILE COMMON_NAME EXTENSIONS
issue() {
  [[ ! -e "$dir/$1.crt" ]] || fail "$dir/$1.crt exists; revoke it or remove it first"
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$2" \
    -keyout "$dir/$1.key" -out "$dir/$1.csr" 2>"$dir/openssl.log" || fail "openssl failed: $(tail -n 2 "$dir/openssl.log")"
  openssl_ca -in "$dir/$1.csr" -out "$dir/$1.crt" -extfile <(printf 'basicConstraints=CA:FALSE\n%s\n' "$3")
  rm "$dir/$1.csr"
  printf 'Made %s and its key.\n' "$dir/$1.crt"
}

case $action in
  init)
    [[ ! -e "$dir/ca.key" ]] || fail "$dir/ca.key exists: this is an authority already"
    mkdir -p "$dir/issued"
    touch "$dir/index.txt"
    printf '1000\n' | tee "$dir/serial" >"$dir/crlnumber"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3653 -subj '/CN=Linkbell CA' \
      -keyout "$dir/ca.key" -out "$dir/ca.crt" 2>"$dir/openssl.log" || fail "openssl failed: $(cat "$dir/openssl.log")"
    openssl_ca -gencrl -out "$dir/ca.crl"
    printf 'Made %s. Whoever has ca.key can make agents: keep it offline.\n' "$dir/ca.crt"
    ;;
  server)
    [[ $# -ge 1 ]] || usage
    names=()
    for host in "$@"; do
      if [[ $host =~ ^[0-9.]+$ || $host == *:* ]]; then names+=("IP:$host"); else names+=("DNS:$host"); fi
    done
    issue server "$1" "extendedKeyUsage=serverAuth
subjectAltName=$(IFS=, && printf '%s' "${names[*]}")"
    ;;
  agent)
    [[ $# -ge 1 ]] || usage
    for id in "$@"; do
      [[ $id =~ ^[a-z0-9][a-z0-9-]{2,39}$ && $id != collector ]] ||
        fail "$id is no agent id: 3 to 40 lower-case letters, digits or hyphens"
      issue "$id" "$id" 'extendedKeyUsage=clientAuth'
    done
    ;;
  revoke)
    [[ $# -eq 1 ]] || usage
    [[ -e "$dir/$1.crt" ]] || fail "there is no $dir/$1.crt"
    openssl_ca -revoke "$dir/$1.crt"
    openssl_ca -gencrl -out "$dir/ca.crl"
    mv "$dir/$1.crt" "$dir/$1.revoked.crt"
    printf 'Revoked %s; copy ca.crl to the broker and restart it.\n' "$1"
    ;;
  *) usage ;;
esac
