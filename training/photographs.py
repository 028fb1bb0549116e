"""The photographs of a bundle, decoded and labelled on the device by the teacher, or by it and a network of ours that learned from
it before, as many as a time allows."""
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

from . import answers, canvases, export
from .bundle import Photos
from .evaluate import input_size
from .model import MULTIPLE, Network, expectation, unfold
from .pack import to_u16

CHANNELS = (96, 96)  # of the teacher's maps
TOLERANCE = 0.12  # disagreement of the teacher (0..1) at which trust falls to 1/e, as data.PackSource
AT_ONCE = {"cuda": 96, "cpu": 4}  # photographs; always so many, so that no size of anything is new after the first


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


class Exported:
    """An exported network of ours, fed as the player feeds it: rgb float [N][3][H][W] 0..1 -> disparity [N][H][W] 0..1."""

    def __init__(self, path, students, device):
        """students: the config's, of which the file's name (deep3d-NAME) tells its shape and its default input."""
        student = students[export.name_of(path).removeprefix("deep3d-")]
        self.network = Network(**student["model"])
        unfold(self.network, export.weights(path))
        self.network.to(device).eval()
        self.size = tuple(student["input_size"])

    @torch.no_grad()
    def __call__(self, rgb):
        height, width = rgb.shape[2:]
        w, h = input_size((width, height), self.size, MULTIPLE)
        disparity = expectation(torch.softmax(self.network(answers.resize(rgb, h, w))[0], 1))
        return answers.normalise(answers.resize(disparity[:, None], height, width)[:, 0])


def _batches(pictures, at_once, seed):
    """Numbers of pictures in random order, lists of equal size each, the last ones of a size fewer."""
    by_size, random = {}, np.random.default_rng(seed)
    for i in random.permutation(len(pictures)):
        by_size.setdefault(pictures[i].shape, []).append(int(i))
    out = [same[k:k + at_once] for same in by_size.values() for k in range(0, len(same), at_once)]
    return [out[k] for k in random.permutation(len(out))]


def label(bundle, room, device, seconds, seed, say, stopped, most=None, quick=False, pupils=()):
    """(Canvases of the photographs labelled within `seconds` after the teacher is there, with room for so many more
    pictures; which photographs these are). say(text) tells how it goes; `stopped`, a list, ends it once it holds something.
    pupils: Exported ones whose answers are averaged in, as by label.with_pupils()."""
    photos = Photos(bundle, most)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        pictures = list(pool.map(photos.at, range(len(photos))))
    say(f"{len(pictures)} photographs are decoded")
    teacher = best_teacher(Path(bundle) / "teacher", device, pictures[:3])
    store = canvases.Canvases(len(photos) + room, len(photos), CHANNELS, device)
    at_once = AT_ONCE[device.type]
    say("the teacher is there")
    order, end, told = [], time.monotonic() + seconds, 0
    for some in _batches(pictures, at_once, seed):
        if stopped or time.monotonic() > end:
            break
        filled = (some * at_once)[:at_once]
        rgb = torch.from_numpy(np.stack([pictures[i] for i in filled])).to(device).permute(0, 3, 1, 2).contiguous()
        disparity, doubt, maps = answers.label(teacher, rgb.float() / 255, quick)
        if pupils:
            disparity = answers.normalise(sum((p(rgb.float() / 255) for p in pupils), disparity) / (1 + len(pupils)))
        small = [answers.resize(m[:, None], m.shape[1] // 2, m.shape[2] // 2)[:, 0] for m in (disparity, doubt)]
        new = rgb, small[0], torch.exp(-small[1].clamp(0, 1) / TOLERANCE), *maps
        store.add(*(a[:len(some)] for a in new))
        order += some
        if not told or len(order) - told >= 500:
            told = len(order)
            say(f"{told} are labelled, {float(disparity.mean()):.2f} is their mean")  # which waits for the GPU
    say(f"{len(order)} photographs are labelled, on {device}")
    return store, order


def for_scenery(store, order):
    """(labels, index) as Scenery takes them."""
    labels = [to_u16(store.maps[k:k + 256, 0].float().cpu().numpy()) for k in range(0, len(order), 256)]
    sizes = store.size[:len(order)].cpu().numpy()
    return np.concatenate(labels)[:len(order)], np.column_stack((order, sizes)).astype(np.int64)
