"""Writes a trained network as ONNX, batch normalisation folded, with the metadata that the player reads.

    python -m training.export --checkpoint WORK/checkpoint.pt --out assets/models/deep3d-small.onnx

Convolutions' weights are stored in half precision, to which PyTorch's are rounded before; the written file is then compared
with PyTorch on two picture sizes.
"""
import argparse
import copy
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import nn
from torch.nn.utils import fusion

from . import check
from .model import MULTIPLE, Network, Shipped, count, unfold

OPSET = 17
HALF = ".half"  # ends the name of an initialiser in half precision
SIZE = (320, 192)  # px, default input, where a config says no other
METADATA = {
    "deep3d.output": "distribution",
    "deep3d.disparity_min": "-1",
    "deep3d.disparity_max": "1",
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


def round_to_half(network):
    """Rounds the convolutions' weights to what half precision holds."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.data = module.weight.data.half().float()


def halve(graph):
    """Stores initialisers of several dimensions in half precision, each behind a Cast, which runtimes fold away."""
    for i in [i for i in graph.initializer if i.data_type == onnx.TensorProto.FLOAT and len(i.dims) > 1]:
        name, small = i.name, numpy_helper.from_array(numpy_helper.to_array(i).astype("float16"))
        i.CopyFrom(small)
        i.name = name + HALF
        graph.node.insert(0, onnx.helper.make_node("Cast", [i.name], [name], to=onnx.TensorProto.FLOAT))


def write(network, path, name, version, size=SIZE):
    """Exports `network` to `path`. size: (width, height) of its default input. Returns the largest difference from PyTorch,
    None where nothing can tell it (which is said); raises if it is too large."""
    shipped = Shipped(fold(network).float().to("cpu", memory_format=torch.contiguous_format)).eval()
    round_to_half(shipped)
    example = torch.rand(1, 3, size[1], size[0])
    free = {"image": {2: "height", 3: "width"}, "distribution": {2: "half_height", 3: "half_width"}}
    options = {"dynamo": False} if "dynamo" in torch.onnx.export.__code__.co_varnames else {}
    torch.onnx.export(shipped, (example,), str(path), opset_version=OPSET, input_names=["image"],
                      output_names=["distribution"], dynamic_axes=free, **options)
    model = onnx.load(str(path))
    tidy(model.graph)
    halve(model.graph)
    own = {"name": name, "version": version, "input_width": size[0], "input_height": size[1]}
    for key, value in {**METADATA, **{f"deep3d.{k}": str(v) for k, v in own.items()}}.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    try:
        return check.difference(shipped, path)
    except check.CannotCheck as reason:
        print(reason)


def name_of(path):
    """The name in the metadata of a file that `write` made."""
    return {p.key: p.value for p in onnx.load(str(path)).metadata_props}["deep3d.name"]


def weights(path):
    """Weights of a file that `write` made, float32, by the network's own names."""
    found = {}
    for i in onnx.load(str(path)).graph.initializer:
        name = i.name[:-len(HALF)] if i.name.endswith(HALF) else i.name
        if name.startswith("network.") and name.endswith((".weight", ".bias")):
            found[name[len("network."):]] = numpy_helper.to_array(i).astype("float32")
    return found


def _state(path, config):
    """The averaged state of a checkpoint; of an exported file that of a network with which a training goes on from it."""
    if Path(path).suffix != ".onnx":
        return torch.load(path, map_location="cpu")["average"]
    network = Network(**config["model"])
    unfold(network, weights(path))
    return network.state_dict()


def load(*checkpoints):
    """The averaged network of a checkpoint, in evaluation mode, and its default input's size; of several of one lineage, the
    mean of theirs, to which an exported file belongs where the training went on from it. The first one is no such file."""
    config = torch.load(checkpoints[0], map_location="cpu")["config"]
    states = [_state(c, config) for c in checkpoints]
    network = Network(**config["model"])
    network.load_state_dict({k: sum(s[k].float() for s in states).div(len(states)).to(v.dtype) for k, v in states[0].items()})
    return network.eval(), tuple(config.get("input_size", SIZE))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", required=True, nargs="+",
                        help="several of one lineage are averaged; all but the first may be the exported file where it began")
    parser.add_argument("--out", required=True)
    parser.add_argument("--name", default="deep3d-small")
    parser.add_argument("--version", default="1")
    args = parser.parse_args()
    network, size = load(*args.checkpoint)
    worst = write(network, Path(args.out), args.name, args.version, size)
    macs, parameters = count(network, size[1], size[0])
    print(f"{args.out}: {macs / 1e9:.2f} GMAC at {size[0]}x{size[1]}, {parameters / 1e6:.2f} M parameters, "
          f"{Path(args.out).stat().st_size / 1e6:.1f} MB" + (f", differs from PyTorch by {worst:.1e}" if worst is not None else ""))


if __name__ == "__main__":
    main()
