"""What cameras, films and codecs do to a picture, for whole batches on the device: light, colour, blur, grain, compression.

The twin of data.degrade; each picture has its own strengths, and a twin can have nearly those of its original, as the next
frame of a film has.
"""
import functools
import math

import torch
import torch.nn.functional as F

BLURRED, GRAINY, CODED = 0.2, 0.4, 0.35  # shares of a batch
QUALITY = (12, 80)  # of JPEG
LUMINANCE = (0.299, 0.587, 0.114)

_TABLE = torch.tensor([
    [16, 11, 10, 16, 24, 40, 51, 61], [12, 12, 14, 19, 26, 58, 60, 55], [14, 13, 16, 24, 40, 57, 69, 56],
    [14, 17, 22, 29, 51, 87, 80, 62], [18, 22, 37, 56, 68, 109, 103, 77], [24, 35, 55, 64, 81, 104, 113, 92],
    [49, 64, 78, 87, 103, 121, 120, 101], [72, 92, 95, 98, 112, 100, 103, 99]], dtype=torch.float32)  # ITU-T T.81, K.1
_CHROMA = torch.full((8, 8), 99.0)
_CHROMA[:4, :4] = torch.tensor([[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]])  # K.2
_DCT = torch.tensor([[math.sqrt((1 if u == 0 else 2) / 8) * math.cos((2 * x + 1) * u * math.pi / 16) for x in range(8)]
                     for u in range(8)])
_YCC = torch.tensor([LUMINANCE, [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
_RGB = torch.linalg.inv(_YCC)


@functools.cache
def constant(values, device):
    """A tuple's numbers on the device, sent once: every sending waits for the GPU."""
    return torch.tensor(values, device=device)


@functools.cache
def _matrices(device):
    return [t.to(device) for t in (torch.stack((_TABLE, _CHROMA, _CHROMA)), _DCT, _YCC, _RGB)]


def strengths(n, random, device):
    """Random strengths of n pictures' light and colour, [n][9]: gamma, three gains, log saturation or -9 for none, contrast,
    brightness, and two tints of what has no colour. random: the device's generator."""
    def normal(columns, deviation):
        return torch.randn(n, columns, generator=random, device=device) * deviation

    def chance(share):
        return torch.rand(n, 1, generator=random, device=device) < share

    gain = normal(1, 0.2) + torch.where(chance(0.06), -1.0, 0.0) + normal(3, 0.06)
    grey = chance(0.15)
    saturation = torch.where(grey, -9.0, normal(1, 0.3))
    tint = normal(2, 0.12).abs() * constant((1.0, -1.0), device) * (grey & chance(0.6))
    all_of_them = torch.cat((normal(1, 0.3), gain, saturation, normal(1, 0.15), normal(1, 0.05), tint), 1)
    neutral = torch.zeros(9, device=device)
    return torch.where(chance(0.8), all_of_them, neutral)


def relight(x, s):
    """x: [N][3][H][W] 0..1; s: strengths [N][9]."""
    def column(i, j=None):
        return s[:, i:(j or i + 1), None, None]

    x = x.clamp(min=1e-4).pow(column(0).exp()) * column(1, 4).exp()
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * column(4).exp() * (column(4) > -5)
    x = x * torch.cat((column(7), torch.zeros_like(column(7)), column(8)), 1).exp()
    return (x - 0.5) * column(5).exp() + 0.5 + column(6)


def blur(x, sigma):
    """Gaussian blur of [N][C][H][W], sigma [N] px up to about 2."""
    taps = torch.arange(-4, 5, device=x.device, dtype=x.dtype)
    weight = torch.exp(-0.5 * (taps / sigma[:, None].clamp(min=0.1)).square())
    weight = weight / weight.sum(1, keepdim=True)
    for dim in (2, 3):
        padding = (4, 4, 0, 0) if dim == 3 else (0, 0, 4, 4)
        padded = F.pad(x, padding, mode="replicate")
        x = sum(weight[:, k, None, None, None] * padded.narrow(dim, k, x.shape[dim]) for k in range(9))
    return x


def compress(x, quality):
    """JPEG's loss without its file: [N][3][H][W] 0..1, H and W multiples of 8; quality: [N], 1..99."""
    n, _, height, width = x.shape
    tables, dct, ycc, back = _matrices(x.device)
    scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50)
    steps = (tables[None] * scale[:, None, None, None]).clamp(1, 255)  # [N][3][8][8]
    values = torch.einsum("ij,njhw->nihw", ycc, x * 255)
    blocks = values.view(n, 3, height // 8, 8, width // 8, 8).permute(0, 1, 2, 4, 3, 5)
    steps = steps[:, :, None, None]
    coded = (dct @ blocks @ dct.T / steps).round() * steps
    blocks = (dct.T @ coded @ dct).permute(0, 1, 2, 4, 3, 5).reshape(n, 3, height, width)
    return torch.einsum("ij,njhw->nihw", back, blocks) / 255


def wear(x, s, random):
    """Degrades pictures [N][3][H][W] 0..1 by the strengths s [N][9]; blur, grain and compression are drawn here."""
    def some(share):
        return torch.randperm(len(x), generator=random, device=x.device)[:round(share * len(x))]

    def uniform(n, low, high):
        return low + (high - low) * torch.rand(n, generator=random, device=x.device)

    x = relight(x, s)
    k = some(BLURRED)
    if len(k):
        x[k] = blur(x[k], uniform(len(k), 0.4, 1.6))
    k = some(GRAINY)
    if len(k):
        colour = torch.randn(len(k), *x.shape[1:], generator=random, device=x.device)
        grey = uniform(len(k), 0, 1)[:, None, None, None] < 0.5
        deviation = torch.randn(len(k), generator=random, device=x.device).abs() * 0.03
        x[k] = x[k] + torch.where(grey, colour[:, :1], colour) * deviation[:, None, None, None]
    x = x.clamp(0, 1)
    k = some(CODED)
    if len(k):
        x[k] = compress(x[k], uniform(len(k), *QUALITY)).clamp(0, 1)
    return x
