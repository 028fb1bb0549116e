"""One network in training on a GPU within a given time, and an average of one as the second teacher of another."""
import inspect
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from . import evaluate, export, train
from .model import MULTIPLE, Network, expectation, reopen, unfold
from .photographs import CHANNELS
from .sheet import row


def fuses(device):
    """Whether AdamW takes its step at once there: on a GPU, and not before PyTorch 2."""
    return device.type == "cuda" and "fused" in inspect.signature(torch.optim.AdamW.__init__).parameters


class Pupil:
    """One network in training: train.Run without files of its own, driven by the clock."""

    def __init__(self, name, config, seed, device, statistics, out):
        torch.manual_seed(seed)
        self.name, self.config, self.device, self.out = name, config, device, Path(out)
        self.statistics = statistics
        self.student = train.Student(config["model"], *CHANNELS).to(device, memory_format=torch.channels_last)
        self.average = train.Average(self.student.network, config["ema"])
        groups = [{"params": [p for p in self.student.parameters() if p.ndim > 1], "weight_decay": config["weight_decay"]},
                  {"params": [p for p in self.student.parameters() if p.ndim <= 1], "weight_decay": 0.0}]
        self.fused = fuses(device)
        self.optimiser = torch.optim.AdamW(groups, lr=config["rate"], **({"fused": True} if self.fused else {}))
        self.step, self.seconds, self.seen = 0, 0.0, 0
        self.log = train.Log(self.out / f"log-{name}.csv")
        self.pending = []
        self.student.train()

    def start_from(self, path, maker):
        """Takes averaged weights of an earlier run, or those of an exported file, with which its average begins too."""
        network = self.student.network
        if Path(path).suffix == ".onnx":
            unfold(network, export.weights(path))
            phase = self.config["phase"][0]
            with torch.backends.cudnn.flags(enabled=False):  # which would plan each convolution for this alone
                reopen(network, maker.make(phase["count"], 0, *phase["shapes"][0])[0].rgb[:32])
        else:
            network.load_state_dict(export.load(path)[0].state_dict())
        self.average.state = {k: v.detach().clone() for k, v in network.state_dict().items()}
        self.average.updates = 1000
        self.student.train()

    def phase(self, progress):
        return next(p for p in self.config["phase"] if progress < p["until"] or p is self.config["phase"][-1])

    def rate(self, progress):
        warm = self.config["warm_up"]
        peak = self.config["rate"] * min(1.0, (self.step + 1) / max(1, warm))
        return peak * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * progress)))

    def one_step(self, maker, progress, tutor=None):
        phase = self.phase(progress)
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate(progress)
        batch, clean = maker.make(phase["count"], phase["twins"], *train.shape_at(phase, self.step))
        if tutor is not None:
            tutor.correct(batch, clean)
        rgb = batch.rgb.contiguous(memory_format=torch.channels_last)
        parts, _ = train.terms(self.student, batch, self.statistics, rgb, self.device.type == "cuda")
        loss = sum(self.config["loss"].get(k, 0) * v for k, v in parts.items())
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.student.parameters(), 5.0)
        self._update(norm)
        parts["loss"] = loss
        self.pending.append((list(parts), torch.stack([v.detach().float() for v in parts.values()])))
        self.step += 1
        self.seen += len(rgb)
        self.log.pictures += len(rgb)

    def _update(self, norm):
        """One step of optimiser and average, but for a rare overflow; a fused optimiser is told of that unseen."""
        if self.fused:
            self.optimiser.found_inf = (~torch.isfinite(norm)).float()
            self.optimiser.step()
        elif torch.isfinite(norm):
            self.optimiser.step()
        self._average()

    @torch.no_grad()
    def _average(self):
        a, now = self.average, self.student.network.state_dict()
        if not hasattr(torch, "_foreach_lerp_"):
            return a.update(self.student.network)
        a.updates += 1
        decay = min(a.decay, (1 + a.updates) / (10 + a.updates))
        floating = [k for k, v in now.items() if v.dtype.is_floating_point]
        torch._foreach_lerp_([a.state[k] for k in floating], [now[k] for k in floating], 1 - decay)

    def write_log(self, progress):
        """One line of means since the last one; waits for the GPU."""
        if not self.pending:
            return
        names = self.pending[-1][0]
        values = torch.stack([v for _, v in self.pending]).mean(0).tolist()
        self.pending = []
        if not np.isfinite(values).all():
            print(f"{self.name}: a loss is not finite", flush=True)
        self.log.sums = {n: [v] for n, v in zip(names, values)}
        print(self.name, end=" ")
        self.log.write(self.step, self.seconds, self.rate(progress))

    def save(self):
        """Averaged weights, convolutions in half precision, as export.load takes them."""
        state = {k: v.half() if v.ndim > 1 else v for k, v in self.average.state.items()}
        config = {"model": self.config["model"], "input_size": self.config["input_size"]}
        part = self.out / f"{self.name}.part"
        torch.save({"config": config, "step": self.step, "seen": self.seen, "seconds": self.seconds,
                    "average": {k: v.cpu().contiguous() for k, v in state.items()}}, part)
        part.replace(self.out / f"{self.name}.pt")

    def averaged(self):
        """A copy of the network with the averaged weights, in evaluation mode."""
        network = Network(**self.config["model"]).to(self.device, memory_format=torch.channels_last).eval()
        network.load_state_dict(self.average.state)
        return network

    @torch.no_grad()
    def on_pairs(self, pairs, measure):
        """(summary as measure.py gives it, rows for a sheet) of the average. pairs: as bundle.read_pairs gives them."""
        network, rng, rows, tiles = self.averaged(), np.random.default_rng(1), [], []
        for name, kind, rgb, truth in pairs:
            size = evaluate.input_size(rgb.shape[1::-1], tuple(self.config["input_size"]), MULTIPLE)
            x = torch.from_numpy(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)).to(self.device).permute(2, 0, 1)[None]
            with torch.backends.cudnn.flags(enabled=False):  # each size is met but a few times
                logits = network(x.float() / 255)[0]
            disparity = expectation(torch.softmax(logits, 1))[0].cpu().numpy()
            tiles.append(row(rgb[..., ::-1], [disparity]))
            valid = np.isfinite(truth)
            if valid.sum() < 4000:
                continue
            d = cv2.resize(disparity, truth.shape[::-1], interpolation=cv2.INTER_AREA)
            (dc, inside), (tc, _) = measure.centred(d, valid), measure.centred(np.where(valid, truth, 0), valid)
            rows.append((kind, (measure.spearman(d[valid], truth[valid]), measure.spearman(dc[inside], tc[inside]),
                                measure.order(d, truth, valid, rng))))
        return measure.summary(rows), tiles


class Tutor:
    """A pupil's average as a second teacher of another pupil: labels of photographs move to its answer by `share`."""

    def __init__(self, pupil, share):
        self.pupil, self.share = pupil, share
        self.network = pupil.averaged()

    def refresh(self):
        self.network.load_state_dict(self.pupil.average.state)

    @torch.no_grad()
    def correct(self, batch, clean):
        with torch.autocast(clean.device.type, torch.bfloat16, enabled=clean.device.type == "cuda"):
            logits = self.network(clean.contiguous(memory_format=torch.channels_last))[0]
        answer = expectation(torch.softmax(logits.float(), 1))
        share = self.share * batch.taught[:, None, None]
        batch.disparity = torch.lerp(batch.disparity, answer, share.expand_as(answer))


def tutor_of(pupil, pupils, tutors, progress):
    """The Tutor of a pupil whose config names one and whose time for it has come, or None."""
    wanted = pupil.config.get("tutor")
    if not wanted or progress < wanted["from"]:
        return None
    name = wanted["name"]
    if name not in tutors:
        found = [p for p in pupils if p.name == name]
        tutors[name] = Tutor(found[0], wanted["share"]) if found else None
    if tutors[name]:
        tutors[name].refresh()
    return tutors[name]
