"""Labels photographs on a GPU: Tiefenrausch in plain PyTorch, its answer averaged nearly as label.py does, in batches: only
the whole picture is asked for both straight and mirrored, of scales and crops every other one is mirrored.

The graph is the one that teacher.py writes as ONNX, dequantised: every activation is clamped to its quantised range but not
rounded, so it runs in half precision on CUDA devices. Correlation with the int8 graph is above 0.999. Nothing in it asks cuDNN,
which would plan each convolution for each new size, tens of milliseconds every time.
"""
import importlib.util
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from .label import CROP, CROP_SCALE, FEATHER, LONG_SIDE, SCALES
from .pack import CELL
from .teacher import TIEFENRAUSCH_FEATURES


TAPS = 32  # the few channels of a dense convolution's taps are filled up to a multiple of it, as matrix products like it


class _Convolution:
    """One convolution of the graph. weights: float32 [out][kh][kw][in] (in is 1 for each channel on its own)."""

    def __init__(self, weights, bias, stride, pad, groups, device, dtype):
        self.stride, self.pad, self.groups, self.size = stride, pad, groups, weights.shape[1:3]
        if groups > 1:
            self.weights = torch.from_numpy(weights.transpose(0, 3, 1, 2).copy()).to(device, dtype)
        else:
            flat = weights.reshape(len(weights), -1)
            self.fill = -flat.shape[1] % TAPS if self.size != (1, 1) else 0
            self.weights = torch.from_numpy(np.pad(flat, ((0, 0), (0, self.fill)))).to(device, dtype)[None]
        self.bias = torch.from_numpy(bias).to(device, dtype)

    def __call__(self, x):
        if self.groups > 1:
            return F.conv2d(x, self.weights, self.bias, self.stride, self.pad, groups=self.groups)
        if self.size != (1, 1):
            x = self._taps(x)
        out = torch.bmm(self.weights.expand(len(x), -1, -1), x.flatten(2)).view(len(x), -1, *x.shape[2:])
        return out.add_(self.bias[:, None, None])

    def _taps(self, x):
        """[N][C][H][W] -> [N][kh * kw * C, filled up][H][W]; all dense convolutions larger than 1x1 have stride 1."""
        height, width = x.shape[2:]
        x = F.pad(x, (self.pad[1], self.pad[1], self.pad[0], self.pad[0]))
        taps = [x[:, :, dy:dy + height, dx:dx + width] for dy in range(self.size[0]) for dx in range(self.size[1])]
        return torch.cat(taps + [x.new_zeros(len(x), self.fill, height, width)], 1)


class Tiefenrausch:
    """folder: two .pb files and teacher.py, their reader."""

    def __init__(self, folder, device, dtype, features=TIEFENRAUSCH_FEATURES):
        folder = Path(folder)
        spec = importlib.util.spec_from_file_location("tiefenrausch_reader", folder / "teacher.py")
        reader = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(reader)
        self.dtype, self.features = dtype, features
        fills = {op["out"][0]: op["arg"] for op in reader._operators(folder / "model_tiefenrausch_init.pb")}
        self.graph = list(reader._operators(folder / "model_tiefenrausch.pb"))
        self.convolutions = {op["out"][0]: self._convolution(op, fills, device) for op in self.graph if op["type"] == "Int8Conv"}
        self.quantum = {op["out"][0]: (op["arg"]["Y_scale"], op["arg"].get("Y_zero_point") or 0)
                        for op in self.graph if "Y_scale" in op["arg"]}
        self.last_use = {name: i for i, op in enumerate(self.graph) for name in op["in"]}

    def _convolution(self, op, fills, device):
        a, w, b = op["arg"], fills[op["in"][1]], fills[op["in"][2]]
        weights = np.frombuffer(w["values"], np.uint8).astype(np.float32) - (w.get("Y_zero_point") or 0)
        biases = b["values"] if isinstance(b["values"], list) else [b["values"]]
        pad = a.get("pads") or [0] * 4
        return _Convolution(weights.reshape(w["shape"]) * np.float32(w["Y_scale"]),
                            np.array(biases, np.float32) * np.float32(b["Y_scale"]), a.get("strides") or [1, 1], pad[:2],
                            a.get("group") or 1, device, self.dtype)

    def _clamped(self, x, name):
        scale, zero = self.quantum[name]
        return x.clamp_(-zero * scale, (255 - zero) * scale)

    def _run(self, op, x):
        a, kind, out = op["arg"], op["type"], op["out"][0]
        if kind in ("NCHW2NHWC", "NHWC2NCHW", "Int8Dequantize"):
            return x[0]
        if kind == "Int8Quantize":
            return self._clamped(x[0].clone(), out)
        if kind == "Int8Conv":
            return self._clamped(self.convolutions[out](x[0]), out)
        if kind == "Int8Add":
            return self._clamped(x[0] + x[1], out)
        if kind == "Int8ResizeNearest":
            return F.interpolate(x[0], scale_factor=(a["height_scale"], a["width_scale"]), mode="nearest")
        raise ValueError(f"teacher graph: unknown operator {kind}")

    @torch.no_grad()
    def __call__(self, rgb, with_features=True):
        """rgb: float [N][3][H][W] in 0..1, H and W multiples of CELL.

        Returns (disparity [N][H][W] float32, relative; list of maps uint8 [N][C][h][w])."""
        live = {self.graph[0]["in"][0]: rgb.to(self.dtype).contiguous()}
        kept = {}
        with torch.backends.cudnn.flags(enabled=False):
            for i, op in enumerate(self.graph):
                out = op["out"][0]
                live[out] = result = self._run(op, [live.get(n) for n in op["in"]])
                if with_features and out in self.features:
                    scale, zero = self.quantum[out]
                    kept[out] = (result.float() / scale + zero).round().clamp(0, 255).to(torch.uint8)
                for n in op["in"]:
                    if self.last_use[n] == i:
                        live.pop(n, None)
        return result.float().squeeze(1).exp(), [kept[f] for f in self.features] if with_features else []


def resize(x, height, width):
    """[N][C][H][W], with the mean over what a pixel covers when it shrinks."""
    if x.shape[-2:] == (height, width):
        return x
    shrinks = height * width < x.shape[-1] * x.shape[-2]
    return F.interpolate(x, size=(height, width), mode="bilinear", align_corners=False, antialias=shrinks)


def _cells(height, width, long_side):
    scale = long_side / max(height, width)
    return tuple(max(CELL, round(s * scale / CELL) * CELL) for s in (height, width))


def normalise(d):
    """Moves each map's 2nd percentile to 0 and the 98th to 1. [N][H][W]"""
    low, high = torch.quantile(d[:, ::3, ::3].flatten(1), torch.tensor([0.02, 0.98], device=d.device), 1)
    return (d - low[:, None, None]) / (high - low).clamp(min=1e-6)[:, None, None]


def _one(teacher, rgb, size, mirror):
    """The answer [N][h][w] 0..1, for the mirror image turned back if `mirror`."""
    d = teacher(rgb.flip(3), False)[0].flip(2) if mirror else teacher(rgb, False)[0]
    return resize(normalise(d)[:, None], *size)[:, 0]


def _both(teacher, rgb, size):
    """([answer for the pictures, for their mirror images turned back] [N][h][w] 0..1, maps averaged over both)"""
    straight, maps = teacher(rgb, True)
    mirrored, mirrored_maps = teacher(rgb.flip(3), True)
    both = [resize(normalise(d)[:, None], *size)[:, 0] for d in (straight, mirrored.flip(2))]
    return both, [((m.short() + n.flip(3) + 1) // 2).to(torch.uint8) for m, n in zip(maps, mirrored_maps)]


def _fade(count, device):
    x = torch.arange(1, count + 1, device=device, dtype=torch.float32)
    return (torch.minimum(x, x.flip(0)) / max(1, FEATHER * count)).clamp(max=1)


def _line(x, y):
    """Slope and shift [N][1][1] of the straight line that takes x [N][h][w] nearest to y."""
    mx, my = x.mean((1, 2), keepdim=True), y.mean((1, 2), keepdim=True)
    slope = ((x - mx) * (y - my)).mean((1, 2), keepdim=True) / (x - mx).square().mean((1, 2), keepdim=True).clamp(min=1e-6)
    slope = slope.clamp(min=0.1)
    return slope, my - slope * mx


def _with_crops(teacher, rgb, whole):
    """`whole` averaged with the answers for the four corners, each brought to its scale and shift."""
    height, width = (int(CROP * s) // 2 * 2 for s in whole.shape[1:])
    total, share = whole.clone(), torch.ones_like(whole[0])
    weight = _fade(height, rgb.device)[:, None] * _fade(width, rgb.device)
    for y in (0, whole.shape[1] - height):
        for x in (0, whole.shape[2] - width):
            there = slice(y, y + height), slice(x, x + width)
            part = resize(rgb[(..., *there)], *_cells(height, width, LONG_SIDE * CROP_SCALE))
            answer = _one(teacher, part, (height, width), (x > 0) != (y > 0))
            slope, shift = _line(answer, whole[(slice(None), *there)])
            total[(slice(None), *there)] += weight * (slope * answer + shift)
            share[there] += weight
    return total / share


@torch.no_grad()
def label(teacher, rgb, quick=False):
    """rgb: float [N][3][H][W] 0..1. Returns (disparity [N][H][W] float32 0..1, doubt [N][H][W] 0..1, feature maps)."""
    size = rgb.shape[2:]
    answers, maps = _both(teacher, rgb, size)
    if not quick:
        for k, scale in enumerate(SCALES):
            answers.append(_one(teacher, resize(rgb, *_cells(*size, LONG_SIDE * scale)), size, k % 2 > 0))
    mean = torch.stack(answers).mean(0)
    doubt = 2 * torch.stack([(a - mean).abs() for a in answers]).mean(0)
    return normalise(mean if quick else _with_crops(teacher, rgb, mean)), doubt, maps
