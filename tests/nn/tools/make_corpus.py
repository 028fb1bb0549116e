"""One small model an operator or pattern, for the fuzzer to start from: make_corpus.py FOLDER. Needs onnx and numpy."""
import sys
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

F, I = TensorProto.FLOAT, TensorProto.INT64


def model(op, inputs, constants=(), opset=17, outputs=("y",), out_type=F, **attributes):
    values = [helper.make_tensor_value_info(n, t, s) for n, t, s in inputs]
    weights = [numpy_helper.from_array(np.asarray(v), n) for n, v in constants]
    names = [n for n, *_ in inputs] + [n for n, _ in constants]
    node = helper.make_node(op, names, list(outputs), **attributes)
    results = [helper.make_tensor_value_info(n, out_type, None) for n in outputs]
    graph = helper.make_graph([node], "g", values, results, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)]).SerializeToString()


def attention():
    """As exporters take it apart: the scale on the keys before they are transposed, and a mask."""
    nodes = [helper.make_node(op, names.split(), [out], **attributes) for op, names, out, attributes in (
        ("Mul", "k s", "ks", {}), ("Transpose", "ks", "kt", {"perm": [0, 2, 1]}), ("MatMul", "q kt", "p", {}),
        ("Add", "p m", "a", {}), ("Softmax", "a", "w", {}), ("MatMul", "w v", "y", {}))]
    shapes = {"q": ["b", 5, 4], "k": ["b", 3, 4], "v": ["b", 3, 2], "m": [5, 1]}
    values = [helper.make_tensor_value_info(n, F, s) for n, s in shapes.items()]
    graph = helper.make_graph(nodes, "g", values, [helper.make_tensor_value_info("y", F, None)],
                              [numpy_helper.from_array(np.float32(0.5), "s")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()


def main():
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    x, i64, f32 = ("x", F, [1, 4, "h", 6]), np.int64, np.float32
    r = np.random.default_rng(0)
    w = lambda *s: r.standard_normal(s).astype(f32)
    cases = {}
    for op in ("Abs Elu Erf Exp HardSigmoid HardSwish Identity LeakyRelu Log Neg Reciprocal Relu Sigmoid Softplus Sqrt Tanh Ceil "
               "Floor Round GlobalAveragePool GlobalMaxPool Flatten Shape Softmax LogSoftmax ArgMax Dropout Transpose").split():
        cases[op] = model(op, [x])
    cases["Gelu"] = model("Gelu", [x], opset=20, approximate="tanh")
    for op in ("Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Sum", "Equal", "Less", "Greater", "PRelu", "MatMul"):
        cases[op] = model(op, [("a", F, [1, 4, 6, 6]), ("b", F, [6, 6])])
    cases["Conv"] = model("Conv", [x], [("w", w(4, 2, 3, 3)), ("b", w(4))], group=2, pads=[1, 1, 1, 1], strides=[2, 1])
    cases["ConvAuto"] = model("Conv", [x], [("w", w(2, 4, 2, 2))], auto_pad="SAME_LOWER", dilations=[2, 1])
    cases["ConvTranspose"] = model("ConvTranspose", [x], [("w", w(4, 2, 3, 3))], output_padding=[1, 1], strides=[2, 2])
    cases["MaxPool"] = model("MaxPool", [x], outputs=("y", "i"), kernel_shape=[2, 2], ceil_mode=1, strides=[2, 2])
    cases["AveragePool"] = model("AveragePool", [x], kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)
    cases["BatchNormalization"] = model("BatchNormalization", [x], [(n, abs(w(4))) for n in "sbmv"])
    cases["InstanceNormalization"] = model("InstanceNormalization", [x], [(n, w(4)) for n in "sb"])
    cases["LayerNormalization"] = model("LayerNormalization", [x], [(n, w(6)) for n in "sb"])
    cases["Clip"] = model("Clip", [x], [("lo", f32(0)), ("hi", f32(6))])
    cases["Gemm"] = model("Gemm", [("a", F, [4, 6])], [("b", w(5, 6)), ("c", w(5))], transB=1, alpha=0.5)
    cases["Cast"] = model("Cast", [x], to=TensorProto.FLOAT16, out_type=TensorProto.FLOAT16)
    for op in ("ReduceMean", "ReduceMax", "ReduceMin"):
        cases[op] = model(op, [x], axes=[1, -1], keepdims=0)
    cases["ReduceSum"] = model("ReduceSum", [x], [("axes", i64([2]))])
    for mode in ("nearest", "linear", "cubic"):
        cases["Resize_" + mode] = model("Resize", [x], [("roi", f32([])), ("scales", f32([1, 1, 2, 1.5]))], mode=mode)
    cases["Resize_sizes"] = model("Resize", [x], [("r", f32([])), ("s", f32([])), ("z", i64([1, 4, 3, 9]))], mode="linear",
                                  coordinate_transformation_mode="align_corners")
    cases["Upsample"] = model("Upsample", [x], [("s", f32([1, 1, 2, 2]))], opset=9)
    cases["Concat"] = model("Concat", [("a", F, [2, 3]), ("b", F, [2, 4])], axis=1)
    cases["Split"] = model("Split", [x], [("s", i64([1, 3]))], outputs=("y", "z"), axis=1)
    cases["Slice"] = model("Slice", [x], [("s", i64([-1])), ("e", i64([-100])), ("a", i64([3])), ("t", i64([-2]))])
    cases["Gather"] = model("Gather", [x], [("i", i64([0, -1]))], axis=1)
    cases["Reshape"] = model("Reshape", [x], [("s", i64([0, -1, 2]))])
    cases["Squeeze"] = model("Squeeze", [x], [("a", i64([0]))])
    cases["Unsqueeze"] = model("Unsqueeze", [x], [("a", i64([0, -1]))])
    cases["Expand"] = model("Expand", [x], [("s", i64([2, 1, 1, 6]))])
    cases["Tile"] = model("Tile", [x], [("r", i64([1, 2, 1, 2]))])
    for mode in ("constant", "reflect", "edge"):
        cases["Pad_" + mode] = model("Pad", [x], [("p", i64([0, 0, 1, 2, 0, 0, 1, -1])), ("v", f32(3))], mode=mode)
    cases["ConstantOfShape"] = model("ConstantOfShape", [], [("s", i64([2, 3]))],
                                     value=numpy_helper.from_array(i64([7]), "v"), out_type=I)
    cases["Where"] = model("Where", [("c", TensorProto.BOOL, [4, 1]), ("a", F, [4, 6]), ("b", F, [6])])
    cases["DepthToSpace"] = model("DepthToSpace", [x], blocksize=2, mode="CRD")
    cases["SpaceToDepth"] = model("SpaceToDepth", [("x", F, [1, 2, 4, 6])], blocksize=2)
    cases["Attention"] = attention()
    for name, data in cases.items():
        (out / name).write_bytes(data)
    print(len(cases), "models in", out)


if __name__ == "__main__":
    main()
