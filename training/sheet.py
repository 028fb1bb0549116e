"""Contact sheets: pictures beside their disparity maps, for judging by eye.

    python -m training.sheet --model assets/models/deep3d-small.onnx --pictures FOLDER_OR_FILES --out sheet.png
"""
import argparse
from pathlib import Path

import cv2
import numpy as np

from .evaluate import Onnx

TILE = 240  # px, width of one picture


def colour(disparity, height, width):
    """float 0..1 [h][w] -> BGR uint8, near is bright."""
    grey = cv2.resize(np.clip(disparity, 0, 1).astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return cv2.applyColorMap(np.uint8(grey * 255), cv2.COLORMAP_INFERNO)


def row(bgr, maps):
    """One picture and its maps side by side, TILE px wide each."""
    height = round(bgr.shape[0] * TILE / bgr.shape[1])
    picture = cv2.resize(bgr, (TILE, height), interpolation=cv2.INTER_AREA)
    return np.hstack([picture] + [colour(m, height, TILE) for m in maps])


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
    parser.add_argument("--columns", type=int, default=4)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    files = [Path(p) for p in args.pictures]
    if len(files) == 1 and files[0].is_dir():
        files = sorted(files[0].glob("*_left.*")) or sorted(files[0].glob("*.jpg"))
    models = [Onnx(m) for m in args.model]
    rows = []
    for path in files:
        bgr = cv2.imread(str(path))
        rows.append(row(bgr, [m(np.ascontiguousarray(bgr[..., ::-1])) for m in models]))
    cv2.imwrite(args.out, sheet(rows, args.columns))


if __name__ == "__main__":
    main()
