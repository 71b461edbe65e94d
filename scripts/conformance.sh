#!/bin/sh
# Runs the conformance kit against this gateway, once for each configuration that a case needs, and writes the merged report.
# Takes two and a half minutes: some cases wait for timeouts. Usage: scripts/conformance.sh HEADGATE REPORT [--quick]
set -eu
bin=$1
report=$2
slow=--timeout-cases
[ "${3:-}" = --quick ] && slow=
dir=$(mktemp -d)
pids=
trap 'for pid in $pids; do kill "$pid" 2>/dev/null || true; done; wait; rm -rf "$dir"' EXIT
export HEADGATE_KEY="conformance-key-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"

# gateway NAME [FLAG...] starts one with the configuration on stdin and sets $http and $pid. Every gateway is on loopback and picks its ports.
gateway() {
	name=$1
	shift
	cat >"$dir/$name.yaml"
	key=
	case $name in tokens | limits) key=$HEADGATE_KEY ;; esac
	[ "$name" = tls ] || set -- --http 127.0.0.1:0 "$@"
	HEADGATE_KEY=$key "$bin" serve --media 127.0.0.1:0 --log-level error \
		--config "$dir/$name.yaml" --ready-file "$dir/$name.ready" "$@" 2>"$dir/$name.log" &
	pid=$!
	pids="$pids $pid"
	tries=0
	until [ -f "$dir/$name.ready" ]; do
		tries=$((tries + 1))
		[ $tries -le 100 ] || { echo "the gateway \"$name\" is not listening" >&2; cat "$dir/$name.log" >&2; exit 1; }
		sleep 0.1
	done
	http=$(sed -n 's/.*"http":"\([^"]*\)".*/\1/p' "$dir/$name.ready")
}

# conform NAME [FLAG...] runs cases; the merged report decides about success.
conform() {
	name=$1
	shift
	echo "$name"
	"$bin" conform --whip "$http/whip/conf-{}" --whep "$http/whep/conf-{}" --json "$@" >"$dir/$name.json" 2>"$dir/$name.out" || true
	grep -A1 '^FAIL' "$dir/$name.out" || true
}

token() { HEADGATE_KEY=$HEADGATE_KEY "$bin" token "$@"; }

gateway open </dev/null
open=$http
conform open $slow &
patient=$!

gateway tokens <<-YAML
	auth: {skew: 0s}
YAML
expired=$(token --publish 'conf-*' --play 'conf-*' --ttl 1s)
publish=$(token --subject ann --participant main --publish 'conf-*')
play=$(token --subject bob --play 'conf-*')
other=$(token --subject eve --publish other --play other)
rival=$(token --subject mallory --participant main --publish 'conf-*')
sleep 2
conform tokens --token "$publish" --play-token "$play" --other-token "$other" --rival-token "$rival" --expired-token "$expired"

gateway waiting <<-YAML
	channels: {idle: wait}
YAML
conform waiting --only T-90,T-38,T-80

gateway no-restarts <<-YAML
	sessions: {no_restart: true}
YAML
conform no-restarts --only N-102,T-62,T-74

gateway no-trickle <<-YAML
	sessions: {no_trickle: true}
YAML
conform no-trickle --only N-102,T-60,T-72

gateway lite <<-YAML
	media: {lite: true}
YAML
conform lite --only N-058,T-60,T-62,T-67,T-72,T-73,T-74,T-75,T-76,T-77,T-80

gateway ice-servers <<-YAML
	ice_servers:
	  servers:
	    - urls: ["stun:192.0.2.200:3478"]
	    - urls: ["turns:turn.example.com:5349?transport=tcp", "turn:turn.example.com:3478?transport=udp"]
	      secret: shared
	    - urls: ["turn:192.0.2.201"]
	      username: 'o"brien'
	      credential: 'back\slash"quote'
YAML
conform ice-servers --given dead-stun --only T-17,N-180,N-090,N-230

gateway addresses <<-YAML
	media: {public_addresses: [127.0.0.1, 198.51.100.2, 198.51.100.3, 198.51.100.4, 198.51.100.5, 198.51.100.6, 198.51.100.7, 198.51.100.8]}
YAML
conform addresses --only T-45,T-46

gateway public --media 0.0.0.0:0 --public-ip 127.0.0.1 </dev/null
conform public --public-address 127.0.0.1 --only T-78,T-45

(cd "$dir" && go run "$(go env GOROOT)/src/crypto/tls/generate_cert.go" --host 127.0.0.1 --ecdsa-curve P256 >/dev/null 2>&1)
gateway tls <<-YAML
	http: {http: "", https: "127.0.0.1:0", tls: {cert: "$dir/cert.pem", key: "$dir/key.pem"}}
YAML
conform tls --insecure --only N-008,T-01,T-16,T-60

gateway limits <<-YAML
	http: {limit_loopback: true}
YAML
conform limits --given limits --token "$publish" --play-token "$play" --only T-27,T-93,N-117,N-199

gateway redirects <<-YAML
	redirect_posts: $open
YAML
conform redirects --only T-92

gateway counter-offers <<-YAML
	sessions: {counter_offer: always}
YAML
conform counter-offers --only T-100,T-101,T-102,T-103,T-105,W-09,W-10

gateway short-counter-offers <<-YAML
	sessions: {counter_offer: always, counter_offer_valid: 1s}
YAML
conform short-counter-offers --only T-104

gateway shutdown </dev/null
conform shutdown --drain "kill -TERM $pid" --only T-91

wait $patient
merged=
for name in open tokens waiting no-restarts no-trickle lite ice-servers addresses public tls limits redirects counter-offers short-counter-offers shutdown; do
	merged="$merged --merge $dir/$name.json"
done
# shellcheck disable=SC2086 # a list of flags without spaces in them
"$bin" conform $merged --markdown "$report"
