#!/bin/sh
# Publishes what any ffmpeg encodes, through a pipe: for those that are older than FFmpeg 8 and cannot speak WHIP.
#
#   pipe.sh http://localhost:8080/whip/live [file]
#
# HEADGATE=…      the program, if it is not in the PATH
# SECONDS_LONG=…  the length of the test picture; without, it goes on
#
# No B-frames and a key frame a second: nobody can ask this encoder for one.
set -eu

url=${1:?the WHIP address, for example http://localhost:8080/whip/live}
file=${2:-}

if [ -n "$file" ]; then
  set -- -re -i "$file"
else
  set -- -re -f lavfi -i "testsrc2=size=640x360:rate=30${SECONDS_LONG:+:duration=$SECONDS_LONG}"
fi
ffmpeg -hide_banner -loglevel warning -nostdin "$@" -an -c:v libx264 -profile:v baseline -preset ultrafast -tune zerolatency \
  -bf 0 -g 30 -pix_fmt yuv420p -f h264 - | "${HEADGATE:-headgate}" push --whip "$url" -
