#!/bin/sh
# Publishes plain RTP that ffmpeg sends to a port of this machine. GStreamer does the same with rtph264pay ! udpsink port=5004.
#
#   rtp.sh http://localhost:8080/whip/live
#
# HEADGATE=…  the program, if it is not in the PATH
# PORT=5004   the port
set -eu

url=${1:?the WHIP address, for example http://localhost:8080/whip/live}
port=${PORT:-5004}

"${HEADGATE:-headgate}" push --whip "$url" --rtp-video "$port" --video-codec h264 --reconnect &
push=$!
trap 'kill $push 2>/dev/null || true; wait $push 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM

ffmpeg -hide_banner -loglevel warning -nostdin -re -f lavfi -i "testsrc2=size=640x360:rate=30${SECONDS_LONG:+:duration=$SECONDS_LONG}" \
  -an -c:v libx264 -profile:v baseline -preset ultrafast -tune zerolatency -bf 0 -g 30 -pix_fmt yuv420p \
  -f rtp -sdp_file /dev/null "rtp://127.0.0.1:$port"
