"""Trains networks on one GPU within a given number of seconds, from a bundle.

    python -m training.bundle --out BUNDLE                       (on any machine; see there)
    python -m training.sprint --bundle BUNDLE --seconds 200 --out OUT --start small=assets/models/deep3d-small.onnx \\
        --pupil assets/models/deep3d-small.onnx

The teacher labels photographs first, in PyTorch, for as long as the config says, together with networks of ours if --pupil names
some, as their mean is nearer to the truth than any of them; from then on pictures, labels and features stay
in the GPU's memory and batches are made there (compose.py). Cut-outs are looked for and places rendered in processes
meanwhile. Several networks take turns so that each gets its share of the time; rates follow one cosine over the time that
is left, so the end of the time is the end of the schedule. Sizes are few and batches always equally large, as every new size
costs cuDNN seconds. OUT receives, every `seconds_between_checkpoints` and at the end, NAME.pt (averaged weights, for
training.export) and log-NAME.csv, and at the end pairs.jpg, the disparity of the bundle's pairs, whose figures are printed.
SIGTERM ends it within two seconds. --start NAME=FILE goes on from such weights, or from an exported file.
"""
import argparse
import faulthandler
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TURN = 0.5  # s that one network trains before the other's turn
AHEAD = 3  # steps that are handed to the GPU before it has done the first of them
GRACE = 1.5  # s from SIGTERM to the end by force
BEGIN = time.monotonic()


def say(text):
    print(f"{time.monotonic() - BEGIN:.1f} s: {text}", flush=True)


class Ending:
    """SIGTERM and SIGINT fill `stopped`; who has not ended GRACE later, whatever it is doing, is ended once the functions
    in `before` are called."""

    def __init__(self):
        self.stopped, self.before = [], []
        ear, mouth = os.pipe()
        os.set_blocking(mouth, False)
        signal.set_wakeup_fd(mouth, warn_on_full_buffer=False)  # heard even while the main thread is in a library
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        threading.Thread(target=self._listen, args=(ear,), daemon=True).start()

    def _listen(self, ear):
        os.read(ear, 1)
        self.stopped.append(True)
        time.sleep(GRACE)
        for each in self.before:
            each()
        os._exit(128 + signal.SIGTERM)


class Clock:
    """Progress 0..1 of the part of the time that is for training. end: time.monotonic() of its end."""

    def __init__(self, end):
        self.begin, self.end = time.monotonic(), end

    def progress(self):
        return min(1.0, (time.monotonic() - self.begin) / max(1e-3, self.end - self.begin))


def fetch(scenery, maker, store):
    """Takes what the scenery has ready; returns what to tell about it, or None."""
    import torch

    from . import canvases
    from .pack import from_u16

    news = []
    for cuts in scenery.cuts():
        maker.atlas = canvases.atlas(*cuts, maker.device, maker.atlas)
        news.append(f"{len(maker.atlas[0])} cut-outs")
    new = 0
    for pictures, maps in scenery.places():
        n = min(len(pictures), store.room())
        if n:
            disparity = torch.from_numpy(from_u16(maps[:n]))
            store.add(torch.from_numpy(pictures[:n]).permute(0, 3, 1, 2), disparity, torch.ones_like(disparity))
            new += n
    return ", ".join(news + [f"{store.count - store.photos} places"] * (new > 0)) or None


def sprint(pupils, maker, clock, config, scenery, store, stopped):
    """Lets the pupils take turns until the clock is at its end, or `stopped` holds something."""
    from .pupil import tutor_of

    saved = told = time.monotonic()
    tutors, first = {}, True
    while clock.progress() < 1 and not stopped:
        pupil = min(pupils, key=lambda p: p.seconds / p.config["share"])
        turn = time.monotonic()
        _take_turn(pupil, maker, clock, tutor_of(pupil, pupils, tutors, clock.progress()), stopped, turn + TURN)
        now = time.monotonic()
        pupil.seconds += now - turn
        if first:
            say(f"{pupil.step} steps are done")
            first = False
        if scenery is not None:
            try:
                news = fetch(scenery, maker, store)
            except Exception as error:  # the training must not end for want of scenery
                news, scenery = f"no more scenery: {error!r}", None
            if news:
                say(news)
        if now - told > config["seconds_between_lines"]:
            told = now
            for p in pupils:
                p.write_log(clock.progress())
        if now - saved > config["seconds_between_checkpoints"]:
            saved = now
            for p in pupils:
                p.save()
    for p in pupils:
        p.save()
        p.write_log(clock.progress())


def _take_turn(pupil, maker, clock, tutor, stopped, end):
    """Steps until `end`, AHEAD of the GPU but no further; all of them are done on return."""
    import torch

    events = []
    while clock.progress() < 1 and not stopped:
        pupil.one_step(maker, clock.progress(), tutor)
        if maker.device.type == "cuda":
            events.append(torch.cuda.Event())
            events[-1].record()
            if len(events) > AHEAD:
                events.pop(0).synchronize()
        if time.monotonic() > end:
            break
    if events:
        events[-1].synchronize()


def report(pupils, bundle, out):
    """Prints figures of the bundle's pairs and writes their disparity."""
    import cv2
    import numpy as np

    from . import evaluate
    from .bundle import read_pairs
    from .sheet import sheet

    pairs = read_pairs(bundle)
    if not pairs:
        return
    measure = evaluate.load_measure(Path(bundle) / "measure.py")
    tiles = []
    for p in pupils:
        summary, own = p.on_pairs(pairs, measure)
        say(f"{p.name}: {p.step} steps, {p.seen} pictures in {p.seconds:.0f} s: {summary}")
        tiles = [np.hstack((a, b[:, a.shape[1] // 2:])) for a, b in zip(tiles, own)] if tiles else own
    cv2.imwrite(str(Path(out) / "pairs.jpg"), sheet(tiles, 4), [cv2.IMWRITE_JPEG_QUALITY, 85])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", required=True)
    parser.add_argument("--seconds", type=float, required=True, help="of all, from the start of this program")
    parser.add_argument("--out", required=True)
    parser.add_argument("--config", default=HERE / "config" / "sprint.toml")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="changes to the config")
    parser.add_argument("--start", nargs="*", default=[], metavar="NAME=FILE", help="weights to go on from")
    parser.add_argument("--pupil", nargs="*", default=[], metavar="FILE", help="exported files, averaged with the teacher in each label")
    parser.add_argument("--only", nargs="*", default=["small"], help="names of the networks to train, of the config's")
    parser.add_argument("--photos", type=int, help="take only so many, for a rehearsal")
    parser.add_argument("--processes", type=int, default=max(1, min(8, (os.cpu_count() or 4) - 4)), help="for scenery; 0: none")
    parser.add_argument("--quick", action="store_true", help="label with the picture and its mirror image only")
    parser.add_argument("--watch", action="store_true", help="tell every 20 s where it stands, and what makes a step wait")
    args = parser.parse_args()
    ending = Ending()
    if args.watch:
        faulthandler.dump_traceback_later(20, repeat=True, file=sys.stderr)
    say("begins")
    run(args, ending)


def run(args, ending):
    import torch  # here and above, as this takes half a minute from a cold disk, in which a signal must be heard

    from . import photographs, train
    from .compose import Maker
    from .pupil import Pupil
    from .scenery import Scenery

    config = train.load_config(args.config, args.set)
    train.cv2.setNumThreads(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.zeros(1, device=device)
    say(f"PyTorch {torch.__version__} is there, on {device}")
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="sprint-", dir=Path("/dev/shm") if Path("/dev/shm").is_dir() else None))
    ending.before.append(lambda: shutil.rmtree(folder, ignore_errors=True))
    end = BEGIN + args.seconds - config["seconds_for_report"]
    scenery = None
    try:
        asked = [photographs.Exported(p, config["student"], device) for p in args.pupil]
        store, order = photographs.label(args.bundle, config["places"] + 8, device, config["seconds_for_labels"],
                                         config["seed"], say, ending.stopped, args.photos, args.quick, asked)
        if ending.stopped:
            return
        if args.processes:
            scenery = Scenery(args.bundle, folder, *photographs.for_scenery(store, order), config["seed"], args.processes,
                              config["places"], end - time.monotonic())
            ending.before.insert(0, scenery.stop)
            say("labels are handed over")
        maker = Maker(store, config["seed"], config["share_of_places"], config["share_of_montages"])
        statistics = store.feature_statistics()
        pupils = [Pupil(n, config["student"][n], config["seed"] + i, device, statistics, out) for i, n in enumerate(args.only)]
        for name, path in (s.split("=", 1) for s in args.start):
            next(p for p in pupils if p.name == name).start_from(path, maker)
        if args.watch and device.type == "cuda":
            torch.cuda.set_sync_debug_mode("warn")
        say("training begins")
        sprint(pupils, maker, Clock(end), config, scenery, store, ending.stopped)
        say("training ends, weights are written")
        if not ending.stopped:
            report(pupils, args.bundle, out)
    finally:
        if scenery:
            scenery.stop()
        shutil.rmtree(folder, ignore_errors=True)
    say("ends")


if __name__ == "__main__":
    main()
