"""The data pack: pictures, labels and teacher features of all photographs as flat 8- and 16-bit arrays in one folder.

Pictures have different sizes, so each array is flat and `index` says where each picture begins. All values are stored in
whole cells of CELL pixels, so that crops at cell borders cut pictures and maps alike.

| file | per picture | meaning |
|---|---|---|
| picture.raw | [H][W][3] uint8 | RGB |
| disparity.raw | [H/2][W/2] uint16 | 0..1 from far to near stored by `to_u16`, normalised over the whole picture |
| doubt.raw | [H/2][W/2] uint8 | disagreement between the teacher's answers, 255 = the whole range |
| coarse.raw | [Cc][H/16][W/16] uint8 | teacher features |
| fine.raw | [Cf][H/8][W/8] uint8 | teacher features |
| other.raw | [H][W][3] uint8, or nothing | the right eye, where the picture is the left one of a pair |
| next.raw | [H][W][3] uint8, or nothing | the frame after the picture, where it is a film's |
| flow.raw | [H/2][W/2][2] uint16, or nothing | where each pixel of `next` lies in the picture, x and y in parts of its width and height by `to_u16`; 0 where the picture does not show it |
| index.npy | int64, columns as COLUMNS; order as in names.txt | |
"""
from pathlib import Path

import numpy as np

CELL = 32  # px; sizes of pictures are multiples of it
ARRAYS = ("picture", "disparity", "doubt", "coarse", "fine", "other", "next", "flow")
# far, near: of a pair, the parallax that disparity 0 and 1 stand for, x left less x right, in millionths of the width.
COLUMNS = ("height", "width", "coarse channels", "fine channels", "is pair", "far", "near", "has next")

NO_MAP = np.zeros((0, 1, 1), np.uint8)


def to_u16(d):
    """Disparity about 0..1 as uint16; room for -0.25..1.25."""
    return np.round((np.clip(d, -0.25, 1.25) + 0.25) / 1.5 * 65535).astype(np.uint16)


def from_u16(v):
    """Inverse of to_u16, float32."""
    return v.astype(np.float32) * np.float32(1.5 / 65535) - np.float32(0.25)


def sizes(height, width, coarse, fine, is_pair, far, near, has_next):
    """Shapes of a picture's arrays, in the order of ARRAYS."""
    return ((height, width, 3), (height // 2, width // 2), (height // 2, width // 2),
            (coarse, height // 16, width // 16), (fine, height // 8, width // 8), (height * is_pair, width, 3),
            (height * has_next, width, 3), (height // 2 * has_next, width // 2, 2))


class Writer:
    """Appends pictures to a new pack; a pack is readable once close() has written its index."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "index.npy").unlink(missing_ok=True)  # of the pack that was here, whose arrays go now
        self.files = {name: open(self.folder / f"{name}.raw", "wb") for name in ARRAYS}
        self.rows, self.names = [], []

    def add(self, name, picture, disparity, doubt, coarse=NO_MAP, fine=NO_MAP, other=NO_MAP, parallax=(0.0, 0.0),
            following=NO_MAP, flow=NO_MAP):
        """Arrays as the module's table gives them (disparity and flow already uint16); parallax: (far, near) of the
        width; following: `next`, which comes with flow."""
        values = (picture, disparity, doubt, coarse, fine, other, following, flow)
        for key, value in zip(ARRAYS, values):
            self.files[key].write(np.ascontiguousarray(value).tobytes())
        far, near = (round(v * 1e6) for v in parallax)
        self.rows.append((*picture.shape[:2], coarse.shape[0], fine.shape[0], int(other.size > 0), far, near,
                          int(flow.size > 0)))
        self.names.append(name)

    def close(self):
        for f in self.files.values():
            f.close()
        np.save(self.folder / "index.npy", np.array(self.rows, np.int64))
        (self.folder / "names.txt").write_text("\n".join(self.names))

    def discard(self):
        """Instead of close(): takes away what was written."""
        for f in self.files.values():
            f.close()
            Path(f.name).unlink()
        if not any(self.folder.iterdir()):
            self.folder.rmdir()


class Pack:
    """Reads a pack; memory-mapped, so that worker processes share one copy. Read only, safe in any process."""

    def __init__(self, folder):
        folder = Path(folder)
        index = np.load(folder / "index.npy")
        if not len(index):
            raise ValueError(f"{folder}: a data pack without pictures")
        self.index = np.pad(index, ((0, 0), (0, len(COLUMNS) - index.shape[1])))  # older packs hold fewer kinds
        self.names = (folder / "names.txt").read_text().split("\n")
        self.raw = {}
        self.shapes = [sizes(*row) for row in self.index.tolist()]
        self.starts = {}
        for i, name in enumerate(ARRAYS):
            counts = [int(np.prod(s[i])) for s in self.shapes]
            self.starts[name] = np.concatenate([[0], np.cumsum(counts)])
            kind = np.uint16 if name in ("disparity", "flow") else np.uint8
            self.raw[name] = np.memmap(folder / f"{name}.raw", kind, "r") if sum(counts) else NO_MAP.ravel()

    def parallax(self, i):
        """(far, near) of picture i in parts of its width; equal where it is no pair."""
        return self.index[i, 5] * 1e-6, self.index[i, 6] * 1e-6

    def __len__(self):
        return len(self.index)

    def get(self, name, i):
        """Array `name` of picture i, a view into the file."""
        a = self.starts[name]
        return self.raw[name][a[i]:a[i + 1]].reshape(self.shapes[i][ARRAYS.index(name)])


class Packs:
    """Several packs as one, to read."""

    def __init__(self, folders):
        self.places = [(p, i) for p in map(Pack, folders) for i in range(len(p))]
        self.names = [p.names[i] for p, i in self.places]

    def __len__(self):
        return len(self.places)

    def get(self, name, i):
        p, k = self.places[i]
        return p.get(name, k)
