"""Losses on the predicted distribution. All are means over trusted pixels, free of the picture's size.

Shapes: logits [N][LEVELS][h][w]; disparity, label, weight [N][h][w]; label 0..1, near is 1; weight 0..1.
"""
import torch
import torch.nn.functional as F

EPSILON = 1e-4


def _mean(x, weight):
    return (x * weight).sum() / (weight.sum() + 1)


def cross_entropy(log_p, label, weight):
    """Cross-entropy against the two levels next to the label, shared linearly. log_p: [N][LEVELS][h][w] log softmax."""
    position = label * (log_p.shape[1] - 1)
    low = position.floor().clamp(0, log_p.shape[1] - 2)
    part = position - low
    low = low.long().unsqueeze(1)
    near = log_p.gather(1, torch.cat((low, low + 1), 1))
    return _mean(-(1 - part) * near[:, 0] - part * near[:, 1], weight)


def _centre_and_spread(d, weight):
    """Trusted mean and mean absolute deviation of each picture, [N][1][1]."""
    total = weight.sum((1, 2), keepdim=True) + 1
    centre = (d * weight).sum((1, 2), keepdim=True) / total
    spread = ((d - centre).abs() * weight).sum((1, 2), keepdim=True) / total
    return centre, spread + 0.01


def _relative(d, weight):
    centre, spread = _centre_and_spread(d, weight)
    return (d - centre) / spread


def scale_free(disparity, label, weight, scales=4):
    """(L1 after both maps lost their own shift and scale, gradient matching of the same at `scales` scales)."""
    difference = _relative(disparity, weight) - _relative(label, weight)
    l1 = _mean(difference.abs(), weight)
    gradient = 0
    for _ in range(scales):
        wx, wy = torch.minimum(weight[:, :, 1:], weight[:, :, :-1]), torch.minimum(weight[:, 1:], weight[:, :-1])
        gradient = gradient + _mean((difference[:, :, 1:] - difference[:, :, :-1]).abs(), wx)
        gradient = gradient + _mean((difference[:, 1:] - difference[:, :-1]).abs(), wy)
        # What is not trusted has no say in a coarser pixel either.
        pooled = F.avg_pool2d(weight.unsqueeze(1), 2).squeeze(1)
        difference = F.avg_pool2d((difference * weight).unsqueeze(1), 2).squeeze(1) / (pooled + EPSILON)
        weight = pooled
    return l1, gradient / scales


def spread(disparity, label, weight):
    """How far the picture's range is from the label's: mean |log ratio| of their deviations. Without it, whoever is not
    sure predicts the middle, and the picture goes flat."""
    return (_centre_and_spread(disparity, weight)[1].log() - _centre_and_spread(label, weight)[1].log()).abs().mean()


def row_structure(disparity, label, weight):
    """What remains after each row's mean is taken away must correlate: 1 - correlation, mean over pictures with a
    label that varies inside its rows. A mere ramp from floor to sky scores 1 here, however good it looks elsewhere."""
    def centred(d):
        return d - (d * weight).sum(2, keepdim=True) / (weight.sum(2, keepdim=True) + EPSILON)

    a, b = centred(disparity), centred(label)
    def dot(u, v):
        return (u * v * weight).sum((1, 2)) / (weight.sum((1, 2)) + 1)

    aa, bb = dot(a, a), dot(b, b)
    correlation = dot(a, b) / torch.sqrt((aa + EPSILON) * (bb + EPSILON))
    strength = (bb / 0.01).clamp(0, 1)
    return ((1 - correlation) * strength).sum() / (strength.sum() + EPSILON)


def features(predicted, wanted, statistics, taught):
    """Mean squared difference of maps [N][C][h][w] in units of each channel's deviation. statistics: (mean, deviation) [C];
    taught: [N], 1 where `wanted` exists."""
    mean, deviation = (s.view(1, -1, 1, 1) for s in statistics)
    wanted = ((wanted - mean) / deviation).clamp(-4, 4)
    each = (predicted - wanted).square().mean((1, 2, 3))
    return (each * taught).sum() / (taught.sum() + EPSILON)


def twins_of(maps, grid):
    """maps [T][h][w] of the originals as their twins see them, and a mask [T][h][w], 1 where the original is defined. grid:
    [T][h][w][2], where each twin's pixel lies in the original, as torch's grid_sample takes it."""
    inside = ((grid.abs() < 0.98).all(-1)).to(maps.dtype)
    seen = F.grid_sample(maps.unsqueeze(1), grid, mode="bilinear", padding_mode="border", align_corners=False)
    return seen.squeeze(1), inside


def steadiness(original, twin, grid):
    """Difference between the twin's disparity and the original's carried over to it. [T][h][w] each."""
    carried, inside = twins_of(original, grid)
    return _mean((twin - carried).abs(), inside)


def select(other, probabilities, parallax):
    """The selection layer: this eye's picture out of the other eye's, each level's shift weighted by its probability.

    other: [M][3][h][w]; probabilities: [M][LEVELS][h][w] of this eye; parallax: [M][2], px, x here less x there at the
    first and at the last level. Returns (picture [M][3][h][w], share of probability that falls inside it [M][h][w])."""
    m, levels, height, width = probabilities.shape
    steps = torch.linspace(0, 1, levels, device=other.device)
    shift = parallax[:, :1] + (parallax[:, 1:] - parallax[:, :1]) * steps  # [M][LEVELS]
    x = torch.arange(width, device=other.device) - shift[:, :, None]  # [M][LEVELS][w], where each level looks
    inside = ((x >= 0) & (x <= width - 1)).to(other.dtype)
    x = x.clamp(0, width - 1)
    low = x.floor().clamp(max=width - 2)
    part = (x - low)[:, None, None]
    at = low.long().view(m, 1, 1, -1).expand(m, 3, height, -1)
    shape = (m, 3, height, levels, width)
    seen = other.gather(3, at).view(shape) * (1 - part) + other.gather(3, at + 1).view(shape) * part
    weight = probabilities * inside[:, :, None]
    picture = torch.einsum("mchlw,mlhw->mchw", seen, weight)
    share = weight.sum(1)
    return picture / (share[:, None] + EPSILON), share


def photometric(eyes, probabilities, parallax, weight):
    """Difference of this eye from what the selection layer makes of the other: colours and their horizontal steps.

    eyes: [M][2][3][h][w] in 0..1; weight: [M][h][w], small where the other eye does not see the same."""
    made, share = select(eyes[:, 1], probabilities, parallax)
    weight = (0.1 + 0.9 * weight) * (share > 0.9)
    difference = (made - eyes[:, 0]).abs().mean(1)
    step = ((made[..., 1:] - made[..., :-1]) - (eyes[:, 0, ..., 1:] - eyes[:, 0, ..., :-1])).abs().mean(1)
    return _mean(difference, weight) + _mean(step, torch.minimum(weight[..., 1:], weight[..., :-1]))
