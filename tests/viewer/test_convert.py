"""What `deep3d convert` writes: test_convert.py PLAYER CLIPS_FOLDER WORK_FOLDER GROUP ...

Groups: layouts, times, copies, resume, bad; and soak, which takes minutes. ffprobe and mpv (skipped where missing) say what a file is.
"""
import array
import http.server
import json
import os
import pty
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time

import player

FAILED, STOPPED, CUT = 1, 2, 3
MPV = shutil.which("mpv")


class Problem(Exception):
    pass


def expect(what, found, wanted):
    if found != wanted:
        raise Problem(f"{what}: {found}, not {wanted}")


def probe(path, *what):
    done = subprocess.run(["ffprobe", "-v", "error", "-of", "json", *what, path], capture_output=True)
    if done.returncode != 0:
        raise Problem(f"ffprobe cannot read {path}: {done.stderr.decode(errors='replace').strip()}")
    return json.loads(done.stdout)


def streams(path, kind=None):
    return [s for s in probe(path, "-show_streams")["streams"] if kind in (None, s["codec_type"])]


def times_ms(path, kind="v:0"):
    """When each picture is shown, from the container's beginning, in whole ms."""
    report = probe(path, "-select_streams", kind, "-show_entries",
                   "frame=best_effort_timestamp_time:format=start_time", "-show_frames", "-show_format")
    start = float(report["format"].get("start_time") or 0)
    return [round((float(f["best_effort_timestamp_time"]) - start) * 1000) for f in report["frames"]]


def packet_hashes(path, kind):
    done = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", path, "-map", f"0:{kind}", "-c", "copy", "-f",
                           "framemd5", "-"], capture_output=True, text=True)
    return [line.split(",")[5].strip() for line in done.stdout.splitlines() if not line.startswith("#")]


def stereo_in_stream(path, raw):
    """What the pictures themselves say, container aside."""
    bare = f"{path}.{raw}"
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", path, "-map", "0:v:0", "-c", "copy", "-f", raw, bare],
                   check=True)
    said = subprocess.run(["ffmpeg", "-nostdin", "-i", bare, "-frames:v", "1", "-vf", "showinfo", "-f", "null", "-"],
                          capture_output=True, text=True).stderr
    return re.findall(r"(?:stereoscopic information|Stereo 3D).*?type - ([a-z ]+)", said)[:1]


def mpv_says(path):
    """How mpv takes the file: its word for the stereo layout, and the shape of what it shows."""
    done = subprocess.run([MPV, "--no-config", "--vo=null", "--ao=null", "--frames=1",
                           "--term-playing-msg=<${video-params/stereo-in} ${video-params/w}x${video-params/h}>", path],
                          capture_output=True, text=True, timeout=60)
    return done.stdout


class Bench:
    """The program under test and a folder of its own."""

    def __init__(self, program, clips, work):
        self.program, self.clips, self.work = program, clips, work
        self.report = player.Report()
        shutil.rmtree(work, ignore_errors=True)
        os.makedirs(work)

    def clip(self, name):
        return os.path.join(self.clips, name)

    def path(self, name):
        return os.path.join(self.work, name)

    def text(self, name, text):
        with open(self.path(name), "w") as out:
            out.write(text)
        return self.path(name)

    def ffmpeg(self, name, *args):
        subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, args), self.path(name)], check=True)
        return self.path(name)

    def start(self, *args, **more):
        return subprocess.Popen([self.program, "convert", *player.EXTRA, *map(str, args)], env=player.environment(None),
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                **more)

    def run(self, *args, code=0, says=(), **more):
        process = self.start(*args, **more)
        try:
            said, _ = process.communicate(timeout=player.TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Problem("it did not end")
        if player.SANITIZER.search(said):
            raise Problem("a sanitizer found something\n" + said)
        if process.returncode != code:
            raise Problem(f"exit code {process.returncode}, not {code}: {said.strip()}")
        for word in says:
            if word.lower() not in said.lower():
                raise Problem(f"no line says \"{word}\": {said.strip()}")
        return said

    def check(self, name, work):
        try:
            work()
            self.report.note(name, None)
        except (Problem, subprocess.SubprocessError, KeyError, IndexError) as problem:
            self.report.note(name, f"{type(problem).__name__} {problem}")


# --- layouts

# layout: size from an eye's (w, h), ffprobe's word for it, SAR in Matroska, SAR elsewhere, mpv's word
LAYOUTS = {
    "full-sbs": (lambda w, h: (2 * w, h), "side by side", "1:1", "1:1", "sbs2l"),
    "half-sbs": (lambda w, h: (w, h), "side by side", "2:1", "1:1", "sbs2l"),
    "top-bottom": (lambda w, h: (w, 2 * h), "top and bottom", "1:1", "1:1", "ab2l"),
    "half-tb": (lambda w, h: (w, h), "top and bottom", "1:2", "1:1", "ab2l"),
    "anaglyph": (lambda w, h: (w, h), None, "1:1", "1:1", "mono"),
    "frame-packed": (lambda w, h: (w, 2 * h + 8), None, "1:1", "1:1", "mono"),  # gap 180 / 24, rounded up to even
    "pair": (lambda w, h: (w, h), None, "1:1", "1:1", "mono"),
}
FORMATS = [("mkv", "h264"), ("mp4", "h264"), ("mov", "hevc"), ("mkv", "hevc"), ("webm", "av1"), ("mkv", "ffv1")]


def check_layout(b, film, layout, ending, codec):
    size, stereo, matroska, other, word = LAYOUTS[layout]
    out = b.path(f"{layout}_{codec}.{ending}")
    b.run(film, "-o", out, "--layout", layout, "--codec", codec)
    for path in ([out] if layout != "pair" else [out.replace(f".{ending}", f"_{eye}.{ending}") for eye in ("left", "right")]):
        video = streams(path, "video")[0]
        width, height = size(320, 180)
        expect("codec", video["codec_name"], codec)
        expect("size", (video["width"], video["height"]), (width, height))
        expect("sample aspect", video["sample_aspect_ratio"], matroska if ending in ("mkv", "webm") else other)
        found = [d.get("type") for d in video.get("side_data_list", []) if d["side_data_type"] == "Stereo 3D"]
        # QuickTime's own container has no word for it
        expect("stereo mode", found, [stereo] if stereo and ending != "mov" else [])
        expect("pictures", len(times_ms(path)), 30)
        if codec in ("h264", "hevc"):
            expect("frame packing in the stream", stereo_in_stream(path, codec), [stereo] if stereo else [])
        if MPV and ending == "mkv":
            said = mpv_says(path)
            if f"{word} {width}x{height}" not in said:
                raise Problem(f"mpv says {said.strip()!r}, not {word} {width}x{height}")


def layouts(b):
    film = b.ffmpeg("film.mp4", "-i", player.SAMPLE, "-an", "-vf", "fps=25,scale=320:180", "-frames:v", "30", "-c:v", "libx264",
                    "-pix_fmt", "yuv420p")
    for layout in LAYOUTS:
        b.check(f"{layout}.mkv", lambda: check_layout(b, film, layout, "mkv", "h264"))
        b.check(f"{layout}.mp4", lambda: check_layout(b, film, layout, "mp4", "h264"))
    for ending, codec in FORMATS[2:]:
        b.check(f"full-sbs {codec} in {ending}", lambda: check_layout(b, film, "full-sbs", ending, codec))
    b.check("disparity", lambda: check_disparity(b, film))
    b.check("the same eyes side by side and as a pair", lambda: check_same_eyes(b, film))
    if not MPV:
        print("SKIPPED: mpv is not here, so nobody asked it how it takes the files")


def check_disparity(b, film):
    b.run(film, "-o", b.path("disparity.mkv"), "--layout", "disparity")
    video = streams(b.path("disparity.mkv"), "video")[0]
    expect("format", (video["codec_name"], video["pix_fmt"], video["width"], video["height"]), ("ffv1", "gray16le", 320, 180))
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", b.path("disparity.mkv"), "-frames:v", "1", "-f", "rawvideo", "-pix_fmt",
                          "gray16le", "-"], capture_output=True).stdout
    values = {raw[i] | raw[i + 1] << 8 for i in range(0, len(raw), 2)}
    if len(values) < 1000:
        raise Problem(f"{len(values)} different values are no 16-bit picture")


def check_same_eyes(b, film):
    b.run(film, "-o", b.path("eyes.mkv"), "--codec", "ffv1")
    b.run(film, "-o", b.path("eyes2.mkv"), "--codec", "ffv1", "--layout", "pair")
    crop = [subprocess.run(["ffmpeg", "-v", "error", "-i", b.path("eyes.mkv"), "-vf", f"crop=320:180:{x}:0", "-f", "md5", "-"],
                           capture_output=True).stdout for x in (0, 320)]
    eyes = [subprocess.run(["ffmpeg", "-v", "error", "-i", b.path(f"eyes2_{e}.mkv"), "-f", "md5", "-"],
                           capture_output=True).stdout for e in ("left", "right")]
    expect("pictures", eyes, crop)
    if eyes[0] == eyes[1]:
        raise Problem("both eyes see the same")


# --- times, shapes, colours

def check_times(b, name, ending):
    out = b.path(f"{name}.{ending}")
    b.run(b.clip(name), "-o", out)
    expect("times", times_ms(out), times_ms(b.clip(name)))


def check_shape(b, name, size, aspect):
    out = b.path(f"{name}.out.mp4")
    b.run(b.clip(name), "-o", out)
    video = streams(out, "video")[0]
    expect("size and aspect", (video["width"], video["height"], video["sample_aspect_ratio"]), (2 * size[0], size[1], aspect))
    turned = [d for d in video.get("side_data_list", []) if d["side_data_type"] == "Display Matrix"]
    expect("rotation", turned, [])


HDR = ("hdr10=1:repeat-headers=1:log-level=error:max-cll=1000,400:"
       "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)")


def check_hdr(b, codec):
    film = b.ffmpeg("hdr.mkv", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=0.2", "-pix_fmt", "yuv420p10le", "-c:v",
                    "libx265", "-x265-params", HDR, "-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace",
                    "bt2020nc")
    out = b.path(f"hdr_{codec}.mkv")
    b.run(film, "-o", out, "--codec", codec)
    video = streams(out, "video")[0]
    expect("colours", [video.get(k) for k in ("pix_fmt", "color_range", "color_primaries", "color_transfer", "color_space")],
           ["yuv420p10le", "tv", "bt2020", "smpte2084", "bt2020nc"])
    side = {d["side_data_type"]: d for d in probe(out, "-show_streams", "-show_frames", "-select_streams", "v")["streams"][0][
        "side_data_list"]}
    expect("brightest", eval(side["Mastering display metadata"]["max_luminance"]), 1000)
    expect("light level", side["Content light level metadata"]["max_content"], 1000)
    if codec == "hevc":
        frame = probe(out, "-show_frames", "-read_intervals", "%+#1", "-select_streams", "v")["frames"][0]
        kinds = {d["side_data_type"] for d in frame["side_data_list"]}
        if "Mastering display metadata" not in kinds or "Content light level metadata" not in kinds:
            raise Problem(f"the stream itself only has {kinds}")


RAMP = (512, 64)


def ramp(b):
    """Every code of 10 bits, with colour that rises evenly, as an HDR film."""
    width, height = RAMP
    luma = array.array("H", [300 + x * 400 // (width - 1) for _ in range(height) for x in range(width)])
    u = array.array("H", [480 + y for y in range(height // 2) for _ in range(width // 2)])
    v = array.array("H", [448 + x // 2 for _ in range(height // 2) for x in range(width // 2)])
    with open(b.path("ramp.yuv"), "wb") as out:
        out.write((luma + u + v).tobytes() * 5)
    tags = ("-color_range", "tv", "-colorspace", "bt2020nc", "-color_trc", "smpte2084", "-color_primaries", "bt2020")
    return b.ffmpeg("ramp.mkv", "-f", "rawvideo", "-pix_fmt", "yuv420p10le", "-s", f"{width}x{height}", "-r", 25, *tags, "-i",
                    b.path("ramp.yuv"), "-c:v", "ffv1", *tags), [luma, u, v]


def planes(path, pix_fmt):
    """The first picture's planes, as rows; of both eyes side by side, 4:2:0 or full."""
    raw = array.array("H", subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", pix_fmt,
                                           "-"], capture_output=True).stdout)
    width, height = 2 * RAMP[0], RAMP[1]
    found = []
    for i in range(3):
        w, h = (width // 2, height // 2) if i and pix_fmt.startswith("yuv420") else (width, height)
        found.append([raw[y * w:(y + 1) * w] for y in range(h)])
        raw = raw[w * h:]
    return found


def check_ten_bits(b, codec):
    """With no strength a film of 10 bits comes back code for code, but for what the encoder does to it."""
    film, wanted = ramp(b)
    out = b.path(f"ramp_{codec}.mkv")
    b.run(film, "-o", out, "--strength", "0", "--codec", codec, *(() if codec == "ffv1" else ("--crf", "1")))
    video = streams(out, "video")[0]
    expect("transfer and primaries", (video["color_transfer"], video["color_primaries"]), ("smpte2084", "bt2020"))
    expect("format", video["pix_fmt"], {"ffv1": "gbrp12le", "h264": "yuv420p"}.get(codec, "yuv420p10le"))
    found = planes(out, "gbrp12le" if codec == "ffv1" else "yuv420p10le")
    if codec != "h264" and len(set(found[0][0])) <= 256:
        raise Problem(f"{len(set(found[0][0]))} levels are no 10 bits")
    for plane, source in zip(found, wanted) if codec == "hevc" else ():
        width = len(plane[0]) // 2
        for y, row in enumerate(plane):
            line = source[y * width:(y + 1) * width]
            worst = max(abs(row[eye * width + x] - line[x]) for eye in range(2) for x in range(width))
            if worst > 1:
                raise Problem(f"row {y} is {worst} codes away")


def check_colours(b):
    """Bars of known colours come out as they went in, but for what 4:2:0 loses."""
    clip = next(c for c in player.clips(b.clips) if c["name"] == "bars_bt709_tv_yuv444p.mkv")
    out = b.path("bars.mkv")
    b.run(b.clip(clip["name"]), "-o", out, "--strength", "0", "--crf", "1")
    width, height = clip["size"]
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", out, "-frames:v", "1", "-vf", "scale=in_color_matrix=bt709:flags=accurate_rnd",
                          "-pix_fmt", "rgb24", "-f", "rawvideo", "-"], capture_output=True).stdout
    for eye in range(2):
        for i, colour in enumerate(clip["bars"]):
            at = (height // 2 * 2 * width + eye * width + i * clip["bar_px"] + clip["bar_px"] // 2) * 3
            if max(abs(a - c) for a, c in zip(raw[at:at + 3], colour)) > 4:
                raise Problem(f"bar {i} of eye {eye} is {tuple(raw[at:at + 3])}, not {tuple(colour)}")


def times(b):
    for name, ending in (("variable_rate.mkv", "mkv"), ("variable_rate.mkv", "mp4"), ("ntsc.mp4", "mp4"), ("starts_late.mkv", "mkv"),
                         ("starts_negative.mkv", "mkv"), ("long.ts", "mp4"), ("one_frame.mp4", "mp4"), ("fps_120.mkv", "mkv")):
        b.check(f"times of {name} in {ending}", lambda: check_times(b, name, ending))
    b.check("turned", lambda: check_shape(b, "rotate_90.mp4", (54, 96), "1:1"))
    b.check("sample aspect", lambda: check_shape(b, "aspect_16_11.mp4", (96, 54), "16:11"))
    b.check("odd size", lambda: check_shape(b, "size_321x241_yuv420p.mkv", (320, 240), "1:1"))
    b.check("narrow samples", lambda: check_shape(b, "aspect_3_4.mkv", (96, 54), "3:4"))
    for codec in ("hevc", "av1"):
        b.check(f"HDR in {codec}", lambda: check_hdr(b, codec))
    for codec in ("hevc", "av1", "ffv1", "h264"):
        b.check(f"10 bits in {codec}", lambda: check_ten_bits(b, codec))
    b.check("colours", lambda: check_colours(b))


# --- what is copied

SUBTITLES = "1\n00:00:00,200 --> 00:00:00,800\nWords\n\n2\n00:00:00,900 --> 00:00:01,100\nMore words\n"
LATE_CAPTION = "1\n00:00:01,000 --> 00:00:06,000\nWords\n"
CHAPTERS = ";FFMETADATA1\ntitle=A film\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=600\ntitle=One\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=600\nEND=1200\ntitle=Two\n"


def rich_film(b):
    for name, text in (("words.srt", SUBTITLES), ("chapters.txt", CHAPTERS), ("font.ttf", "no font at all")):
        b.text(name, text)
    b.ffmpeg("cover.png", "-f", "lavfi", "-i", "testsrc2=size=64x64", "-frames:v", 1)
    return b.ffmpeg("rich.mkv", "-f", "lavfi", "-i", "testsrc2=size=96x54:rate=25:duration=1.2", "-f", "lavfi", "-i",
                    "sine=440:duration=1.2", "-f", "lavfi", "-i", "sine=660:duration=1.2", "-i", b.path("words.srt"), "-i",
                    b.path("chapters.txt"), "-map", 0, "-map", 1, "-map", 2, "-map", 3, "-map_metadata", 4, "-map_chapters", 4,
                    "-c:v", "libx264", "-bf", 2, "-c:a:0", "aac", "-c:a:1", "libopus", "-c:s", "srt", "-metadata:s:a:0",
                    "language=deu", "-metadata:s:s:0", "language=fra", "-attach", b.path("font.ttf"), "-metadata:s:t:0",
                    "mimetype=application/x-truetype-font", "-attach", b.path("cover.png"), "-metadata:s:t:1",
                    "mimetype=image/png", "-metadata:s:t:1", "filename=cover.png")


def captions(path):
    """What is said, and when, as SubRip."""
    return subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", path, "-map", "0:s:0", "-f", "srt", "-"], capture_output=True,
                          text=True).stdout


def first_times(path):
    packets = probe(path, "-show_packets", "-show_entries", "packet=stream_index,pts_time")["packets"]
    first = {}
    for p in packets:
        first.setdefault(p["stream_index"], float(p.get("pts_time", "nan")))
    return first


def check_copies(b, film, ending):
    out = b.path(f"copied.{ending}")
    said = b.run(film, "-o", out)
    for i in range(2):
        expect(f"packets of sound {i}", packet_hashes(out, f"a:{i}"), packet_hashes(film, f"a:{i}"))
    whole = probe(out, "-show_streams", "-show_chapters", "-show_format")
    expect("chapters", [(c["tags"]["title"], round(float(c["start_time"]), 2)) for c in whole["chapters"]], [("One", 0), ("Two", 0.6)])
    expect("title", {k.lower(): v for k, v in whole["format"]["tags"].items()}.get("title"), "A film")
    expect("language", streams(out, "audio")[0]["tags"]["language"], "deu")
    before, after = first_times(film), first_times(out)
    for i in (1, 2):  # sound against the pictures; a millisecond is Matroska's step
        if abs((after[i] - after[0]) - (before[i] - before[0])) > 0.0015:
            raise Problem(f"sound {i} begins {after[i] - after[0]:.4f} s after the pictures, not {before[i] - before[0]:.4f}")
    if ending == "mkv":
        expect("packets of subtitles", packet_hashes(out, "s:0"), packet_hashes(film, "s:0"))
        expect("attachments", [s["tags"].get("filename") for s in streams(out, "attachment") + [
            s for s in streams(out, "video") if s["disposition"]["attached_pic"]]], ["font.ttf", "cover.png"])
        expect("lines about what is left out", said.count("left out"), 0)
    else:
        expect("captions", captions(out), captions(film))
        expect("lines about what is left out", said.count("left out"), 1)  # the font


def copies(b):
    film = rich_film(b)
    for ending in ("mkv", "mp4"):
        b.check(f"streams in {ending}", lambda: check_copies(b, film, ending))
    b.check("captions from MP4 into Matroska", lambda: check_captions(b))
    b.check("captions that overlap", lambda: check_overlapping_captions(b))
    for codec, ending, kept in (("flac", "mp4", True), ("truehd", "mp4", True), ("flac", "mov", False), ("libopus", "mov", False)):
        b.check(f"{codec} in {ending}", lambda: check_sound(b, codec, ending, kept))
    b.check("a chapter before the film", lambda: check_early_chapter(b))
    b.check("a cover from MP4 into MP4", lambda: check_cover(b))
    b.check("sound that begins later", lambda: check_sync(b, "sound_later.mkv"))
    b.check("sound that lasts longer", lambda: check_sync(b, "sound_longer.mkv"))
    b.check("sound that lasts much longer", lambda: check_whole(b, 50, "longer.mp4", "-f", "lavfi", "-i", "sine=440:duration=5"))
    b.check("captions that last much longer", lambda: check_whole(b, 50, "late.mkv", "-i", b.text("late.srt", LATE_CAPTION)))
    b.check("two video tracks", lambda: check_two_tracks(b))
    b.check("sound that begins late", lambda: check_late_sound(b))
    b.check("slides", lambda: check_whole(b, 4, "slides.mp4", "-r", "1/2", rate="1/2", seconds=8))
    b.check("transport streams joined", lambda: check_joined(b, "a.ts", "b.ts"))
    b.check("transport streams joined, the clock goes back", lambda: check_joined(b, "b.ts", "a.ts"))
    b.check("a pipe", lambda: check_pipe(b))
    b.check("a pipe, stopped", lambda: check_stopped_pipe(b))


def check_captions(b):
    out = b.path("back.mkv")
    b.run(b.path("copied.mp4"), "-o", out)
    expect("captions", captions(out), captions(b.path("rich.mkv")))


def check_overlapping_captions(b):
    words = "1\n00:00:00,200 --> 00:00:00,500\nOne\n\n2\n00:00:00,400 --> 00:00:00,800\nTwo\n"
    film = b.ffmpeg("overlap.mkv", "-f", "lavfi", "-i", "testsrc2=size=96x54:rate=25:duration=1", "-i", b.text("overlap.srt", words),
                    "-c:v", "libx264", "-c:s", "srt")
    out = b.path("overlap.mp4")
    b.run(film, "-o", out)
    expect("their begins", [line.split(" --> ")[0] for line in captions(out).splitlines() if "-->" in line], ["00:00:00,200", "00:00:00,400"])


def check_sound(b, codec, ending, kept):
    """Sound that FFmpeg's tables promise the container, and its muxer may refuse."""
    film = b.ffmpeg(f"{codec}.mkv", "-f", "lavfi", "-i", "testsrc2=size=96x54:rate=25:duration=1", "-f", "lavfi", "-i",
                    "sine=440:duration=1:sample_rate=48000", "-c:v", "libx264", "-c:a", codec, "-ac", 2, "-strict", "-2")
    out = b.path(f"{codec}.{ending}")
    said = b.run(film, "-o", out)
    expect("packets of sound", packet_hashes(out, "a:0"), packet_hashes(film, "a:0") if kept else [])
    before = said.split("all pictures are there")[0]
    expect("lines about what is left out", (before.count("stream 1 (audio"), said.count("left out")), (0, 0) if kept else (1, 1))


def check_early_chapter(b):
    chapters = CHAPTERS.replace("1200", "2500") + "[CHAPTER]\nTIMEBASE=1/1000\nSTART=2500\nEND=3000\ntitle=Three\n"
    film = b.ffmpeg("early.mkv", "-f", "lavfi", "-i", "testsrc2=size=96x54:rate=25:duration=1", "-i", b.text("early.txt", chapters),
                    "-map_metadata", 1, "-c:v", "libx264", "-output_ts_offset", 2)
    out = b.path("early_out.mkv")
    b.run(film, "-o", out)
    expect("chapters", [(c["tags"]["title"], round(float(c["start_time"]), 2)) for c in probe(out, "-show_chapters")["chapters"]],
           [("Two", 0), ("Three", 0.5)])


def check_cover(b):
    film = b.ffmpeg("cover.mp4", "-f", "lavfi", "-i", "testsrc2=size=96x54:rate=25:duration=1", "-i", b.path("cover.png"), "-map", 0,
                    "-map", 1, "-c:v:0", "libx264", "-c:v:1", "png", "-disposition:v:1", "attached_pic")
    out = b.path("cover_out.mp4")
    b.run(film, "-o", out)
    expect("covers", [s["codec_name"] for s in streams(out, "video") if s["disposition"]["attached_pic"]], ["png"])
    expect("the cover", packet_hashes(out, "v:1"), packet_hashes(film, "v:1"))


def check_sync(b, name):
    out = b.path(name)
    b.run(b.clip(name), "-o", out)
    expect("packets of sound", packet_hashes(out, "a:0"), packet_hashes(b.clip(name), "a:0"))
    expect("sound begins", round(first_times(out)[1], 3), round(first_times(b.clip(name))[1], 3))


def check_two_tracks(b):
    """The film is said to be what the larger one is, which is shown."""
    film = b.ffmpeg("two_tracks.mkv", "-f", "lavfi", "-i", "testsrc2=size=96x54:rate=50:duration=2", "-f", "lavfi", "-i",
                    "color=size=192x108:rate=10:duration=2", "-map", 0, "-map", 1, "-c:v", "libx264", "-disposition:v", 0,
                    "-metadata:s:v:0", "title=other", "-metadata:s:v:1", "title=shown")
    out = b.path("two_tracks_out.mkv")
    b.run(film, "-o", out)
    video = streams(out, "video")[0]
    expect("size, title and rate", (video["width"], video["tags"].get("title"), video["r_frame_rate"]), (384, "shown", "10/1"))


def check_late_sound(b):
    """A recording that is silent for longer than FFmpeg looks into it."""
    film = b.ffmpeg("silent_first.ts", "-f", "lavfi", "-i", "testsrc2=size=96x54:rate=25:duration=10", "-itsoffset", 9, "-f", "lavfi",
                    "-i", "sine=440:duration=1", "-c:v", "mpeg2video", "-c:a", "mp2")
    out = b.path("silent_first.mkv")
    said = b.run(film, "-o", out)
    expect("lines about what is left out", said.count("left out"), 0)
    expect("sound", (round(first_times(out)[1]), len(packet_hashes(out, "a:0")) > 30), (9, True))


def check_whole(b, pictures, name, *more, rate=25, seconds=2):
    """A film that is not cut, however long its last picture or its other streams last."""
    film = b.ffmpeg(name, "-f", "lavfi", "-i", f"testsrc2=size=96x54:rate={rate}:duration={seconds}", *more)
    out = b.path("whole_" + name)
    b.run(film, "-o", out)
    expect("pictures", len(times_ms(out)), pictures)


def check_joined(b, *parts):
    """Each part lasts 3 s, and their clocks are 1,000 s apart: sound stays with its pictures."""
    film = b.path("joined.ts")
    with open(film, "wb") as out:
        for part in parts:
            path = b.ffmpeg(part, "-f", "lavfi", "-i", "testsrc2=size=96x54:rate=25:duration=3", "-f", "lavfi", "-i",
                            "sine=440:duration=3", "-c:v", "mpeg2video", "-c:a", "mp2", "-output_ts_offset",
                            1000 if part == "b.ts" else 0)
            with open(path, "rb") as data:
                out.write(data.read())
    out = b.path(f"joined_{parts[0]}.mkv")
    b.run(film, "-o", out)
    expect("pictures", len(times_ms(out)), 150)
    sound = [float(p["pts_time"]) for p in probe(out, "-select_streams", "a", "-show_packets")["packets"]]
    gaps = [after - before for before, after in zip(sound, sound[1:])]
    if len(sound) < 228 or not 5.8 < sound[-1] < 6.2 or max(gaps) > 0.2 or min(gaps) < 0.01:
        raise Problem(f"{len(sound)} packets of sound up to {sound[-1]:.3f} s, {min(gaps):.3f} to {max(gaps):.3f} s apart")


def check_stopped_pipe(b):
    """What came through it until Ctrl-C is a film, also where the encoder is what it waits for."""
    out = b.path("stopped.mkv")
    film = b.ffmpeg("endless.ts", "-f", "lavfi", "-i", "testsrc2=size=96x54:rate=25:duration=40", "-c:v", "mpeg2video")
    process = subprocess.Popen([b.program, "convert", *player.EXTRA, "-", "-o", out, "--codec", "hevc", "--preset", "slower"],
                               env=player.environment(None), stdin=open(film, "rb"), stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
    wait_for_part(process, out + ".part", 1000)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=player.TIMEOUT_S)
    expect(f"exit code ({said.strip()})", process.returncode, 0)
    if not 0 < len(times_ms(out)) < 1000:
        raise Problem(f"{len(times_ms(out))} pictures")


def check_pipe(b):
    out = b.path("pipe.mkv")
    with open(b.clip("long.mkv"), "rb") as film:
        data = film.read()
    process = subprocess.Popen([b.program, "convert", *player.EXTRA, "-", "-o", out], env=player.environment(None),
                               stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    _, said = process.communicate(data, timeout=player.TIMEOUT_S)
    expect("exit code", process.returncode, 0)
    expect("pictures", len(times_ms(out)), 30)
    if b"sound" not in said:
        raise Problem("no line says that the sound is missing")


# --- stopped and taken up again

def wait_for_part(process, part, size):
    for _ in range(2000):
        if os.path.exists(part) and os.path.getsize(part) > size:
            return
        if process.poll() is not None:
            raise Problem(f"it ended with {process.returncode} before it could be stopped: {process.stdout.read()}")
        time.sleep(0.05)
    raise Problem(f"{part} does not grow")


def check_stopped(b, film, number, code, *args, part="long.mkv"):
    out = b.path("long.mkv")
    process = b.start(film, "-o", out, *args)
    wait_for_part(process, b.path(f"{part}.part"), 1000000 if "ffv1" in args else 20000)
    process.send_signal(number)
    said, _ = process.communicate(timeout=player.TIMEOUT_S)
    expect("exit code", process.returncode, code)
    expect("files", sorted(f for f in os.listdir(b.work) if f.startswith("long")), sorted(
        [f"{part}.part"] + (["long_right.mkv.part"] if "left" in part else [])))
    said = b.run(film, "-o", out, *args, says=["going on behind frame"])
    kept = int(said.split("going on behind frame")[1].split()[0])
    if not 0 < kept < 200:
        raise Problem(f"went on behind frame {kept}")
    for name in sorted(f for f in os.listdir(b.work) if f.startswith("long")):
        expect(f"times of {name}", times_ms(b.path(name)), times_ms(film))
        expect(f"sound of {name}", packet_hashes(b.path(name), "a:0"), packet_hashes(film, "a:0"))
        os.remove(b.path(name))


def limit_files(size):
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return limit


def check_full_disk(b, film, size):
    out = b.path("full.mkv")
    said = b.run(film, "-o", out, "--codec", "ffv1", code=STOPPED, says=["cannot write", "goes on from there"],
                 preexec_fn=limit_files(size))
    expect("files", sorted(f for f in os.listdir(b.work) if f.startswith("full")), ["full.mkv.part"])
    held = int(re.search(r"holds (\d+) frames", said)[1])
    behind = re.search(r"going on behind frame (\d+)", b.run(film, "-o", out, "--codec", "ffv1"))
    if behind:  # of pictures that each stand alone only the last is made again
        expect("frames held", held, int(behind[1]) + 1)
    expect("times", times_ms(out), times_ms(film))
    expect("files", sorted(f for f in os.listdir(b.work) if f.startswith("full")), ["full.mkv"])
    os.remove(out)


def files_of(b, name):
    return sorted(f for f in os.listdir(b.work) if f.startswith(name))


def check_half_a_pair(b, film):
    """Neither film is in place until both are made; and whatever a kill leaves, the same command goes on."""
    args = [film, "-o", b.path("half.mkv"), "--codec", "ffv1", "--layout", "pair"]
    parts, films = (["half_left.mkv" + e, "half_right.mkv" + e] for e in (".part", ""))
    os.makedirs(b.path("half_right.mkv.new"))
    b.run(*args, code=STOPPED, says=["half_right.mkv.new", "goes on from there"])
    os.rmdir(b.path("half_right.mkv.new"))
    expect("files", files_of(b, "half"), sorted(parts))
    for part in parts:
        shutil.copy(b.path(part), b.path("kept_" + part))
    b.run(*args)
    expect("files", files_of(b, "half"), films)
    # killed when the first had its name
    os.remove(b.path(films[1]))
    for part in parts:
        shutil.copy(b.path("kept_" + part), b.path(part))
    b.run(*args)
    expect("files", files_of(b, "half"), films)
    for name in films:
        expect(f"times of {name}", times_ms(b.path(name)), times_ms(film))
    # not what the part was to become
    for part in parts:
        shutil.copy(b.path("kept_" + part), b.path(part))
        os.truncate(b.path(part), os.path.getsize(b.path(part)) - 1)
    b.run(*args, code=FAILED, says=["half_left.mkv is there already", "--overwrite"])
    expect("files", files_of(b, "half"), sorted(films + parts))


class Server(http.server.ThreadingHTTPServer):
    """Gives one film; `fails` is what becomes of the reading with this number, and of all that is asked for afterwards."""

    def __init__(self, film, fails=None, number=0):
        super().__init__(("127.0.0.1", 0), Answer)
        with open(film, "rb") as data:
            self.film = data.read()
        self.fails, self.number, self.readings, self.failed = fails, number, 0, False
        threading.Thread(target=self.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server_port}/film.mkv"


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        if server.fails in ("unsaid", "unsaid, cut"):
            self.give_all()
            return
        begin = int(re.match(r"bytes=(\d+)", self.headers.get("Range", "bytes=0"))[1])
        end = len(server.film)
        server.readings += begin == 0
        if server.failed or (server.fails == "refused" and server.readings == server.number):
            server.failed = True
            self.send_error(503)
            return
        if server.fails == "cut" and server.readings == server.number:
            server.failed = True
            end //= 2
        self.send_response(206)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Range", f"bytes {begin}-{len(server.film) - 1}/{len(server.film)}")
        self.send_header("Content-Length", str(len(server.film) - begin))
        self.end_headers()
        try:
            self.wfile.write(server.film[begin:end])
        except ConnectionError:
            pass  # it wanted another place

    def give_all(self):
        """Without a word of how much it is."""
        film = self.server.film
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(film[:len(film) // 2] if self.server.fails == "unsaid, cut" else film)

    def log_message(self, *_):
        pass


def check_unsaid_length(b, film):
    """A server that does not say how long the film is, and hangs up behind it; or in the middle."""
    server = Server(film, "unsaid")
    out = b.path("unsaid.mkv")
    b.run(server.url, "-o", out)
    expect("times", times_ms(out), times_ms(film))
    expect("packets of sound", packet_hashes(out, "a:0"), packet_hashes(film, "a:0"))
    server.fails = "unsaid, cut"
    b.run(server.url, "-o", b.path("unsaid_cut.mkv"), code=CUT, says=["cut short", "incomplete"])
    server.shutdown()


def check_server(b, film, fails):
    """A server that is gone when the sound is read: no film without it, and the same command goes on."""
    server = Server(film)
    b.run(server.url, "-o", b.path("served.mkv"), "--overwrite")
    readings, server.readings = server.readings, 0
    server.fails, server.number = fails, readings  # the last one
    out = b.path(f"{fails}.mkv")
    b.run(server.url, "-o", out, code=STOPPED, says=[server.url, "sound", "goes on from there"])
    expect("files", files_of(b, fails), [f"{fails}.mkv.part"])
    server.fails, server.failed = None, False
    b.run(server.url, "-o", out)
    server.shutdown()
    expect("files", files_of(b, fails), [f"{fails}.mkv"])
    expect("times", times_ms(out), times_ms(film))
    expect("packets of sound", packet_hashes(out, "a:0"), packet_hashes(film, "a:0"))


def check_bar(b, film):
    """On a terminal there is a bar."""
    controller, terminal = pty.openpty()
    process = subprocess.Popen([b.program, "convert", film, "-o", b.path("bar.mkv")], env=player.environment(None), stdout=terminal,
                               stderr=terminal, stdin=subprocess.DEVNULL)
    os.close(terminal)
    said = b""
    try:
        while chunk := os.read(controller, 4096):
            said += chunk
    except OSError:  # the other end is closed
        pass
    expect("exit code", process.wait(), 0)
    if b"frames/s" not in said or b"left" not in said:
        raise Problem(f"no bar: {said!r}")


def resume(b):
    film = b.ffmpeg("film.mkv", "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=8", "-f", "lavfi", "-i",
                    "sine=440:duration=8", "-c:v", "libx264", "-g", 25, "-c:a", "aac")
    short = b.ffmpeg("short.mkv", "-f", "lavfi", "-i", "testsrc2=size=96x54:rate=25:duration=2", "-f", "lavfi", "-i",
                     "sine=440:duration=2", "-c:v", "libx264", "-c:a", "pcm_s16le")
    b.check("Ctrl-C", lambda: check_stopped(b, film, signal.SIGINT, STOPPED))
    b.check("killed", lambda: check_stopped(b, film, signal.SIGKILL, -9, "--codec", "ffv1"))
    b.check("killed, a pair", lambda: check_stopped(b, film, signal.SIGKILL, -9, "--codec", "ffv1", "--layout", "pair",
                                                    part="long_left.mkv"))
    b.check("disk full while encoding", lambda: check_full_disk(b, short, 50000))
    b.check("disk full while the film is made", lambda: check_full_disk(b, short, part_size(b, short)))
    b.check("a damaged part", lambda: check_damaged_part(b, film))
    b.check("half a pair", lambda: check_half_a_pair(b, short))
    for fails in ("cut", "refused"):
        b.check(f"a server that is gone: {fails}", lambda: check_server(b, short, fails))
    b.check("a server that does not say how long the film is", lambda: check_unsaid_length(b, film))
    b.check("a bar", lambda: check_bar(b, short))


def part_size(b, film):
    """Enough for the part, too little for the film with its sound."""
    b.run(film, "-o", b.path("size.mkv"), "--codec", "ffv1")
    return sum(int(p["size"]) for p in probe(b.path("size.mkv"), "-select_streams", "v", "-show_packets")["packets"]) + 20000


def check_damaged_part(b, film):
    out = b.path("damaged.mkv")
    process = b.start(film, "-o", out, "--codec", "ffv1")
    wait_for_part(process, out + ".part", 1000000)
    process.kill()
    process.communicate()
    with open(out + ".part", "r+b") as part:
        part.seek(os.path.getsize(out + ".part") // 2)
        part.write(b"damage")
    b.run(film, "-o", out, "--codec", "ffv1", "--strength", "3", code=FAILED, says=["other options", "--overwrite"])
    b.run(film, "-o", out, "--codec", "ffv1", says=["going on"])
    expect("times", times_ms(out), times_ms(film))


# --- what cannot be

def check_refused(b, name, args, says, code=FAILED):
    before = sorted(os.listdir(b.work))
    b.run(*args, code=code, says=says)
    expect(f"files after {name}", sorted(os.listdir(b.work)), before)


def check_cut(b, name, *how, ending=None):
    film = b.ffmpeg(f"long_{name}", "-f", "lavfi", "-i", "testsrc2=size=96x54:rate=25:duration=4", "-f", "lavfi", "-i",
                    "sine=440:duration=4", "-c:v", "libx264", "-c:a", "aac", *how)
    os.truncate(film, os.path.getsize(film) // 2)
    ending = ending or name.split(".")[1]
    out = b.path(f"cut.{ending}")
    kept = b.path(f"cut.incomplete.{ending}")
    b.run(film, "-o", out, code=CUT, says=[name, "incomplete"])
    if os.path.exists(out):
        raise Problem(f"{out} is there")
    kept_ms = times_ms(kept)
    if not 20 < len(kept_ms) < 80 or kept_ms != times_ms(film)[:len(kept_ms)]:
        raise Problem(f"{len(kept_ms)} pictures were kept: {kept_ms}")
    if not packet_hashes(kept, "a:0"):
        raise Problem("no sound was kept")
    os.remove(kept)
    os.remove(out + ".part")


def check_unknown_length(b):
    """An AVI that was written into a pipe promises years."""
    film = b.ffmpeg("piped.avi", "-f", "lavfi", "-i", "testsrc2=size=96x54:rate=25:duration=2")
    with open(film, "r+b") as data:
        data.seek(data.read(4096).index(b"strh") + 40)  # how many pictures, as FFmpeg then leaves it
        data.write((1 << 30).to_bytes(4, "little"))
    b.run(film, "-o", b.path("piped.mkv"))
    expect("pictures", len(times_ms(b.path("piped.mkv"))), 50)


def bad(b):
    good = b.clip("h264_aac.mp4")
    copy, there = b.path("copy.mp4"), b.path("there.mkv")
    shutil.copy(good, copy)
    shutil.copy(good, there)
    os.link(copy, b.path("hard.mp4"))
    os.symlink(copy, b.path("soft.mp4"))
    os.makedirs(b.path("folder.mkv"))
    out = b.path("out.mkv")
    for name, args, says in (
            ("no output", [good], ["-o"]), ("no film", ["-o", out], ["file"]), ("two films", [good, good, "-o", out], ["one film"]),
            ("missing film", ["/nonexistent.mkv", "-o", out], ["/nonexistent.mkv", "No such file"]),
            ("onto itself", [copy, "-o", copy, "--overwrite"], ["copy.mp4", "another name"]),
            ("onto itself by a link", [copy, "-o", b.path("hard.mp4"), "--overwrite"], ["hard.mp4", "another name"]),
            ("onto itself by a symbolic link", [copy, "-o", b.path("soft.mp4"), "--overwrite"], ["soft.mp4", "another name"]),
            ("onto itself by another path", [copy, "-o", os.path.join(b.work, ".", "copy.mp4"), "--overwrite"], ["another name"]),
            ("what is there", [good, "-o", there], ["there.mkv", "--overwrite"]),
            ("a folder", [good, "-o", b.path("folder.mkv"), "--overwrite"], ["folder.mkv"]),
            ("no such folder", [good, "-o", "/nonexistent/out.mkv"], ["/nonexistent/out.mkv", "No such file"]),
            ("unwritable folder", [good, "-o", "/proc/out.mkv"], ["/proc/out.mkv"]),
            ("unknown codec", [good, "-o", out, "--codec", "h266"], ["h266", "hevc"]),
            ("unknown layout", [good, "-o", out, "--layout", "sbs"], ["sbs", "full-sbs"]),
            ("unknown preset", [good, "-o", out, "--preset", "warp"], ["warp"]),
            ("wrong ending", [good, "-o", b.path("out.xyz")], [".xyz", ".mkv"]),
            ("no ending", [good, "-o", b.path("out")], [".mkv"]), ("a picture", [good, "-o", b.path("out.png")], [".png", ".mkv"]),
            ("sound", [good, "-o", b.path("out.mp3")], [".mp3", "h264"]),
            ("H.264 in WebM", [good, "-o", b.path("out.webm"), "--codec", "h264"], [".webm", "h264"]),
            ("disparity in H.264", [good, "-o", out, "--layout", "disparity", "--codec", "h264"], ["16 bits", "ffv1"]),
            ("too small", [b.clip("size_1x1_yuv444p.mkv"), "-o", out], ["1x1", "too small"]),
            ("too small for the encoder", [b.clip("size_2x2_yuv420p.mkv"), "-o", out, "--codec", "hevc"], ["x265", "4x2"]),
            ("too small for AV1", [b.clip("size_2x2_yuv420p.mkv"), "-o", out, "--codec", "av1"], ["4x2"]),
            ("sound alone", [b.clip("sound_only.mp4"), "-o", out], ["sound_only.mp4", "no pictures"]),
            ("no film at all", [b.clip("text.mp4"), "-o", out], ["text.mp4"]),
            ("no NVENC", [good, "-o", out, "--encoder", "nvenc", "--codec", "ffv1"], ["ffv1", "encoder"]),
            ("a model that is none", [good, "-o", out, "--model", good], ["h264_aac.mp4"]),
            ("an option of the player", [good, "-o", out, "--fullscreen"], ["--fullscreen"]),
            ("-o without a name", [good, "-o"], ["output"])):
        b.check(name, lambda: check_refused(b, name, args, says))
    b.check("overwriting", lambda: b.run(good, "-o", there, "--overwrite"))
    b.check("source cut: Matroska", lambda: check_cut(b, "film.mkv"))
    b.check("source cut: MP4", lambda: check_cut(b, "film.mp4", "-movflags", "+faststart"))
    b.check("source cut: AVI", lambda: check_cut(b, "film.avi", "-c:v", "mpeg4", "-c:a", "mp3", ending="mkv"))
    b.check("an AVI of unknown length", lambda: check_unknown_length(b))
    b.check("damaged but whole", lambda: b.run(b.clip("flipped.ts"), "-o", out))
    b.check("the size changes", lambda: b.run(b.clip("size_changes.ts"), "-o", b.path("sizes.mkv")))


# --- long runs

SOAK_S = 600
FLAT_MB = 8


def resident_mb(process):
    with open(f"/proc/{process.pid}/statm") as text:
        return int(text.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def check_flat(b):
    film = b.ffmpeg("long.mkv", "-f", "lavfi", "-i", f"testsrc2=size=320x180:rate=10:duration={SOAK_S}", "-f", "lavfi", "-i",
                    f"sine=440:duration={SOAK_S}", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac")
    part, samples = b.path("soaked.mkv.part"), []
    process = b.start(film, "-o", b.path("soaked.mkv"))
    while process.poll() is None:
        samples.append((os.path.getsize(part) if os.path.exists(part) else None, resident_mb(process)))
        time.sleep(0.5)
    expect("exit code", process.returncode, 0)
    expect("pictures", len(times_ms(b.path("soaked.mkv"))), SOAK_S * 10)
    converting = [mb for size, mb in samples if size]
    early, late = max(converting[len(converting) // 10:len(converting) // 2]), max(converting[len(converting) // 2:])
    print(f"{SOAK_S} s of film: at most {early:.1f} MB in the first half, {late:.1f} MB in the second, {len(samples)} "
          f"samples")
    if late > early + FLAT_MB:
        raise Problem(f"memory grew from {early:.1f} to {late:.1f} MB")


def soak(b):
    b.check("memory of ten minutes", lambda: check_flat(b))


def main(program, clips, work, groups):
    bench = Bench(program, clips, work)
    for group in groups:
        {"layouts": layouts, "times": times, "copies": copies, "resume": resume, "bad": bad, "soak": soak}[group](bench)
    return bench.report.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]))
