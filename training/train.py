"""Trains a network as a config file says; interrupted, it goes on from its last checkpoint.

    python -m training.train --config training/config/small.toml --work WORK [--set source.0.folder=PATH ...]

WORK receives checkpoint.pt (written every few minutes and when interrupted), phaseN.pt
at the end of each phase, log.csv (means since the line before), curves.png and
samples.png. Batches depend on the seed and the step only. bfloat16 is used on CPUs that have it and on CUDA devices;
--float32 turns it off.
"""
import argparse
import csv
import math
import signal
import time
import tomllib
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from . import export, losses
from .data import Batches, PackSource, prefetch
from .model import Network, expectation, freeze, grow, unfold
from .sheet import colour, sheet

LOG_EVERY = 50  # steps


class Student(nn.Module):
    """The network and the 1x1 convolutions that map its features to the teacher's; only the network is kept."""

    def __init__(self, model, coarse, fine):
        super().__init__()
        self.network = Network(**model)
        widths = model["widths"]
        self.coarse = nn.Conv2d(widths[3], max(coarse, 1), 1)
        self.fine = nn.Conv2d(widths[2], max(fine, 1), 1)


class Average:
    """Exponential moving average of a module's parameters and statistics, what is evaluated and shipped."""

    def __init__(self, module, decay):
        self.decay, self.updates = decay, 0
        self.state = {k: v.detach().clone() for k, v in module.state_dict().items()}

    def update(self, module):
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        with torch.no_grad():
            for k, v in module.state_dict().items():
                if v.dtype.is_floating_point:
                    self.state[k].lerp_(v, 1 - decay)
                else:
                    self.state[k].copy_(v)


def load_config(path, changes=()):
    """Config file as a dict; changes: 'a.0.b=value' strings, values in TOML (or plain text)."""
    config = tomllib.loads(Path(path).read_text())
    for change in changes:
        key, value = change.split("=", 1)
        try:
            value = tomllib.loads(f"v = {value}")["v"]
        except tomllib.TOMLDecodeError:
            pass
        *parents, last = key.split(".")
        node = config
        for p in parents:
            node = node[int(p)] if isinstance(node, list) else node.setdefault(p, {})
        node[int(last) if isinstance(node, list) else last] = value
    return config


def make_sources(config):
    """(sources, shares, (mean, deviation) tensors of coarse and fine teacher features)."""
    sources = [PackSource(s["folder"], s.get("tolerance", 0.12)) for s in config["source"]]
    statistics = [tuple(torch.from_numpy(v) for v in pair) for pair in sources[0].feature_statistics()]
    return sources, [s.get("share", 1.0) for s in config["source"]], statistics


def phase_at(config, step):
    """The phase to which a step belongs."""
    for phase in config["phase"]:
        if step < phase["steps"]:
            return phase
        step -= phase["steps"]
    raise ValueError("step beyond the last phase")


def shape_at(phase, step):
    """(height, width) of a step's pictures: the phase's shapes take turns, as players keep a film's aspect."""
    return phase["shapes"][step % len(phase["shapes"])]


def learning_rate(config, step, total):
    """Linear warm-up, then one cosine to 1 % of the peak."""
    peak, warm = config["optimiser"]["rate"], config["optimiser"]["warm_up"]
    if step < warm:
        return peak * (step + 1) / warm
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm))))


def terms(student, batch, statistics, rgb, bf16):
    """Dict of unweighted losses of one batch, and the disparity [n+t][h][w] that they judged."""
    n = batch.disparity.shape[0]
    twins = batch.grid.shape[0]
    with torch.autocast(rgb.device.type, torch.bfloat16, enabled=bf16):
        logits, coarse, fine = student.network(rgb)
        coarse, fine = student.coarse(coarse[:n]), student.fine(fine[:n])
    log_p = torch.log_softmax(logits.float(), 1)
    disparity = expectation(log_p.exp())
    label, weight = batch.disparity, batch.weight
    if twins:
        trust, inside = losses.twins_of(weight[:twins], batch.grid)
        # A place between pixels has the label of those that are trusted.
        label_moved = losses.twins_of(label[:twins] * weight[:twins], batch.grid)[0] / trust.clamp(min=1e-6)
        label, weight = torch.cat((label, label_moved)), torch.cat((weight, trust * inside))
    out = {"cross_entropy": losses.cross_entropy(log_p, label, weight)}
    out["scale_free"], out["gradient"] = losses.scale_free(disparity, label, weight)
    out["spread"] = losses.spread(disparity, label, weight)
    out["row"] = losses.row_structure(disparity, label, weight)
    if batch.coarse.shape[1]:
        out["coarse"] = losses.features(coarse.float(), batch.coarse, statistics[0], batch.taught)
        out["fine"] = losses.features(fine.float(), batch.fine, statistics[1], batch.taught)
    if twins:
        out["steady"] = losses.steadiness(disparity[:twins], disparity[n:], batch.grid)
    if len(batch.paired):
        out["photometric"] = losses.photometric(batch.eyes.float() / 255, log_p[batch.paired].exp(), batch.parallax,
                                                batch.weight[batch.paired])
    return out, disparity


def to_device(batch, device):
    """The batch on the device, and its pictures as float 0..1 in channels_last."""
    for name, value in vars(batch).items():
        setattr(batch, name, value.to(device, non_blocking=True))
    return batch, (batch.rgb.float() / 255).contiguous(memory_format=torch.channels_last)


def draw_samples(path, batch, disparity, count=12):
    """Writes picture | label | prediction of some of the batch."""
    rows = []
    for i in range(min(count, batch.disparity.shape[0])):
        bgr = np.ascontiguousarray(batch.rgb[i].permute(1, 2, 0).cpu().numpy()[..., ::-1])
        h, w = bgr.shape[:2]
        rows.append(np.hstack([bgr] + [colour(m[i].cpu().numpy(), h, w) for m in (batch.disparity, disparity)]))
    cv2.imwrite(str(path), sheet(rows, 3))


def draw_curves(path, log, width=900, height=500):
    """Draws every column of log.csv but the first ones over the steps, each scaled to its own largest value."""
    with open(log, newline="") as f:
        rows = list(csv.DictReader(f))
    if len(rows) < 2:
        return
    canvas = np.full((height, width, 3), 255, np.uint8)
    names = [n for n in rows[0] if n not in ("step", "seconds", "rate", "pictures_per_s")]
    for k, name in enumerate(names):
        points = [(float(r["step"]), float(r[name])) for r in rows if r[name]]
        if not points:
            continue
        values = np.array(points)
        x = values[:, 0] / float(rows[-1]["step"]) * (width - 160)
        y = height - 10 - values[:, 1] / values[:, 1].max() * (height - 20)
        tint = tuple(int(c) for c in cv2.applyColorMap(np.uint8([[k * 255 // len(names)]]), cv2.COLORMAP_TURBO)[0, 0])
        cv2.polylines(canvas, [np.stack([x, y], 1).astype(np.int32)], False, tint, 1, cv2.LINE_AA)
        cv2.putText(canvas, f"{name} {values[-1, 1]:.3f}", (width - 155, 20 + 18 * k), cv2.FONT_HERSHEY_SIMPLEX, 0.4,
                    tint, 1, cv2.LINE_AA)
    cv2.imwrite(str(path), canvas)


class Run:
    """One training: the student, its optimiser and average, and where it stands."""

    def __init__(self, config, work, device, bf16, statistics):
        torch.manual_seed(config["seed"])
        self.config, self.work, self.device, self.bf16 = config, Path(work), device, bf16
        self.statistics = [tuple(v.to(device) for v in pair) for pair in statistics]
        channels = [len(pair[0]) for pair in statistics]
        self.student = Student(config["model"], *channels).to(device, memory_format=torch.channels_last)
        self.average = Average(self.student.network, config["ema"])
        decayed = [p for p in self.student.parameters() if p.ndim > 1]
        plain = [p for p in self.student.parameters() if p.ndim <= 1]
        self.optimiser = torch.optim.AdamW([{"params": decayed, "weight_decay": config["optimiser"]["weight_decay"]},
                                            {"params": plain, "weight_decay": 0.0}])
        self.total = sum(p["steps"] for p in config["phase"])
        self.step, self.seconds = 0, 0.0
        self.work.mkdir(parents=True, exist_ok=True)

    def save(self, name="checkpoint"):
        state = {"config": self.config, "step": self.step, "seconds": self.seconds, "student": self.student.state_dict(),
                 "average": self.average.state, "updates": self.average.updates, "optimiser": self.optimiser.state_dict()}
        torch.save(state, self.work / f"{name}.tmp")
        (self.work / f"{name}.tmp").rename(self.work / f"{name}.pt")

    def resume(self):
        """Goes on from WORK/checkpoint.pt if there is one."""
        path = self.work / "checkpoint.pt"
        if path.exists():
            state = torch.load(path, map_location=self.device)
            self.student.load_state_dict(state["student"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.average.state, self.average.updates = state["average"], state["updates"]
            self.step, self.seconds = state["step"], state["seconds"]

    def start_from(self, paths):
        """Takes the averaged weights of another training as a beginning (its network may be smaller, see grow), or of several
        states of one the mean, or those of one exported file; steps count from 0."""
        network = self.student.network
        exported = Path(paths[0]).suffix == ".onnx"
        state = None if exported else torch.load(paths[-1], map_location=self.device)
        if (exported or state["config"].get("fixed_norm")) and not self.config.get("fixed_norm"):
            raise ValueError(f"{paths[-1]}: its batch normalisation is folded and must stay so, or its answers are lost: "
                             "set fixed_norm=true in the config (--set fixed_norm=true)")
        if exported:
            unfold(network, export.weights(paths[0]))
        else:
            own = self.student.state_dict()  # another teacher, or none, has other adapters: they begin anew
            fitting = {k: v for k, v in state["student"].items() if v.shape == own[k].shape}
            self.student.load_state_dict(fitting, strict=False)
            grow(network, export.load(*paths)[0].state_dict())
            self.average.updates = state["updates"]
        self.average.state = {k: v.detach().clone() for k, v in network.state_dict().items()}

    def one_step(self, batch):
        """Returns (dict of losses, batch on the device, disparity)."""
        rate = learning_rate(self.config, self.step, self.total)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        batch, rgb = to_device(batch, self.device)
        parts, disparity = terms(self.student, batch, self.statistics, rgb, self.bf16)
        loss = sum(self.config["loss"].get(k, 0) * v for k, v in parts.items())
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.student.parameters(), 5.0)
        if torch.isfinite(norm):  # a rare overflow costs one batch, not the run
            self.optimiser.step()
            self.average.update(self.student.network)
        self.step += 1
        parts["loss"] = loss
        return {k: float(v.detach()) for k, v in parts.items()}, batch, disparity.detach()

    def train(self, batches):
        """Runs all remaining steps; SIGTERM and SIGINT end it after the step at hand, with a checkpoint."""
        stopped = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.append(True))
        self.student.train()
        if self.config.get("fixed_norm"):
            freeze(self.student.network)
        log = Log(self.work / "log.csv")
        begin = last_save = time.monotonic()
        before = self.seconds
        ends = np.cumsum([p["steps"] for p in self.config["phase"]]).tolist()

        def make(step):
            p = phase_at(self.config, step)
            return batches.make(step, p["count"], p["twins"], *shape_at(p, step))

        for batch in prefetch(make, range(self.step, self.total)):
            parts, batch, disparity = self.one_step(batch)
            self.seconds = before + time.monotonic() - begin
            log.add(parts, batch.rgb.shape[0])
            if self.step % LOG_EVERY == 0:
                log.write(self.step, self.seconds, self.optimiser.param_groups[0]["lr"])
            if self.step in ends:
                self.save(f"phase{ends.index(self.step)}")
            due = time.monotonic() - last_save > 60 * self.config["minutes_between_checkpoints"]
            if due or stopped or self.step == self.total:
                self.save()
                draw_curves(self.work / "curves.png", self.work / "log.csv")
                draw_samples(self.work / "samples.png", batch, disparity)
                last_save = time.monotonic()
            if stopped:
                break


class Log:
    """Means of losses in log.csv, one line each LOG_EVERY steps."""

    NAMES = ("loss", "cross_entropy", "scale_free", "gradient", "spread", "row", "coarse", "fine", "steady", "photometric")

    def __init__(self, path):
        self.path, self.sums, self.pictures, self.since = path, {}, 0, time.monotonic()
        if not path.exists():
            path.write_text(",".join(("step", "seconds", "rate", "pictures_per_s") + self.NAMES) + "\n")

    def add(self, parts, pictures):
        for k, v in parts.items():
            self.sums.setdefault(k, []).append(v)
        self.pictures += pictures

    def write(self, step, seconds, rate):
        now = time.monotonic()
        values = [f"{np.mean(self.sums[n]):.4f}" if n in self.sums else "" for n in self.NAMES]
        line = [str(step), f"{seconds:.0f}", f"{rate:.2e}", f"{self.pictures / (now - self.since):.1f}", *values]
        with open(self.path, "a") as f:
            f.write(",".join(line) + "\n")
        print(" ".join(f"{n}={v}" for n, v in zip(("step", "s", "rate", "pic/s") + self.NAMES, line)), flush=True)
        self.sums, self.pictures, self.since = {}, 0, now


def run(config, work, start=(), float32=False):
    """Trains as the config says, or goes on with what `work` has. start: checkpoints, or one exported file, to begin from.
    Returns whether the last step was reached."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    cv2.setNumThreads(1)
    sources, shares, statistics = make_sources(config)
    this = Run(config, work, device, not float32, statistics)
    if start:
        this.start_from(start)
    this.resume()
    this.train(Batches(sources, shares, config["seed"]))
    return this.step == this.total


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="changes to the config")
    parser.add_argument("--start", nargs="+", default=[],
                        help="checkpoints of one lineage whose mean is the beginning, or an exported file, which needs "
                             "fixed_norm=true; steps count from 0")
    parser.add_argument("--float32", action="store_true")
    args = parser.parse_args()
    run(load_config(args.config, args.set), args.work, args.start, args.float32)


if __name__ == "__main__":
    main()
