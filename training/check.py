"""Compares an exported file with PyTorch: through onnxruntime or, where there is none, through our own engine.

The engine is deep3d-bench, as a build leaves it in build/tests/bench; the variable DEEP3D_BENCH names another.
"""
import importlib.util
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch
from onnx import numpy_helper

TOLERANCE = 1e-4  # largest difference of a probability
SIZES = ((224, 384), (144, 208))  # px
BENCH = Path(__file__).resolve().parent.parent / "build" / "tests" / "bench" / "deep3d-bench"


class CannotCheck(Exception):
    """Nothing here can run an ONNX file."""


def difference(network, path):
    """Largest difference of a probability between `network` and the file; ValueError above TOLERANCE, CannotCheck
    where neither onnxruntime nor the engine is there."""
    through = _through_onnxruntime if importlib.util.find_spec("onnxruntime") else _through_engine
    worst = 0.0
    for height, width in SIZES:
        x = torch.rand(1, 3, height, width)
        with torch.no_grad():
            worst = max(worst, through(path, x.numpy(), network(x).numpy()))
    if not worst <= TOLERANCE:
        raise ValueError(f"{path}: differs from PyTorch by {worst:.2e}")
    return worst


def _through_onnxruntime(path, image, want):
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    got = session.run(None, {"image": image})[0]
    if got.shape != want.shape:
        raise ValueError(f"{path}: output has shape {got.shape}")
    return float(np.abs(got - want).max())


def _through_engine(path, image, want):
    bench = os.environ.get("DEEP3D_BENCH", BENCH)
    if not Path(bench).exists():
        raise CannotCheck(f"{path}: not compared with PyTorch, as there is neither onnxruntime nor {bench}")
    with tempfile.TemporaryDirectory() as folder:
        sets = Path(folder) / "test_data_set_0"
        sets.mkdir()
        shutil.copy(path, f"{folder}/model.onnx")
        for name, value in (("input_0", image), ("output_0", want)):
            (sets / f"{name}.pb").write_bytes(numpy_helper.from_array(value).SerializeToString())
        subprocess.run([str(bench), "nn", "--case", folder, "--runs", "1", "--json", f"{folder}/answer"], check=True,
                       stdout=subprocess.DEVNULL)
        return float(json.loads(Path(f"{folder}/answer").read_text())["max_abs"])
