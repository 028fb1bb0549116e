"""Training batches out of data packs: crops at cell borders, mirroring, film-like degradation, and twins.

A batch of n pictures is followed by twins of its first `twins` pictures: the same crop of a film's next frame where the pack
has one, else the crop moved and zoomed; degraded differently. `grid` says where each twin's pixels lie in the original. Every batch is a pure function of
(seed, step), so an interrupted training goes on with the batches it would have seen.
"""
import queue
import threading
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from .pack import Pack, from_u16

CROP_CELL = 16  # px; crops begin and end at whole cells of the coarsest map
OUTSIDE = 9.0  # a place that no picture has, in the units of `grid`
LEAST_RANGE = 0.2  # of the whole picture's range; flatter crops are not stretched to the full range


@dataclass
class Batch:
    """n originals, then t twins; h, w: half the picture's size."""
    rgb: torch.Tensor        # uint8 [n+t][3][H][W]
    disparity: torch.Tensor  # float32 [n][h][w], 0..1, near is 1
    weight: torch.Tensor     # float32 [n][h][w], trust in the label, 0..1
    coarse: torch.Tensor     # float32 [n][Cc][H/16][W/16], teacher features as stored
    fine: torch.Tensor       # float32 [n][Cf][H/8][W/8]
    taught: torch.Tensor     # float32 [n], 1 where teacher features exist
    grid: torch.Tensor       # float32 [t][h][w][2], for torch's grid_sample: twin -> original, OUTSIDE where it is not seen
    paired: torch.Tensor     # int64 [m], which originals are left (or mirrored right) eyes whose other eye is known
    eyes: torch.Tensor       # uint8 [m][2][3][h][w], both eyes undegraded: as the picture, and the other
    parallax: torch.Tensor   # float32 [m][2], px at w: x in `eyes` 0 less x in `eyes` 1 at disparity 0 and at 1


@dataclass
class Sample:
    """One source picture with its maps; crops are taken from it. Features may be empty ([0][..][..])."""
    rgb: np.ndarray        # uint8 [H][W][3]
    disparity: np.ndarray  # float32 [H/2][W/2]
    weight: np.ndarray     # float32 [H/2][W/2]
    coarse: np.ndarray     # uint8 [Cc][H/16][W/16]
    fine: np.ndarray       # uint8 [Cf][H/8][W/8]
    other: np.ndarray      # uint8 [H][W][3], the right eye; [0][W][3] where there is none
    parallax: tuple        # (far, near) in parts of the width, for disparity 0 and 1
    following: np.ndarray  # uint8 [H][W][3], the next frame; [0][W][3] where there is none
    flow: np.ndarray       # uint16 [H/2][W/2][2], as the pack stores it


@dataclass
class Crop:
    """What one sample gives to a batch; None where the sample has nothing."""
    rgb: np.ndarray        # uint8 [height][width][3], not yet degraded
    disparity: np.ndarray  # float32 [height/2][width/2], normalised inside the crop
    weight: np.ndarray
    coarse: np.ndarray
    fine: np.ndarray
    eyes: np.ndarray = None      # uint8 [2][3][height/2][width/2]
    parallax: np.ndarray = None  # float32 [2], px


class PackSource:
    """Pictures of one pack. tolerance: disagreement of the teacher (0..1) at which trust falls to 1/e."""

    def __init__(self, folder, tolerance=0.12, only=None):
        self.pack = Pack(folder)
        self.tolerance = tolerance
        self.chosen = np.arange(len(self.pack)) if only is None else np.asarray(only)

    def __len__(self):
        return len(self.chosen)

    def sample(self, rng):
        return self.at(self.chosen[rng.integers(len(self.chosen))])

    def at(self, i):
        p = self.pack
        weight = np.exp(p.get("doubt", i).astype(np.float32) * np.float32(-1 / (255 * self.tolerance)))
        return Sample(p.get("picture", i), from_u16(p.get("disparity", i)), weight, p.get("coarse", i), p.get("fine", i),
                      p.get("other", i), p.parallax(i), p.get("next", i), p.get("flow", i))

    def feature_statistics(self, count=200):
        """((mean, deviation) of the coarse channels, the same of the fine ones), float32 [C] each."""
        rng, out = np.random.default_rng(0), []
        picks = [self.chosen[i] for i in rng.integers(0, len(self.chosen), count)]
        for name in ("coarse", "fine"):
            maps = [self.pack.get(name, i)[:, ::3, ::3] for i in picks]
            values = np.concatenate([m.reshape(m.shape[0], m.shape[1] * m.shape[2]) for m in maps], 1).astype(np.float32)
            out.append((values.mean(1), values.std(1) + 1))
        return out


def choose_crop(rng, height, width, aspect):
    """(y, x, height, width) in px, whole cells, of about the given aspect (width / height). Large crops are
    frequent, as small ones come out blurred."""
    aspect = aspect * np.exp(rng.normal(0, 0.25))
    most = min(height, width / aspect)
    h = most * (1 - 0.45 * rng.random() ** 1.5)
    ch = int(np.clip(round(h / CROP_CELL), 2, height // CROP_CELL))
    cw = int(np.clip(round(h * aspect / CROP_CELL), 2, width // CROP_CELL))
    y = rng.integers(0, height // CROP_CELL - ch + 1)
    x = rng.integers(0, width // CROP_CELL - cw + 1)
    return tuple(int(v) * CROP_CELL for v in (y, x, ch, cw))


def _resize(image, width, height):
    """image: [H][W] or [H][W][C] of any channel count."""
    area = image.shape[0] * image.shape[1] > width * height
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if area else cv2.INTER_LINEAR)


def _resize_trusted(disparity, weight, width, height):
    """(disparity, weight) resized; what is not trusted has no say in the disparity of a pixel that is."""
    trust = _resize(weight, width, height)
    return np.divide(_resize(disparity * weight, width, height), trust, out=_resize(disparity, width, height),
                     where=trust > 0), trust


def _resize_maps(maps, width, height):
    """uint8 [C][h][w] -> float32 [C][height][width]"""
    if not maps.shape[0]:
        return None
    image = np.ascontiguousarray(maps.transpose(1, 2, 0), np.float32)
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR).transpose(2, 0, 1)


def normalise(disparity, weight):
    """(disparity moved so that the 2nd and 98th percentile of trusted pixels are 0 and 1, and clipped there; the old
    value that is 0 now; the old difference that is 1 now)."""
    trusted = disparity[weight > 0.2]
    low, high = np.percentile(trusted if trusted.size > 100 else disparity, (2, 98))
    spread = max(high - low, LEAST_RANGE)
    low = (low + high - spread) / 2
    return np.clip((disparity - low) / spread, 0, 1).astype(np.float32), low, spread


def degrade(rng, rgb):
    """What cameras, films and codecs do to a picture: light, colour, blur, grain, compression. uint8 [H][W][3] -> same."""
    x = rgb.astype(np.float32) / 255
    if rng.random() < 0.8:
        gamma = np.exp(rng.normal(0, 0.3))
        gain = np.exp(rng.normal(0, 0.2)) * np.exp(rng.normal(0, 0.06, 3))
        x = np.power(np.maximum(x, 1e-4), np.float32(gamma)) * gain.astype(np.float32)
        grey = x.mean(2, keepdims=True)
        if rng.random() < 0.15:  # black and white, or toned, as old pictures are
            x = grey * np.exp(rng.normal(0, 0.15, 3)).astype(np.float32)
        else:
            x = grey + (x - grey) * np.float32(np.exp(rng.normal(0, 0.3)))
        x = (x - 0.5) * np.float32(np.exp(rng.normal(0, 0.15))) + np.float32(0.5 + rng.normal(0, 0.05))
    if rng.random() < 0.2:
        x = cv2.GaussianBlur(x, (0, 0), rng.uniform(0.4, 1.6))
    if rng.random() < 0.4:
        noise = rng.standard_normal(x.shape[:2] + (1 if rng.random() < 0.5 else 3,), np.float32)
        x = x + noise * np.float32(abs(rng.normal(0, 0.03)))
    out = np.clip(x * 255, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        bgr = cv2.cvtColor(out, cv2.COLOR_RGB2BGR)
        coded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 80))])[1]
        out = cv2.cvtColor(cv2.imdecode(coded, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    return out


def twin_view(rng, rgb, crop, height, width):
    """(picture uint8 [height][width][3], theta [2][3]) of the crop moved and zoomed a little."""
    y, x, ch, cw = crop
    zoom = np.exp(rng.normal(0, 0.04))
    tx, ty = rng.normal(0, 0.03, 2)
    ax, ay = zoom * cw / width, zoom * ch / height
    bx = x + ((zoom * (1 / width - 1) + tx) + 1) / 2 * cw - 0.5
    by = y + ((zoom * (1 / height - 1) + ty) + 1) / 2 * ch - 0.5
    matrix = np.array([[ax, 0, bx], [0, ay, by]])
    picture = cv2.warpAffine(rgb, matrix, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                             borderMode=cv2.BORDER_REFLECT)
    return picture, np.array([[zoom, 0, tx], [0, zoom, ty]], np.float32)


def frame_view(s, crop, height, width):
    """(picture uint8 [height][width][3], grid [height/2][width/2][2]) of the crop of a sample's next frame."""
    y, x, ch, cw = crop
    picture = _resize(s.following[y:y + ch, x:x + cw], width, height)
    stored = s.flow[y // 2:(y + ch) // 2, x // 2:(x + cw) // 2]
    full = np.float32([s.rgb.shape[1], s.rgb.shape[0]])
    grid = (from_u16(stored) * full - np.float32([x, y])) / np.float32([cw / 2, ch / 2]) - 1
    # Neighbours move alike but lie apart: it is the motion that a resized pixel can have from the nearest one, not the place.
    half, still = (width // 2, height // 2), np.eye(2, 3)
    motion = cv2.resize(grid - affine_grid(still, ch // 2, cw // 2), half, interpolation=cv2.INTER_NEAREST_EXACT)
    seen = cv2.resize(np.uint8((stored > 0).all(2)), half, interpolation=cv2.INTER_NEAREST_EXACT)
    return picture, np.where(seen[..., None], affine_grid(still, *half[::-1]) + motion, np.float32(OUTSIDE))


def affine_grid(theta, height, width):
    """theta [2][3] as grid [height][width][2]; coordinates run from -1 to 1 between the picture's borders."""
    x, y = np.meshgrid((np.arange(width) + 0.5) / width * 2 - 1, (np.arange(height) + 0.5) / height * 2 - 1)
    return (np.stack((x, y, np.ones_like(x)), 2) @ theta.T).astype(np.float32)


def make_twin(rng, s, box, height, width, mirror):
    """(picture, grid [height/2][width/2][2]) of a twin of the sample's crop at `box`."""
    if s.following.shape[0]:
        picture, grid = frame_view(s, box, height, width)
    else:
        picture, theta = twin_view(rng, s.rgb, box, height, width)
        grid = affine_grid(theta, height // 2, width // 2)
    if mirror:
        picture, grid = np.ascontiguousarray(picture[:, ::-1]), grid[:, ::-1] * np.float32([-1, 1])
    return degrade(rng, picture), grid


class Batches:
    """Makes batches out of several sources. shares: how often each source is drawn, any positive numbers."""

    def __init__(self, sources, shares, seed):
        self.sources = sources
        self.shares = np.cumsum(shares) / np.sum(shares)
        self.seed = seed

    def make(self, step, count, twins, height, width):
        """Batch number `step`: count originals, twins of the first `twins`, of height x width px."""
        rng = np.random.default_rng((self.seed, step))
        rgb, moved, grids, crops = [], [], [], []
        for i in range(count):
            source = self.sources[int(np.searchsorted(self.shares, rng.random(), side="right"))]
            s = source.sample(rng)
            box = choose_crop(rng, *s.rgb.shape[:2], width / height)
            mirror = rng.random() < 0.5
            crops.append(cut(s, box, height, width, mirror))
            rgb.append(degrade(rng, crops[-1].rgb))
            if i < twins:
                twin, grid = make_twin(rng, s, box, height, width, mirror)
                moved.append(twin)
                grids.append(grid)
        return assemble(rgb + moved, crops, grids)


def cut(s, box, height, width, mirror):
    """The Crop of a sample at box (y, x, height, width), resized to height x width px."""
    y, x, ch, cw = box

    def part(step):
        return slice(y // step, (y + ch) // step), slice(x // step, (x + cw) // step)

    half = (width // 2, height // 2)
    disparity, weight = _resize_trusted(s.disparity[part(2)], s.weight[part(2)], *half)
    disparity, low, spread = normalise(disparity, weight)
    maps = [_resize_maps(m[(slice(None), *part(step))], width // step, height // step)
            for m, step in ((s.coarse, 16), (s.fine, 8))]
    out = Crop(_resize(s.rgb[part(1)], width, height), disparity, weight, *maps)
    if s.other.shape[0]:
        far, near = s.parallax
        scale = s.rgb.shape[1] / cw * half[0]  # parts of the whole width -> px of the crop at half size
        out.parallax = np.float32([far + low * (near - far), far + (low + spread) * (near - far)]) * np.float32(scale)
        eyes = [_resize(e[part(1)], *half).transpose(2, 0, 1) for e in (s.rgb, s.other)]
        out.eyes = np.stack(eyes)
    return _mirrored(out) if mirror else out


def _mirrored(crop):
    """The same with left and right exchanged; parallax changes its sign."""
    def flip(a, axis=-1):
        return None if a is None else np.flip(a, axis)

    return Crop(flip(crop.rgb, 1), flip(crop.disparity), flip(crop.weight), flip(crop.coarse), flip(crop.fine),
                flip(crop.eyes), None if crop.parallax is None else -crop.parallax)


def assemble(rgb, crops, grids):
    """A Batch of degraded pictures (originals, then twins), the originals' crops and the twins' grids."""
    def stack(arrays):
        return torch.from_numpy(np.ascontiguousarray(np.stack(arrays)))

    def maps(name):
        values = [getattr(c, name) for c in crops]
        known = next((v for v in values if v is not None), np.zeros((0, 1, 1), np.float32))
        return stack([np.zeros_like(known) if v is None else v for v in values])

    height, width = crops[0].disparity.shape
    pairs = [i for i, c in enumerate(crops) if c.eyes is not None]
    return Batch(
        rgb=stack(rgb).permute(0, 3, 1, 2), disparity=stack([c.disparity for c in crops]),
        weight=stack([c.weight for c in crops]), coarse=maps("coarse"), fine=maps("fine"),
        taught=torch.tensor([float(c.coarse is not None) for c in crops]),
        grid=stack(grids) if grids else torch.zeros(0, height, width, 2), paired=torch.tensor(pairs, dtype=torch.int64),
        eyes=stack([crops[i].eyes for i in pairs]) if pairs else torch.zeros(0, 2, 3, height, width, dtype=torch.uint8),
        parallax=stack([crops[i].parallax for i in pairs]) if pairs else torch.zeros(0, 2))


def prefetch(make, steps, threads=2, depth=6):
    """Yields make(step) for each of steps in order, prepared ahead by threads (the work is in NumPy and OpenCV, which
    let other threads run)."""
    steps = list(steps)
    slots = [queue.Queue(max(1, depth // threads)) for _ in range(threads)]
    stopped = threading.Event()

    def work(k):
        for step in steps[k::threads]:
            try:
                item = make(step)
            except Exception as error:  # handed to the consumer, which raises it
                item = error
            while not stopped.is_set():
                try:
                    slots[k].put(item, timeout=0.5)
                    break
                except queue.Full:
                    continue
            if stopped.is_set() or isinstance(item, Exception):
                return

    workers = [threading.Thread(target=work, args=(k,), daemon=True) for k in range(threads)]
    for w in workers:
        w.start()
    try:
        for i in range(len(steps)):
            item = slots[i % threads].get()
            if isinstance(item, Exception):
                raise item
            yield item
    finally:
        stopped.set()
