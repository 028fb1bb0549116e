"""The five kinds of depth network that the engine is judged on, with random weights, as ONNX case folders.

    networks.py FOLDER [--tiny] [--only NAME] [--model FILE]

A case is model.onnx and test_data_set_0 with an input and onnxruntime's output. --tiny makes the few-kilobyte versions
that are committed under tests/nn/cases; --model makes a case "default" of such a file as our own. Needs torch, onnx and onnxruntime.
"""
import argparse
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from torch import nn
from torch.nn import functional as F


def conv_bn(inputs, outputs, kernel=3, stride=1, groups=1, act=nn.ReLU):
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, *([act()] if act else []))


class UNet(nn.Module):
    """As our default model: image to a distribution over disparities at half size."""

    def __init__(self, widths=(24, 32, 64, 96, 128), planes=33):
        super().__init__()
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        last = 3
        for width in widths:
            self.down.append(nn.Sequential(conv_bn(last, width, stride=2), conv_bn(width, width)))
            last = width
        for width in reversed(widths[:-1]):
            self.up.append(nn.Sequential(conv_bn(last + width, width), conv_bn(width, width)))
            last = width
        self.head = nn.Conv2d(last, planes, 3, padding=1)

    def forward(self, x):
        skips = []
        for down in self.down:
            x = down(x)
            skips.append(x)
        for up, skip in zip(self.up, reversed(skips[:-1])):
            x = up(torch.cat([F.interpolate(x, scale_factor=2.0), skip], 1))
        return torch.softmax(self.head(x), 1)


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride, expand):
        super().__init__()
        inner = inputs * expand
        layers = [conv_bn(inputs, inner, 1, act=nn.ReLU6)] if expand > 1 else []
        layers += [conv_bn(inner, inner, kernel, stride, inner, nn.ReLU6), conv_bn(inner, outputs, 1, act=None)]
        self.body, self.residual = nn.Sequential(*layers), inputs == outputs and stride == 1

    def forward(self, x):
        return x + self.body(x) if self.residual else self.body(x)


class ResidualUnit(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.a, self.b = nn.Conv2d(width, width, 3, padding=1), nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x):
        return x + self.b(F.relu(self.a(F.relu(x))))


class Fusion(nn.Module):
    """Adds a skip, refines, doubles the size: as in RefineNet, MiDaS and DPT."""

    def __init__(self, width, outputs=None):
        super().__init__()
        self.first, self.second = ResidualUnit(width), ResidualUnit(width)
        self.out = nn.Conv2d(width, outputs or width, 1)

    def forward(self, x, skip=None, size=None):
        x = self.second(x if skip is None else x + self.first(skip))
        if size is None:
            x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=True)
        else:
            x = F.interpolate(x, size=size, mode="bilinear", align_corners=True)
        return self.out(x)


class EfficientMidas(nn.Module):
    """An EfficientNet-lite3 encoder with MiDaS small's decoder."""

    def __init__(self, scale=1.0):
        super().__init__()
        w = lambda n: max(8, int(n * scale) // 8 * 8)
        d = lambda n: max(1, round(n * min(1, scale)))
        # outputs, depth, kernel, stride, expansion
        rows = [(24, 2, 3, 1, 1), (32, 3, 3, 2, 6), (48, 3, 5, 2, 6), (96, 5, 3, 2, 6), (136, 5, 5, 1, 6),
                (232, 6, 5, 2, 6), (384, 1, 3, 1, 6)]
        self.stem = conv_bn(3, w(32), 3, 2, act=nn.ReLU6)
        stages, last, self.taps, outs = [], w(32), (1, 2, 4, 6), []
        for outputs, depth, kernel, stride, expand in rows:
            blocks = []
            for i in range(d(depth)):
                blocks.append(InvertedResidual(last, w(outputs), kernel, stride if i == 0 else 1, expand))
                last = w(outputs)
            stages.append(nn.Sequential(*blocks))
            outs.append(last)
        self.stages = nn.ModuleList(stages)
        f = w(64)
        widths = [f, f * 2, f * 4, f * 8]
        self.scratch = nn.ModuleList(nn.Conv2d(outs[t], k, 3, padding=1, bias=False) for t, k in zip(self.taps, widths))
        self.fusions = nn.ModuleList(Fusion(k, k // 2 if i else k) for i, k in enumerate(widths))
        self.head = nn.Sequential(nn.Conv2d(f, f // 2, 3, padding=1), nn.Upsample(scale_factor=2.0, mode="bilinear"),
                                  nn.Conv2d(f // 2, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 1, 1), nn.ReLU())

    def forward(self, x):
        x, taps = self.stem(x), []
        for i, stage in enumerate(self.stages):
            x = stage(x)
            if i in self.taps:
                taps.append(x)
        taps = [conv(t) for conv, t in zip(self.scratch, taps)]
        path = self.fusions[3](taps[3])
        for i in (2, 1, 0):
            path = self.fusions[i](path, taps[i])
        return self.head(path)


class FastDepth(nn.Module):
    """MobileNet v1 with five depthwise-separable upsampling steps and added skips."""

    def __init__(self, scale=1.0):
        super().__init__()
        w = lambda n: max(8, int(n * scale))
        separable = lambda i, o, s, k=3: nn.Sequential(conv_bn(i, i, k, s, i, nn.ReLU6), conv_bn(i, o, 1, act=nn.ReLU6))
        rows = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1),
                (1024, 2), (1024, 1)]
        if scale < 1:
            rows = rows[:6] + rows[-2:]
        last, self.encoder = w(32), nn.ModuleList([conv_bn(3, w(32), 3, 2, act=nn.ReLU6)])
        for outputs, stride in rows:
            self.encoder.append(separable(last, w(outputs), stride))
            last = w(outputs)
        self.decoder = nn.ModuleList()
        for outputs in (512, 256, 128, 64, 32):
            self.decoder.append(separable(last, w(outputs), 1, 5))
            last = w(outputs)
        self.head = conv_bn(last, 1, 1)

    def forward(self, x):
        skips = []
        for layer in self.encoder:
            before = x.shape[2]
            y = layer(x)
            if y.shape[2] != before:
                skips.append(x)
            x = y
        for i, layer in enumerate(self.decoder):
            x = F.interpolate(layer(x), scale_factor=2.0)
            skip = skips[-1 - i]
            if skip.shape[1] == x.shape[1]:
                x = x + skip
        return self.head(x)


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.a, self.b = conv_bn(inputs, outputs, 3, stride), conv_bn(outputs, outputs, act=None)
        same = stride == 1 and inputs == outputs
        self.skip = nn.Identity() if same else conv_bn(inputs, outputs, 1, stride, act=None)

    def forward(self, x):
        return F.relu(self.b(self.a(x)) + self.skip(x))


class ResNetUNet(nn.Module):
    def __init__(self, scale=1.0):
        super().__init__()
        w = lambda n: max(8, int(n * scale))
        self.stem, self.pool = conv_bn(3, w(64), 7, 2), nn.MaxPool2d(3, 2, 1)
        self.down, self.up, last = nn.ModuleList(), nn.ModuleList(), w(64)
        for outputs, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
            self.down.append(nn.Sequential(BasicBlock(last, w(outputs), stride), BasicBlock(w(outputs), w(outputs), 1)))
            last = w(outputs)
        for skip, outputs in ((256, 256), (128, 128), (64, 64), (64, 32), (0, 16)):
            inputs = last + (w(skip) if skip else 0)
            self.up.append(nn.Sequential(conv_bn(inputs, w(outputs), act=nn.ELU), conv_bn(w(outputs), w(outputs), act=nn.ELU)))
            last = w(outputs)
        self.head = nn.Conv2d(last, 1, 3, padding=1)

    def forward(self, x):
        skips = [self.stem(x)]
        x = self.pool(skips[0])
        for down in self.down:
            x = down(x)
            skips.append(x)
        skips = skips[:-1]
        for up in self.up:
            x = F.interpolate(x, scale_factor=2.0)
            x = up(torch.cat([x, skips.pop()], 1) if skips else x)
        return torch.sigmoid(self.head(x))


class Block(nn.Module):
    """A transformer block as DINOv2 has it, with LayerScale."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width, 1e-6), nn.LayerNorm(width, 1e-6)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.scale1, self.scale2 = nn.Parameter(torch.rand(width)), nn.Parameter(torch.rand(width))

    def attend(self, x):
        b, n, c = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        a = (q * (c // self.heads) ** -0.5) @ k.transpose(-2, -1)
        return self.proj((a.softmax(-1) @ v).transpose(1, 2).reshape(b, n, c))

    def forward(self, x):
        x = x + self.scale1 * self.attend(self.norm1(x))
        return x + self.scale2 * self.down(F.gelu(self.up(self.norm2(x))))


class DepthAnything(nn.Module):
    """ViT with patches of 14 and the DPT head of Depth Anything V2 Small."""

    def __init__(self, width=384, heads=6, depth=12, taps=(2, 5, 8, 11), outs=(48, 96, 192, 384), features=64, grid=37):
        super().__init__()
        self.taps, self.grid = taps, grid
        self.patch = nn.Conv2d(3, width, 14, 14)
        self.cls = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.position = nn.Parameter(torch.randn(1, 1 + grid * grid, width) * 0.02)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width, 1e-6)
        self.projects = nn.ModuleList(nn.Conv2d(width, o, 1) for o in outs)
        self.resizes = nn.ModuleList([nn.ConvTranspose2d(outs[0], outs[0], 4, 4), nn.ConvTranspose2d(outs[1], outs[1], 2, 2),
                                      nn.Identity(), nn.Conv2d(outs[3], outs[3], 3, 2, 1)])
        self.scratch = nn.ModuleList(nn.Conv2d(o, features, 3, padding=1, bias=False) for o in outs)
        self.fusions = nn.ModuleList(Fusion(features) for _ in outs)
        self.head1 = nn.Conv2d(features, features // 2, 3, padding=1)
        self.head2 = nn.Sequential(nn.Conv2d(features // 2, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 1, 1), nn.ReLU())

    def forward(self, x):
        h, w = x.shape[2] // 14, x.shape[3] // 14
        t = self.patch(x).flatten(2).transpose(1, 2)
        grid = self.position[:, 1:].reshape(1, self.grid, self.grid, -1).permute(0, 3, 1, 2)
        grid = F.interpolate(grid, size=(h, w), mode="bicubic").permute(0, 2, 3, 1).reshape(1, -1, t.shape[2])
        t = torch.cat([self.cls, t], 1) + torch.cat([self.position[:, :1], grid], 1)
        maps = []
        for i, block in enumerate(self.blocks):
            t = block(t)
            for _ in range(self.taps.count(i)):
                maps.append(self.norm(t)[:, 1:].permute(0, 2, 1).reshape(1, t.shape[2], h, w))
        maps = [s(r(p(m))) for s, r, p, m in zip(self.scratch, self.resizes, self.projects, maps)]
        path = self.fusions[3](maps[3], size=maps[2].shape[2:])
        path = self.fusions[2](path, maps[2], size=maps[1].shape[2:])
        path = self.fusions[1](path, maps[1], size=maps[0].shape[2:])
        path = self.head1(self.fusions[0](path, maps[0]))
        path = F.interpolate(path, size=(h * 14, w * 14), mode="bilinear", align_corners=True)
        return self.head2(path)


# name: model, input height and width, opset; full and tiny
FULL = {
    "unet": (UNet, (224, 384), 17),
    "midas": (EfficientMidas, (256, 256), 12),
    "fastdepth": (FastDepth, (224, 224), 11),
    "resnet": (ResNetUNet, (192, 320), 13),
    "vit": (DepthAnything, (252, 252), 17),
    "vit_518": (DepthAnything, (518, 518), 17),
}
TINY = {
    "unet": (lambda: UNet((8, 16, 16), 5), (16, 24), 17),
    "midas": (lambda: EfficientMidas(0.02), (64, 32), 12),
    "fastdepth": (lambda: FastDepth(0.02), (32, 64), 11),
    "resnet": (lambda: ResNetUNet(0.02), (32, 64), 13),
    "vit": (lambda: DepthAnything(24, 2, 2, (0, 0, 1, 1), (8, 8, 8, 8), 8, 4), (42, 28), 17),
    "unet_half": (lambda: UNet((8, 16, 16), 5), (16, 24), 17),
    "fastdepth_external": (lambda: FastDepth(0.02), (32, 64), 20),
    "vit_opset14": (lambda: DepthAnything(24, 2, 2, (0, 0, 1, 1), (8, 8, 8, 8), 8, 4), (42, 28), 14),
}


def randomise(model):
    """Statistics that are not trivial, so that folding them is really tested; and activations stay in range."""
    for m in model.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.running_mean.normal_(0, 0.1)
            m.running_var.uniform_(0.5, 1.5)
            m.weight.data.uniform_(0.7, 1.3)
            m.bias.data.normal_(0.1, 0.1)
    last = [m for m in model.modules() if isinstance(m, nn.Conv2d) and m.out_channels == 1]
    for m in last:  # a last ReLU must not end in zeros alone
        if m.bias is not None:
            m.bias.data.fill_(0.5)


def write_case(folder, model_bytes, feeds):
    data = folder / "test_data_set_0"
    data.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(model_bytes)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model_bytes, options, providers=["CPUExecutionProvider"])
    outputs = session.run(None, feeds)
    for i, (name, value) in enumerate(feeds.items()):
        (data / f"input_{i}.pb").write_bytes(numpy_helper.from_array(value, name).SerializeToString())
    for i, value in enumerate(outputs):
        (data / f"output_{i}.pb").write_bytes(numpy_helper.from_array(value, f"output_{i}").SerializeToString())


def write_default(folder, path):
    """Our own model, at the size that its file names."""
    sizes = {p.key: p.value for p in onnx.load(path).metadata_props}
    height, width = int(sizes["deep3d.input_height"]), int(sizes["deep3d.input_width"])
    picture = np.random.default_rng(0).random((1, 3, height, width), np.float32)
    write_case(folder / "default", path.read_bytes(), {"image": picture})


def export(name, make, size, opset, out):
    torch.manual_seed(7)
    model = make().eval()
    randomise(model)
    x = torch.rand(1, 3, *size)
    if name.endswith("_half"):
        model, x = model.half(), x.half()
    path = out / name / "model.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        torch.onnx.export(model, x, str(path), opset_version=opset, input_names=["image"], output_names=["depth"],
                          dynamic_axes={"image": {2: "height", 3: "width"}}, dynamo=False)
    model_bytes = path.read_bytes()
    write_case(path.parent, model_bytes, {"image": x.numpy()})
    if name.endswith("_external"):  # weights in a file beside the model
        onnx.save(onnx.load(path), path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    nodes = len(onnx.load_from_string(model_bytes).graph.node)
    print(f"{name}: opset {opset}, {nodes} nodes, {len(model_bytes) / 1e6:.2f} MB, input {tuple(x.shape)}")


def main():
    args = argparse.ArgumentParser()
    args.add_argument("folder", type=Path)
    args.add_argument("--tiny", action="store_true")
    args.add_argument("--only")
    args.add_argument("--model", type=Path)
    args = args.parse_args()
    if args.model:
        write_default(args.folder, args.model)
    for name, (make, size, opset) in (TINY if args.tiny else FULL).items():
        if args.only in (None, name):
            export(name, make, size, opset, args.folder)


if __name__ == "__main__":
    main()
