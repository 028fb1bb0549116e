"""Rendered scenes with exact disparity, mostly out of photographs: generators that write a data pack without features.

*Montages*: one to three cut-outs (people, animals, things) before a labelled photograph, close-ups above all, with exact
outlines, soft shadows and a backdrop out of focus at times. A part of them has a next frame, in which the camera has
turned and each cut-out has moved, with the exact motion of every pixel. *Rooms and streets*: rays cast against ground, walls, boxes,
columns, balls and standing cut-outs, textured by pieces of photographs, with light from one side, shadows of contact
and haze; disparity is 1 / depth. *Pages*: titles, test cards and screens, which are flat.

    python -m training.scenes --pack WORK/pack --montages 3000 --spaces 700 --pages 300 --out WORK/scenes
"""
import argparse
import multiprocessing
import pickle
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from . import cutouts, pack
from .label import normalise
from .pages import page
from .spaces import render

SIZES = ((224, 384), (256, 384), (288, 384), (256, 352), (352, 288), (384, 256))  # height, width of a scene, px
FIGURE = 1.6  # height by width of a cut-out that is taken for a whole figure: it stands on the ground
FIGURES_FIRST = 0.35  # of the montages begin with one, as photographs with cut-outs show few people as a whole

KINDS = ("montage", "space", "moving", "page")

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


def _is_figure(cut):
    return cut.grounded and cut.alpha.shape[0] > FIGURE * cut.alpha.shape[1]


def _place(rng, cut, height, width):
    """The cut-out scaled, mirrored and lit, and its upper left corner: (rgb, alpha, relief, y, x)."""
    h, w = cut.alpha.shape
    tallest = 1.1 if _is_figure(cut) else 1.0
    scale = height / h * (rng.uniform(0.45, tallest) if cut.grounded else rng.uniform(0.5, 1.15))
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


@dataclass
class Layer:
    """A cut-out as it stands in a montage; y, x: its upper left corner, px."""
    rgb: np.ndarray        # float32 [h][w][3]
    alpha: np.ndarray      # float32 [h][w]
    disparity: np.ndarray  # float32 [h][w]
    y: int
    x: int
    shade: tuple           # (strength, shift y, shift x, blur), strength 0: none


class Canvas:
    """A montage while layers are put on it: rgb float32 [H][W][3], disparity, doubt, and who is seen: 0 the backdrop, k the
    k-th layer, with its motion (y, x) since the frame before in `moves`."""

    def __init__(self, rgb, disparity, doubt, move=(0, 0)):
        self.rgb, self.disparity, self.doubt = rgb, disparity, doubt
        self.who, self.moves = np.zeros(disparity.shape, np.int32), [move]

    def put(self, layer, move=(0, 0)):
        """Adds a layer, moved by (y, x) px; one that lies outside is not seen, but counts."""
        self.moves.append(move)
        where = _overlap(layer.y + move[0], layer.x + move[1], *layer.alpha.shape, *self.disparity.shape)
        if where is None:
            return
        there, here = where
        alpha, inside = layer.alpha[here], layer.alpha[here] > 0.5
        strength, dy, dx, blur = layer.shade
        if strength:
            shade = np.zeros(self.disparity.shape, np.float32)
            shade[there] = alpha
            shade = cv2.warpAffine(shade, np.float32([[1, 0, dx], [0, 1, dy]]), shade.shape[::-1])
            self.rgb *= 1 - strength * cv2.GaussianBlur(shade, (0, 0), blur)[..., None]
        a = alpha[..., None]
        self.rgb[there] = self.rgb[there] * (1 - a) + layer.rgb[here] * a
        for of_all, of_this in ((self.disparity, layer.disparity[here]), (self.doubt, 0), (self.who, len(self.moves) - 1)):
            of_all[there] = np.where(inside, of_this, of_all[there])

    def picture(self):
        return np.clip(self.rgb, 0, 255).astype(np.uint8)

    def flow(self, before):
        """uint16 [H/2][W/2][2] as the pack stores it: where each pixel lies in `before`, the same montage a frame ago."""
        height, width = self.who.shape
        y, x = np.mgrid[0:height:2, 0:width:2]
        who, moves = self.who[::2, ::2], np.array(self.moves)
        y0, x0 = y - moves[who, 0], x - moves[who, 1]
        inside = (y0 >= 0) & (y0 < height) & (x0 >= 0) & (x0 < width)
        seen = inside & (before.who[np.clip(y0, 0, height - 1), np.clip(x0, 0, width - 1)] == who)
        # Labels are at every second pixel, whose cell's middle is one pixel on.
        place = np.stack(((x0 + 1) / width, (y0 + 1) / height), 2)
        return np.where(seen[..., None], pack.to_u16(place), 0).astype(np.uint16)


def _layers(rng, canvas, cuts):
    """Puts one to three random cut-outs on the canvas, each nearer than what it covers; returns them."""
    layers, depth = [], 0.0
    figures = [c for c in cuts if _is_figure(c)] if rng.random() < FIGURES_FIRST else []
    for k in range(rng.choice([1, 1, 2, 2, 3])):
        among = figures if figures and k == 0 else cuts
        piece, alpha, relief, y, x = _place(rng, among[rng.integers(len(among))], *canvas.disparity.shape)
        where = _overlap(y, x, *alpha.shape, *canvas.disparity.shape)
        if where is None:
            continue
        there, here = where
        inside = alpha[here] > 0.5
        if inside.sum() < 300:
            continue
        depth = max(depth, np.percentile(canvas.disparity[there][inside], 90)) + rng.uniform(0.06, 0.4)
        piece = piece.astype(np.float32)
        if rng.random() < 0.6:  # the light of the place
            tint = (canvas.rgb[there].mean((0, 1)) + 20) / (piece[here][inside].mean(0) + 20)
            piece = piece * (tint ** rng.uniform(0.1, 0.6)).astype(np.float32)
        shade = (0, 0, 0, 0)
        if rng.random() < 0.6:
            shade = rng.uniform(0.1, 0.5), rng.normal(3, 4), rng.normal(0, 8), rng.uniform(3, 12)
        layers.append(Layer(np.clip(piece, 0, 255), alpha, depth + relief * rng.uniform(0.2, 0.5), y, x, shade))
        canvas.put(layers[-1])
    return layers


def _canvas(rng, photos):
    """An empty montage: a random photograph's part, out of focus at times."""
    rgb, disparity, doubt = _backdrop(rng, photos, *SIZES[rng.integers(len(SIZES))])
    disparity *= rng.uniform(0.25, 0.8)
    if rng.random() < 0.35:
        rgb = cv2.GaussianBlur(rgb, (0, 0), rng.uniform(0.8, 4))
    return Canvas(rgb.astype(np.float32), disparity, doubt)


def montage(rng, photos, cuts):
    """(rgb uint8 [H][W][3], disparity float32 [H][W] before normalisation, doubt uint8 [H][W])"""
    canvas = _canvas(rng, photos)
    _layers(rng, canvas, cuts)
    return canvas.picture(), canvas.disparity, canvas.doubt


def moving_montage(rng, photos, cuts):
    """As montage, and the next frame: (rgb, disparity, doubt, next rgb, flow uint16 [H/2][W/2][2])."""
    now = _canvas(rng, photos)
    turn = np.round(rng.normal(0, 4, 2)).astype(int)
    shift = np.float32([[1, 0, turn[1]], [0, 1, turn[0]]])
    then = Canvas(*(cv2.warpAffine(m, shift, m.shape[1::-1], borderMode=cv2.BORDER_REFLECT)
                    for m in (now.rgb, now.disparity, now.doubt)), tuple(turn))
    for layer in _layers(rng, now, cuts):
        then.put(layer, tuple(turn + np.round(rng.normal(0, 5, 2)).astype(int)))
    return now.picture(), now.disparity, now.doubt, then.picture(), then.flow(now)


def _start(photos, cuts, seed):
    cv2.setNumThreads(1)
    _shared.update(photos=pack.Packs(photos), cuts=pickle.loads(Path(cuts).read_bytes()), seed=seed)


def _make(task):
    kind, number = task
    rng = np.random.default_rng((_shared["seed"], KINDS.index(kind), number))
    motion = {}
    if kind == "montage":
        rgb, disparity, doubt = montage(rng, _shared["photos"], _shared["cuts"])
    elif kind == "moving":
        rgb, disparity, doubt, motion["following"], motion["flow"] = moving_montage(rng, _shared["photos"], _shared["cuts"])
    elif kind == "page":
        rgb = page(rng, *SIZES[rng.integers(len(SIZES))])
        disparity = np.zeros((rgb.shape[0] // 2, rgb.shape[1] // 2), np.float32)
    else:
        rgb, disparity = render(rng, *SIZES[rng.integers(len(SIZES))], _shared["photos"], _shared["cuts"])
    if kind in ("montage", "moving"):
        # Every second pixel: a mean over an outline would be a depth where nothing is.
        disparity, doubt = disparity[::2, ::2], doubt[::2, ::2]
    else:
        doubt = np.zeros(disparity.shape, np.uint8)
    return {"picture": rgb, "disparity": pack.to_u16(normalise(disparity)), "doubt": doubt, **motion}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", nargs="+", required=True, help="labelled photographs")
    parser.add_argument("--outlines", metavar="FOLDER", help="exact outlines of figures in some of them, PHOTOGRAPH.png")
    parser.add_argument("--montages", type=int, default=3000)
    parser.add_argument("--moving", type=int, default=0, help="montages with a next frame")
    parser.add_argument("--spaces", type=int, default=700)
    parser.add_argument("--pages", type=int, default=0, help="flat pictures: titles, test cards, charts, screens")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    writer = pack.Writer(args.out)
    cut_file = Path(args.out) / "cutouts.pickle"
    cuts = cutouts.collect(pack.Packs(args.pack), args.outlines)
    cut_file.write_bytes(pickle.dumps(cuts))
    print(f"{len(cuts)} cut-outs", flush=True)
    counts = (args.montages, args.spaces, args.moving, args.pages)
    tasks = [(kind, i) for kind, count in zip(KINDS, counts) for i in range(count)]
    # Forked after OpenCV has started its threads, workers would wait for them for ever.
    fresh = multiprocessing.get_context("spawn")
    with fresh.Pool(args.processes, _start, (args.pack, cut_file, args.seed)) as pool:
        for task, arrays in zip(tasks, pool.imap(_make, tasks, chunksize=8)):
            writer.add("%s-%d" % task, **arrays)
    writer.close()


if __name__ == "__main__":
    main()
