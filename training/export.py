"""Writes a trained network as ONNX, batch normalisation folded, with the metadata that the player reads.

    python -m training.export --checkpoint WORK/checkpoint.pt --out assets/models/deep3d-small.onnx

The written file is checked against PyTorch through onnxruntime on two picture sizes before it is kept.
"""
import argparse
import copy
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn
from torch.nn.utils import fusion

from .model import LEVELS, MULTIPLE, Network, Shipped, count

OPSET = 17
WIDTH, HEIGHT = 384, 224  # px, default input
TOLERANCE = 1e-4  # largest difference of a probability
METADATA = {
    "deep3d.output": "distribution",
    "deep3d.disparity_min": "-1",
    "deep3d.disparity_max": "1",
    "deep3d.input_width": str(WIDTH),
    "deep3d.input_height": str(HEIGHT),
    "deep3d.multiple": str(MULTIPLE),
    "deep3d.order": "RGB",
    "deep3d.mean": "0,0,0",
    "deep3d.scale": "1,1,1",
    "deep3d.licence": "MIT",
}


def fold(network):
    """A copy whose batch normalisations are folded into the convolutions before them."""
    network = copy.deepcopy(network).eval()
    for module in network.modules():
        if isinstance(module, nn.Sequential) and len(module) > 1 and isinstance(module[1], nn.BatchNorm2d):
            module[0] = fusion.fuse_conv_bn_eval(module[0], module[1])
            module[1] = nn.Identity()
    return network


def tidy(graph):
    """Makes constants initialisers and drops the Identity nodes by which the exporter shares equal initialisers."""
    initializers = {i.name: i for i in graph.initializer}
    for node in list(graph.node):
        if node.op_type == "Constant":
            tensor = copy.deepcopy(node.attribute[0].t)
        elif node.op_type == "Identity" and node.input[0] in initializers:
            tensor = copy.deepcopy(initializers[node.input[0]])
        else:
            continue
        tensor.name = node.output[0]
        graph.initializer.append(tensor)
        graph.node.remove(node)
    used = {name for node in graph.node for name in node.input}
    for i in list(graph.initializer):
        if i.name not in used:
            graph.initializer.remove(i)


def write(network, path, name, version):
    """Exports `network` (evaluation mode is set here) to `path`; raises if onnxruntime disagrees with PyTorch."""
    shipped = Shipped(fold(network).float().to("cpu", memory_format=torch.contiguous_format)).eval()
    example = torch.rand(1, 3, HEIGHT, WIDTH)
    free = {"image": {2: "height", 3: "width"}, "distribution": {2: "half_height", 3: "half_width"}}
    options = {"dynamo": False} if "dynamo" in torch.onnx.export.__code__.co_varnames else {}
    torch.onnx.export(shipped, (example,), str(path), opset_version=OPSET, input_names=["image"],
                      output_names=["distribution"], dynamic_axes=free, **options)
    model = onnx.load(str(path))
    tidy(model.graph)
    for key, value in {**METADATA, "deep3d.name": name, "deep3d.version": version}.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return difference(shipped, path)


def difference(shipped, path):
    """Largest difference of a probability between PyTorch and onnxruntime; raises above TOLERANCE."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    worst = 0.0
    for height, width in ((HEIGHT, WIDTH), (144, 208)):
        x = torch.rand(1, 3, height, width)
        with torch.no_grad():
            want = shipped(x).numpy()
        got = session.run(None, {"image": x.numpy()})[0]
        if got.shape != (1, LEVELS, height // 2, width // 2):
            raise ValueError(f"{path}: output has shape {got.shape}")
        worst = max(worst, float(np.abs(got - want).max()))
    if worst > TOLERANCE:
        raise ValueError(f"{path}: differs from PyTorch by {worst:.2e}")
    return worst


def load(*checkpoints):
    """The averaged network of a checkpoint, in evaluation mode; of several of one lineage, the mean of theirs."""
    states = [torch.load(c, map_location="cpu") for c in checkpoints]
    network = Network(**states[0]["config"]["model"])
    first = states[0]["average"]
    network.load_state_dict({k: sum(s["average"][k].float() for s in states).div(len(states)).to(v.dtype)
                             for k, v in first.items()})
    return network.eval()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", required=True, nargs="+", help="several of one lineage are averaged")
    parser.add_argument("--out", required=True)
    parser.add_argument("--name", default="deep3d-small")
    parser.add_argument("--version", default="1")
    args = parser.parse_args()
    network = load(*args.checkpoint)
    worst = write(network, Path(args.out), args.name, args.version)
    macs, parameters = count(network)
    print(f"{args.out}: {macs / 1e9:.2f} GMAC at {WIDTH}x{HEIGHT}, {parameters / 1e6:.2f} M parameters, "
          f"{Path(args.out).stat().st_size / 1e6:.1f} MB, differs from PyTorch by {worst:.1e}")


if __name__ == "__main__":
    main()
