"""Cut-outs: single people, animals and things that stand clearly before their background in labelled photographs.

A photograph's label is split at several thresholds; of the large near parts the one with the strongest step of disparity
around it is taken, its outline is drawn along the picture's colours (GrabCut), and what changes much by that is given up.
"""
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from .label import fit
from .pack import from_u16

LEAST_AREA, MOST_AREA = 0.06, 0.6  # of the picture
LEAST_STEP = 0.22  # of the picture's disparity range, across the outline
SIDE = 256  # px, of a cut-out's tile
RELIEF_RANGE = 0.7  # of a cut-out's relief in its tile, around 0
LEAST_AGREEMENT = 0.75  # intersection over union of the outline before and after it follows the colours


@dataclass
class Cutout:
    rgb: np.ndarray      # uint8 [H][W][3]
    alpha: np.ndarray    # float32 [H][W], 0..1
    relief: np.ndarray   # float32 [H][W], disparity inside the figure, mean 0, in the photograph's range
    grounded: bool       # its lower end is seen; otherwise the picture's lower edge cut it off


def _near_parts(disparity):
    """Candidate figures, bool [h][w] each: the largest connected part above several thresholds of the disparity, and of
    the disparity above each row's lower third, which leaves the ground away."""
    grey = np.uint8(np.clip(disparity, 0, 1) * 255)
    otsu, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    above = disparity - np.percentile(disparity, 35, axis=1)[:, None]
    for mask in (disparity > otsu / 255, disparity > 0.6, disparity > 0.75, above > 0.15, above > 0.3):
        n, labels, stats, _ = cv2.connectedComponentsWithStats(np.uint8(mask))
        if n > 1:
            yield labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))


def _plausible(mask):
    """Whether a part has the size of a figure and does not run along the picture's sides."""
    return (LEAST_AREA < mask.mean() < MOST_AREA and mask[0].mean() < 0.15 and mask[-1].mean() < 0.85
            and mask[:, 0].mean() < 0.3 and mask[:, -1].mean() < 0.3)


def _ring_step(disparity, mask, reach=4):
    """Mean disparity just inside the outline less just outside, away from the picture's border."""
    kernel = np.ones((2 * reach + 1,) * 2, np.uint8)
    m = np.uint8(mask)
    outer = (cv2.dilate(m, kernel) > 0) & ~mask
    inner = mask & (cv2.erode(m, kernel, borderValue=1) == 0)
    if outer.sum() < 40 or inner.sum() < 40:
        return 0.0
    return float(disparity[inner].mean() - disparity[outer].mean())


def find(rgb, disparity16):
    """The cut-out of a labelled photograph, or None. rgb: uint8 [H][W][3]; disparity16: uint16 [H/2][W/2]."""
    disparity = from_u16(disparity16)
    masks = [m for m in _near_parts(disparity) if _plausible(m)]
    if not masks:
        return None
    step, best = max((_ring_step(disparity, m), i) for i, m in enumerate(masks))
    if step < LEAST_STEP:
        return None
    mask = masks[best]
    half = cv2.resize(rgb, disparity.shape[::-1], interpolation=cv2.INTER_AREA)
    kernel = np.ones((9, 9), np.uint8)
    trimap = np.full(mask.shape, cv2.GC_BGD, np.uint8)
    trimap[cv2.dilate(np.uint8(mask), kernel) > 0] = cv2.GC_PR_BGD
    trimap[mask] = cv2.GC_PR_FGD
    trimap[cv2.erode(np.uint8(mask), kernel, borderValue=1) > 0] = cv2.GC_FGD
    if not (trimap == cv2.GC_BGD).any() or not (trimap == cv2.GC_FGD).any():
        return None
    trimap, _, _ = cv2.grabCut(half, trimap, None, np.zeros((1, 65)), np.zeros((1, 65)), 2, cv2.GC_INIT_WITH_MASK)
    drawn = (trimap == cv2.GC_FGD) | (trimap == cv2.GC_PR_FGD)
    if (drawn & mask).sum() < LEAST_AGREEMENT * (drawn | mask).sum():
        return None
    drawn = cv2.morphologyEx(np.uint8(drawn), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    return _cut(rgb, drawn, disparity)


def along(rgb, mask, disparity16):
    """The cut-out of a labelled photograph along an outline that is known, whatever its disparity; None where hardly anything is in
    it. mask: bool [H/2][W/2], where the figure is; the rest as for find()."""
    return _cut(rgb, mask, from_u16(disparity16))


def _cut(rgb, mask, disparity):
    size = rgb.shape[1::-1]
    alpha = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    alpha = np.clip((cv2.GaussianBlur(alpha, (0, 0), 1.0) - 0.4) * 2.5, 0, 1)  # a little inside, free of background
    relief = cv2.resize(disparity, size, interpolation=cv2.INTER_LINEAR)
    inside = alpha > 0.5
    if inside.sum() < 500:
        return None
    relief = np.where(inside, np.clip(relief - relief[inside].mean(), -0.3, 0.3), 0)
    ys, xs = np.nonzero(inside)
    grounded = ys.max() < rgb.shape[0] - 4
    box = slice(ys.min(), ys.max() + 1), slice(xs.min(), xs.max() + 1)
    return Cutout(rgb[box].copy(), alpha[box].astype(np.float32), relief[box].astype(np.float32), bool(grounded))


def tiles(cuts):
    """Cut-outs in equal squares: (uint8 [N][5][SIDE][SIDE]: RGB, alpha, relief, upper left; float32 [N][2], height and width
    in px of what a square holds; bool [N]: grounded)."""
    squares, sizes = np.zeros((len(cuts), 5, SIDE, SIDE), np.uint8), np.zeros((len(cuts), 2), np.float32)
    squares[:, 4] = 128
    for square, size, cut in zip(squares, sizes, cuts):
        h, w = cut.alpha.shape
        k = SIDE / max(h, w)
        size[:] = max(8, round(h * k)), max(8, round(w * k))
        h, w = (int(s) for s in size)
        method = cv2.INTER_AREA if k < 1 else cv2.INTER_LINEAR
        relief = np.clip(cut.relief / RELIEF_RANGE + 0.5, 0, 1) * 255
        for part, channels in ((cut.rgb, slice(0, 3)), (np.clip(cut.alpha, 0, 1) * 255, 3), (relief, 4)):
            scaled = cv2.resize(part.astype(np.float32), (w, h), interpolation=method)
            square[channels, :h, :w] = np.moveaxis(scaled, 2, 0) if scaled.ndim == 3 else scaled
    return squares, sizes, np.array([c.grounded for c in cuts])


def _outline(path, height, width):
    """Whether each pixel, bool [height][width], belongs to the figure of a file of outlines (white on black)."""
    mask = cv2.imread(str(path), cv2.IMREAD_COLOR)
    return cv2.resize(fit(mask), (width, height), interpolation=cv2.INTER_AREA)[..., 0] > 127


def collect(pack, outlines=None):
    """All cut-outs of a pack. outlines: a folder of files named as its photographs, .png, each white where the figure is;
    a photograph that has one is cut out along it, whatever its disparity."""
    out = []
    for i, name in enumerate(pack.names):
        rgb, disparity16 = np.ascontiguousarray(pack.get("picture", i)), pack.get("disparity", i)
        drawn = outlines and Path(outlines) / (Path(name).stem + ".png")
        if drawn and drawn.exists():
            found = along(rgb, _outline(drawn, *disparity16.shape), disparity16)
        else:
            found = find(rgb, disparity16)
        if found is not None:
            out.append(found)
    return out
