#!/bin/sh
# Renders the sample clip and packs it: make.sh DEEP3D_SAMPLE_PROGRAM WORK_FOLDER OUT.mp4
# The lossless pictures stay in the work folder, so that packing alone can be tried again.
set -eu
program=$1 work=$2 out=$3
if [ ! -f "$work/sample.mkv" ]; then
    "$program" pictures "$work/part.mkv"
    mv "$work/part.mkv" "$work/sample.mkv"
fi
"$program" sound "$work/sample.wav"
ffmpeg -v error -y -i "$work/sample.mkv" -i "$work/sample.wav" -map 0:v -map 1:a \
    -vf 'scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int,format=yuv420p' \
    -c:v libx264 -preset slow -crf 24 -maxrate 3M -bufsize 6M -g 60 \
    -color_primaries bt709 -color_trc bt709 -colorspace bt709 -color_range tv \
    -c:a aac -b:a 112k -movflags +faststart -map_metadata -1 -fflags +bitexact -flags +bitexact \
    -metadata title='deep3d sample clip' -metadata copyright='CC0 1.0' "$out"
ls -l "$out"
