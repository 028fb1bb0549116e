"""Labels stereo pairs and 3D films by matching their two eyes and writes a data pack without teacher features, which
holds the right eye too.

Only pixels whose match is the same from left to right and from right to left, and which both eyes see, are trusted;
the rest counts for nothing. Each picture has its own range, as labels are normalised by their percentiles.

    python -m training.pairs --film FILE --layout side-by-side --out WORK/film       (or top-bottom; see also --half, --swap-eyes)
    python -m training.pairs --pairs FOLDER --out WORK/pairs                         (NAME_left.*, NAME_right.*)
"""
import argparse
from pathlib import Path

import cv2
import numpy as np

from . import pack
from .label import fit

SEARCH = 0.14  # of the width, disparities looked for: half of it before, half behind the screen
LEAST_TRUSTED = 0.3  # of the pixels
NARROWEST, WIDEST = 1.22, 2.8  # width / height that an eye of a film has, as in viewer/stereo_input.c
LEAST_CHANGE = 6.0  # mean grey levels, between two frames that are taken from a film


def match(left, right):
    """(disparity in px [H][W] float32, near is large; trusted bool [H][W]) of the left picture, uint8 [H][W][3] both."""
    width = left.shape[1]
    count = max(16, round(SEARCH * width / 16) * 16)
    low, border = -count // 2, count
    matcher = cv2.StereoSGBM_create(low, count, 5, P1=600, P2=2400, disp12MaxDiff=1, uniquenessRatio=8,
                                    speckleWindowSize=80, speckleRange=2, mode=cv2.STEREO_SGBM_MODE_SGBM_3WAY)
    wide = [cv2.copyMakeBorder(v, 0, 0, border, border, cv2.BORDER_REPLICATE) for v in (left, right)]
    disparity = matcher.compute(*wide)[:, border:-border].astype(np.float32) / 16
    x = np.arange(width, dtype=np.float32)
    seen = (x - disparity >= 0) & (x - disparity <= width - 1)
    return disparity, (disparity > low - 0.5) & seen


def labelled(left, right):
    """What a pack's writer takes, as a dict, or None where too little can be matched. left, right: uint8 RGB."""
    left, right = fit(left), fit(right)
    disparity, trusted = match(left, right)
    if trusted.mean() < LEAST_TRUSTED:
        return None
    low, high = np.percentile(disparity[trusted], (2, 98))
    if high - low < 1:
        return None
    disparity = np.where(trusted, (disparity - low) / (high - low), 0.5)
    width = left.shape[1]
    return {"picture": left, "disparity": pack.to_u16(disparity[::2, ::2]),
            "doubt": np.where(trusted, 0, 255).astype(np.uint8)[::2, ::2], "other": right,
            "parallax": (low / width, high / width)}


def is_half(layout, width, height, sample_aspect=0.0):
    """Whether each eye of a packed frame is likely stored with half its pixels, as the player decides it: samples drawn out to
    twice their size say so, else an eye too narrow or too wide for a film. sample_aspect: width / height; 0: unknown."""
    beside = layout == "side-by-side"
    if sample_aspect > 1.6 or 0 < sample_aspect < 0.8:
        return (sample_aspect > 1) == beside
    return width / 2 / height < NARROWEST if beside else width * 2 / height > WIDEST


def split(frame, layout, half):
    """The two eyes of a packed frame, at their true aspect. half: each eye is stored with half its pixels."""
    height, width = frame.shape[:2]
    if layout == "side-by-side":
        eyes = frame[:, :width // 2], frame[:, width // 2:width // 2 * 2]
        size = (width, height) if half else (width // 2, height)
    else:
        eyes = frame[:height // 2], frame[height // 2:height // 2 * 2]
        size = (width, height) if half else (width, height // 2)
    return [cv2.resize(e, size, interpolation=cv2.INTER_LINEAR) for e in eyes]


def film(path, layout, half=None, every=1, swapped=False):
    """Iterates over (left, right) RGB of every `every`-th frame that differs from the one taken before; OSError where the film
    cannot be opened. half: as split() takes it, None: as the shape of an eye says; swapped: the right eye comes first."""
    clip = cv2.VideoCapture(str(path))
    width, height = (int(clip.get(p)) for p in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    if not clip.isOpened() or width < 2 or height < 2:
        raise OSError(f"{path}: cannot be opened as a film")
    if half is None:
        across, down = clip.get(cv2.CAP_PROP_SAR_NUM), clip.get(cv2.CAP_PROP_SAR_DEN)
        half = is_half(layout, width, height, across / down if across > 0 and down > 0 else 0.0)
        print(f"{path}: {width} x {height}, {layout}, taken for {'half' if half else 'full'} size by an eye's shape "
              f"({'--full' if half else '--half'} says otherwise)", flush=True)
    return _frames(clip, layout, half, every, swapped)


def _frames(clip, layout, half, every, swapped):
    number, last = 0, None
    while True:
        good, bgr = clip.read()
        if not good:
            return
        number += 1
        if number % every:
            continue
        small = cv2.resize(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), (64, 36)).astype(np.float32)
        if last is None or np.abs(small - last).mean() > LEAST_CHANGE:
            last = small
            eyes = split(np.ascontiguousarray(bgr[..., ::-1]), layout, half)
            yield eyes[::-1] if swapped else eyes


def folder(path):
    """Yields (left, right) RGB of NAME_left.* and NAME_right.* in a folder."""
    for left in sorted(Path(path).glob("*_left.*")):
        right = left.with_name(left.name.replace("_left.", "_right."))
        if right.exists():
            yield [np.ascontiguousarray(cv2.imread(str(p))[..., ::-1]) for p in (left, right)]


def write(views, out):
    """Writes the pairs that can be matched to a pack; returns how many. Leaves no pack without any, or half of one."""
    writer = pack.Writer(out)
    taken = left_out = 0
    try:
        for left, right in views:
            arrays = labelled(left, right)
            if arrays is None:
                left_out += 1
                continue
            writer.add(str(taken), **arrays)
            taken += 1
    except BaseException:  # Ctrl-C too
        writer.discard()
        raise
    if taken:
        writer.close()
    else:
        writer.discard()
    print(f"{taken} pictures, {left_out} left out because too little of them could be matched", flush=True)
    return taken


def add_film_options(parser):
    parser.add_argument("--film")
    parser.add_argument("--layout", choices=("side-by-side", "top-bottom"), default="side-by-side")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--half", action="store_const", const=True, help="each eye is stored with half its pixels; without --half "
                      "and --full the shape of an eye decides, as in the player")
    size.add_argument("--full", dest="half", action="store_const", const=False, help="each eye is stored with all its pixels")
    parser.add_argument("--swap-eyes", action="store_true", help="the right eye is on the left side, or on top")
    parser.add_argument("--every", type=int, default=24, help="frames of the film from one picture to the next")


def film_of(args):
    """film() as add_film_options has it."""
    return film(args.film, args.layout, args.half, args.every, args.swap_eyes)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_film_options(parser)
    parser.add_argument("--pairs")
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    if bool(args.film) == bool(args.pairs):
        parser.error("give one of --film and --pairs")
    try:
        views = film_of(args) if args.film else folder(args.pairs)
    except OSError as reason:
        parser.error(str(reason))
    if not write(views, args.out):
        parser.error(f"{args.film or args.pairs}: no picture of it could be matched" + ("; is --layout right?" if args.film else ""))


if __name__ == "__main__":
    main()
