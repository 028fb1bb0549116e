"""Cut-outs and rendered places, made in processes beside a training on the GPU, which fetches them when they are ready.

Everything crosses in files of one folder: the training leaves labels.npy and sizes.npy there, this leaves cutouts.pickle and
then one file of places after the other, each complete when it has its name.
"""
import multiprocessing
import os
import pickle
import time
from pathlib import Path

import cv2
import numpy as np

from . import cutouts, pack
from .bundle import Photos
from .label import normalise
from .scenes import SIZES
from .spaces import render

AT_ONCE = 8  # places in one file

_own = {}  # of this worker process


def _start(bundle, folder, seed):
    cv2.setNumThreads(1)
    os.nice(5)  # the training's own thread comes first
    _own.update(photos=Photos(bundle), labels=np.load(Path(folder) / "labels.npy", mmap_mode="r"),
                sizes=np.load(Path(folder) / "sizes.npy"), folder=Path(folder), seed=seed)


def _find(i):
    height, width = (int(s) // 2 for s in _own["sizes"][i])
    return cutouts.find(_own["photos"].at(i), np.ascontiguousarray(_own["labels"][i, :height, :width]))


def _read_cuts():
    if "cuts" not in _own:
        _own["cuts"] = pickle.loads((_own["folder"] / "cutouts.pickle").read_bytes())
    return _own["cuts"]


def _render(number):
    """Places of one size: writes place-NUMBER.npz with picture uint8 [N][H][W][3] and disparity uint16 [N][H/2][W/2]."""
    rng = np.random.default_rng((_own["seed"], number))
    size, pictures, maps = SIZES[rng.integers(len(SIZES))], [], []
    for _ in range(AT_ONCE):
        rgb, disparity = render(rng, *size, _own["photos"], _read_cuts())
        pictures.append(rgb)
        maps.append(pack.to_u16(normalise(disparity[::2, ::2])))
    _write(_own["folder"] / f"place-{number:05d}.npz", lambda f: np.savez(f, picture=pictures, disparity=maps))


def _write(path, save):
    part = path.with_suffix(".part")
    with open(part, "wb") as f:
        save(f)
    part.replace(path)


def _work(bundle, folder, seed, processes, places, end):
    folder, parent = Path(folder), os.getppid()

    def over():
        return time.time() > end or os.getppid() != parent  # a training that was killed wants nothing more

    while not (folder / "sizes.npy").exists():
        if over():
            return
        time.sleep(0.1)
    count = len(np.load(folder / "sizes.npy"))
    context = multiprocessing.get_context("spawn")  # forked after OpenCV has started threads, workers would wait for ever
    with context.Pool(processes, _start, (str(bundle), str(folder), seed)) as pool:
        cuts = []
        for cut in pool.imap_unordered(_find, range(count), chunksize=4):
            if over():
                return
            if cut is not None:
                cuts.append(cut)
        _write(folder / "cutouts.pickle", lambda f: pickle.dump(cuts, f))
        for _ in pool.imap_unordered(_render, range(places // AT_ONCE)):
            if over():
                return


class Scenery:
    """The processes, and what has been fetched. folder: empty, of fast storage (/dev/shm); end: time.time() at which they
    may stop. Whoever has made it must call stop()."""

    def __init__(self, bundle, folder, seed, processes, places, end):
        self.folder, self.taken, self.have_cuts = Path(folder), set(), False
        self.process = multiprocessing.get_context("spawn").Process(
            target=_work, args=(str(bundle), str(folder), seed, processes, places, end))
        self.process.start()

    def give_labels(self, disparity, sizes):
        """disparity: uint16 [N][H/2][W/2] as pack.to_u16 stores it, upper left of squares; sizes: [N][2] px."""
        _write(self.folder / "labels.npy", lambda f: np.save(f, disparity))
        _write(self.folder / "sizes.npy", lambda f: np.save(f, sizes))

    def cuts(self):
        """The cut-outs, once; None before they are there and later."""
        path = self.folder / "cutouts.pickle"
        if self.have_cuts or not path.exists():
            return None
        self.have_cuts = True
        return pickle.loads(path.read_bytes())

    def places(self, most=16):
        """New places, at most so many files: list of (uint8 [N][H][W][3], uint16 [N][H/2][W/2])."""
        new = [p for p in sorted(self.folder.glob("place-*.npz")) if p.name not in self.taken][:most]
        out = []
        for path in new:
            self.taken.add(path.name)
            with np.load(path) as z:
                out.append((z["picture"], z["disparity"]))
            path.unlink()
        return out

    def stop(self):
        """Ends the processes."""
        for child in _children(self.process.pid):
            _end(child)
        self.process.terminate()
        self.process.join(5)


def _children(pid):
    """Processes whose parent is pid, as the system lists them; none where it has no such list."""
    try:
        return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _end(pid):
    try:
        os.kill(pid, 15)
    except ProcessLookupError:
        pass
