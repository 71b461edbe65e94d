#!/bin/sh
# Records a channel: PREFIX.h264 or PREFIX.ivf, and PREFIX.ogg. It waits for a publisher, and goes on when that comes back.
#
#   record.sh http://localhost:8080/whep/live recording
#
# HEADGATE=…    the program, if it is not in the PATH
# DURATION=10s  end after this time; otherwise with Ctrl-C
#
# Both into one file, without encoding again:  ffmpeg -i recording.h264 -i recording.ogg -c copy recording.mkv
set -eu

url=${1:?the WHEP address, for example http://localhost:8080/whep/live}
prefix=${2:?how the files begin, for example recording}

exec "${HEADGATE:-headgate}" pull --whep "$url" --out "$prefix" --reconnect ${DURATION:+--duration "$DURATION"}
