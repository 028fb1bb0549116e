"""A bundle: photographs, a teacher's files and pairs to measure on, in a few small files that travel to a machine with a GPU
(about 40 MB for 5,000 photographs). training.sprint trains from it.

| file | what it holds |
|---|---|
| photos.bin, photos.npy | photographs as WebP one after the other; where each begins, and the end |
| pairs.pickle | list of (name, kind, picture as WebP, true disparity as 16-bit PNG: 0 unknown, else 32768 + 64 px at 384 wide) |
| teacher/ | the teacher's files |

    python -m training.bundle --photos ../shared/train/photos --teacher ../shared/train/teacher --out WORK/bundle
"""
import argparse
import multiprocessing
import pickle
import shutil
from pathlib import Path

import cv2
import numpy as np

from .label import wanted

PAIR_WIDTH = 640  # px at most, of a pair's picture
CANVASES = ((288, 384), (384, 288))  # height, width: sizes of all photographs, as few as can be (each new one costs time)
MOST_PRESSED = 1.2  # by which a photograph's aspect is changed; beyond it loses its ends


def _encode(path_quality):
    """A photograph as WebP, no larger than label.fit will make it; None where it cannot be read."""
    path, quality = path_quality
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        return None
    most = 384 / max(bgr.shape[:2])
    if most < 1 and max(bgr.shape[:2]) <= 2.2 * min(bgr.shape[:2]):
        bgr = cv2.resize(bgr, None, fx=most, fy=most, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, quality])[1].tobytes()


def write_photos(paths, out, quality, processes):
    """Writes the photographs; returns the names of those that could be read."""
    starts, names = [0], []
    with open(out / "photos.bin", "wb") as f, multiprocessing.get_context("spawn").Pool(processes) as pool:
        for path, data in zip(paths, pool.imap(_encode, [(p, quality) for p in paths], chunksize=32)):
            if data is not None:
                f.write(data)
                starts.append(starts[-1] + len(data))
                names.append(path.name)
    np.save(out / "photos.npy", np.array(starts, np.int64))
    return names


def _png(grey):
    return cv2.imencode(".png", grey, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes()


def write_pairs(measure, folder, out):
    """Left pictures and true disparity of a folder of pairs, for measuring only."""
    found = []
    for row, left, right in measure.pairs(folder):
        truth = measure.truth(left, right, float(row["disp_p03_pct"]), float(row["disp_p97_pct"]))
        value = np.where(np.isfinite(truth), np.round(np.nan_to_num(truth) * 64) + 32768, 0).astype(np.uint16)
        k = min(1, PAIR_WIDTH / left.shape[1])
        small = cv2.resize(left, None, fx=k, fy=k, interpolation=cv2.INTER_AREA)
        picture = cv2.imencode(".webp", small, [cv2.IMWRITE_WEBP_QUALITY, 80])[1].tobytes()
        found.append((row["name"], row["kind"], picture, _png(value)))
    (out / "pairs.pickle").write_bytes(pickle.dumps(found))
    return len(found)


def on_canvas(rgb):
    """A picture brought to one of CANVASES, the second for upright ones. uint8 [H][W][3]"""
    height, width = rgb.shape[:2]
    size = CANVASES[width < 0.9 * height]
    wide = width / height * size[0] / size[1]
    if wide > MOST_PRESSED:
        cut = int(width * (1 - MOST_PRESSED / wide)) // 2
        rgb = rgb[:, cut:width - cut]
    elif wide < 1 / MOST_PRESSED:
        cut = int(height * (1 - MOST_PRESSED * wide)) // 2
        rgb = rgb[cut:height - cut]
    shrinks = size[0] * size[1] < rgb.shape[0] * rgb.shape[1]
    return cv2.resize(rgb, size[::-1], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


class Photos:
    """Reads the photographs of a bundle; get() serves what `spaces` asks of a pack."""

    def __init__(self, folder, most=None):
        self.data = np.memmap(Path(folder) / "photos.bin", np.uint8, "r")
        self.starts = np.load(Path(folder) / "photos.npy")[:most + 1 if most else None]

    def __len__(self):
        return len(self.starts) - 1

    def at(self, i):
        """Photograph i on its canvas, uint8 RGB [H][W][3]."""
        bgr = cv2.imdecode(self.data[self.starts[i]:self.starts[i + 1]], cv2.IMREAD_COLOR)
        return on_canvas(np.ascontiguousarray(bgr[..., ::-1]))

    def get(self, name, i):
        assert name == "picture"
        return self.at(i)


def read_pairs(folder):
    """List of (name, kind, picture uint8 RGB, true disparity [h][384] float32 in px, NaN where unknown)."""
    path = Path(folder) / "pairs.pickle"
    out = []
    for name, kind, picture, truth in pickle.loads(path.read_bytes()) if path.exists() else ():
        bgr, value = (cv2.imdecode(np.frombuffer(b, np.uint8), cv2.IMREAD_UNCHANGED) for b in (picture, truth))
        truth = np.where(value > 0, (value.astype(np.float32) - 32768) / 64, np.nan)
        out.append((name, kind, np.ascontiguousarray(bgr[..., ::-1]), truth))
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", default="../shared/train/photos")
    parser.add_argument("--teacher", default="../shared/train/teacher", help="folder of the teacher's files")
    parser.add_argument("--pairs", default="../shared/stereo/dev", help="to measure on, never to train on; '' for none")
    parser.add_argument("--measure", default="../shared/stereo/measure.py")
    parser.add_argument("--quality", type=int, default=45, help="of the photographs' WebP")
    parser.add_argument("--skip-licence", nargs="*", default=["research"])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    from . import evaluate  # here, as the processes that read photographs do without

    out = Path(args.out)
    (out / "teacher").mkdir(parents=True, exist_ok=True)
    for path in Path(args.teacher).iterdir():
        if path.suffix in (".pb", ".py") or path.name == "LICENSE":
            shutil.copyfile(path, out / "teacher" / path.name)
    names = write_photos(wanted(args.photos, args.skip_licence), out, args.quality, args.processes)
    print(f"{len(names)} photographs, {(out / 'photos.bin').stat().st_size / 2**20:.1f} MiB", flush=True)
    if args.pairs:
        shutil.copyfile(args.measure, out / "measure.py")
        print(write_pairs(evaluate.load_measure(args.measure), args.pairs, out), "pairs", flush=True)


if __name__ == "__main__":
    main()
