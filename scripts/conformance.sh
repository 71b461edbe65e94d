#!/bin/sh
# Runs the conformance kit against this gateway and writes its report.
set -eu
bin=$1
report=$2
ready=$(mktemp -u)
"$bin" serve --http 127.0.0.1:0 --media 127.0.0.1:0 --ready-file "$ready" --log-level error &
gateway=$!
trap 'kill $gateway 2>/dev/null || true; wait $gateway 2>/dev/null || true; rm -f "$ready"' EXIT
tries=0
until [ -f "$ready" ]; do
	tries=$((tries + 1))
	[ $tries -le 100 ] || { echo "the gateway is not listening" >&2; exit 1; }
	sleep 0.1
done
http=$(sed -n 's/.*"http":"\([^"]*\)".*/\1/p' "$ready")
"$bin" conform --whip "$http/whip/conformance" --whep "$http/whep/conformance" --markdown "$report"
