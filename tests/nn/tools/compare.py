"""Our bench and onnxruntime (and OpenVINO, where installed) in turn on one machine, on ONNX case folders.

    compare.py --bench PATH/deep3d-bench CASE... [--threads 1 2] [--rounds 7] [--runs 20] [--cpu] [--json FILE]

--cpu compares processor time in place of the clock's, for machines that others use; with one thread.

Each round runs every engine once; a round's figure is the median of its runs. Printed: the median of the rounds, and the
ratio ours / onnxruntime of the medians with the smallest and largest ratio of a round. Exit 1: an NMSE above 1e-6.
Exit 77: onnxruntime is not installed.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

try:
    import onnx
    import onnxruntime
    from onnx import numpy_helper
except ImportError as error:
    print(f"SKIPPED: {error}; pip install onnx onnxruntime")
    sys.exit(77)


def load_inputs(case, names):
    feeds = {}
    for i, name in enumerate(names):
        tensor = onnx.TensorProto()
        tensor.ParseFromString((case / f"test_data_set_0/input_{i}.pb").read_bytes())
        feeds[name] = numpy_helper.to_array(tensor)
    return feeds


class OnnxRuntime:
    name = "onnxruntime " + onnxruntime.__version__

    def __init__(self, case, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(case / "model.onnx"), options, providers=["CPUExecutionProvider"])
        self.feeds = load_inputs(case, [i.name for i in self.session.get_inputs()])

    def run(self):
        self.session.run(None, self.feeds)


class OpenVino:
    def __init__(self, case, threads):
        import openvino

        self.name = "OpenVINO " + openvino.__version__.split("-")[0]
        core = openvino.Core()
        model = core.read_model(case / "model.onnx")
        feeds = load_inputs(case, [i.any_name for i in model.inputs])
        model.reshape({k: v.shape for k, v in feeds.items()})
        settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        self.request = core.compile_model(model, "CPU", settings).create_infer_request()
        self.feeds = feeds

    def run(self):
        self.request.infer(self.feeds)


def time_runs(engine, runs, cpu):
    engine.run()
    if cpu:
        start = time.process_time()
        for _ in range(runs):
            engine.run()
        return (time.process_time() - start) * 1e3 / runs
    times = []
    for i in range(runs + 1):
        start = time.perf_counter()
        engine.run()
        if i >= 1:
            times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


def ours(case, threads, args):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "out.json"
        command = [args.bench, "nn", "--case", str(case), "--threads", str(threads), "--runs", str(args.runs), "--json", str(path),
                   "--precision", args.precision]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return json.loads(path.read_text())


def one_round(engine, case, threads, args):
    """In a process of its own, as ours is: thread pools that spin do not disturb the next one."""
    code = (f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); from pathlib import Path; import compare;"
            f"print(compare.time_runs(compare.{engine}(Path({str(case)!r}), {threads}), {args.runs}, {args.cpu}))")
    return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


def compare(case, threads, args):
    times = {name: [] for name in ["ours"] + args.engines}
    for _ in range(args.rounds):
        result = ours(case, threads, args)
        times["ours"].append(result["cpu_ms" if args.cpu else "ms_p50"])
        for engine in args.engines:
            times[engine].append(one_round(engine, case, threads, args))
    row = {"case": case.name, "threads": threads, "clock": "cpu" if args.cpu else "wall", "nmse": result["nmse"], "backend": result["backend"],
           "slab_bytes": result["slab_bytes"]}
    row.update({name: round(statistics.median(t), 2) for name, t in times.items()})
    for engine in args.engines:
        ratios = [a / b for a, b in zip(times["ours"], times[engine])]
        middle = statistics.median(times["ours"]) / statistics.median(times[engine])
        row["ratio_" + engine] = [round(v, 2) for v in (middle, min(ratios), max(ratios))]
    return row


def main():
    args = argparse.ArgumentParser()
    args.add_argument("cases", nargs="+", type=Path)
    args.add_argument("--bench", required=True)
    args.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    args.add_argument("--rounds", type=int, default=7)
    args.add_argument("--runs", type=int, default=20)
    args.add_argument("--cpu", action="store_true")
    args.add_argument("--precision", default="fp32")
    args.add_argument("--json", type=Path)
    args = args.parse_args()
    args.engines = ["OnnxRuntime"]
    try:
        import openvino  # noqa: F401

        args.engines.append("OpenVino")
    except ImportError:
        print("OpenVINO is not installed: not compared with")
    rows = []
    for case in args.cases:
        for threads in args.threads:
            rows.append(compare(case.resolve(), threads, args))
            print(json.dumps(rows[-1]), flush=True)
    if args.json:
        args.json.write_text(json.dumps({"load": os.getloadavg(), "rows": rows}, indent=1))
    sys.exit(0 if all(r["nmse"] <= (1e-6 if args.precision == "fp32" else 1) for r in rows) else 1)


if __name__ == "__main__":
    main()
