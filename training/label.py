"""Labels a folder of photographs with a teacher and writes the data pack that training reads.

The teacher's answer is averaged over the picture and its mirror image, its features likewise (which makes them
equivariant to mirroring); where the two answers differ the label is doubted. Photographs whose licence in sources.csv
matches --skip-licence are left out.

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
from .teacher import Teacher

LONG_SIDE = 384  # px, the size that the teacher was made for
LONGEST_ASPECT = 2.2  # wider or taller pictures lose their ends

_teacher = None  # of this worker process


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


def label(teacher, rgb):
    """(disparity [H/2][W/2] float32 0..1, doubt [H/2][W/2] 0..1, list of maps uint8 [C][h][w]) of rgb uint8 [H][W][3]."""
    straight, maps = teacher(rgb)
    mirrored, mirrored_maps = teacher(rgb[:, ::-1])
    mirrored = mirrored[:, ::-1]
    both = [normalise(straight), normalise(mirrored)]
    half = (rgb.shape[1] // 2, rgb.shape[0] // 2)
    a, b = (cv2.resize(d.astype(np.float32), half, interpolation=cv2.INTER_AREA) for d in both)
    maps = [((m.astype(np.uint16) + n[..., ::-1] + 1) // 2).astype(np.uint8) for m, n in zip(maps, mirrored_maps)]
    return normalise((a + b) / 2), np.abs(a - b), maps


def _start(path, log):
    global _teacher
    cv2.setNumThreads(1)
    _teacher = Teacher(path, log=log)


def _work(path):
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        return path.name, None
    rgb = fit(np.ascontiguousarray(bgr[..., ::-1]))
    disparity, doubt, maps = label(_teacher, rgb)
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
    parser.add_argument("--skip-licence", nargs="*", default=["research"])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    paths = wanted(args.photos, args.skip_licence)
    writer, begin = pack.Writer(args.out), time.monotonic()
    with multiprocessing.Pool(args.processes, _start, (args.teacher, not args.disparity_output)) as pool:
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
