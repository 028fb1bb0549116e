"""Films that show both eyes are shown as they are, in whatever way they say so: test_native.py PLAYER WORK_FOLDER

The left eye is a test picture, the right one its mirror image: the two are easily told apart.
"""
import subprocess
import sys

import player
from test_convert import Bench, Problem, expect, streams

WIDTH, HEIGHT, FRAMES = 160, 90, 5
LOSSLESS = ["-c:v", "ffv1", "-pix_fmt", "yuv444p"]
H264 = ["-c:v", "libx264", "-preset", "ultrafast", "-qp", "1", "-pix_fmt", "yuv444p"]
ROUGH = 3.0  # steps of 255 on the mean that codecs and YUV may cost; the other eye is 30 and more away
HALF = f",scale={WIDTH}:{HEIGHT}"
BESIDE, ABOVE = "[l][r]hstack", "[l][r]vstack"
# name: how a picture is made of both eyes, how it is coded, options, the size of an eye
FILMS = {
    "said.mkv": (BESIDE, [*LOSSLESS, "-metadata:s:v", "stereo_mode=left_right"], [], (WIDTH, HEIGHT)),
    "right.mkv": ("[r][l]vstack", [*LOSSLESS, "-metadata:s:v", "stereo_mode=bottom_top"], [], (WIDTH, HEIGHT)),
    "said.mp4": (ABOVE, [*H264, "-metadata:s:v", "stereo_mode=top_bottom"], [], (WIDTH, HEIGHT)),
    "packing.ts": (BESIDE + HALF, [*H264, "-x264-params", "frame-packing=3"], [], (WIDTH // 2, HEIGHT)),
    "samples.mkv": (BESIDE + HALF + ",setsar=2", [*LOSSLESS, "-metadata:s:v", "stereo_mode=left_right"], [], (WIDTH // 2, HEIGHT)),
    "A Film (3D, half OU).mkv": (ABOVE + HALF, LOSSLESS, [], (WIDTH, HEIGHT // 2)),
    "named.sbs.mkv": (BESIDE, LOSSLESS, [], (WIDTH, HEIGHT)),
    "asked.mkv": (ABOVE + HALF, LOSSLESS, ["--input", "half-tb"], (WIDTH, HEIGHT // 2)),
    "swapped.sbs.mkv": ("[r][l]hstack", LOSSLESS, ["--swap-eyes"], (WIDTH, HEIGHT)),
}


def make(b, name, stack, codec):
    if name.endswith(".mp4"):  # whose writer takes the word from another container
        return b.ffmpeg(name, "-i", make(b, name + ".mkv", stack, codec), "-c", "copy", "-strict", "unofficial")
    return b.ffmpeg(name, "-f", "lavfi", "-i", f"testsrc2=size={WIDTH}x{HEIGHT}:rate=10", "-filter_complex",
                    f"[0]split[l][m];[m]hflip[r];{stack}", "-frames:v", FRAMES, *codec)


def picture(path, *how):
    """The first frame as grey at the eyes' full size."""
    return subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", path, *how, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt",
                           "gray", "-"], capture_output=True, check=True).stdout


def distance(a, b):
    expect("bytes of a picture", (len(a), len(b)), (WIDTH * HEIGHT,) * 2)
    return sum(abs(x - y) for x, y in zip(a, b)) / len(a)


def check_eyes(b, name):
    stack, codec, options, size = FILMS[name]
    film, wanted = make(b, name, stack, codec), []
    for flip in ("null", "hflip"):
        wanted.append(picture(make(b, "eye.mkv", f"[r]nullsink;[l]{flip}", LOSSLESS)))
    b.run(film, "-o", b.path("out.mkv"), "--layout", "pair", "--codec", "ffv1", "--overwrite", *options)
    for eye, which in enumerate(("left", "right")):
        out = b.path(f"out_{which}.mkv")
        found = streams(out)[0]
        expect(f"size of the {which} eye", (found["width"], found["height"]), size)
        expect(f"shape of the {which} eye", found["display_aspect_ratio"], "16:9")
        far = [distance(picture(out, "-vf", f"scale={WIDTH}:{HEIGHT}"), w) for w in wanted]
        limit = ROUGH if size == (WIDTH, HEIGHT) else 4 * ROUGH
        if far[eye] > limit or far[1 - eye] < 2 * limit:
            raise Problem(f"the {which} eye is {far[0]:.1f} from the left one and {far[1]:.1f} from the right one")


def check_player(b):
    """No network is asked, and every picture is shown."""
    film = make(b, "played.hsbs.mkv", BESIDE + HALF, LOSSLESS)
    run = player.Run(b.program, film, "--display", "null")
    problem = player.all_accounted(run, FRAMES)
    if problem:
        raise Problem(problem)
    expect("time in the network", run.get("convert", "network", "ms_p50"), 0)
    if "shows both eyes" not in run.err:
        raise Problem("nothing is said of it: " + run.err)


def check_flat(b):
    """What a person says counts more than the name."""
    film = make(b, "flat.sbs.mkv", BESIDE, LOSSLESS)
    b.run(film, "-o", b.path("flat.mkv"), "--layout", "pair", "--codec", "ffv1", "--overwrite", "--input", "flat")
    expect("width", streams(b.path("flat_left.mkv"))[0]["width"], 2 * WIDTH)


def check_depth(b):
    """What shows depth says that there is none."""
    film = make(b, "deep.sbs.mkv", BESIDE, LOSSLESS)
    b.run(film, "-o", b.path("deep.mkv"), "--layout", "disparity", code=1, says=["--input flat"])
    photo = b.ffmpeg("photo.sbs.png", "-f", "lavfi", "-i", f"testsrc2=size={2 * WIDTH}x{HEIGHT}", "-frames:v", 1)
    b.run(photo, "-o", b.path("photo.gif"), code=1, says=["--input flat"])
    b.run(photo, "-o", b.path("photo.jpg"), "--layout", "pair")
    expect("width", streams(b.path("photo_left.jpg"))[0]["width"], WIDTH)


def check_small(b):
    """Too small to show both eyes, whatever its name."""
    photo = b.ffmpeg("dot.sbs.png", "-f", "lavfi", "-i", "testsrc2=size=16x16,scale=1:1", "-frames:v", 1)
    b.run(photo, "-o", b.path("dot2.png"), "--layout", "pair")
    expect("width", streams(b.path("dot2_left.png"))[0]["width"], 1)


def check_unknown(b):
    film = make(b, "lines.mkv", BESIDE, [*LOSSLESS, "-metadata:s:v", "stereo_mode=row_interleaved_lr"])
    b.run(film, "-o", b.path("lines2.mkv"), "--layout", "pair", "--codec", "ffv1", says=["not read here"])
    expect("width", streams(b.path("lines2_left.mkv"))[0]["width"], 2 * WIDTH)


def main(program, work):
    b = Bench(program, None, work)
    for name in FILMS:
        b.check(name, lambda name=name: check_eyes(b, name))
    for check in (check_player, check_flat, check_depth, check_small, check_unknown):
        b.check(check.__name__, lambda check=check: check(b))
    return b.report.end()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
