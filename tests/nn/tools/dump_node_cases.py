"""Writes the node cases of the installed onnx package as case folders: dump_node_cases.py FOLDER

Newer packages make them in Python and no longer ship them as files. Run the test on them with
NN_NODE_CASES=FOLDER nn_nodes.
"""
import sys
from pathlib import Path

import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases


def main() -> None:
    out = Path(sys.argv[1])
    count = 0
    for case in collect_testcases(None):
        folder = out / case.name
        data = folder / "test_data_set_0"
        try:
            inputs, outputs = case.data_sets[0]
            pairs = [(f"input_{i}", v) for i, v in enumerate(inputs)]
            pairs += [(f"output_{i}", v) for i, v in enumerate(outputs)]
            tensors = [(k, v if isinstance(v, onnx.TensorProto) else numpy_helper.from_array(v)) for k, v in pairs]
        except Exception:  # sequences and optionals: not tensors, not ours
            continue
        data.mkdir(parents=True, exist_ok=True)
        (folder / "model.onnx").write_bytes(case.model.SerializeToString())
        for name, tensor in tensors:
            (data / f"{name}.pb").write_bytes(tensor.SerializeToString())
        count += 1
    print(f"{count} cases of onnx {onnx.__version__} in {out}")


if __name__ == "__main__":
    main()
