#!/bin/sh
# The player for a machine that has none of its libraries: FOLDER/viewer.tar.xz with the program, the simulated headset,
# tests, clips, a font, and the libraries of all of them. Called by rehearse.sh pack-viewer; BUILD names
# a build folder with the player.
#
# Where it is unpacked only glibc, C++'s library and NVIDIA's driver are taken from the system. FFmpeg of a distribution
# links everything it might ever need, 250 MB; what is not in `whole` below goes along as a hollow library: the same
# names and versions, nothing behind them.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
to=$1
build=${BUILD:-$top/build-gpu-viewer}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$to" "$work/viewer/bin" "$work/viewer/lib" "$work/viewer/clips" "$work/viewer/fonts"

# libraries that are used; NVIDIA's Vulkan driver wants X11's and GL's dispatch too
whole="avcodec avformat avfilter avdevice avutil swscale swresample postproc x264 dav1d heif de265 ass uchardet cjson cmocka
    gomp vulkan openxr_loader jsoncpp SDL2 SDL2-2.0 X11 X11-xcb Xext Xau Xdmcp xcb bsd md freetype harfbuzz fribidi
    GL GLX GLdispatch fontconfig unibreak expat glib-2.0 pcre2-8 png16 z bz2 lzma brotlidec brotlicommon protobuf-c gme"
# those of the system there
system="c m pthread dl rt resolv mvec ld-linux-x86-64 stdc++ gcc_s"

# hollow LIBRARY OUT
hollow() {
    script=
    nm -D --defined-only --with-symbol-versions "$1" | awk -v map="$work/map" '
        # C++ is called in none of them, and their copies of std:: would stand before those that are used
        $2 == "A" || $3 ~ /^_Z/ { next }
        {
            n = split($3, part, /@+/)
            print ($2 ~ /[TtWwVvi]/ ? ".text" : ".data")
            if (n == 1) { printf ".globl %s\n%s:\n", $3, $3; next }
            printf ".globl hollow%d\nhollow%d:\n.symver hollow%d, %s\n", NR, NR, NR, $3
            versions[part[2]]
        }
        END {
            printf "" >map
            for (v in versions) { printf "%s { %s };\n", v, first++ ? "" : "local: hollow*;" >map }
            print ".text\nxor %eax, %eax\nret\n.data\n.fill 4096\n.section .note.GNU-stack"
        }' >"$work/hollow.s"
    [ ! -s "$work/map" ] || script=-Wl,--version-script=$work/map
    gcc -shared -nostdlib -s -Wl,-soname,"$(basename "$1")" ${script:-} -o "$2" "$work/hollow.s"
}

cmake -S "$top" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DDNNL_LIBRARY=off \
    -DCMAKE_CUDA_ARCHITECTURES="${ARCH:-90-real}" >/dev/null
programs="viewer/deep3d tests/viewer/test_vk_frames tests/unit/unit_overlay tests/cuda/nvdec/nvdec"
ninja -C "$build" $programs sim_headset
cd "$work/viewer"
(cd "$build" && cp $programs "$work/viewer/bin")
cp "$build/tests/headset/libsim_headset.so" lib
strip -g bin/* lib/*
sed 's|"library_path": ".*"|"library_path": "./lib/libsim_headset.so"|' "$build/tests/headset/sim_headset.json" >sim_headset.json
cp "$(fc-match -f '%{file}' 'DejaVu Sans')" fonts
cat >fonts/fonts.conf <<'XML'
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir prefix="relative">.</dir><cachedir prefix="xdg">fontconfig</cachedir></fontconfig>
XML

ldd bin/* lib/* | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p' | sort -u | while read -r library; do
    name=$(basename "$library") && name=${name#lib} && name=${name%%.so*}
    case " $(echo $system) " in *" $name "*) continue ;; esac
    case " $(echo $whole) " in
    *" $name "*) cp -L "$library" lib ;;
    *) hollow "$library" "lib/$(basename "$library")" ;;
    esac
done

# clip NAME OPTION ...: of the sample, in another codec; made once
clip() {
    name=$1
    shift
    [ -e "$build/clips/$name" ] || ffmpeg -v error -y -ss 2 -i "$top/assets/sample.mp4" "$@" "$build/clips/$name" </dev/null
    cp "$build/clips/$name" clips
}
mkdir -p "$build/clips"
short="-t 3 -an"
x265="-x265-params log-level=error"
clip h264.mp4 $short -c:v libx264 -crf 26
clip h264_10bit.mp4 $short -c:v libx264 -crf 26 -pix_fmt yuv420p10le
clip hevc.mp4 $short -c:v libx265 -crf 28 $x265
clip hevc_10bit.mp4 $short -c:v libx265 -crf 28 -pix_fmt yuv420p10le $x265
clip vp9.webm $short -c:v libvpx-vp9 -crf 36 -b:v 0 -deadline realtime -cpu-used 6
clip av1.mkv $short -c:v libsvtav1 -crf 40 -preset 10
clip film-1080p.mp4 -vf scale=1920:1080 -c:v libx264 -preset veryfast -crf 30
clip film-4k.mp4 -t 6 -an -vf scale=3840:2160 -c:v libx265 -preset ultrafast -crf 32 $x265

cd "$work"
tar cf viewer.tar viewer
xz -T2 --x86 --lzma2=preset=6,dict=64MiB -c viewer.tar >"$to/viewer.tar.xz"
ls -l "$to/viewer.tar.xz"
