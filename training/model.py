"""The student: a convolutional encoder-decoder that gives a distribution over normalised disparity.

Strides 2 to 16 with residual blocks, most of them at 1/16 where they are cheap and see almost the whole picture; a
decoder with skip additions back to 1/2, where 33 levels are predicted. Only 3x3 and 1x1 convolutions, nearest and
linear enlargement by two and a softmax; channel counts are multiples of 16 for the sake of SIMD.
"""
import torch
import torch.nn.functional as F
from torch import nn

LEVELS = 33  # channel 0 is farthest (0.0), the last is nearest (1.0)
MULTIPLE = 16  # px; height and width of a picture


class ConvUnit(nn.Sequential):
    """Convolution, batch normalisation and, if active, ReLU. [N][inputs][H][W] -> [N][outputs][H/stride][W/stride]"""

    def __init__(self, inputs, outputs, size=3, stride=1, active=True):
        layers = [nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False), nn.BatchNorm2d(outputs)]
        super().__init__(*layers, *([nn.ReLU(inplace=True)] if active else []))


class Residual(nn.Module):
    """Two 3x3 convolutions, with `inner` channels between them, around which the input is added."""

    def __init__(self, channels, inner):
        super().__init__()
        self.first = ConvUnit(channels, inner)
        self.second = ConvUnit(inner, channels, active=False)
        nn.init.zeros_(self.second[1].weight)

    def forward(self, x):
        return F.relu(x + self.second(self.first(x)))


def _stage(channels, blocks, expansion):
    return nn.Sequential(*(Residual(channels, round(channels * expansion)) for _ in range(blocks)))


class Up(nn.Module):
    """Brings the deeper map to the resolution of `skip`, adds both and refines them by `blocks` residual blocks."""

    def __init__(self, deep, channels, blocks, expansion):
        super().__init__()
        self.deep = ConvUnit(deep, channels, 1, active=False)
        self.skip = ConvUnit(channels, channels, 1, active=False)
        self.refine = _stage(channels, blocks, expansion)

    def forward(self, deep, skip):
        deep = F.interpolate(self.deep(deep), scale_factor=2.0, mode="bilinear", align_corners=False)
        return self.refine(F.relu(deep + self.skip(skip)))


class Network(nn.Module):
    """widths: channels at 1/2, 1/4, 1/8 and 1/16; encoder, decoder: residual blocks (at 1/4, 1/8, 1/16; at 1/8, 1/4);
    head: channels of the last convolution at 1/2; expansion: channels inside residual blocks, in parts of those around them."""

    def __init__(self, widths=(16, 32, 64, 128), encoder=(1, 2, 5), decoder=(1, 1), head=32, expansion=1.0):
        super().__init__()
        w2, w4, w8, w16 = widths
        self.stem = ConvUnit(3, w2, stride=2)
        self.down4 = nn.Sequential(ConvUnit(w2, w4, stride=2), _stage(w4, encoder[0], expansion))
        self.down8 = nn.Sequential(ConvUnit(w4, w8, stride=2), _stage(w8, encoder[1], expansion))
        self.down16 = nn.Sequential(ConvUnit(w8, w16, stride=2), _stage(w16, encoder[2], expansion))
        self.up8 = Up(w16, w8, decoder[0], expansion)
        self.up4 = Up(w8, w4, decoder[1], expansion)
        self.to_half = ConvUnit(w4, w2, 1, active=False)
        self.head = ConvUnit(2 * w2, head)
        self.levels = nn.Conv2d(head, LEVELS, 1)

    def forward(self, rgb):
        """rgb: [N][3][H][W] in 0..1, H and W multiples of MULTIPLE.

        Returns (logits [N][LEVELS][H/2][W/2], map at 1/16 [N][w16][H/16][W/16], map at 1/8 [N][w8][H/8][W/8])."""
        half = self.stem(rgb)
        quarter = self.down4(half)
        eighth = self.down8(quarter)
        coarse = self.down16(eighth)
        fine = self.up8(coarse, eighth)
        x = self.to_half(self.up4(fine, quarter))
        x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
        return self.levels(self.head(torch.cat((F.relu(x), half), 1))), coarse, fine


@torch.no_grad()
def grow(network, state):
    """Gives `network`, as made, the weights of one that has fewer residual blocks or narrower ones (state: its state_dict()), whose
    answers it has then: what is new in a block, or a new block, has no say until training gives it one."""
    for name, value in network.state_dict().items():
        given = state.get(name)
        if given is None:
            continue
        if given.shape != value.shape and name.endswith("second.0.weight"):
            value.zero_()
        value[tuple(slice(n) for n in given.shape)] = given


def unfold(network, weights):
    """Gives an exported file's weights to `network`, whose batch normalisations then do nothing but add the bias; in
    training they must be kept so (see freeze). weights: name -> array, as the file names them."""
    modules = dict(network.named_modules())
    with torch.no_grad():
        for name, value in weights.items():
            module, kind = name.rsplit(".", 1)
            convolution, value = modules[module], torch.from_numpy(value).float()
            if kind == "weight" or convolution.bias is not None:
                getattr(convolution, kind).copy_(value)
                continue
            norm = modules[module.rsplit(".", 1)[0]][1]
            norm.weight.fill_(1)
            norm.running_mean.zero_()
            norm.running_var.fill_(1 - norm.eps)
            norm.bias.copy_(value)


def freeze(network):
    """Batch normalisation as in evaluation, whatever the batch."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


@torch.no_grad()
def reopen(network, rgb):
    """Lets batch normalisations that unfold() made idle work again, with the statistics of the pictures rgb: answers stay
    the same in evaluation, and nearly so in training. The convolutions before them are scaled to variance 1, as if new."""
    found = []

    def look(unit, inputs):
        seen = unit[0](inputs[0]).float()
        found.append((unit, *torch.std_mean(seen, (0, 2, 3))))

    hooks = [m.register_forward_pre_hook(look) for m in network.modules() if isinstance(m, ConvUnit)]
    network.eval()(rgb)
    for h in hooks:
        h.remove()
    for unit, deviation, mean in found:
        convolution, norm = unit[0], unit[1]
        deviation = deviation.clamp(min=1e-3)
        convolution.weight.div_(deviation[:, None, None, None])
        norm.weight.copy_(deviation)
        norm.bias.add_(mean)
        norm.running_mean.copy_(mean / deviation)


class Shipped(nn.Module):
    """What is exported: rgb -> distribution [N][LEVELS][H/2][W/2]."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, image):
        return F.softmax(self.network(image)[0], 1)


def expectation(distribution):
    """Mean disparity 0..1 [N][H][W] of a distribution [N][LEVELS][H][W]."""
    levels = torch.linspace(0, 1, distribution.shape[1], device=distribution.device, dtype=distribution.dtype)
    return distribution.movedim(1, -1) @ levels


def count(network, height=224, width=384):
    """(multiply-accumulates, parameters) of one run on a picture of this size."""
    total = 0

    def hook(module, _, output):
        nonlocal total
        total += output[0].numel() * module.weight[0].numel()

    hooks = [m.register_forward_hook(hook) for m in network.modules() if isinstance(m, nn.Conv2d)]
    with torch.no_grad():
        network.eval()(torch.zeros(1, 3, height, width, device=next(network.parameters()).device))
    for h in hooks:
        h.remove()
    return total, sum(p.numel() for p in network.parameters())
