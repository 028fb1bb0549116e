#!/usr/bin/env python3
"""Makes the films, pictures and broken files that the tests play: make_clips.py FOLDER

Everything comes from FFmpeg's generators and from this file; all is small. FOLDER/clips.json then lists what is there:

  name      file name in FOLDER
  group     "formats", "containers", "shape", "time", "sound", "colour", "image", "damaged" or "bad"
  frames    pictures that a player must decode; missing in "damaged", where nobody can say
  size      [width, height] in pixels as a person sees it: upright, before the sample aspect is applied
  aspect    sample aspect, where it is not 1
  needs     word or words that must stand in the error line ("bad" only)

The network that costs nothing, bright_is_near.onnx, lies beside them.

A clip whose encoder is not in this FFmpeg is left out, and named under "left_out". A second run finds clips.json and
does nothing, unless this file is newer.
"""
import concurrent.futures
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import zlib

import bright_is_near

FRAMES = 6
SIZE = (96, 54)

# The colours of the bars_* clips, left to right, each BAR pixels wide: what a correct player shows, in full-range RGB.
BARS = [(255, 255, 255), (255, 255, 0), (0, 255, 255), (0, 255, 0),
        (255, 0, 255), (255, 0, 0), (0, 0, 255), (0, 0, 0),
        (128, 128, 128), (200, 120, 60), (60, 120, 200), (40, 40, 40)]
BAR = 16
BARS_HEIGHT = 64


class Missing(Exception):
    """This FFmpeg cannot make the clip."""


def ffmpeg(*args, data=None):
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", *[str(a) for a in args]]
    if data is not None:
        command.remove("-nostdin")
    done = subprocess.run(command, input=data, capture_output=True)
    if done.returncode != 0:
        raise Missing(done.stderr.decode(errors="replace").strip().splitlines()[-1:])


def picture(size=SIZE, rate=25, frames=FRAMES):
    """Input arguments for a moving test picture."""
    return ["-f", "lavfi", "-i", f"testsrc2=size={size[0]}x{size[1]}:rate={rate}:duration={frames / rate:.6f}"]


def tone(seconds=FRAMES / 25, rate=48000, layout="stereo", hertz=440):
    channels = {"mono": 1, "stereo": 2, "2.1": 3, "5.0": 5, "5.1": 6, "7.1": 8}[layout]
    wave = "|".join([f"0.1*sin({hertz}*2*PI*t)"] * channels)
    return ["-f", "lavfi", "-i", f"aevalsrc='{wave}':c={layout}:s={rate}:d={seconds:.6f}"]


class Maker:
    def __init__(self, folder):
        self.folder = folder
        self.jobs = []

    def path(self, name):
        return os.path.join(self.folder, name)

    def add(self, group, name, make, frames=FRAMES, size=SIZE, **more):
        row = dict(name=name, group=group, **more)
        if frames is not None:
            row.update(frames=frames, size=list(size))
        self.jobs.append((row, make))

    def add_ffmpeg(self, group, name, *args, **more):
        self.add(group, name, lambda: ffmpeg(*args, self.path(name)), **more)

    def run(self):
        rows, left_out = [], []
        with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            futures = [(row, pool.submit(make)) for row, make in self.jobs]
        for row, future in futures:
            try:
                future.result()
                rows.append(row)
            except Missing as reason:
                left_out.append(f"{row['name']}: {reason}")
        return rows, left_out


def pixel_formats(m):
    lossless = ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le", "yuv420p16le", "gray",
                "gray10le", "bgr0", "bgra", "gbrp10le", "yuva420p", "yuv410p", "yuv411p", "yuv440p"]
    for f in lossless:
        m.add_ffmpeg("formats", f"ffv1_{f}.mkv", *picture(), "-pix_fmt", f, "-c:v", "ffv1")
    raw = ["nv12", "nv21", "p010le", "yuyv422", "uyvy422", "rgb24", "bgr24", "rgba", "argb", "gbrp", "pal8", "rgb565le",
           "rgb48le", "monob", "ya8", "yuvj420p", "yuvj444p", "yuv420p12le", "gray16le", "xyz12le"]
    for f in raw:
        m.add_ffmpeg("formats", f"raw_{f}.nut", *picture(), "-pix_fmt", f, "-c:v", "rawvideo")


def containers(m):
    sound = tone()
    table = [
        ("h264_aac.mp4", ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac"]),
        ("h264_10bit.mp4", ["-c:v", "libx264", "-pix_fmt", "yuv420p10le", "-an"]),
        ("h264_rgb.mkv", ["-c:v", "libx264rgb", "-c:a", "flac"]),
        ("h264_bframes.mov", ["-c:v", "libx264", "-bf", "3", "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le"]),
        ("hevc.mkv", ["-c:v", "libx265", "-x265-params", "log-level=error", "-pix_fmt", "yuv420p", "-c:a", "libopus"]),
        ("hevc_10bit.mp4", ["-c:v", "libx265", "-x265-params", "log-level=error", "-pix_fmt", "yuv420p10le", "-tag:v",
                            "hvc1", "-c:a", "aac"]),
        ("vp8.webm", ["-c:v", "libvpx", "-c:a", "libvorbis"]),
        ("vp9.webm", ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus"]),
        ("mpeg2.ts", ["-c:v", "mpeg2video", "-c:a", "ac3"]),
        ("mpeg2.mpg", ["-c:v", "mpeg2video", "-c:a", "mp2"]),
        ("mpeg4.avi", ["-c:v", "mpeg4", "-c:a", "libmp3lame"]),
        ("theora.ogv", ["-c:v", "libtheora", "-c:a", "libvorbis"]),
        ("mjpeg.avi", ["-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-c:a", "pcm_u8"]),
        ("flv1.flv", ["-c:v", "flv", "-c:a", "libmp3lame", "-ar", "44100"]),
        ("wmv2.asf", ["-c:v", "wmv2", "-c:a", "wmav2"]),
        ("prores.mov", ["-c:v", "prores_ks", "-c:a", "pcm_s24le"]),
        ("utvideo.avi", ["-c:v", "utvideo", "-pix_fmt", "gbrp", "-an"]),
        ("raw.y4m", ["-pix_fmt", "yuv420p", "-an"]),
    ]
    for name, how in table:
        m.add_ffmpeg("containers", name, *picture(), *sound, *how)
    m.add_ffmpeg("containers", "av1.mkv", *picture((128, 72)), *sound, "-c:v", "libsvtav1", "-preset", "12", "-pix_fmt",
                 "yuv420p", "-c:a", "libopus", size=(128, 72))
    m.add_ffmpeg("containers", "name with blanks, 100% & ünïcode.mkv", *picture(), "-c:v", "ffv1")


def set_matrix(path, out, a, b, c, d):
    """Writes an MP4 copy whose track header has the display matrix a b / c d (ISO 14496-12, 8.3.2)."""
    data = bytearray(open(path, "rb").read())
    at = data.index(b"tkhd") + 4 + 40
    data[at:at + 36] = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    open(out, "wb").write(data)


def shapes(m):
    h264 = ["-c:v", "libx264", "-pix_fmt", "yuv420p"]

    def turned(name, *matrix):
        plain = m.path("part_" + name)
        ffmpeg(*picture(), *h264, plain)
        set_matrix(plain, m.path(name), *matrix)
        os.remove(plain)

    across = (SIZE[1], SIZE[0])
    for name, matrix, size in (("rotate_90.mp4", (0, 1, -1, 0), across), ("rotate_180.mp4", (-1, 0, 0, -1), SIZE),
                               ("rotate_270.mp4", (0, -1, 1, 0), across), ("mirror.mp4", (-1, 0, 0, 1), SIZE)):
        m.add("shape", name, lambda n=name, x=matrix: turned(n, *x), size=size)
    m.add_ffmpeg("shape", "aspect_16_11.mp4", *picture(), "-vf", "setsar=16/11", *h264, aspect=[16, 11])
    m.add_ffmpeg("shape", "aspect_3_4.mkv", *picture(), "-vf", "setsar=3/4", "-c:v", "ffv1", aspect=[3, 4])
    odd = [(321, 241, "yuv444p"), (321, 241, "yuv420p"), (321, 241, "yuv422p10le"), (1, 1, "yuv444p"), (1, 1, "bgr0"),
           (2, 2, "yuv420p"), (1, 64, "yuv444p"), (64, 1, "yuv444p"), (3, 5, "yuv420p"), (1920, 2, "yuv444p")]
    for width, height, f in odd:
        m.add_ffmpeg("shape", f"size_{width}x{height}_{f}.mkv", *picture((max(width, 4), max(height, 4))), "-vf",
                     f"scale={width}:{height}:flags=neighbor", "-pix_fmt", f, "-c:v", "ffv1", size=(width, height))
    m.add_ffmpeg("shape", "size_321x241.webm", *picture(), "-vf", "scale=321:241", "-c:v", "libvpx-vp9", "-deadline", "realtime",
                 "-cpu-used", "8", size=(321, 241))
    m.add("damaged", "size_changes.ts", lambda: size_changes(m), frames=None)  # a decoder may lose the seam


def size_changes(m):
    """A stream whose pictures become larger half way: transport streams may simply be joined."""
    with open(m.path("size_changes.ts"), "wb") as out:
        for i, size in enumerate((SIZE, (128, 72))):
            part = m.path(f"part_size_{i}.ts")
            ffmpeg(*picture(size), "-c:v", "mpeg2video", "-output_ts_offset", i * FRAMES / 25, part)
            out.write(open(part, "rb").read())
            os.remove(part)


def times(m):
    vfr = ["-vf", "setpts='(0.02+0.011*N)*N/TB'", "-fps_mode", "vfr"]
    m.add_ffmpeg("time", "variable_rate.mkv", *picture(frames=16), *vfr, "-c:v", "ffv1", frames=16)
    m.add_ffmpeg("time", "starts_late.mkv", *picture(), "-vf", "setpts=PTS+100/TB", "-fps_mode", "vfr", "-copyts",
                 "-c:v", "ffv1")
    m.add_ffmpeg("time", "starts_negative.mkv", *picture(), *tone(), "-output_ts_offset", "-0.06", "-avoid_negative_ts",
                 "disabled", "-c:v", "ffv1", "-c:a", "flac")
    m.add_ffmpeg("time", "ntsc.mp4", "-f", "lavfi", "-i", f"testsrc2=size={SIZE[0]}x{SIZE[1]}:rate=30000/1001",
                 "-frames:v", FRAMES, "-c:v", "libx264", "-pix_fmt", "yuv420p")
    m.add_ffmpeg("time", "one_frame.mp4", *picture(frames=1), "-c:v", "libx264", "-pix_fmt", "yuv420p", frames=1)
    m.add_ffmpeg("time", "fps_120.mkv", *picture(rate=120), "-c:v", "ffv1")
    m.add_ffmpeg("time", "fps_1.mkv", *picture(rate=1, frames=3), "-c:v", "ffv1", frames=3)
    m.add_ffmpeg("time", "interlaced.mpg", *picture(), "-c:v", "mpeg2video", "-flags", "+ilme+ildct")
    # one white picture and one click at each full second: what the A/V tests measure
    for rate in (25, 30):
        flash = f"color=black:size=320x180:rate={rate}:duration=6,drawbox=c=white:t=fill:enable='gte(t,0.5)*lt(mod(t+0.001,1),0.02)'"
        click = "aevalsrc='if(gte(t,0.5)*lt(mod(t,1),0.01),0.8*sin(2000*PI*t),0)':c=mono:s=48000:d=6"
        m.add_ffmpeg("time", f"flash_click_{rate}.mkv", "-f", "lavfi", "-i", flash, "-f", "lavfi", "-i", click, "-c:v",
                     "libx264", "-pix_fmt", "yuv420p", "-preset", "ultrafast", "-c:a", "flac", frames=6 * rate,
                     size=(320, 180), flashes_s=[1, 2, 3, 4, 5])


def sounds(m):
    for name, layout, rate, codec in (("mono", "mono", 48000, "flac"), ("5_1", "5.1", 48000, "flac"),
                                      ("7_1", "7.1", 48000, "flac"), ("2_1", "2.1", 44100, "pcm_s16le"),
                                      ("5_0", "5.0", 22050, "pcm_s32le"), ("8khz", "mono", 8000, "pcm_u8"),
                                      ("96khz", "stereo", 96000, "pcm_f32le"), ("192khz", "mono", 192000, "pcm_f64le")):
        m.add_ffmpeg("sound", f"sound_{name}.mkv", *picture(), *tone(rate=rate, layout=layout), "-c:v", "ffv1", "-c:a",
                     codec)
    m.add_ffmpeg("sound", "sound_longer.mkv", *picture(), *tone(seconds=0.8), "-c:v", "ffv1", "-c:a", "flac")
    m.add_ffmpeg("sound", "sound_shorter.mkv", *picture(frames=12), *tone(seconds=0.1), "-c:v", "ffv1", "-c:a", "flac",
                 frames=12)
    m.add_ffmpeg("sound", "sound_later.mkv", *picture(frames=12), "-itsoffset", "0.2", *tone(), "-map", "0", "-map", "1",
                 "-c:v", "ffv1", "-c:a", "flac", frames=12)
    m.add_ffmpeg("sound", "two_sounds.mkv", *picture(), *tone(), *tone(hertz=880), "-map", "0", "-map", "1", "-map", "2",
                 "-c:v", "ffv1", "-c:a", "flac")


def colours(m):
    """Bars of known colours, as each matrix and range would carry them."""
    row = b"".join(bytes(c) * BAR for c in BARS)
    raw = row * BARS_HEIGHT * 2
    size = (BAR * len(BARS), BARS_HEIGHT)
    source = ["-f", "rawvideo", "-pixel_format", "rgb24", "-video_size", f"{size[0]}x{size[1]}", "-framerate", "25",
              "-i", "-"]
    matrices = {"bt601": ("bt601", "smpte170m"), "bt709": ("bt709", "bt709"), "bt2020": ("bt2020", "bt2020nc")}
    for name, (scaler, tag) in matrices.items():
        for span in ("tv", "pc"):
            for f in ("yuv444p", "yuv420p", "yuv420p10le"):
                file = f"bars_{name}_{span}_{f}.mkv"
                args = [*source, "-vf", f"scale=out_color_matrix={scaler}:out_range={span}:flags=accurate_rnd+"
                        f"full_chroma_int,format={f}", "-c:v", "ffv1", "-colorspace", tag, "-color_range", span,
                        "-color_primaries", "bt2020" if name == "bt2020" else "bt709", "-color_trc", "bt709"]
                m.add("colour", file, lambda a=args, n=file: ffmpeg(*a, m.path(n), data=raw), frames=2, size=size,
                      bars=[list(c) for c in BARS], bar_px=BAR)
    m.add("colour", "bars_rgb.mkv", lambda: ffmpeg(*source, "-c:v", "ffv1", "-pix_fmt", "bgr0", m.path("bars_rgb.mkv"),
                                                   data=raw), frames=2, size=size, bars=[list(c) for c in BARS], bar_px=BAR)
    m.add("colour", "bars.png", lambda: ffmpeg(*source, "-frames:v", "1", m.path("bars.png"), data=raw), frames=1,
          size=size, bars=[list(c) for c in BARS], bar_px=BAR)


def images(m):
    still = ["-frames:v", "1"]
    for name, how in (("still.png", []), ("still.jpg", ["-pix_fmt", "yuvj420p", "-q:v", "2"]), ("still.bmp", []),
                      ("still.tiff", []), ("still.webp", ["-c:v", "libwebp"]), ("still.jxl", ["-c:v", "libjxl"]),
                      ("still.ppm", []), ("still_gray.jpg", ["-pix_fmt", "gray"]), ("still_alpha.png", ["-pix_fmt", "rgba"]),
                      ("still_16bit.png", ["-pix_fmt", "rgb48be"]), ("still_palette.png", ["-pix_fmt", "pal8"])):
        m.add_ffmpeg("image", name, *picture((120, 90)), *how, *still, "-update", "1", frames=1, size=(120, 90))
    m.add_ffmpeg("image", "still_1x1.png", *picture((4, 4)), "-vf", "scale=1:1", *still, "-update", "1", frames=1,
                 size=(1, 1))
    m.add_ffmpeg("image", "animated.gif", *picture(), "-loop", "-1")
    m.add_ffmpeg("image", "animated.png", *picture(), "-f", "apng")


def damaged(m):
    """Broken in the middle: something can be shown, nobody knows how much. No player may crash or hang on them."""
    def cut(source, name, part, **how):
        def make():
            data = open(m.path(source), "rb").read()
            open(m.path(name), "wb").write(data[:int(len(data) * part)])
        return make

    def flip(source, name, share, skip):
        def make():
            data = bytearray(open(m.path(source), "rb").read())
            rng = random.Random(5)
            for _ in range(max(1, int(len(data) * share))):
                data[rng.randrange(skip, len(data))] = rng.randrange(256)
            open(m.path(name), "wb").write(data)
        return make

    later = []
    for name, make in (("cut.mkv", cut("long.mkv", "cut.mkv", 0.6)), ("cut.ts", cut("long.ts", "cut.ts", 0.55)),
                       ("cut_faststart.mp4", cut("long_faststart.mp4", "cut_faststart.mp4", 0.6)),
                       ("flipped.ts", flip("long.ts", "flipped.ts", 0.002, 2000)),
                       ("flipped.mkv", flip("long.mkv", "flipped.mkv", 0.001, 2000)),
                       ("flipped.mp4", flip("long_faststart.mp4", "flipped.mp4", 0.002, 3000)),
                       ("cut.jpg", cut("still.jpg", "cut.jpg", 0.7)), ("cut.png", cut("still.png", "cut.png", 0.7)),
                       ("cut.gif", cut("animated.gif", "cut.gif", 0.6))):
        later.append(("damaged", name, make))
    return later


def long_clips(m):
    both = [*picture(frames=30), *tone(seconds=1.2)]
    h264 = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "5", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    m.add_ffmpeg("containers", "long.mkv", *both, *h264, frames=30)
    m.add_ffmpeg("containers", "long.ts", *both, *h264, frames=30)
    m.add_ffmpeg("containers", "long_faststart.mp4", *both, *h264, "-movflags", "+faststart", frames=30)
    m.add_ffmpeg("containers", "long_moov_last.mp4", *both, *h264, frames=30)
    m.add_ffmpeg("containers", "long_fragmented.mp4", *both, *h264, "-movflags", "+frag_keyframe+empty_moov", frames=30)


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_claiming(width, height):
    """A well-formed PNG of a few bytes that says it is that large."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", head) + png_chunk(b"IDAT", zlib.compress(bytes(1000))) + \
        png_chunk(b"IEND", b"")


def zero_sized_avi(m):
    """An AVI whose stream format says 0 x 0 (BITMAPINFOHEADER, after "strf")."""
    part = m.path("part_zero.avi")
    ffmpeg(*picture(), "-c:v", "rawvideo", "-pix_fmt", "bgr24", part)
    data = bytearray(open(part, "rb").read())
    os.remove(part)
    at = data.index(b"strf") + 8
    data[at + 4:at + 12] = struct.pack("<ii", 0, 0)
    open(m.path("zero_size.avi"), "wb").write(data)


def bad(m):
    """Nothing in them can be played. needs: what the error line must say."""
    rng = random.Random(3)
    files = {
        "empty.mp4": b"",
        "text.mp4": b"This is a text file that calls itself a film.\n" * 40,
        "text.txt": b"Plain text, line %d\n" * 100,
        "garbage.mkv": bytes(rng.randrange(256) for _ in range(20000)),
        "garbage.png": b"\x89PNG\r\n\x1a\n" + bytes(rng.randrange(256) for _ in range(500)),
        "huge.png": png_claiming(100000, 100000),
        "zero.png": png_claiming(0, 0),
        "huge.y4m": b"YUV4MPEG2 W100000 H100000 F25:1 C420\nFRAME\n" + bytes(1000),
        "zero.y4m": b"YUV4MPEG2 W0 H0 F25:1 C420\nFRAME\n",
        "huge.ppm": b"P6\n99999 99999\n255\n" + bytes(300),
        "negative.bmp": b"BM" + struct.pack("<IHHIIiiHHIIiiII", 154, 0, 0, 54, 40, -16, -(1 << 31), 1, 24, 0, 100, 0, 0,
                                            0, 0) + bytes(100),
    }
    for name, data in files.items():
        def make(n=name, d=data):
            with open(m.path(n), "wb") as out:
                out.write(d)
        m.add("bad", name, make, frames=None)
    m.add("bad", "zero_size.avi", lambda: zero_sized_avi(m), frames=None)
    m.add("bad", "directory.mp4", lambda: os.makedirs(m.path("directory.mp4"), exist_ok=True), frames=None)
    for name, codec in (("sound_only.wav", "pcm_s16le"), ("sound_only.mp3", "libmp3lame"), ("sound_only.ogg", "libvorbis"),
                        ("sound_only.mp4", "aac")):
        m.add_ffmpeg("bad", name, *tone(), "-c:a", codec, frames=None)


def bad_from_others(m):
    def cut_moov():
        data = open(m.path("long_moov_last.mp4"), "rb").read()
        open(m.path("cut_moov_last.mp4"), "wb").write(data[:int(len(data) * 0.7)])

    def header_only():
        data = open(m.path("long.mkv"), "rb").read()
        open(m.path("header_only.mkv"), "wb").write(data[:data.index(b"\x1f\x43\xb6\x75")])  # the first cluster's id

    return [("bad", "cut_moov_last.mp4", cut_moov), ("bad", "header_only.mkv", header_only)]


def main(folder):
    index = os.path.join(folder, "clips.json")
    if os.path.exists(index) and os.path.getmtime(index) > os.path.getmtime(__file__):
        return
    if shutil.which("ffmpeg") is None:
        sys.exit("make_clips.py: the program ffmpeg is missing; install the package ffmpeg")
    os.makedirs(folder, exist_ok=True)
    bright_is_near.write(os.path.join(folder, "bright_is_near.onnx"))
    first = Maker(folder)
    for part in (long_clips, pixel_formats, containers, shapes, times, sounds, colours, images, bad):
        part(first)
    rows, left_out = first.run()
    second = Maker(folder)  # made from files of the first
    for group, name, make in damaged(second) + bad_from_others(second):
        second.add(group, name, make, frames=None)
    more, more_left_out = second.run()
    with open(index + ".part", "w") as out:
        json.dump({"clips": rows + more, "left_out": left_out + more_left_out}, out, indent=1)
    os.replace(index + ".part", index)
    for line in left_out + more_left_out:
        print("left out:", line)
    print(f"{len(rows + more)} files in {folder}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: make_clips.py FOLDER")
    main(sys.argv[1])
