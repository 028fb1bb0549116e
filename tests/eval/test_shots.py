#!/usr/bin/env python3
"""Cuts a labelled film out of two clips or more - hard cuts, fades through black, dissolves, and flashes that are none of these - and
holds what deep3d-eval finds in it against floors; then a fade from black with a logo on it, which depth has to follow.

    test_shots.py DEEP3D_EVAL FOLDER CLIP@SECOND ...     [--transitions N]
"""
import json
import os
import random
import subprocess
import sys

WIDTH, HEIGHT, RATE = 320, 180, 24
PICTURE = WIDTH * HEIGHT * 3 // 2  # bytes, yuv420p
LENGTH = 34  # pictures of a shot
SIZE = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(RATE)]


def ffmpeg(*arguments, data=None):
    return subprocess.run(["ffmpeg", "-v", "error", "-nostdin" if data is None else "-y", *arguments], input=data, check=True,
                          stdout=subprocess.PIPE).stdout


def shot(clip):
    """LENGTH pictures from a place in a clip."""
    path, _, second = clip.rpartition("@")
    raw = ffmpeg("-ss", second, "-i", path, "-vf", f"fps={RATE},scale={WIDTH}:{HEIGHT}", "-frames:v", str(LENGTH), "-f",
                 "rawvideo", "-pix_fmt", "yuv420p", "-")
    return [raw[i:i + PICTURE] for i in range(0, len(raw) - PICTURE + 1, PICTURE)]


def light(picture, factor, offset):
    """A picture with other luma; with factor 0 its colours go as well."""
    luma = bytes(max(0, min(255, round(16 + (v - 16) * factor + offset))) for v in range(256))
    colour = bytes(max(0, min(255, round(128 + (v - 128) * min(factor, 1)))) for v in range(256))
    return picture[:WIDTH * HEIGHT].translate(luma) + picture[WIDTH * HEIGHT:].translate(colour)


def dissolve(folder, old, new):
    paths = [os.path.join(folder, name) for name in ("old.yuv", "new.yuv")]
    for path, pictures in zip(paths, (old, new)):
        with open(path, "wb") as out:
            out.write(b"".join(pictures))
    part = f"((N+1)/{len(old) + 1})"
    raw = ffmpeg(*SIZE, "-i", paths[0], *SIZE, "-i", paths[1], "-filter_complex",
                 f"[0][1]blend=all_expr='A*(1-{part})+B*{part}'", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-")
    return [raw[i:i + PICTURE] for i in range(0, len(raw), PICTURE)]


def flash(rng, pictures):
    """Lights one to three pictures in the middle."""
    first = rng.randrange(12, 18)
    for i in range(first, first + rng.randrange(1, 4)):
        pictures[i] = light(pictures[i], *rng.choice(((1.8, 20), (1, 90), (0.1, 210))))


def film(folder, clips, transitions, rng):
    """Pictures and labels."""
    shots = [shot(c) for c in clips]
    order, pictures, labels = [], [], []
    while len(order) <= transitions:
        order += rng.sample(range(len(shots)), len(shots))
    order = [a for a, b in zip(order, order[1:]) if a != b][:transitions + 1]  # no shot twice in a row
    for n, index in enumerate(order):
        new = list(shots[index])
        if rng.random() < 0.4:
            flash(rng, new)
        kind = rng.choice(("cut", "cut", "fade", "dissolve")) if n else "cut"
        length = rng.randrange(8, 21) // 2 * 2
        if kind == "cut":
            if n:
                labels.append(f"cut {len(pictures)}")
        elif kind == "fade":  # down to black, two black ones, up
            half = length // 2
            first = len(pictures) - half
            for i in range(half):
                pictures[first + i] = light(pictures[first + i], 1 - (i + 1) / half, 0)
                new[i] = light(new[i], i / half, 0)
            new.insert(0, new[0])
            labels.append(f"fade {first} {len(pictures) + half + 1}")
        else:
            first = len(pictures) - length
            pictures[first:] = dissolve(folder, pictures[first:], new[:length])
            new = new[length:]
            labels.append(f"dissolve {first} {len(pictures)}")
        pictures += new
    return pictures, labels


def write(path, pictures):
    ffmpeg(*SIZE, "-i", "-", "-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p", path,
           data=b"".join(pictures))


def logo(picture):
    """Six strokes in the upper left corner."""
    rows = [bytearray(picture[y * WIDTH:(y + 1) * WIDTH]) for y in range(HEIGHT)]
    for row in rows[12:20]:
        for x in range(12, 36, 4):
            row[x:x + 2] = b"\xeb" * 2
    return b"".join(rows) + picture[WIDTH * HEIGHT:]


def check_fade_under_logo(program, folder, clip):
    path, black, rise = os.path.join(folder, "logo.mkv"), 6, 24
    scene = shot(clip)
    write(path, [logo(light(p, min(max(i - black + 1, 0) / rise, 1), 0)) for i, p in enumerate([scene[0]] * black + scene)])
    subprocess.run([program, path, "--json", path + ".json"], check=True)
    result = json.load(open(path + ".json"))
    kinds = [s["kind"] for s in result["shots"]["begin"]]
    assert kinds == ["cut", "fade"], f"a fade from black under a logo is {kinds}"
    assert result["clip"]["lag_pictures"] <= 1, result["clip"]


def main():
    arguments = [a for a in sys.argv[1:] if not a.startswith("--")]
    transitions = int(sys.argv[sys.argv.index("--transitions") + 1]) if "--transitions" in sys.argv else 60
    if "--transitions" in sys.argv:
        arguments.remove(str(transitions))
    if len(arguments) < 4:
        sys.exit(__doc__)
    program, folder, clips = arguments[0], arguments[1], arguments[2:]
    os.makedirs(folder, exist_ok=True)
    pictures, labels = film(folder, clips, transitions, random.Random(5))
    path = os.path.join(folder, "labelled.mkv")
    write(path, pictures)
    with open(path + ".labels", "w") as out:
        out.write("\n".join(labels) + "\n")
    result = os.path.join(folder, "labelled.json")
    subprocess.run([program, path, "--labels", path + ".labels", "--only", "shots", "--json", result], check=True)
    shots = json.load(open(result))["shots"]
    floors = {"cut": (0.95, 0.95), "fade": (0.95, 0.95), "dissolve": (0.75, 0.75)}
    for kind, (precision, recall) in floors.items():
        got = shots[kind]
        assert got["found"] > 0, f"no {kind} at all"
        assert got["precision"] >= precision and got["recall"] >= recall, f"{kind}: {got}"
    check_fade_under_logo(program, folder, clips[0])


if __name__ == "__main__":
    main()
