"""Teachers: networks whose answers label pictures that have no disparity of their own.

A teacher is an ONNX file run by onnxruntime. Its first output is relative disparity or log disparity; further outputs
are feature maps that the student learns to predict. `tiefenrausch()` writes such a file from the published Caffe2 graph
of Tiefenrausch ("One Shot 3D Photography", Kopf et al. 2020, MIT licence), keeping its int8 arithmetic: on a CPU with
VNNI that is six times faster than the dequantised float32 graph and correlates with the published output above 0.999.

    python -m training.teacher --tiefenrausch FOLDER --out teacher.onnx
"""
import argparse
import importlib.util
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# Maps of the decoder after its additions: 96 channels at 1/16 and at 1/8 of the input.
TIEFENRAUSCH_FEATURES = ("517_int8", "543_int8")


class Teacher:
    """One ONNX teacher on the CPU.

    path: the model file. log: whether the first output is log disparity. threads: of onnxruntime.
    Thread-safe after construction.
    """

    def __init__(self, path, log=True, threads=1):
        import onnxruntime  # here, as all the rest does without

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        # Without VNNI int8 products are else summed in pairs of 16 bits, which overflow: other answers than elsewhere.
        options.add_session_config_entry("session.x64quantprecision", "1")
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name
        self.log = log

    def __call__(self, rgb):
        """rgb: uint8 [H][W][3], H and W multiples of 32.

        Returns (disparity [H][W] float32, relative, near is large; list of maps [C][h][w] as the file gives them)."""
        x = np.ascontiguousarray(rgb.transpose(2, 0, 1)[None], np.float32) / 255
        disparity, *maps = self.session.run(None, {self.input: x})
        disparity = disparity.reshape(disparity.shape[-2:])
        return np.exp(disparity) if self.log else disparity, [m[0] for m in maps]


class _GraphWriter:
    """Turns one Caffe2 int8 graph into ONNX nodes and initialisers."""

    def __init__(self, weights):
        self.weights = weights  # name -> the operator that fills it
        self.nodes, self.constants = [], []

    def constant(self, name, value):
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def quant(self, name):
        return [f"{name}_scale", f"{name}_zero"]

    def add(self, op, first):
        a, kind, out = op["arg"], op["type"], op["out"][0]
        source = "image" if first else op["in"][0]
        if "Y_scale" in a:
            self.constant(f"{out}_scale", np.float32(a["Y_scale"]))
            self.constant(f"{out}_zero", np.uint8(a.get("Y_zero_point") or 0))
        if kind in ("NCHW2NHWC", "NHWC2NCHW"):
            self.node("Identity", [source], out)
        elif kind == "Int8Quantize":
            self.node("QuantizeLinear", [source, *self.quant(out)], out)
        elif kind == "Int8Dequantize":
            self.node("DequantizeLinear", [source, *self.quant(source)], out)
        elif kind == "Int8Conv":
            self.convolution(op)
        elif kind == "Int8Add":
            b = op["in"][1]
            self.node("QLinearAdd", [source, *self.quant(source), b, *self.quant(b), *self.quant(out)], out,
                      domain="com.microsoft")
        elif kind == "Int8ResizeNearest":
            scales = np.array([1, 1, a["height_scale"], a["width_scale"]], np.float32)
            self.node("Resize", [source, "", self.constant(f"{out}_scales", scales)], out, mode="nearest",
                      coordinate_transformation_mode="asymmetric", nearest_mode="floor")
        else:
            raise ValueError(f"teacher graph: unknown operator {kind}")

    def node(self, kind, inputs, out, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [out], **attributes))

    def convolution(self, op):
        (x, w, b), a, out = op["in"], op["arg"], op["out"][0]
        pad, stride = a.get("pads") or [0] * 4, a.get("strides") or [1, 1]
        fill = self.weights[w]["arg"]
        # Weights are uint8 [out][kh][kw][in]; int8 weights are the fast road of the processor.
        values = np.frombuffer(fill["values"], np.uint8).reshape(fill["shape"]).transpose(0, 3, 1, 2)
        self.constant(w, (values.astype(np.int16) - 128).astype(np.int8))
        self.constant(f"{w}_scale", np.float32(fill["Y_scale"]))
        self.constant(f"{w}_zero", np.int8((fill.get("Y_zero_point") or 0) - 128))
        bias = self.weights[b]["arg"]["values"]
        self.constant(b, np.array(bias if isinstance(bias, list) else [bias], np.int32))
        self.node("QLinearConv", [x, *self.quant(x), w, *self.quant(w), *self.quant(out), b], out,
                  pads=[pad[0], pad[1], pad[0], pad[1]], strides=stride, group=a.get("group") or 1)


def tiefenrausch(folder, out, features=TIEFENRAUSCH_FEATURES):
    """Writes the Tiefenrausch graph that lies in `folder` (two .pb files and teacher.py, their reader) as ONNX to `out`."""
    folder = Path(folder)
    spec = importlib.util.spec_from_file_location("tiefenrausch_reader", folder / "teacher.py")
    reader = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reader)
    weights = {op["out"][0]: op for op in reader._operators(folder / "model_tiefenrausch_init.pb")}
    writer = _GraphWriter(weights)
    graph = list(reader._operators(folder / "model_tiefenrausch.pb"))
    for i, op in enumerate(graph):
        writer.add(op, first=i == 0)
    outputs = [helper.make_tensor_value_info(graph[-1]["out"][0], TensorProto.FLOAT, None)]
    outputs += [helper.make_tensor_value_info(f, TensorProto.UINT8, None) for f in features]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, "h", "w"])
    model = helper.make_model(helper.make_graph(writer.nodes, "teacher", [image], outputs, writer.constants),
                              opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)])
    model.ir_version = 8
    onnx.save(model, str(out))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiefenrausch", required=True, metavar="FOLDER")
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    Path(args.out).parent.mkdir(parents=True, exist_ok=True)
    tiefenrausch(args.tiefenrausch, args.out)


if __name__ == "__main__":
    main()
