#!/bin/sh
# Starts a gateway on this machine, publishes the built-in clip and says where to
# watch it. Ctrl-C ends both.
set -eu
bin=$1
channel=demo
ready=$(mktemp -u)
"$bin" serve --ready-file "$ready" --log-level warn ${HEADGATE_DEMO_FLAGS:-} &
gateway=$!
trap 'kill $gateway 2>/dev/null || true; wait $gateway 2>/dev/null || true; rm -f "$ready"' EXIT
trap 'exit 0' INT TERM

tries=0
until [ -f "$ready" ]; do
	kill -0 $gateway 2>/dev/null || { echo "demo: the gateway did not start; see above" >&2; exit 1; }
	tries=$((tries + 1))
	[ $tries -le 100 ] || { echo "demo: the gateway is not listening after 10 s" >&2; exit 1; }
	sleep 0.1
done
http=$(sed -n 's/.*"http":"\([^"]*\)".*/\1/p' "$ready")
cat <<TEXT

  Watch the clip:      $http/watch/$channel
  Publish your camera: $http/publish/live
  Everything else:     $http/

  Ctrl-C ends the demo.

TEXT
"$bin" push --whip "$http/whip/$channel"
