"""Cut-outs, rendered places and flat pages, made in processes beside a training on the GPU, which fetches them when they are ready.

Everything crosses in files of one folder: labels.npy and index.npy lie there at the beginning; cuts-N.npz and place-N.npz
follow, each complete when it has its name. Nothing here imports PyTorch, whose start takes each process half a minute from a
cold disk.
"""
import argparse
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np

from . import cutouts, pack
from .bundle import Photos
from .label import normalise
from .pages import page
from .scenes import SIZES
from .spaces import render

AT_ONCE = 8  # places in one file
CUTS_AT_ONCE = 192  # cut-outs in one file
CUTS_OF_PLACES = 300  # cut-outs that stand in places, at most

_own = {}  # of this worker process


def _start(bundle, folder, seed):
    cv2.setNumThreads(1)
    os.nice(10)  # the training's own thread comes first
    _own.update(photos=Photos(bundle), labels=np.load(folder / "labels.npy", mmap_mode="r"),
                index=np.load(folder / "index.npy"), folder=folder, seed=seed)


def _find(k):
    """(cutouts.tiles of one, cut-out) of labelled photograph k, or None."""
    i, height, width = (int(v) for v in _own["index"][k])
    label = np.ascontiguousarray(_own["labels"][k, :height // 2, :width // 2])
    rgb, outline = _own["photos"].at(i), _own["photos"].outline(i)
    cut = cutouts.find(rgb, label) if outline is None else cutouts.along(rgb, outline, label)
    return cut and (cutouts.tiles([cut]), cut)


def _read_cuts():
    if "cuts" not in _own:
        _own["cuts"] = pickle.loads((_own["folder"] / "cutouts.pickle").read_bytes())
    return _own["cuts"]


def _render(number):
    """Places of one size, or every other time pages: writes place-NUMBER.npz with picture uint8 [N][H][W][3] and disparity uint16
    [N][H/2][W/2]."""
    rng = np.random.default_rng((_own["seed"], number))
    size, pictures, maps = SIZES[rng.integers(len(SIZES))], [], []
    for _ in range(AT_ONCE):
        if number % 2:
            rgb, disparity = page(rng, *size), np.zeros((size[0] // 2, size[1] // 2), np.float32)
        else:
            rgb, disparity = render(rng, *size, _own["photos"], _read_cuts())
        pictures.append(rgb)
        maps.append(pack.to_u16(normalise(disparity)))
    _write(_own["folder"] / f"place-{number:05d}.npz", lambda f: np.savez(f, picture=pictures, disparity=maps))


def _write(path, save):
    part = path.with_suffix(".part")
    with open(part, "wb") as f:
        save(f)
    part.replace(path)


def _cut(pool, folder, count, over):
    """Looks for cut-outs in all photographs; writes them as they are found. False if there is no more time."""
    cuts, tiles, files = [], [], 0

    def hand_over():
        nonlocal files, tiles
        if tiles:
            arrays = [np.concatenate(a) for a in zip(*tiles)]
            _write(folder / f"cuts-{files:03d}.npz", lambda f: np.savez(f, *arrays))
            files, tiles = files + 1, []

    for found in pool.imap_unordered(_find, range(count), chunksize=4):
        if over():
            return False
        if found is not None:
            tiles.append(found[0])
            cuts.append(found[1])
        if len(tiles) == CUTS_AT_ONCE:
            hand_over()
    hand_over()
    _write(folder / "cutouts.pickle", lambda f: pickle.dump(cuts[:CUTS_OF_PLACES], f))
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--processes", type=int, required=True)
    parser.add_argument("--places", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    args = parser.parse_args()
    end, parent = time.monotonic() + args.seconds, os.getppid()

    def over():
        return time.monotonic() > end or os.getppid() != parent  # a training that was killed wants nothing more

    count = len(np.load(args.folder / "index.npy"))
    context = multiprocessing.get_context("spawn")  # forked after OpenCV has started threads, workers would wait for ever
    with context.Pool(args.processes, _start, (args.bundle, args.folder, args.seed)) as pool:
        if _cut(pool, args.folder, count, over):
            for _ in pool.imap_unordered(_render, range(args.places // AT_ONCE)):
                if over():
                    return


class Scenery:
    """The processes, and what has been fetched. Whoever has made it must call stop().

    folder: empty, of fast storage (/dev/shm); labels: uint16 [N][H/2][W/2] as pack.to_u16 stores disparity, upper left of
    squares; index: [N][3], which photograph, its height and width in px; seconds: after which they may end."""

    def __init__(self, bundle, folder, labels, index, seed, processes, places, seconds):
        self.folder, self.taken = Path(folder), set()
        np.save(self.folder / "labels.npy", labels)
        np.save(self.folder / "index.npy", index)
        values = {"bundle": bundle, "folder": folder, "seed": seed, "processes": processes, "places": places, "seconds": seconds}
        self.process = subprocess.Popen([sys.executable, "-m", "training.scenery", *(f"--{k}={v}" for k, v in values.items())],
                                        process_group=0)

    def _arrays(self, pattern, most):
        new = [p for p in sorted(self.folder.glob(pattern)) if p.name not in self.taken][:most]
        self.taken.update(p.name for p in new)
        for path in new:
            with np.load(path) as z:
                yield list(z.values())
            path.unlink()

    def cuts(self):
        """New cut-outs, at most one file of them, a list of what cutouts.tiles gives."""
        return list(self._arrays("cuts-*.npz", 1))

    def places(self, most=4):
        """New places, at most so many files: list of (uint8 [N][H][W][3], uint16 [N][H/2][W/2])."""
        return list(self._arrays("place-*.npz", most))

    def stop(self):
        """Ends the processes."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


if __name__ == "__main__":
    main()
