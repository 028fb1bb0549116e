"""Measures a model on real stereo pairs and on clips, beside a teacher and a vertical ramp.

    python -m training.evaluate --model assets/models/deep3d-small.onnx \\
        --measure ../shared/stereo/measure.py --pairs ../shared/stereo/dev [--teacher WORK/teacher.onnx] \\
        [--clips ../shared/media/CLIP ...]

On pairs: rank, row and order of measure.py, means and by kind, with the spread of row over bootstrap samples, and where there is a
teacher how far a model is above it, by kind, with the spread of that; and edges, the share of true disparity edges that the
prediction has within EDGE_REACH px at 384 wide. On clips: flicker, the mean change of disparity between frames beyond what the
motion in the picture explains, in % of the clip's disparity range; and in % of 0 to 1, which the player gives the whole parallax,
whatever part of it a clip has.
"""
import argparse
import importlib.util

import cv2
import numpy as np

from .teacher import Teacher

EDGE_REACH = 2  # px
GAP = 24  # px; wider unknown parts of a row stay unknown
FRAMES = 90  # of a clip
LONG_SIDE = 384  # px, for the teacher


def input_size(size, own, multiple, near=1.15, most=4.0):
    """(width, height) to which the player brings a picture of `size` for a network whose default is `own`: the default for
    pictures of about its shape, else about the same area and a shape half way between both."""
    aspect, mine = np.clip(size[0] / size[1], 1 / most, most), own[0] / own[1]
    if 1 / near < aspect / mine < near:
        return own
    aspect, area = (aspect * mine) ** 0.5, own[0] * own[1]
    return tuple(max(1, int(s / multiple + 0.5)) * multiple for s in ((area * aspect) ** 0.5, (area / aspect) ** 0.5))


class Onnx:
    """A model of ours: rgb uint8 [H][W][3] -> expected disparity 0..1 [h][w] float32, as the player runs it. fixed: every
    picture is pressed into the default input size instead."""

    def __init__(self, path, fixed=False, threads=2):
        import onnxruntime  # here, as all the rest does without

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        meta = self.session.get_modelmeta().custom_metadata_map
        self.size = int(meta["deep3d.input_width"]), int(meta["deep3d.input_height"])
        self.multiple, self.fixed = int(meta["deep3d.multiple"]), fixed

    def __call__(self, rgb):
        size = self.size if self.fixed else input_size(rgb.shape[1::-1], self.size, self.multiple)
        x = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
        x = np.ascontiguousarray(x.transpose(2, 0, 1)[None], np.float32) / 255
        p = self.session.run(None, {"image": x})[0][0]
        return np.tensordot(np.linspace(0, 1, p.shape[0], dtype=np.float32), p, 1)


class TeacherAnswer:
    """The teacher as it is, without averaging: rgb uint8 -> relative disparity [h][w]."""

    def __init__(self, path):
        self.teacher = Teacher(path, threads=2)

    def __call__(self, rgb):
        scale = LONG_SIDE / max(rgb.shape[:2])
        height, width = (max(32, round(s * scale / 32) * 32) for s in rgb.shape[:2])
        return self.teacher(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA))[0]


def ramp(rgb):
    """Nothing but floor to sky."""
    return np.repeat(np.linspace(0, 1, rgb.shape[0], dtype=np.float32)[:, None], rgb.shape[1], 1)


def load_measure(path):
    spec = importlib.util.spec_from_file_location("measure", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _steps(disparity):
    """Size of the horizontal step at each pixel where it is the largest within EDGE_REACH px of its row, else 0."""
    step = np.abs(disparity[:, 2:] - disparity[:, :-2]).astype(np.float32)
    return np.where(step >= cv2.dilate(step, np.ones((1, 2 * EDGE_REACH + 1), np.uint8)), step, 0)


def _filled(truth):
    """truth with gaps of up to GAP px in a row filled by the farther of both ends, as what is hidden is background."""
    height, width = truth.shape
    known = np.isfinite(truth)
    x = np.arange(width)
    left = np.maximum.accumulate(np.where(known, x, -1), 1)
    right = np.minimum.accumulate(np.where(known, x, width)[:, ::-1], 1)[:, ::-1]
    small = (left >= 0) & (right < width) & (right - left <= GAP + 1)
    rows = np.arange(height)[:, None]
    ends = np.minimum(truth[rows, np.maximum(left, 0)], truth[rows, np.minimum(right, width - 1)])
    return np.where(known, truth, np.where(small, ends, np.nan))


def edge_share(disparity, truth):
    """Share of the truth's edges with an edge of the prediction within EDGE_REACH px; both have as many edges.

    disparity, truth: [H][W], truth NaN where unknown. None where the truth has hardly any edge."""
    truth = _filled(truth)
    known = np.isfinite(truth[:, 2:]) & np.isfinite(truth[:, :-2])
    spread = np.nanpercentile(truth, 97) - np.nanpercentile(truth, 3)
    edges = known & (np.where(known, _steps(np.nan_to_num(truth)), 0) > max(2.5, 0.15 * spread))
    if edges.sum() < 100:
        return None
    mine = np.where(known, _steps(disparity), 0)
    cut = np.sort(mine[known])[-int(edges.sum())]
    near = cv2.dilate(np.uint8(mine >= max(cut, 1e-6)), np.ones((2 * EDGE_REACH + 1,) * 2, np.uint8))
    return float(near[edges].mean())


def windows(pairs, aspect):
    """Of each pair wider than `aspect` (width / height) its left, middle and right part of that shape, as pairs of kinds of
    their own: a film's picture may lie anywhere in what a very wide camera sees."""
    for row, left, right in pairs:
        full, width = left.shape[1], round(left.shape[0] * aspect)
        if width >= full:
            continue
        for place, x in (("left", 0), ("middle", (full - width) // 2), ("right", full - width)):
            limits = {k: float(row[k]) * full / width for k in ("disp_p03_pct", "disp_p97_pct")}
            part = {**row, **limits, "kind": f"{row['kind']}, {place}"}
            yield part, np.ascontiguousarray(left[:, x:x + width]), np.ascontiguousarray(right[:, x:x + width])


def on_pairs(answer, measure, folder, aspect=None):
    """(measure.py's summary of `answer` on the pairs of a folder, with `edges` added; [(kind, (rank, row, order))] of each
    pair). aspect: on windows() of them instead."""
    rng, rows, edges = np.random.default_rng(1), [], []
    pairs = measure.pairs(folder)
    for row, left, right in windows(pairs, aspect) if aspect else pairs:
        disparity = np.asarray(answer(np.ascontiguousarray(left[..., ::-1])), np.float32)
        result = measure.compare(disparity, left, right, row, rng)
        if result:
            rows.append((row["kind"], result))
            truth = measure.truth(left, right, float(row["disp_p03_pct"]), float(row["disp_p97_pct"]))
            edges.append(edge_share(cv2.resize(disparity, truth.shape[::-1], interpolation=cv2.INTER_LINEAR), truth))
    found = [e for e in edges if e is not None]
    return {**measure.summary(rows), "edges": round(float(np.mean(found)), 3) if found else None}, rows


def above(rows, others, samples=2000):
    """{kind: {figure: (mean of rows' less others', its 90 % interval over bootstrap samples of the pairs)}}; both as on_pairs gives
    them, of the same pairs."""
    rng, out = np.random.default_rng(3), {}
    for kind in sorted({k for k, _ in rows}):
        pairs = [(a, b) for (k, a), (_, b) in zip(rows, others) if k == kind]
        out[kind] = {}
        for i, name in enumerate(("rank", "row", "order")):
            d = np.array([a[i] - b[i] for a, b in pairs if a[i] is not None and b[i] is not None])
            if not len(d):
                continue
            means = d[rng.integers(0, len(d), (samples, len(d)))].mean(1)
            out[kind][name] = tuple(round(float(v), 3) for v in (d.mean(), *np.percentile(means, (5, 95))))
    return out


def frames(path, most=FRAMES):
    """RGB frames of a clip, at most `most`."""
    clip = cv2.VideoCapture(str(path))
    out = []
    while len(out) < most:
        good, bgr = clip.read()
        if not good:
            break
        out.append(np.ascontiguousarray(bgr[..., ::-1]))
    return out


def flicker(answer, pictures):
    """Mean change of disparity beyond motion, in % of the clip's range (2nd to 98th percentile) and in % of 1. Pixels whose
    motion is not certain (uncovered, or different in colour after warping) and cuts do not count."""
    maps = [np.asarray(answer(p), np.float32) for p in pictures]
    height, width = maps[0].shape
    low, high = np.percentile(np.stack(maps), (2, 98))
    small = [cv2.resize(p, (width, height), interpolation=cv2.INTER_AREA) for p in pictures]
    grey = [cv2.cvtColor(p, cv2.COLOR_RGB2GRAY) for p in small]
    motion = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    changes = []
    for i in range(1, len(maps)):
        flow = motion.calc(grey[i], grey[i - 1], None)
        at = x + flow[..., 0], y + flow[..., 1]
        before = cv2.remap(small[i - 1], *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        error = np.abs(before.astype(np.float32) - small[i]).mean(2)
        sure = (error < 8) & (at[0] >= 0) & (at[0] <= width - 1) & (at[1] >= 0) & (at[1] <= height - 1)
        if sure.mean() < 0.3:
            continue
        carried = cv2.remap(maps[i - 1], *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        changes.append(np.abs(maps[i] - carried)[sure].mean())
    change = 100 * float(np.mean(changes)) if changes else float("nan")
    return change / max(high - low, 1e-6), change


def write_disparity(measure, pairs, folder):
    """NAME_disparity.png of each pair as deep3d-eval reads them: 16 bit, 0 unknown, else 32768 + 64 * px of its own width."""
    for row, left, right in measure.pairs(pairs):
        truth = measure.truth(left, right, float(row["disp_p03_pct"]), float(row["disp_p97_pct"]))
        value = np.where(np.isfinite(truth), np.round(np.nan_to_num(truth) * 64) + 32768, 0).astype(np.uint16)
        cv2.imwrite(f"{folder}/{row['name']}_disparity.png", value)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", nargs="*", default=[])
    parser.add_argument("--teacher")
    parser.add_argument("--ramp", action="store_true")
    parser.add_argument("--fixed", action="store_true", help="press every picture into the default input size")
    parser.add_argument("--measure", default="../shared/stereo/measure.py")
    parser.add_argument("--pairs", default="../shared/stereo/dev")
    parser.add_argument("--windows", type=float, metavar="ASPECT",
                        help="of pairs wider than this (width / height) measure left, middle and right part of that shape")
    parser.add_argument("--clips", nargs="*", default=[])
    parser.add_argument("--write-disparity", metavar="FOLDER", help="write each pair's NAME_disparity.png there, and end")
    args = parser.parse_args()
    if args.write_disparity:
        return write_disparity(load_measure(args.measure), args.pairs, args.write_disparity)
    answers = {m: Onnx(m, args.fixed) for m in args.model}
    if args.teacher:
        answers["teacher"] = TeacherAnswer(args.teacher)
    if args.ramp:
        answers["ramp"] = ramp
    measure, rows = load_measure(args.measure) if args.pairs else None, {}
    for name, answer in answers.items():
        if measure:
            result, rows[name] = on_pairs(answer, measure, args.pairs, args.windows)
            print(name, {k: v for k, v in result.items() if k != "kind"})
            for kind, figures in result.get("kind", {}).items():
                print("   ", kind, figures)
        for clip in args.clips:
            relative, absolute = flicker(answer, frames(clip))
            print(f"    flicker {clip.rsplit('/', 1)[-1]}: {relative:.2f} % of its range, {absolute:.2f} % of 1", flush=True)
    for name in args.model if "teacher" in rows else ():
        print(f"{name} above the teacher (90 % interval)")
        for kind, figures in above(rows[name], rows["teacher"]).items():
            print("   ", kind, ", ".join(f"{k} {m:+.3f} ({low:+.3f} to {high:+.3f})" for k, (m, low, high) in figures.items()))


if __name__ == "__main__":
    main()
