#!/bin/sh
# Publishes a test picture and a tone with simple-whip-client (Debian package simple-whip-client). Ctrl-C ends the session with DELETE.
#
#   publish.sh http://localhost:8080/whip/live [more options of whip-client]
#
# TOKEN=…  the bearer token, when the gateway wants one
# Options worth knowing: -n puts all candidates into the offer instead of trickling them, -H body prints all HTTP.
set -eu

url=${1:?the WHIP address, for example http://localhost:8080/whip/live}
shift
command -v whip-client >/dev/null || { echo "publish.sh: whip-client is missing; Debian's package is simple-whip-client" >&2; exit 1; }

video='videotestsrc is-live=true pattern=ball ! video/x-raw,width=640,height=360,framerate=30/1 ! videoconvert
  ! x264enc tune=zerolatency speed-preset=ultrafast bitrate=1000 key-int-max=60 bframes=0 ! video/x-h264,profile=constrained-baseline
  ! rtph264pay pt=96 ssrc=2 config-interval=-1 aggregate-mode=zero-latency ! queue ! application/x-rtp,media=video,encoding-name=H264,payload=96'
audio='audiotestsrc is-live=true freq=440 ! audio/x-raw,rate=48000,channels=2 ! audioconvert ! opusenc
  ! rtpopuspay pt=100 ssrc=1 ! queue ! application/x-rtp,media=audio,encoding-name=OPUS,payload=100'

exec whip-client -u "$url" ${TOKEN:+-t "$TOKEN"} -V "$video" -A "$audio" "$@"
