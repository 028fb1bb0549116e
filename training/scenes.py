"""Rendered scenes with exact disparity, out of photographs: two generators that write a data pack without features.

*Montages*: one to three cut-outs (people, animals, things) before a labelled photograph, close-ups above all, with exact
outlines, soft shadows and a backdrop out of focus at times. *Rooms and streets*: rays cast against ground, walls, boxes,
columns, balls and standing cut-outs, textured by pieces of photographs, with light from one side, shadows of contact
and haze; disparity is 1 / depth.

    python -m training.scenes --pack WORK/pack --montages 3000 --spaces 700 --out WORK/scenes
"""
import argparse
import multiprocessing
import pickle
from pathlib import Path

import cv2
import numpy as np

from . import cutouts, pack
from .label import normalise
from .spaces import render

SIZES = ((224, 384), (256, 384), (288, 384), (256, 352))  # height, width of a scene, px

_shared = {}  # of this worker process: the pack of photographs, the cut-outs, the seed


def _backdrop(rng, photos, height, width):
    """(rgb, disparity [height][width] 0..1, doubt) of a random photograph's part, resized."""
    i = int(rng.integers(len(photos)))
    rgb, d, doubt = (photos.get(n, i) for n in ("picture", "disparity", "doubt"))
    h, w = rgb.shape[:2]
    k = min(h / height, w / width) * rng.uniform(0.7, 1)
    ch, cw = int(height * k), int(width * k)
    y, x = rng.integers(0, h - ch + 1), rng.integers(0, w - cw + 1)
    box, half = (slice(y, y + ch), slice(x, x + cw)), (slice(y // 2, (y + ch) // 2), slice(x // 2, (x + cw) // 2))
    size = (width, height)
    out = [cv2.resize(rgb[box], size, interpolation=cv2.INTER_LINEAR),
           cv2.resize(pack.from_u16(d[half]), size, interpolation=cv2.INTER_LINEAR),
           cv2.resize(doubt[half], size, interpolation=cv2.INTER_LINEAR)]
    if rng.random() < 0.5:
        out = [a[:, ::-1] for a in out]
    return [np.ascontiguousarray(a) for a in out]


def _place(rng, cut, height, width):
    """The cut-out scaled, mirrored and lit, and its upper left corner: (rgb, alpha, relief, y, x)."""
    h, w = cut.alpha.shape
    scale = height / h * (rng.uniform(0.45, 1.0) if cut.grounded else rng.uniform(0.5, 1.15))
    scale = min(scale, 1.2 * width / w, 2.2)
    size = (max(8, int(w * scale)), max(8, int(h * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    rgb, alpha, relief = (cv2.resize(a, size, interpolation=method) for a in (cut.rgb, cut.alpha, cut.relief))
    if rng.random() < 0.5:
        rgb, alpha, relief = rgb[:, ::-1], alpha[:, ::-1], relief[:, ::-1]
    low = rng.uniform(0.75, 1.02) if cut.grounded else rng.uniform(0.98, 1.15)
    y = int(height * low) - size[1]
    x = int(rng.uniform(-0.25, 1) * width - 0.2 * size[0])
    return rgb, np.clip(alpha, 0, 1), relief, y, int(np.clip(x, -0.5 * size[0], width - 0.5 * size[0]))


def _overlap(y, x, h, w, height, width):
    """Slices of a part at (y, x) in the picture and in itself; None where it lies outside."""
    top, left, bottom, right = max(y, 0), max(x, 0), min(y + h, height), min(x + w, width)
    if bottom - top < 4 or right - left < 4:
        return None
    return ((slice(top, bottom), slice(left, right)), (slice(top - y, bottom - y), slice(left - x, right - x)))


def montage(rng, photos, cuts):
    """(rgb uint8 [H][W][3], disparity float32 [H][W] before normalisation, doubt uint8 [H][W])"""
    height, width = SIZES[rng.integers(len(SIZES))]
    rgb, disparity, doubt = _backdrop(rng, photos, height, width)
    disparity *= rng.uniform(0.25, 0.8)
    if rng.random() < 0.35:
        rgb = cv2.GaussianBlur(rgb, (0, 0), rng.uniform(0.8, 4))
    rgb, depth = rgb.astype(np.float32), 0.0
    for _ in range(rng.choice([1, 1, 2, 2, 3])):
        piece, alpha, relief, y, x = _place(rng, cuts[rng.integers(len(cuts))], height, width)
        where = _overlap(y, x, *alpha.shape, height, width)
        if where is None:
            continue
        there, here = where
        piece, alpha, relief = piece[here].astype(np.float32), alpha[here], relief[here]
        inside = alpha > 0.5
        if inside.sum() < 300:
            continue
        behind = np.percentile(disparity[there][inside], 90)
        depth = max(depth, behind) + rng.uniform(0.06, 0.4)
        if rng.random() < 0.6:  # the light of the place
            tint = (rgb[there].mean((0, 1)) + 20) / (piece[inside].mean(0) + 20)
            piece = piece * tint ** rng.uniform(0.1, 0.6)
        if rng.random() < 0.6:
            shade = np.zeros((height, width), np.float32)
            shade[there] = alpha
            shift = np.float32([[1, 0, rng.normal(0, 8)], [0, 1, rng.normal(3, 4)]])
            shade = cv2.GaussianBlur(cv2.warpAffine(shade, shift, (width, height)), (0, 0), rng.uniform(3, 12))
            rgb *= 1 - rng.uniform(0.1, 0.5) * shade[..., None]
        a = alpha[..., None]
        rgb[there] = rgb[there] * (1 - a) + np.clip(piece, 0, 255) * a
        disparity[there] = np.where(inside, depth + relief * rng.uniform(0.2, 0.5), disparity[there])
        doubt[there] = np.where(inside, 0, doubt[there])
    return np.clip(rgb, 0, 255).astype(np.uint8), disparity, doubt


def _start(photos, cuts, seed):
    cv2.setNumThreads(1)
    _shared.update(photos=pack.Pack(photos), cuts=pickle.loads(Path(cuts).read_bytes()), seed=seed)


def _make(task):
    kind, number = task
    rng = np.random.default_rng((_shared["seed"], kind == "space", number))
    if kind == "montage":
        rgb, disparity, doubt = montage(rng, _shared["photos"], _shared["cuts"])
    else:
        rgb, disparity = render(rng, *SIZES[rng.integers(len(SIZES))], _shared["photos"], _shared["cuts"])
        doubt = np.zeros(disparity.shape, np.uint8)
    # Every second pixel: a mean over an outline would be a depth where nothing is.
    return rgb, pack.to_u16(normalise(disparity[::2, ::2])), doubt[::2, ::2]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", required=True, help="labelled photographs")
    parser.add_argument("--montages", type=int, default=3000)
    parser.add_argument("--spaces", type=int, default=700)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    writer = pack.Writer(args.out)
    cut_file = Path(args.out) / "cutouts.pickle"
    cuts = cutouts.collect(pack.Pack(args.pack))
    cut_file.write_bytes(pickle.dumps(cuts))
    print(f"{len(cuts)} cut-outs", flush=True)
    tasks = [("montage", i) for i in range(args.montages)] + [("space", i) for i in range(args.spaces)]
    # Forked after OpenCV has started its threads, workers would wait for them for ever.
    fresh = multiprocessing.get_context("spawn")
    with fresh.Pool(args.processes, _start, (args.pack, cut_file, args.seed)) as pool:
        for task, arrays in zip(tasks, pool.imap(_make, tasks, chunksize=8)):
            writer.add("%s-%d" % task, *arrays)
    writer.close()


if __name__ == "__main__":
    main()
