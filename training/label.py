"""Labels a folder of photographs with a teacher and writes the data pack that training reads.

The teacher's answer is averaged over the picture and its mirror image at several scales, and over crops, which are fitted
to the whole; its features over the picture and its mirror image (which makes them equivariant to mirroring). Where the
answers differ the label is doubted. --quick asks twice only, for the picture and its mirror image, eight times as fast.
--pupil averages in the answers of networks of ours that learned from the teacher before, each with the teacher's weight: all err
in different places, and their mean is nearer to the truth than any.
Photographs whose licence in sources.csv matches --skip-licence are left out.

    python -m training.label --photos ../shared/train/photos --teacher WORK/teacher.onnx --out WORK/pack
"""
import argparse
import csv
import multiprocessing
import time
from pathlib import Path

import cv2
import numpy as np

from . import pack

LONG_SIDE = 384  # px, the size that the teacher was made for
SCALES = (2 / 3, 5 / 6)  # besides 1
CROP, CROP_SCALE = 0.7, 5 / 6  # of each side; long side that the teacher sees, of LONG_SIDE
FEATHER = 0.1  # of a crop's side over which it fades into the whole
LONGEST_ASPECT = 2.2  # wider or taller pictures lose their ends

_teacher = _quick = _pupils = None  # of this worker process


def fit(rgb):
    """Crops extreme aspects and resizes to about LONG_SIDE in whole cells."""
    height, width = rgb.shape[:2]
    if width > height * LONGEST_ASPECT:
        cut = int(width - height * LONGEST_ASPECT) // 2
        rgb = rgb[:, cut:width - cut]
    elif height > width * LONGEST_ASPECT:
        cut = int(height - width * LONGEST_ASPECT) // 2
        rgb = rgb[cut:height - cut]
    scale = LONG_SIDE / max(rgb.shape[:2])
    height, width = (max(pack.CELL, round(s * scale / pack.CELL) * pack.CELL) for s in rgb.shape[:2])
    shrinks = height * width < rgb.shape[0] * rgb.shape[1]
    return cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def normalise(disparity):
    """Moves the 2nd percentile to 0 and the 98th to 1."""
    low, high = np.percentile(disparity, (2, 98))
    return (disparity - low) / max(high - low, 1e-6)


def _resized(rgb, long_side):
    """rgb at about this long side, in whole cells."""
    scale = long_side / max(rgb.shape[:2])
    height, width = (max(pack.CELL, round(s * scale / pack.CELL) * pack.CELL) for s in rgb.shape[:2])
    return cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)


def _answers(teacher, rgb, size):
    """([disparity [h][w] 0..1 of the picture, of its mirror image turned back], maps averaged over both); size: (w, h)."""
    straight, maps = teacher(rgb)
    mirrored, mirrored_maps = teacher(np.ascontiguousarray(rgb[:, ::-1]))
    both = [cv2.resize(normalise(d).astype(np.float32), size, interpolation=cv2.INTER_AREA)
            for d in (straight, np.ascontiguousarray(mirrored[:, ::-1]))]
    return both, [((m.astype(np.uint16) + n[..., ::-1] + 1) // 2).astype(np.uint8) for m, n in zip(maps, mirrored_maps)]


def _fade(count):
    """0..1..0 over `count` pixels."""
    x = np.arange(1, count + 1, dtype=np.float32)
    return np.minimum(1, np.minimum(x, x[::-1]) / max(1, FEATHER * count))


def with_crops(teacher, rgb, whole):
    """`whole`, the answer for rgb, averaged with those for its four corners after each lost its own scale and shift."""
    height, width = (int(CROP * s) for s in whole.shape)
    total, share = whole.copy(), np.ones_like(whole)
    weight = _fade(height)[:, None] * _fade(width)
    for y in (0, whole.shape[0] - height):
        for x in (0, whole.shape[1] - width):
            part = rgb[2 * y:2 * (y + height), 2 * x:2 * (x + width)]
            answer = np.mean(_answers(teacher, _resized(part, LONG_SIDE * CROP_SCALE), (width, height))[0], 0)
            there = slice(y, y + height), slice(x, x + width)
            slope, shift = np.polyfit(answer.ravel(), whole[there].ravel(), 1)
            total[there] += weight * (max(slope, 0.1) * answer + shift)
            share[there] += weight
    return total / share


def with_pupils(pupils, rgb, disparity):
    """disparity, the teacher's answer for rgb, averaged with the pupils' (of the picture and of its mirror image)."""
    total, mirrored = disparity.copy(), np.ascontiguousarray(rgb[:, ::-1])
    for pupil in pupils:
        both = (normalise(pupil(rgb)) + normalise(pupil(mirrored))[:, ::-1]) / 2
        total += cv2.resize(both.astype(np.float32), disparity.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return total / (1 + len(pupils))


def label(teacher, rgb, quick=False, pupils=()):
    """(disparity [H/2][W/2] float32 0..1, doubt [H/2][W/2] 0..1, list of maps uint8 [C][h][w]) of rgb uint8 [H][W][3]."""
    size = (rgb.shape[1] // 2, rgb.shape[0] // 2)
    answers, maps = _answers(teacher, rgb, size)
    if not quick:
        for scale in SCALES:
            answers += _answers(teacher, _resized(rgb, LONG_SIDE * scale), size)[0]
    mean = np.mean(answers, 0)
    doubt = 2 * np.mean([np.abs(a - mean) for a in answers], 0)  # of two answers their difference
    disparity = normalise(mean if quick else with_crops(teacher, rgb, mean))
    return normalise(with_pupils(pupils, rgb, disparity)) if pupils else disparity, doubt, maps


def _start(path, log, quick, pupils):
    from .evaluate import Onnx  # here, as others want fit() without the graph's libraries
    from .teacher import Teacher

    global _teacher, _quick, _pupils
    cv2.setNumThreads(1)
    _quick = quick
    _teacher = Teacher(path, log=log)
    _pupils = [Onnx(p, threads=1) for p in pupils]


def _work(path):
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        return path.name, None
    rgb = fit(np.ascontiguousarray(bgr[..., ::-1]))
    disparity, doubt, maps = label(_teacher, rgb, _quick, _pupils)
    coarse, fine = (maps + [pack.NO_MAP, pack.NO_MAP])[:2]
    return path.name, (rgb, pack.to_u16(disparity), np.uint8(np.clip(doubt, 0, 1) * 255), coarse, fine)


def wanted(photos, skip_licence):
    """Paths of the photographs whose licence does not begin with one of skip_licence."""
    photos = Path(photos)
    sources = photos / "sources.csv"
    if not sources.exists():
        return sorted(p for p in photos.iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    with open(sources, newline="") as f:
        return [photos / row["file"] for row in csv.DictReader(f) if not row["licence"].startswith(tuple(skip_licence))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", default="../shared/train/photos")
    parser.add_argument("--teacher", required=True)
    parser.add_argument("--disparity-output", action="store_true", help="the teacher gives disparity, not its logarithm")
    parser.add_argument("--quick", action="store_true", help="average over the picture and its mirror image only")
    parser.add_argument("--pupil", nargs="*", default=[], metavar="FILE", help="exported networks of ours whose answers are averaged in")
    parser.add_argument("--skip-licence", nargs="*", default=["research"])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    paths = wanted(args.photos, args.skip_licence)
    writer, begin = pack.Writer(args.out), time.monotonic()
    asked = (args.teacher, not args.disparity_output, args.quick, args.pupil)
    with multiprocessing.Pool(args.processes, _start, asked) as pool:
        for i, (name, arrays) in enumerate(pool.imap(_work, paths, chunksize=4)):
            if arrays is None:
                print(f"{name}: not readable, left out")
                continue
            writer.add(name, *arrays)
            if (i + 1) % 200 == 0:
                print(f"{i + 1}/{len(paths)}, {(i + 1) / (time.monotonic() - begin):.1f} pictures/s", flush=True)
    writer.close()


if __name__ == "__main__":
    main()
