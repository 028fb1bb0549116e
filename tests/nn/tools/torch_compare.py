"""A network on an NVIDIA GPU by our bench and by PyTorch's compiler in turn, from the same ONNX file.

    torch_compare.py --bench PATH/deep3d-bench MODEL_OR_CASE... [--size WxH] [--mode max-autotune] [--rounds 3] [--runs 500] [--json FILE]

PyTorch runs the file's operators, translated one by one, in half precision with channels last, compiled by
torch.compile in the mode given; "reduce-overhead" and "max-autotune" replay CUDA graphs. Both are given pictures that
lie on the GPU and are waited for after each run. Printed: medians of the rounds' medians, their ratio, and each one's
error (NMSE) against single precision. Exit 77: no PyTorch, no onnx or no GPU.
"""
import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

try:
    import numpy as np
    import onnx
    import torch
    import torch.nn.functional as F
    from onnx import numpy_helper
except ImportError as error:
    print(f"SKIPPED: {error}")
    sys.exit(77)


def pads(values, rank):
    """ONNX's begins and ends as (symmetric padding, what F.pad wants for the rest)."""
    begin, end = values[:rank], values[rank:]
    if begin == end:
        return begin, None
    return [0] * rank, [v for b, e in zip(reversed(begin), reversed(end)) for v in (b, e)]


def convolution(x, w, b, attributes):
    rank = w.dim() - 2
    padding, more = pads(attributes.get("pads", [0] * 2 * rank), rank)
    if more:
        x = F.pad(x, more)
    return F.conv2d(x, w, b, attributes.get("strides", [1] * rank), padding, attributes.get("dilations", [1] * rank), attributes.get("group", 1))


def transposed(x, w, b, attributes):
    rank = w.dim() - 2
    padding, more = pads(attributes.get("pads", [0] * 2 * rank), rank)
    assert more is None
    return F.conv_transpose2d(x, w, b, attributes.get("strides", [1] * rank), padding, attributes.get("output_padding", [0] * rank),
                              attributes.get("group", 1), attributes.get("dilations", [1] * rank))


def resize(x, scales, sizes, attributes):
    size = [int(v) for v in sizes[-2:]] if sizes is not None else [int(x.shape[2] * scales[-2]), int(x.shape[3] * scales[-1])]
    mode = attributes.get("mode", b"nearest").decode()
    if mode == "nearest":
        return F.interpolate(x, size=size, mode="nearest")
    corners = attributes.get("coordinate_transformation_mode", b"half_pixel").decode() == "align_corners"
    return F.interpolate(x, size=size, mode={"linear": "bilinear", "cubic": "bicubic"}[mode], align_corners=corners)


def pooled(x, attributes, function):
    padding, more = pads(attributes.get("pads", [0] * 4), 2)
    assert more is None
    return function(x, attributes["kernel_shape"], attributes.get("strides", [1, 1]), padding)


def axes_of(args, attributes):
    return [int(v) for v in (args[1] if len(args) > 1 and args[1] is not None else attributes["axes"])]


def squeezed(x, axes):
    for axis in sorted((v % x.dim() for v in axes), reverse=True):
        x = x.squeeze(axis)
    return x


def unsqueezed(x, axes):
    for axis in sorted(axes):
        x = x.unsqueeze(axis)
    return x


def split(x, sizes, attributes, outputs):
    axis = attributes.get("axis", 0)
    return torch.split(x, [int(v) for v in sizes] if sizes is not None else x.shape[axis] // outputs, axis)


def sliced(x, starts, ends, axes=None, steps=None):
    index = [slice(None)] * x.dim()
    for i, (start, end) in enumerate(zip(starts, ends)):
        axis = int(axes[i]) if axes is not None else i
        index[axis] = slice(int(start), None if int(end) > 2**31 else int(end), int(steps[i]) if steps is not None else 1)
    return x[tuple(index)]


def listed(result):
    return list(result) if isinstance(result, (tuple, list)) else [result]


def gathered(x, index, axis):
    index = torch.as_tensor(index, device=x.device)
    return x.select(axis, int(index)) if index.dim() == 0 else x.index_select(axis, index)


def cast(x, to):
    """All floats have one width here."""
    if to in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16):
        return x if x.is_floating_point() else x.float()
    return x.to(torch.bool) if to == onnx.TensorProto.BOOL else x.to(torch.int64)


# name: function of (arguments, attributes); arguments that only say shapes come as lists
OPERATORS = {
    "Conv": lambda a, t: convolution(a[0], a[1], a[2] if len(a) > 2 else None, t),
    "ConvTranspose": lambda a, t: transposed(a[0], a[1], a[2] if len(a) > 2 else None, t),
    "Resize": lambda a, t: resize(a[0], a[2] if len(a) > 2 else None, a[3] if len(a) > 3 else None, t),
    "MaxPool": lambda a, t: pooled(a[0], t, F.max_pool2d),
    "AveragePool": lambda a, t: pooled(a[0], t, F.avg_pool2d),
    "BatchNormalization": lambda a, t: F.batch_norm(a[0], a[3], a[4], a[1], a[2], eps=t.get("epsilon", 1e-5)),
    "LayerNormalization": lambda a, t: F.layer_norm(a[0], a[1].shape, a[1], a[2] if len(a) > 2 else None, t.get("epsilon", 1e-5)),
    "Relu": lambda a, t: F.relu(a[0]),
    "Clip": lambda a, t: torch.clamp(a[0], *[float(v) if v is not None else None for v in (a[1:] + [None] * 2)[:2]]),
    "Elu": lambda a, t: F.elu(a[0], t.get("alpha", 1.0)),
    "LeakyRelu": lambda a, t: F.leaky_relu(a[0], t.get("alpha", 0.01)),
    "Gelu": lambda a, t: F.gelu(a[0]),
    "Sigmoid": lambda a, t: torch.sigmoid(a[0]),
    "Tanh": lambda a, t: torch.tanh(a[0]),
    "Erf": lambda a, t: torch.erf(a[0]),
    "Sqrt": lambda a, t: torch.sqrt(a[0]),
    "Pow": lambda a, t: torch.pow(a[0], a[1]),
    "Add": lambda a, t: a[0] + a[1],
    "Sub": lambda a, t: a[0] - a[1],
    "Mul": lambda a, t: a[0] * a[1],
    "Div": lambda a, t: a[0] / a[1] if a[0].is_floating_point() else a[0] // a[1],
    "MatMul": lambda a, t: a[0] @ a[1],
    "Softmax": lambda a, t: torch.softmax(a[0], t.get("axis", -1)),
    "Concat": lambda a, t: torch.cat(a, t["axis"]),
    "Split": lambda a, t: split(a[0], a[1] if len(a) > 1 else None, t, t["outputs"]),
    "Slice": lambda a, t: sliced(*a),
    "Transpose": lambda a, t: a[0].permute(t["perm"]),
    "Reshape": lambda a, t: a[0].reshape([a[0].shape[i] if v == 0 else int(v) for i, v in enumerate(a[1])]),
    "Squeeze": lambda a, t: squeezed(a[0], axes_of(a, t)),
    "Unsqueeze": lambda a, t: unsqueezed(a[0], axes_of(a, t)),
    "Gather": lambda a, t: gathered(a[0], a[1], t.get("axis", 0)),
    "Shape": lambda a, t: torch.tensor(a[0].shape),
    "Constant": lambda a, t: torch.from_numpy(numpy_helper.to_array(t["value"]).copy()),
    "ConstantOfShape": lambda a, t: torch.full([int(v) for v in a[0]], numpy_helper.to_array(t["value"]).item() if "value" in t else 0.0),
    "Equal": lambda a, t: a[0] == a[1],
    "Where": lambda a, t: torch.where(a[0], a[1], a[2]),
    "Floor": lambda a, t: torch.floor(a[0]),
    "ReduceMean": lambda a, t: a[0].mean(axes_of(a, t), keepdim=bool(t.get("keepdims", 1))),
    "Expand": lambda a, t: a[0].expand(torch.broadcast_shapes(a[0].shape, [int(v) for v in a[1]])),
    "Cast": lambda a, t: cast(a[0], t["to"]),
    "Identity": lambda a, t: a[0],
}
# arguments that are shapes, numbers of axes or single limits, and stay on the host
HOST = {"Resize": {1, 2, 3}, "Reshape": {1}, "Slice": {1, 2, 3, 4}, "Split": {1}, "Squeeze": {1}, "Unsqueeze": {1}, "Clip": {1, 2},
        "ReduceMean": {1}, "Expand": {1}, "Gather": {1}}


class Network(torch.nn.Module):
    """The graph of an ONNX file for one size of picture: what only shapes decide is computed once, here."""

    def __init__(self, model, picture):
        super().__init__()
        known = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in model.graph.initializer}
        known = {name: value.float() if value.is_floating_point() else value for name, value in known.items()}
        self.inputs = [i.name for i in model.graph.input if i.name not in known]
        self.outputs = [o.name for o in model.graph.output]
        self.steps, self.places = [], {}
        values = {self.inputs[0]: torch.tensor(picture).float()}
        for node in model.graph.node:
            if node.op_type not in OPERATORS:
                raise NotImplementedError(node.op_type)
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute} | {"outputs": len(node.output)}
            if node.op_type == "Shape" or all(not name or name in known for name in node.input):
                found = [known[name] if name in known else values.get(name) for name in node.input]
                known.update(zip(node.output, listed(OPERATORS[node.op_type](found, attributes))))
                continue
            args = [self.argument(name, i in HOST.get(node.op_type, ()), known) for i, name in enumerate(node.input)]
            self.steps.append((OPERATORS[node.op_type], args, attributes, list(node.output)))
            with torch.no_grad():
                self.run(self.steps[-1], values)

    def argument(self, name, on_host, known):
        """("none",), ("host", value), ("weight", attribute) or ("value", name)."""
        if not name or (name in known and known[name].numel() == 0):
            return ("none",)
        if name not in known:
            return ("value", name)
        if on_host:
            return ("host", known[name].tolist())
        if name not in self.places:
            self.places[name] = f"w{len(self.places)}"
            value = known[name]
            self.register_buffer(self.places[name], value.contiguous(memory_format=torch.channels_last) if value.dim() == 4 else value)
        return ("weight", self.places[name])

    def run(self, step, values):
        function, args, attributes, outputs = step
        found = [None if a[0] == "none" else a[1] if a[0] == "host" else getattr(self, a[1]) if a[0] == "weight" else values[a[1]] for a in args]
        values.update(zip(outputs, listed(function(found, attributes))))

    def forward(self, picture):
        values = {self.inputs[0]: picture}
        for step in self.steps:
            self.run(step, values)
        return tuple(values[name].float() for name in self.outputs)


def load(path, size):
    """Model and picture: of a case folder, or noise in the size that the file names."""
    if path.is_dir():
        tensor = onnx.TensorProto()
        tensor.ParseFromString((path / "test_data_set_0/input_0.pb").read_bytes())
        return onnx.load(path / "model.onnx"), numpy_helper.to_array(tensor)
    model = onnx.load(path)
    named = {p.key: p.value for p in model.metadata_props}
    width, height = (int(v) for v in size.split("x")) if size else (int(named["deep3d.input_width"]), int(named["deep3d.input_height"]))
    return model, (np.arange(3 * height * width, dtype=np.int64) * 7919 % 65521 / 65521).astype(np.float32).reshape(1, 3, height, width)


def torch_runner(path, args):
    """A function that runs it once and waits, and its error against itself in single precision."""
    model, picture = load(path, args.size)
    network = Network(model, picture).eval()
    still = torch.tensor(picture).float()
    with torch.no_grad():
        plain = network(still)
    network.cuda().half()
    still = still.cuda()
    compiled = torch.compile(network, mode=None if args.mode == "default" else args.mode)

    def run():
        with torch.no_grad():
            answer = compiled(still.half().contiguous(memory_format=torch.channels_last))
        torch.cuda.synchronize()
        return answer

    begin = time.perf_counter()
    for _ in range(5):
        answer = run()
    print(f"{path.name}: PyTorch {torch.__version__} compiled ({args.mode}) in {time.perf_counter() - begin:.1f} s", flush=True)
    return run, max(float(((a.cpu() - b) ** 2).sum() / (b**2).sum()) for a, b in zip(answer, plain))


def median_ms(run, runs):
    times = []
    for _ in range(runs):
        begin = time.perf_counter()
        run()
        times.append((time.perf_counter() - begin) * 1e3)
    return statistics.median(times)


def ours(path, args):
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        command = [args.bench, "nn", "--case" if path.is_dir() else "--model", str(path), "--backend", "cuda", "--precision", "fp16", "--memory",
                   "device", "--runs", str(args.runs), "--json", str(out)] + (["--size", args.size] if args.size else [])
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return json.loads(out.read_text())


def compare(path, args):
    run, error = torch_runner(path, args)
    mine, theirs = [], []
    for _ in range(args.rounds):
        result = ours(path, args)
        mine.append(result["ms_p50"])
        theirs.append(median_ms(run, args.runs))
    row = {"network": path.name, "backend": result["backend"], "plan_ms": round(result["plan_ms"], 1), "ours_ms": statistics.median(mine),
           "torch_ms": statistics.median(theirs), "ratio": round(statistics.median(mine) / statistics.median(theirs), 3),
           "nmse": result["nmse"], "torch_nmse": error, "mode": args.mode}
    print(json.dumps(row), flush=True)
    return row


def main():
    args = argparse.ArgumentParser()
    args.add_argument("networks", nargs="+", type=Path)
    args.add_argument("--bench", required=True)
    args.add_argument("--size")
    args.add_argument("--mode", default="max-autotune", choices=["default", "reduce-overhead", "max-autotune"])
    args.add_argument("--rounds", type=int, default=3)
    args.add_argument("--runs", type=int, default=500)
    args.add_argument("--json", type=Path)
    args = args.parse_args()
    if not torch.cuda.is_available():
        print("SKIPPED: PyTorch sees no GPU")
        return 77
    rows = [compare(path.resolve(), args) for path in args.networks]
    if args.json:
        args.json.write_text(json.dumps({"gpu": torch.cuda.get_device_name(), "torch": torch.__version__, "rows": rows}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
