#!/usr/bin/env python3
"""Makes 3D films out of stereo pairs, a camera panning over one after the other, in each layout and with each way of saying which, and
holds what deep3d-eval says of them against what it says of the same pictures as a folder of pairs. Without pairs it draws one.

    test_film.py DEEP3D_EVAL FOLDER [NAME_left.jpg ...]
"""
import json
import os
import random
import shutil
import subprocess
import sys

WIDTH, HEIGHT = 640, 360
PICTURES, EVERY, STEP_PX = 6, 6, 2  # of each pair; judged; the pan
FIGURES = ("rank", "row", "order", "siou", "ssim")
LOSSLESS = ["-c:v", "ffv1", "-pix_fmt", "bgr0"]
H264 = ["-c:v", "libx264", "-preset", "veryfast", "-qp", "1", "-pix_fmt", "yuv444p"]
HALF = f",scale={WIDTH}:{HEIGHT}:flags=area"
# name: how a picture is made of both eyes; how the film says so; options; how far figures may lie from the pairs': half layouts lose half
# the pixels
FILMS = {
    "another.mkv": ("[l][r]vstack", [*LOSSLESS, "-metadata:s:v", "stereo_mode=left_right"], ["--layout", "top-bottom"], 0.001),
    "stereomode.mkv": ("[l][r]hstack", [*LOSSLESS, "-metadata:s:v", "stereo_mode=left_right"], [], 0.001),
    "right-first.mkv": ("[r][l]vstack", [*LOSSLESS, "-metadata:s:v", "stereo_mode=bottom_top"], [], 0.001),
    "samples.mkv": (f"[l][r]hstack{HALF},setsar=2", [*LOSSLESS, "-metadata:s:v", "stereo_mode=left_right"], [], 0.1),
    "shape.mkv": (f"[l][r]vstack{HALF},setsar=1", [*LOSSLESS, "-metadata:s:v", "stereo_mode=top_bottom"], [], 0.1),
    "packing.ts": (f"[l][r]hstack{HALF},setsar=1", [*H264, "-x264-params", "frame-packing=3"], [], 0.1),
    "st3d.mp4": ("[l][r]vstack", [*H264, "-metadata:s:v", "stereo_mode=top_bottom"], [], 0.02),
}


def ffmpeg(*arguments, data=None):
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], input=data, check=True)


def drawn(folder):
    """A pair: coarse noise, and a board of other noise before it."""
    rng = random.Random(7)
    far, near = ([[rng.randrange(256) for _ in range(200)] for _ in range(60)] for _ in range(2))
    paths = []
    for side, shift in (("left", 0), ("right", 1)):
        rows = [bytes(near[y // 8][(x + 24 * shift) // 6] if 220 <= x + 24 * shift < 460 and 100 <= y < 300 else
                      far[y // 8][(x + 6 * shift) // 6] for x in range(720)) for y in range(400)]
        paths.append(os.path.join(folder, f"drawn_{side}.png"))
        ffmpeg("-f", "rawvideo", "-pix_fmt", "gray", "-s", "720x400", "-i", "-", "-frames:v", "1", paths[-1], data=b"".join(rows))
    return paths[0]


def pan(path):
    """FFmpeg's filter: an eye as the camera sees it, larger than the film, moving right."""
    return (f"[{path}]loop={PICTURES}:1,scale={WIDTH + 40}:{HEIGHT + 40}:force_original_aspect_ratio=increase:flags=bicubic,setsar=1,"
            f"crop={WIDTH}:{HEIGHT}:{STEP_PX}*n:20,format=bgr0,trim=end_frame={PICTURES},setpts=N/24/TB")


def make(folder, lefts):
    """The film of both eyes, side by side without loss, and its judged pictures as pairs."""
    both = os.path.join(folder, "both.mkv")
    inputs, graph = [], ""
    for n, left in enumerate(lefts):
        inputs += ["-i", left, "-i", left.replace("_left.", "_right.")]
        graph += f"{pan(2 * n)}[l{n}];{pan(2 * n + 1)}[r{n}];[l{n}][r{n}]hstack[p{n}];"
    graph += "".join(f"[p{n}]" for n in range(len(lefts))) + f"concat=n={len(lefts)}"
    ffmpeg(*inputs, "-filter_complex", graph, "-r", "24", *LOSSLESS, both)
    pairs = os.path.join(folder, "pairs")
    shutil.rmtree(pairs, ignore_errors=True)  # an earlier run may have judged others
    os.makedirs(pairs)
    for side, x in (("left", 0), ("right", WIDTH)):
        ffmpeg("-i", both, "-vf", f"select='eq(mod(n,{EVERY}),{EVERY - 1})',crop={WIDTH}:{HEIGHT}:{x}:0", "-vsync", "0",
               os.path.join(pairs, f"%03d_{side}.png"))
    return both, pairs


def judge(program, what, *options):
    result = what.rstrip("/") + ".json"
    subprocess.run([program, what, "--json", result, *options], check=True, stdout=subprocess.DEVNULL)
    mean = json.load(open(result))["mean"]
    print(f"{os.path.basename(what):24}", *(f"{name} {mean[name]:.4f}" for name in ("pairs", *FIGURES, "edge")))
    return mean


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    program, folder, lefts = sys.argv[1], sys.argv[2], sys.argv[3:]
    os.makedirs(folder, exist_ok=True)
    lefts = lefts or [drawn(folder)]
    both, pairs = make(folder, lefts)
    expected = judge(program, pairs)
    assert expected["pairs"] >= len(lefts) * PICTURES // EVERY * 2 // 3, "too few pairs can be judged"
    for name, (filters, says, options, tolerance) in FILMS.items():
        film = os.path.join(folder, name)
        eye = f"[0]crop={WIDTH}:{HEIGHT}"
        made = os.path.join(folder, "made.mkv") if name.endswith(".mp4") else film  # only a copy gets an st3d
        ffmpeg("-i", both, "-filter_complex", f"{eye}:0:0[l];{eye}:{WIDTH}:0[r];{filters}", *says, made)
        if made != film:
            ffmpeg("-i", made, "-c", "copy", "-strict", "unofficial", film)
        got = judge(program, film, "--every", str(EVERY), *options)
        assert got["pairs"] == expected["pairs"], f"{name}: {got['pairs']} of {expected['pairs']} pairs"
        for figure in FIGURES:
            assert abs(got[figure] - expected[figure]) <= tolerance, f"{name}: {figure} {got[figure]:.4f}, as pairs {expected[figure]:.4f}"
    subprocess.run([program, both, "--only", "shots"], stdout=subprocess.DEVNULL, check=True)  # it says nothing, so it is flat
    wrong = subprocess.run([program, both, "--layout", "top-bottom", "--every", str(EVERY)], stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, text=True, check=False)
    assert wrong.returncode != 0 and "no stereo pair" in wrong.stderr, "a film in another layout was judged"


if __name__ == "__main__":
    main()
