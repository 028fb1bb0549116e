"""Trains the small and the large network at once on one GPU within a given number of seconds, from a bundle.

    python -m training.bundle --out BUNDLE                       (on any machine; see there)
    python -m training.sprint --bundle BUNDLE --seconds 330 --out OUT

The teacher labels all photographs first, in PyTorch; from then on pictures, labels and features stay in the GPU's memory and
batches are made there (compose.py). Cut-outs are looked for and places rendered in processes meanwhile. Both networks take
turns so that each gets its share of the time; rates follow one cosine over the time that is left, so the end of the
time is the end of the schedule. OUT receives, every `minutes_between_checkpoints` and at the end, NAME.pt (averaged
weights, for training.export) and log-NAME.csv, and at the end samples.jpg (picture, label, prediction), pairs.txt and pairs.jpg,
figures and disparity of the bundle's pairs. --start NAME=FILE goes on from such weights.
"""
import argparse
import multiprocessing
import os
import shutil
import signal
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from . import answers, canvases, evaluate, export, train
from .bundle import Photos, read_pairs
from .compose import Maker
from .model import Network, expectation
from .pack import from_u16, to_u16
from .scenery import Scenery
from .sheet import row, sheet

HERE = Path(__file__).resolve().parent
TURN = 0.5  # s that one network trains before the other's turn
AHEAD = 3  # steps that are handed to the GPU before it has done the first of them
TOLERANCE = 0.12  # disagreement of the teacher (0..1) at which trust falls to 1/e, as data.PackSource
FEWEST = 64  # photographs of one size that are labelled at once, at most
CHANNELS = (96, 96)  # of the teacher's maps


class Clock:
    """Progress 0..1 of the part of the time that is for training. end: time.monotonic() of its end."""

    def __init__(self, end):
        self.begin, self.end = time.monotonic(), end

    def progress(self):
        return min(1.0, (time.monotonic() - self.begin) / max(1e-3, self.end - self.begin))


def best_teacher(folder, device, pictures):
    """The teacher in half precision on a GPU, if it answers there as in float32."""
    exact = answers.Tiefenrausch(folder, device, torch.float32)
    if device.type != "cuda":
        return exact
    half = answers.Tiefenrausch(folder, device, torch.float16)
    for p in pictures:
        rgb = torch.from_numpy(p).to(device).permute(2, 0, 1)[None].float() / 255
        a, b = (t(rgb, False)[0].flatten() for t in (exact, half))
        if not torch.corrcoef(torch.stack((a, b)))[0, 1] > 0.995:
            print("the teacher answers in float32, as half precision differs", flush=True)
            return exact
    return half


def label_photographs(bundle, room, device, most=None, quick=False):
    """Canvases of all photographs of a bundle, labelled; room for so many more pictures."""
    photos = Photos(bundle, most)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        pictures = list(pool.map(photos.at, range(len(photos))))
    teacher = best_teacher(Path(bundle) / "teacher", device, pictures[:2])
    store = canvases.Canvases(len(photos) + room, len(photos), CHANNELS, device)
    by_size = {}
    for i, p in enumerate(pictures):
        by_size.setdefault(p.shape[:2], []).append(i)
    order = []
    for members in by_size.values():
        for k in range(0, len(members), FEWEST):
            some = members[k:k + FEWEST]
            rgb = torch.from_numpy(np.stack([pictures[i] for i in some])).to(device).permute(0, 3, 1, 2)
            disparity, doubt, maps = answers.label(teacher, rgb.float() / 255, quick)
            small = [answers.resize(m[:, None], m.shape[1] // 2, m.shape[2] // 2)[:, 0] for m in (disparity, doubt)]
            store.add(rgb, small[0], torch.exp(-small[1].clamp(0, 1) / TOLERANCE), *maps)
            order += some
    return store, order


def give_labels(scenery, store, order):
    """Hands the labels to the scenery's processes in the photographs' order."""
    disparity = np.zeros((len(order), *store.maps.shape[2:]), np.uint16)
    sizes = np.zeros((len(order), 2), np.int64)
    for k in range(0, len(order), 256):
        there = order[k:k + 256]
        disparity[there] = to_u16(store.maps[k:k + len(there), 0].float().cpu().numpy())
        sizes[there] = store.size[k:k + len(there)].cpu().numpy()
    scenery.give_labels(disparity, sizes)


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
        self.optimiser = torch.optim.AdamW(groups, lr=config["rate"], **({"fused": True} if device.type == "cuda" else {}))
        self.step, self.seconds, self.seen = 0, 0.0, 0
        self.log = train.Log(self.out / f"log-{name}.csv")
        self.pending, self.last = [], None

    def start_from(self, path):
        """Takes averaged weights of an earlier run, with which its average begins too."""
        self.student.network.load_state_dict(export.load(path)[0].state_dict())
        self.average.state = {k: v.detach().clone() for k, v in self.student.network.state_dict().items()}
        self.average.updates = 1000

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
        parts, disparity = train.terms(self.student, batch, self.statistics, rgb, self.device.type == "cuda")
        loss = sum(self.config["loss"].get(k, 0) * v for k, v in parts.items())
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.student.parameters(), 5.0)
        self._update(norm)
        parts["loss"] = loss
        self.pending.append((list(parts), torch.stack([v.detach().float() for v in parts.values()])))
        self.last = batch, disparity.detach()
        self.step += 1
        self.seen += len(rgb)
        self.log.pictures += len(rgb)

    def _update(self, norm):
        """One step of optimiser and average, but for a rare overflow; on a GPU that is told to the optimiser unseen."""
        if self.device.type == "cuda":
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

    def samples(self, most=16):
        """Rows of picture, label and prediction of the last batch, for a sheet."""
        batch, disparity = self.last
        rows = []
        for k in range(min(most, len(batch.disparity))):
            bgr = np.uint8(batch.rgb[k].permute(1, 2, 0).cpu().numpy()[..., ::-1] * 255)
            rows.append(row(bgr, [batch.disparity[k].cpu().numpy(), disparity[k].cpu().numpy()]))
        return rows

    def averaged(self):
        """A copy of the network with the averaged weights, in evaluation mode."""
        network = Network(**self.config["model"]).to(self.device, memory_format=torch.channels_last).eval()
        network.load_state_dict(self.average.state)
        return network


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


def fetch(scenery, maker, store):
    """Takes what the scenery has ready; returns what to tell about it, or None."""
    cuts = scenery.cuts()
    if cuts:
        maker.atlas = canvases.atlas(cuts, maker.device)
        return f"{len(cuts)} cut-outs"
    new = 0
    for pictures, maps in scenery.places():
        n = min(len(pictures), store.room())
        if n:
            disparity = torch.from_numpy(from_u16(maps[:n]))
            store.add(torch.from_numpy(pictures[:n]).permute(0, 3, 1, 2), disparity, torch.ones_like(disparity))
            new += n
    return f"{store.count - store.photos} places" if new else None


def sprint(pupils, maker, clock, config, scenery, store, stopped):
    """Lets the pupils take turns until the clock is at its end, or `stopped` holds something."""
    begin = saved = told = time.monotonic()
    tutors = {}
    while clock.progress() < 1 and not stopped:
        pupil = min(pupils, key=lambda p: p.seconds / p.config["share"])
        tutor = _tutor_of(pupil, pupils, tutors, clock.progress())
        turn, events = time.monotonic(), []
        while time.monotonic() - turn < TURN and clock.progress() < 1 and not stopped:
            pupil.one_step(maker, clock.progress(), tutor)
            if maker.device.type == "cuda":
                events.append(torch.cuda.Event())
                events[-1].record()
                if len(events) > AHEAD:
                    events.pop(0).synchronize()
        if events:
            events[-1].synchronize()
        now = time.monotonic()
        pupil.seconds += now - turn
        if scenery is not None:
            try:
                news = fetch(scenery, maker, store)
            except Exception as error:  # the training must not end for want of scenery
                news, scenery = f"no more scenery: {error!r} (cut short)", None
            if news and (now - told > 10 or "cut" in news):
                told = now
                print(f"{now - begin:.0f} s: {news}", flush=True)
        if len(pupil.pending) >= config.get("log_every", 50):
            pupil.write_log(clock.progress())
        if now - saved > 60 * config["minutes_between_checkpoints"]:
            saved = now
            for p in pupils:
                p.save()
    for p in pupils:
        p.write_log(clock.progress())
        p.save()


def _tutor_of(pupil, pupils, tutors, progress):
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


@torch.no_grad()
def on_pairs(pupil, pairs, measure):
    """(summary as measure.py gives it, rows for a sheet) of a pupil's average."""
    network, rng, rows, tiles = pupil.averaged(), np.random.default_rng(1), [], []
    for name, kind, rgb, truth in pairs:
        size = evaluate.input_size(rgb.shape[1::-1], tuple(pupil.config["input_size"]), 16)
        x = torch.from_numpy(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)).to(pupil.device).permute(2, 0, 1)[None]
        logits = network(x.float() / 255)[0]
        disparity = expectation(torch.softmax(logits.float(), 1))[0].cpu().numpy()
        tiles.append(row(rgb[..., ::-1], [disparity]))
        valid = np.isfinite(truth)
        if valid.sum() < 4000:
            continue
        d = cv2.resize(disparity, truth.shape[::-1], interpolation=cv2.INTER_AREA)
        (dc, inside), (tc, _) = measure.centred(d, valid), measure.centred(np.where(valid, truth, 0), valid)
        rows.append((kind, (measure.spearman(d[valid], truth[valid]), measure.spearman(dc[inside], tc[inside]),
                            measure.order(d, truth, valid, rng))))
    return measure.summary(rows), tiles


def report(pupils, bundle, out):
    """Writes samples of the last batches, and figures and disparity of the bundle's pairs."""
    rows = [r for p in pupils if p.last for r in p.samples()]
    if rows:
        cv2.imwrite(str(Path(out) / "samples.jpg"), sheet(rows, 3), [cv2.IMWRITE_JPEG_QUALITY, 85])
    pairs = read_pairs(bundle)
    if not pairs:
        return
    measure = evaluate.load_measure(Path(bundle) / "measure.py")
    lines, tiles = [], []
    for p in pupils:
        summary, own = on_pairs(p, pairs, measure)
        lines.append(f"{p.name}: {p.step} steps, {p.seen} pictures in {p.seconds:.0f} s: {summary}")
        print(lines[-1], flush=True)
        tiles = [np.hstack((a, b[:, a.shape[1] // 2:])) for a, b in zip(tiles, own)] if tiles else own
    (Path(out) / "pairs.txt").write_text("\n".join(lines) + "\n")
    cv2.imwrite(str(Path(out) / "pairs.jpg"), sheet(tiles, 4), [cv2.IMWRITE_JPEG_QUALITY, 85])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", required=True)
    parser.add_argument("--seconds", type=float, required=True, help="of all, from the start of this program")
    parser.add_argument("--out", required=True)
    parser.add_argument("--config", default=HERE / "config" / "sprint.toml")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="changes to the config")
    parser.add_argument("--start", nargs="*", default=[], metavar="NAME=FILE", help="weights of an earlier run to go on from")
    parser.add_argument("--only", nargs="*", help="names of the networks to train, of the config's")
    parser.add_argument("--photos", type=int, help="take only so many, for a rehearsal")
    parser.add_argument("--processes", type=int, default=max(1, (os.cpu_count() or 4) - 3), help="for scenery; 0: none")
    parser.add_argument("--quick", action="store_true", help="label with the picture and its mirror image only")
    parser.add_argument("--search", action="store_true", help="let cuDNN search for its fastest convolutions, some seconds for every size")
    args = parser.parse_args()
    begin, stopped = time.monotonic(), []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.append(True))
    run(args, train.load_config(args.config, args.set), begin, stopped)


def run(args, config, begin, stopped):
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    shm = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix="sprint-", dir=shm))
    end = begin + args.seconds - config["seconds_for_report"]
    scenery = None
    try:
        if args.processes:
            scenery = Scenery(args.bundle, folder, config["seed"], args.processes, config["places"],
                              time.time() + (end - begin))
        store, order = label_photographs(args.bundle, config["places"] + 8, device, args.photos, args.quick)
        if scenery:
            give_labels(scenery, store, order)
        print(f"{time.monotonic() - begin:.1f} s: {store.photos} photographs are labelled, on {device}", flush=True)
        statistics = store.feature_statistics()
        maker = Maker(store, config["seed"], config["share_of_places"], config["share_of_montages"])
        chosen = [n for n in config["student"] if not args.only or n in args.only]
        pupils = [Pupil(n, config["student"][n], config["seed"] + i, device, statistics, out) for i, n in enumerate(chosen)]
        for name, path in (s.split("=", 1) for s in args.start):
            next(p for p in pupils if p.name == name).start_from(path)
        for p in pupils:
            p.student.train()
        torch.backends.cudnn.benchmark = args.search
        sprint(pupils, maker, Clock(end), config, scenery, store, stopped)
        report(pupils, args.bundle, out)
        print(f"{time.monotonic() - begin:.1f} s in all", flush=True)
    finally:
        if scenery:
            scenery.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    multiprocessing.freeze_support()
    main()
