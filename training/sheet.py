"""Contact sheets: pictures beside their disparity maps, for judging by eye.

    python -m training.sheet --model assets/models/deep3d-small.onnx --pictures FOLDER_OR_FILES --out sheet.png

Pictures may be photographs or clips, of which every --seconds-th second is shown.
"""
import argparse
from pathlib import Path

import cv2
import numpy as np

from .evaluate import Onnx

TILE = 240  # px, width of one picture
STRENGTH = 0.03  # of the width, range of the anaglyph's parallax


def colour(disparity, height, width):
    """float 0..1 [h][w] -> BGR uint8, near is bright."""
    grey = cv2.resize(np.clip(disparity, 0, 1).astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return cv2.applyColorMap(np.uint8(grey * 255), cv2.COLORMAP_INFERNO)


def anaglyph(bgr, disparity):
    """Red-cyan picture, STRENGTH of its width from far to near around the screen; both eyes are fetched backwards, so
    outlines are only as good as a quick look needs."""
    height, width = bgr.shape[:2]
    shift = (cv2.resize(disparity.astype(np.float32), (width, height)) - 0.5) * (STRENGTH * width / 2)
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    left, right = (cv2.remap(bgr, x - s, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for s in (shift, -shift))
    return np.dstack((right[..., :2], left[..., 2]))


def row(bgr, maps, glasses=False):
    """One picture, its maps and, if asked for, the anaglyph of the last map, TILE px wide each."""
    height = round(bgr.shape[0] * TILE / bgr.shape[1])
    picture = cv2.resize(bgr, (TILE, height), interpolation=cv2.INTER_AREA)
    tiles = [picture] + [colour(m, height, TILE) for m in maps]
    return np.hstack(tiles + ([anaglyph(picture, maps[-1])] if glasses else []))


def pictures(paths, seconds):
    """BGR pictures of files: each photograph, and of each clip a frame every `seconds`."""
    for path in paths:
        bgr = cv2.imread(str(path)) if path.suffix.lower() in (".jpg", ".jpeg", ".png") else None
        if bgr is not None:
            yield bgr
            continue
        clip = cv2.VideoCapture(str(path))
        step, number = max(1, round((clip.get(cv2.CAP_PROP_FPS) or 25) * seconds)), 0
        while clip.grab():
            if number % step == 0:
                yield clip.retrieve()[1]
            number += 1


def sheet(rows, columns=4):
    """Rows of equal width stacked into columns of about equal height."""
    target = sum(r.shape[0] for r in rows) / columns
    stacks, current = [], []
    for r in rows:
        if current and sum(c.shape[0] for c in current) + r.shape[0] / 2 > target and len(stacks) < columns - 1:
            stacks.append(current)
            current = []
        current.append(r)
    stacks.append(current)
    full = [np.vstack(s) for s in stacks]
    tallest = max(f.shape[0] for f in full)
    full = [np.pad(f, ((0, tallest - f.shape[0]), (0, 6), (0, 0))) for f in full]
    return np.hstack(full)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, nargs="+", help="one or more models, a column of disparity each")
    parser.add_argument("--pictures", nargs="+", required=True, help="files, or a folder of *_left.jpg or *.jpg")
    parser.add_argument("--anaglyph", action="store_true", help="of the last model's disparity")
    parser.add_argument("--seconds", type=float, default=2.0, help="of a clip, from one picture to the next")
    parser.add_argument("--columns", type=int, default=4)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    files = [Path(p) for p in args.pictures]
    if len(files) == 1 and files[0].is_dir():
        files = sorted(files[0].glob("*_left.*")) or sorted(files[0].glob("*.jpg"))
    models = [Onnx(m) for m in args.model]
    rows = []
    for bgr in pictures(files, args.seconds):
        maps = [m(np.ascontiguousarray(bgr[..., ::-1])) for m in models]
        rows.append(row(bgr, maps, args.anaglyph))
    cv2.imwrite(args.out, sheet(rows, args.columns))


if __name__ == "__main__":
    main()
