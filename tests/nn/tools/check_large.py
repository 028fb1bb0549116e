"""The whole networks at full size against onnxruntime: check_large.py BENCH DEFAULT_MODEL

Makes each network with networks.py in a temporary folder, runs the bench on it and judges its NMSE. Exit 77, with the
reason: torch, onnx or onnxruntime are not installed.
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import networks
except ImportError as error:
    print(f"SKIPPED: {error}; pip install torch onnx onnxruntime")
    sys.exit(77)

LIMIT = 1e-6


def nmse_of(bench, case):
    out = case / "out.json"
    subprocess.run([bench, "nn", "--case", str(case), "--runs", "2", "--json", str(out)], check=True, stdout=subprocess.DEVNULL)
    return json.loads(out.read_text())


def main():
    bench, default = sys.argv[1], Path(sys.argv[2])
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        cases = []
        if default.exists():
            networks.write_default(folder, default)
            cases.append("default")
        for name, (make, size, opset) in networks.FULL.items():
            networks.export(name, make, size, opset, folder)
            cases.append(name)
        for name in cases:
            result = nmse_of(bench, folder / name)
            good = result["nmse"] <= LIMIT
            bad += not good
            print(f"{'ok' if good else 'FAILED'} {name}: {result['backend']}, NMSE {result['nmse']:.2g}, "
                  f"slab {result['slab_bytes'] / 1e6:.1f} MB")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
