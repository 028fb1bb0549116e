"""A bundle: photographs, a teacher's files and pairs to measure on, in a few small files that travel to a machine with a GPU
(about 40 MB for 5,000 photographs). training.sprint trains from it.

| file | what it holds |
|---|---|
| photos.bin, photos.npy | photographs as WebP one after the other; where each begins, and the end |
| outlines.bin, outlines.npy | likewise, of each photograph the outline of its figure as PNG, white on black, or nothing |
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


def _png(grey):
    return cv2.imencode(".png", grey, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes()


def _encode(task):
    """A photograph as WebP, no larger than label.fit will make it, and its outline as PNG, empty where there is none; None where
    the photograph cannot be read. task: (its path, folder of outlines or None, quality)"""
    path, outlines, quality = task
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        return None
    outline = outlines and Path(outlines) / f"{path.stem}.png"
    drawn = cv2.imread(str(outline), cv2.IMREAD_GRAYSCALE) if outline and outline.exists() else None
    most = 384 / max(bgr.shape[:2])
    if most < 1 and max(bgr.shape[:2]) <= 2.2 * min(bgr.shape[:2]):
        bgr, drawn = (a if a is None else cv2.resize(a, None, fx=most, fy=most, interpolation=cv2.INTER_AREA) for a in (bgr, drawn))
    picture = cv2.imencode(".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, quality])[1].tobytes()
    return picture, b"" if drawn is None else _png(np.uint8(drawn > 127) * 255)


def _write_pieces(out, name, pieces):
    (out / f"{name}.bin").write_bytes(b"".join(pieces))
    np.save(out / f"{name}.npy", np.cumsum([0] + [len(p) for p in pieces]))


class _Pieces:
    """What _write_pieces wrote, or the first `most` of it; each as uint8 [bytes], empty for nothing."""

    def __init__(self, folder, name, most=None):
        self.starts = np.load(Path(folder) / f"{name}.npy")[:most + 1 if most else None]
        self.data = np.memmap(Path(folder) / f"{name}.bin", np.uint8, "r") if self.starts[-1] else np.zeros(0, np.uint8)

    def at(self, i):
        return self.data[self.starts[i]:self.starts[i + 1]]


def write_photos(paths, outlines, out, quality, processes):
    """Writes the photographs and their outlines (a folder, or None); returns how many could be read."""
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        found = [f for f in pool.imap(_encode, [(p, outlines, quality) for p in paths], chunksize=32) if f is not None]
    for name, pieces in zip(("photos", "outlines"), zip(*found)):
        _write_pieces(out, name, pieces)
    return len(found)


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
    """A picture brought to one of CANVASES, the second for upright ones. uint8 [H][W][3] or [H][W]"""
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
        self.photos, self.outlines = (_Pieces(folder, name, most) for name in ("photos", "outlines"))

    def __len__(self):
        return len(self.photos.starts) - 1

    def at(self, i):
        """Photograph i on its canvas, uint8 RGB [H][W][3]."""
        bgr = cv2.imdecode(self.photos.at(i), cv2.IMREAD_COLOR)
        return on_canvas(np.ascontiguousarray(bgr[..., ::-1]))

    def outline(self, i):
        """Where its figure is, at half size, bool [H/2][W/2]; None where that is not known."""
        piece = self.outlines.at(i)
        if not len(piece):
            return None
        mask = on_canvas(cv2.imdecode(piece, cv2.IMREAD_GRAYSCALE))
        return cv2.resize(mask, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) > 127

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
    parser.add_argument("--photos", nargs="+", default=["../shared/train/photos"], help="folders")
    parser.add_argument("--outlines", metavar="FOLDER", help="exact outlines of figures in some of them, PHOTOGRAPH.png")
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
    paths = [p for folder in args.photos for p in wanted(folder, args.skip_licence)]
    count = write_photos(paths, args.outlines, out, args.quality, args.processes)
    print(f"{count} photographs, {(out / 'photos.bin').stat().st_size / 2**20:.1f} MiB", flush=True)
    if args.pairs:
        shutil.copyfile(args.measure, out / "measure.py")
        print(write_pairs(evaluate.load_measure(args.measure), args.pairs, out), "pairs", flush=True)


if __name__ == "__main__":
    main()
