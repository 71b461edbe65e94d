#!/bin/sh
# Makes the clip that `headgate push` publishes when no file is named:
# 8 s of moving pictures, a key frame every second, and a soft stereo melody.
# Needs ffmpeg with libx264 and libopus, and a DejaVu font.
set -eu
cd "$(dirname "$0")/../internal/mediafile"
font=${FONT:-/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf}
ffmpeg -hide_banner -loglevel error -y \
  -f lavfi -i "gradients=s=640x360:r=30:d=8:c0=0x0b3d4f:c1=0x1b8a8f:c2=0xe9c46a:c3=0x264653:n=4:speed=0.03:seed=7" \
  -vf "drawbox=x='40+70*t':y=300:w=10:h=10:color=white@0.9:t=fill,drawtext=fontfile=$font:text=Headgate:fontcolor=white:fontsize=54:x=(w-tw)/2:y=120+10*sin(2*PI*t/4):shadowx=2:shadowy=2,drawtext=fontfile=$font:text='%{eif\:t\:d}.%{eif\:mod(floor(t*10)\,10)\:d} s':fontcolor=white:fontsize=28:x=(w-tw)/2:y=210" \
  -c:v libx264 -profile:v baseline -preset slow -pix_fmt yuv420p -g 30 -keyint_min 30 -sc_threshold 0 -bf 0 -b:v 450k -maxrate 550k -bufsize 550k \
  -x264-params "repeat-headers=1:slices=1" -bsf:v h264_mp4toannexb -f h264 clip.h264
ffmpeg -hide_banner -loglevel error -y \
  -f lavfi -i "aevalsrc='0.12*sin(2*PI*t*(220*pow(2\,floor(mod(t*2\,8))/8)))*exp(-3*mod(t\,0.5))|0.12*sin(2*PI*t*(330*pow(2\,floor(mod(t*2\,8))/8)))*exp(-3*mod(t\,0.5))':s=48000:d=7.9865" \
  -c:a libopus -b:a 48k -vbr off -ac 2 -frame_duration 20 -f ogg clip.ogg
ls -l clip.h264 clip.ogg
