#!/bin/sh
# Measures a server under load: the gateway pinned to one core, the client to another. Writes what it found to DIRECTORY.
# Usage: scripts/bench.sh HEADGATE DIRECTORY [SCENARIO...]
#
# Another server instead of the gateway, which must be running, with {channel} where the channel stands:
#   SERVER_URL=http://localhost:8080 | SERVER_WHIP=... SERVER_WHEP=...   its address or endpoints
#   SERVER_TOKEN=...                                                     what it takes for a token
#   SERVER_PID=...                                                       its process, to see what it uses; several with commas
# BENCH_SECONDS=20 is the length of each measurement, BENCH_SCALE=1 divides the numbers of viewers.
set -eu
bin=$1
dir=$2
shift 2
[ $# -gt 0 ] || set -- floor viewers channels join setup restart
seconds=${BENCH_SECONDS:-20}
scale=${BENCH_SCALE:-1}
mkdir -p "$dir"
rm -f "$dir"/*.json
ready=$(mktemp -u)
gateway=
client=
# stop ends what this script has started, by its id.
stop() {
	for pid in $client $gateway; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	client=
	gateway=
	rm -f "$ready"
}
trap stop EXIT
trap 'exit 130' INT TERM

# pin CORE COMMAND... becomes a command on one core, if there are two and taskset is there. It is for subshells and the background.
if [ "$(nproc)" -ge 2 ] && command -v taskset >/dev/null; then
	pin() { core=$1; shift; exec taskset -c "$core" "$@"; }
else
	echo "bench: server and client share their cores; the figures are no better than that" >&2
	pin() { shift; exec "$@"; }
fi

# serve starts a fresh gateway and sets $target, unless another server is to be measured. A fresh one, because memory that was used before
# is not given back.
serve() {
	if [ -n "${SERVER_URL:-}${SERVER_WHIP:-}" ]; then
		target="${SERVER_URL:-} ${SERVER_WHIP:+--whip $SERVER_WHIP} ${SERVER_WHEP:+--whep $SERVER_WHEP} ${SERVER_PID:+--pid $SERVER_PID}"
		HEADGATE_BENCH_TOKEN=${SERVER_TOKEN:-}
		export HEADGATE_BENCH_TOKEN
		return
	fi
	stop
	pin 0 "$bin" serve --http 127.0.0.1:0 --media 127.0.0.1:0 --ready-file "$ready" --log-level warn &
	gateway=$!
	tries=0
	until [ -f "$ready" ]; do
		kill -0 $gateway 2>/dev/null || { echo "bench: the gateway did not start; see above" >&2; exit 1; }
		tries=$((tries + 1))
		[ $tries -le 100 ] || { echo "bench: the gateway is not listening after 10 s" >&2; exit 1; }
		sleep 0.1
	done
	target="$(sed -n 's/.*"http":"\([^"]*\)".*/\1/p' "$ready") --pid $gateway"
}

viewers() { echo $((($1 + scale - 1) / scale)); }

# load NAME [FLAG...] measures one scenario.
load() {
	name=$1
	shift
	echo "== $name" >&2
	serve
	# shellcheck disable=SC2086 # the target is a list of words
	pin 1 "$bin" bench ${command:-} $target --name "$name" --duration "${seconds}s" --floor --json "$dir/$order-$name.json" "$@" >/dev/null &
	client=$!
	wait $client
	client=
}

order=10
for scenario; do
	order=$((order + 1))
	case $scenario in
	floor)
		(pin 0 "$bin" bench floor) | tee "$dir/floor.txt"
		(pin 0 "$bin" bench floor --drain) >"$dir/floor-drained.txt"
		;;
	viewers) load one-stream --viewers "$(viewers 50),$(viewers 200),$(viewers 800)" ;;
	channels) load 20-streams --channels 20 --viewers "$(viewers 180)" ;;
	# five a second see every age of a group of ten seconds; the encoder never answers
	join) load join-deaf-10s --viewers "$(viewers 50)" --join-rate 5 --join-parallel 2 --deaf --gop 10s --late-join ;;
	# hardly any media, so that it is the sessions that are measured
	setup) load set-up --viewers "$(viewers 200)" --bitrate 40k --fps 5 --no-audio ;;
	restart) load restart --viewers "$(viewers 50)" --restart-publisher-every 4s ;;
	# three layers; the same viewers without and with feedback, in turn; then they select layers
	adapt)
		load adapt --simulcast --bitrate 1.7M --viewers "$(viewers 200)" --compare-feedback --warmup 10s
		order=$((order + 1))
		load switch --simulcast --bitrate 1.7M --viewers "$(viewers 20)" --switch-every 2s
		;;
	# thirty people who see nine others each, and 270 viewers of one, in turn
	call)
		command=call
		load call --participants "$(viewers 30)" --rounds 2
		command=
		;;
	paced) load frame-paced --viewers "$(viewers 200)" --pacing frame:0.5 ;;
	max) load most-viewers --viewers "$(viewers 400)" --find-max --limit p99=100ms,loss=0.1% ;;
	*) echo "bench: there is no scenario $scenario; there are floor, viewers, channels, join, setup, restart, adapt, call, paced and max" >&2; exit 2 ;;
	esac
done
stop
set -- "$dir"/*.json
[ -f "$1" ] || exit 0
"$bin" bench report "$@" --format html --out "$dir/report.html" | tee "$dir/report.txt"
echo "The same with plots: $dir/report.html"
