#!/bin/sh
# Makes the Opus files here: 0.4 s of something like a voice, 0.4 s of silence, in the
# modes of the codec (RFC 6716 section 3.1). Needs python3 and an ffmpeg with libopus.
set -eu
cd "$(dirname "$0")"
wav=$(mktemp -d)
trap 'rm -r "$wav"' EXIT
python3 - "$wav" <<'PY'
import math, struct, sys, wave
for channels in (1, 2):
    out = wave.open(f"{sys.argv[1]}/{channels}.wav", "wb")
    out.setnchannels(channels); out.setsampwidth(2); out.setframerate(48000)
    data = bytearray()
    for n in range(int(0.8 * 48000)):
        t = n / 48000
        v = sum(a * math.sin(2 * math.pi * f * t) for f, a in ((150, 1), (300, .7), (750, .5), (1500, .3), (4200, .15), (9000, .1)))
        v *= 0.12 * (0.6 + 0.4 * math.sin(2 * math.pi * 4 * t)) * (t < 0.4)
        for c in range(channels):
            data += struct.pack("<h", int(32767 * v * (1 if c == 0 else .6)))
    out.writeframes(bytes(data))
PY
make() { # file, channels, options
	file=$1 channels=$2
	shift 2
	"${FFMPEG:-ffmpeg}" -v error -y -f wav -i - -c:a libopus "$@" -bitexact -f ogg - <"$wav/$channels.wav" >"$file.ogg"
}
make silk-nb-mono 1 -application voip -b:a 10k -cutoff 4000
make silk-wb-stereo 2 -application voip -b:a 20k -cutoff 8000
make silk-wb-60ms 1 -application voip -b:a 16k -cutoff 8000 -frame_duration 60
make silk-wb-120ms 1 -application voip -b:a 16k -cutoff 8000 -frame_duration 120
make silk-fec-mono 1 -application voip -b:a 16k -cutoff 8000 -fec 1 -packet_loss 20
make hybrid-swb-mono 1 -application voip -b:a 24k -cutoff 12000
make hybrid-fb-stereo 2 -application voip -b:a 40k
make celt-fb-mono 1 -application audio -b:a 64k
make celt-fb-stereo 2 -application lowdelay -b:a 96k
make celt-2500us 1 -application lowdelay -b:a 64k -frame_duration 2.5
make dtx-mono 1 -application voip -b:a 16k -cutoff 8000 -dtx 1
