#!/bin/sh
# Publishes to a WHIP address with FFmpeg 8 or newer: a moving test picture and a tone, or a file in a loop.
#
#   publish.sh http://localhost:8080/whip/live [file]
#
# TOKEN=…        the bearer token, when the gateway wants one
# SIZE=1280x720  the size of the test picture
# AUDIO=no       no sound
# DTLS=active    be the client of the DTLS handshake instead of the server, for networks that like it better
#
# What matters to any WHIP server: constrained baseline without B-frames (WebRTC has none), a key frame every two seconds (FFmpeg makes none on
# demand), Opus at 48 kHz in stereo.
set -eu

url=${1:?the WHIP address, for example http://localhost:8080/whip/live}
file=${2:-}
ffmpeg -hide_banner -muxers 2>/dev/null | grep -q ' whip ' || { echo "publish.sh: there is no ffmpeg with the whip muxer; FFmpeg 8 or newer has it" >&2; exit 1; }

if [ -n "$file" ]; then
  set -- -re -stream_loop -1 -i "$file" -map 0:v:0
  [ "${AUDIO:-yes}" = no ] || set -- "$@" -map '0:a:0?' # if it has sound
else
  set -- -re -f lavfi -i "testsrc2=size=${SIZE:-1280x720}:rate=30"
  [ "${AUDIO:-yes}" = no ] || set -- "$@" -re -f lavfi -i "sine=frequency=440:sample_rate=48000"
fi

set -- "$@" -c:v libx264 -profile:v baseline -preset ultrafast -tune zerolatency -bf 0 -pix_fmt yuv420p -g 60 -b:v 1500k
[ "${AUDIO:-yes}" = no ] || set -- "$@" -c:a libopus -ar 48000 -ac 2 -b:a 64k
[ "${DTLS:-passive}" = passive ] || set -- "$@" -whip_flags dtls_active
[ -z "${TOKEN:-}" ] || set -- "$@" -authorization "$TOKEN"

[ -t 2 ] || set -- -nostats "$@"
exec ffmpeg -hide_banner -nostdin ${LOGLEVEL:+-loglevel "$LOGLEVEL"} "$@" -f whip "$url"
