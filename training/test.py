"""Tests of the training on a tiny set that they make themselves; about a minute on two cores.

    python -m training.test

Without PyTorch, onnx or OpenCV nothing can be tested: this is said and the exit status is 77 (skipped). Without onnxruntime
the export is compared by our own engine (see check.py).
"""
import dataclasses
import importlib.util
import re
import shlex
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

NEEDED = ("torch", "onnx", "cv2", "numpy")
missing = [m for m in NEEDED if importlib.util.find_spec(m) is None]
if missing:
    print(f"SKIPPED: the training's tests need {', '.join(missing)} (pip install -r training/requirements.txt)")
    sys.exit(77)

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import onnx  # noqa: E402
import torch  # noqa: E402

from . import (answers, bundle, canvases, compose, cutouts, data, evaluate, export, film, label, losses, model, pack,  # noqa: E402
               pages, pairs, photographs, pupil, scenery, scenes, spaces, sprint, train, wear)

CONFIG = Path(__file__).parent / "config" / "first.toml"
TINY = ["model.widths=[16,16,16,16]", "model.encoder=[1,1,1]", "model.head=16", "optimiser.warm_up=5",
        "optimiser.rate=5e-3", "ema=0.9"]


def scene(rng, height=96, width=128):
    """Bright boxes before a dark ground; disparity is in the brightness. (rgb uint8, disparity 0..1 at half size)"""
    disparity = np.repeat(np.linspace(0, 0.4, height)[:, None], width, 1)
    for _ in range(4):
        y, x, h, w = rng.integers(0, height - 20), rng.integers(0, width - 20), *rng.integers(12, 50, 2)
        disparity[y:y + h, x:x + w] = rng.uniform(0.4, 1)
    rgb = np.clip(disparity[..., None] * 200 + rng.normal(20, 8, (height, width, 3)), 0, 255).astype(np.uint8)
    return rgb, cv2.resize(disparity.astype(np.float32), (width // 2, height // 2), interpolation=cv2.INTER_AREA)


def make_pack(folder, count=8):
    rng, writer = np.random.default_rng(5), pack.Writer(folder)
    for i in range(count):
        rgb, disparity = scene(rng)
        h, w = rgb.shape[:2]
        coarse = rng.integers(0, 255, (4, h // 16, w // 16)).astype(np.uint8)
        fine = cv2.resize(rgb, (w // 8, h // 8)).transpose(2, 0, 1)
        writer.add(f"{i}", rgb, pack.to_u16(disparity), np.zeros((h // 2, w // 2), np.uint8), coarse, fine)
    writer.close()


def make_film_pack(folder, count=2):
    """Pairs whose nearer half is shifted by 6 px, without teacher features."""
    rng, writer = np.random.default_rng(9), pack.Writer(folder)
    for i in range(count):
        right = cv2.GaussianBlur(rng.integers(0, 255, (96, 128, 3)).astype(np.uint8), (0, 0), 2)
        disparity = np.zeros((48, 64), np.float32)
        disparity[24:] = 1
        left = right.copy()
        left[48:] = np.roll(right, 6, 1)[48:]
        doubt = np.zeros((48, 64), np.uint8)
        writer.add(f"{i}", left, pack.to_u16(disparity), doubt, other=right, parallax=(0.0, 6 / 128))
    writer.close()


def stereo_frame(rng):
    """A square that stands out of the screen, in the two eyes side by side."""
    back = cv2.GaussianBlur(rng.integers(0, 255, (192, 320, 3)).astype(np.uint8), (0, 0), 1.5)
    patch = cv2.GaussianBlur(rng.integers(0, 255, (80, 100, 3)).astype(np.uint8), (0, 0), 1.5)
    left, right = back.copy(), back.copy()
    left[60:140, 120:220], right[60:140, 108:208] = patch, patch
    return np.hstack((left, right))


def write_clip(path, frames):
    clip = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*"MJPG"), 24, frames[0].shape[1::-1])
    for f in frames:
        clip.write(f)
    clip.release()


def config_for(folder, steps):
    changes = TINY + [f"source.0.folder={folder}", f"phase.0.steps={steps}", "phase.0.count=6", "phase.0.twins=2",
                      "phase.0.shapes=[[64,96]]"]
    config = train.load_config(CONFIG, changes)
    config["source"] = config["source"][:1]
    return config


def run(folder, work, steps, stop=None):
    """Trains and returns (run, list of losses)."""
    config = config_for(folder, steps)
    sources, shares, statistics = train.make_sources(config)
    batches = data.Batches(sources, shares, config["seed"])
    r = train.Run(config, work, torch.device("cpu"), False, statistics)
    r.resume()
    r.student.train()
    values = []
    while r.step < (stop or steps):
        values.append(r.one_step(batches.make(r.step, 6, 2, 64, 96))[0]["loss"])
    return r, values


class Training(unittest.TestCase):
    def test_fifty_steps_and_export(self):
        with tempfile.TemporaryDirectory() as folder:
            make_pack(f"{folder}/pack")
            r, values = run(f"{folder}/pack", f"{folder}/work", 50)
            self.assertTrue(np.isfinite(values).all())
            self.assertLess(np.mean(values[-10:]), 0.85 * np.mean(values[:5]))
            r.save()
            path = Path(folder) / "model.onnx"
            worst = export.write(export.load(f"{folder}/work/checkpoint.pt")[0], path, "tiny", "0")
            self.assertTrue(worst is None or worst < 1e-4)
            meta = {p.key: p.value for p in onnx.load(str(path)).metadata_props}
            self.assertEqual((meta["deep3d.output"], meta["deep3d.multiple"]), ("distribution", "16"))
            if importlib.util.find_spec("onnxruntime"):
                disparity = evaluate.Onnx(path)(scene(np.random.default_rng(1))[0])
                self.assertTrue(0 <= disparity.min() and disparity.max() <= 1)
            if worst is None:
                self.skipTest("the export was not compared with PyTorch")

    def test_learns_from_a_film_alone(self):
        with tempfile.TemporaryDirectory() as folder:
            make_film_pack(f"{folder}/pack")
            r, values = run(f"{folder}/pack", f"{folder}/work", 12)
            self.assertTrue(np.isfinite(values).all())
            self.assertLess(np.mean(values[-4:]), np.mean(values[:4]))

    def test_goes_on_from_its_checkpoint(self):
        with tempfile.TemporaryDirectory() as folder:
            make_pack(f"{folder}/pack")
            whole, expected = run(f"{folder}/pack", f"{folder}/whole", 8)
            half, first = run(f"{folder}/pack", f"{folder}/half", 8, stop=4)
            half.save()
            second = run(f"{folder}/pack", f"{folder}/half", 8)[1]
            np.testing.assert_allclose(first + second, expected, rtol=1e-3)


class Film(unittest.TestCase):
    def test_an_exported_file_is_a_beginning(self):
        with tempfile.TemporaryDirectory() as folder:
            make_film_pack(f"{folder}/film")
            torch.manual_seed(4)
            options = train.load_config(CONFIG, TINY)["model"]
            network = model.Network(**options)
            for module in network.modules():
                if isinstance(module, torch.nn.BatchNorm2d):
                    module.running_mean.normal_(0, 0.3)
                    module.weight.data.uniform_(0.5, 1.5)
            export.write(network, f"{folder}/first.onnx", "tiny", "0")
            careless = train.Run(config_for(f"{folder}/film", 1), f"{folder}/careless", torch.device("cpu"), False,
                                 [(torch.zeros(0), torch.zeros(0))] * 2)
            with self.assertRaisesRegex(ValueError, "first.onnx.*fixed_norm"):
                careless.start_from([f"{folder}/first.onnx"])
            again = model.Network(**options).eval()
            model.unfold(again, export.weights(f"{folder}/first.onnx"))
            x = torch.rand(1, 3, 64, 96)
            with torch.no_grad():
                torch.testing.assert_close(again(x)[0], network.eval()(x)[0], atol=2e-2, rtol=2e-2)
            config = train.load_config(CONFIG.with_name("film.toml"),
                                       TINY + [f"source.0.folder={folder}/film", "phase.0.steps=3", "phase.0.count=2",
                                               "phase.0.shapes=[[64,96]]"])
            self.assertTrue(train.run(config, f"{folder}/work", [f"{folder}/first.onnx"], float32=True))
            state = torch.load(f"{folder}/work/checkpoint.pt")["average"]
            self.assertTrue(torch.equal(state["stem.1.running_mean"], torch.zeros(16)))
            further = train.Run(config, f"{folder}/further", torch.device("cpu"), False,
                                train.make_sources(config)[2])
            further.start_from([f"{folder}/work/checkpoint.pt"] * 2)
            with self.assertRaisesRegex(ValueError, "fixed_norm"):  # that checkpoint's is folded as well
                careless.start_from([f"{folder}/work/checkpoint.pt"])
            torch.testing.assert_close(further.average.state["stem.1.bias"], state["stem.1.bias"])
            began = again.state_dict()
            self.assertFalse(torch.equal(state["stem.1.bias"], began["stem.1.bias"]))
            mean = export.load(f"{folder}/work/checkpoint.pt", f"{folder}/first.onnx")[0].state_dict()
            torch.testing.assert_close(mean["stem.1.bias"], (state["stem.1.bias"] + began["stem.1.bias"]) / 2)
            torch.testing.assert_close(mean["stem.1.running_var"], state["stem.1.running_var"])


    def command(self, *options):
        """Runs training.film; returns what it exits with, None where it comes to its end. self.train stands for training."""
        with mock.patch.object(sys, "argv", ["film", *map(str, options)]), mock.patch("sys.stderr"), \
                mock.patch.object(film.train, "run", self.train), mock.patch.object(film.export, "load", lambda *_: (None, (320, 192))), \
                mock.patch.object(film.export, "write", lambda *_: 0.0), mock.patch.object(film.argparse.ArgumentParser, "error",
                                                                                           lambda _, text: sys.exit(text)):
            try:
                film.main()
            except SystemExit as end:
                return end.code

    def test_what_goes_wrong_is_said_and_leaves_nothing_behind(self):
        rng, self.train = np.random.default_rng(6), mock.Mock(return_value=True)
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder) / "work"
            write_clip(f"{folder}/film.avi", [stereo_frame(rng)])
            write_clip(f"{folder}/flat.avi", [np.full((96, 320, 3), 90, np.uint8)])
            self.assertIn("none.mkv: cannot be opened", self.command("--film", f"{folder}/none.mkv", "--work", work))
            self.assertIn("is --layout right?", self.command("--film", f"{folder}/flat.avi", "--every", 1, "--work", work))
            self.assertFalse((work / "film").exists())
            self.train.assert_not_called()
            good = ["--film", f"{folder}/film.avi", "--every", 1, "--work", work]
            self.assertIsNone(self.command(*good))
            self.assertEqual(len(pack.Pack(work / "film")), 1)
            self.assertIsNone(self.command(*good))
            self.assertEqual(self.train.call_count, 2)
            for other in (["--swap-eyes"], ["--half"], ["--layout", "top-bottom"], ["--film", f"{folder}/flat.avi"]):
                self.assertIn("was made from", self.command(*good, *other))
            self.assertEqual(self.train.call_count, 2)
            self.train.return_value = False
            self.assertIn("the same command goes on", self.command(*good))

    def test_half_a_pack_is_not_taken_for_one(self):
        def views():
            yield np.split(stereo_frame(np.random.default_rng(6)), 2, 1)
            raise KeyboardInterrupt

        with tempfile.TemporaryDirectory() as folder:
            make_pack(folder, 2)
            with self.assertRaises(KeyboardInterrupt):
                pairs.write(views(), folder)
            self.assertFalse((Path(folder) / "index.npy").exists())
            pack.Writer(folder).close()
            with self.assertRaisesRegex(ValueError, "without pictures"):
                pack.Pack(folder)

    def test_what_the_readme_says_of_a_mixture_is_so(self):
        text = Path(__file__).with_name("README.md").read_text().split("## On your own 3D films")[1].split("\n## ")[0]
        line, = re.findall(r"^python -m (training\.train (?:.*\\\n)*.*)$", text, re.M)
        words = shlex.split(line.replace("\\\n", " "))
        root, value = Path(__file__).resolve().parent.parent, {k: words[words.index(k) + 1] for k in ("--config", "--start")}
        config = train.load_config(root / value["--config"], words[words.index("--set") + 1:])
        self.assertTrue((root / value["--start"]).exists() and config["fixed_norm"])
        self.assertEqual([s["folder"] for s in config["source"]], ["WORK/pack", "WORK/film"])
        self.assertEqual(sum(p["steps"] for p in config["phase"]), 1000)
        model.unfold(model.Network(**config["model"]), export.weights(root / value["--start"]))


class Data(unittest.TestCase):
    def test_pack_gives_back_what_was_written(self):
        with tempfile.TemporaryDirectory() as folder:
            make_pack(folder, 3)
            p = pack.Pack(folder)
            rng = np.random.default_rng(5)
            rgb, disparity = scene(rng)
            np.testing.assert_array_equal(p.get("picture", 0), rgb)
            np.testing.assert_allclose(pack.from_u16(p.get("disparity", 0)), disparity, atol=2e-5)
            self.assertEqual(len(p), 3)

    def test_batches_depend_on_seed_and_step_only(self):
        with tempfile.TemporaryDirectory() as folder:
            make_pack(folder)
            a, b = (data.Batches([data.PackSource(folder)], [1], 3).make(7, 4, 1, 64, 96) for _ in range(2))
            for name, value in vars(a).items():
                self.assertTrue(torch.equal(value, getattr(b, name)), name)
            self.assertEqual(tuple(a.rgb.shape), (5, 3, 64, 96))

    def test_twin_lies_where_theta_says(self):
        rgb = np.zeros((96, 128, 3), np.uint8)
        rgb[40:60, 50:80] = 255
        rgb = cv2.GaussianBlur(rgb, (0, 0), 3)
        twin, theta = data.twin_view(np.random.default_rng(2), rgb, (0, 0, 96, 128), 96, 128)
        maps = torch.from_numpy(rgb[None, ..., 0].astype(np.float32))
        grid = torch.from_numpy(data.affine_grid(theta, 96, 128)[None])
        carried, inside = losses.twins_of(maps, grid)
        difference = (carried[0].numpy() - twin[..., 0]) * inside[0].numpy()
        self.assertLess(np.abs(difference).max(), 3)

    def film_sample(self, disparity, trusted):
        """A sample of a film whose matches are trusted or not at all."""
        height, width = disparity.shape
        weight = np.where(trusted, np.float32(1), np.exp(np.float32(-1 / 0.12)))
        none = np.zeros((0, 1, 1), np.uint8)
        return data.Sample(np.zeros((2 * height, 2 * width, 3), np.uint8), disparity, weight, none, none, none, (0, 0), none, none)

    def test_untrusted_labels_have_no_say(self):
        """Whatever stands in them: in smaller and larger pictures, and in twins."""
        rng = np.random.default_rng(2)
        trusted = cv2.dilate(np.uint8(rng.random((96, 160)) < 0.005), np.ones((5, 5))) == 0
        disparity = np.float32(np.linspace(0, 1, 160) * np.ones((96, 1)))
        for width in (240, 400):
            crops = [data.cut(self.film_sample(np.where(trusted, disparity, np.float32(fill)), trusted), (0, 0, 192, 320), width * 3 // 5,
                              width, False) for fill in (-0.2, 1.2)]
            seen = crops[0].weight > 0.05
            self.assertLess(np.abs(crops[0].disparity - crops[1].disparity)[seen].max(), 0.02)
        asked = []
        grid = torch.from_numpy(data.affine_grid(np.float32([[1, 0, 0.011], [0, 1, 0.02]]), 96, 160)[None])
        for fill in (0.0, 1.0):
            label = torch.from_numpy(np.where(trusted, disparity, np.float32(fill)))[None]
            batch = data.Batch(*[None] * 10)
            batch.disparity, batch.weight, batch.grid = label, torch.from_numpy(np.float32(trusted))[None], grid
            batch.coarse, batch.paired = torch.zeros(1, 0, 1, 1), []
            student = mock.Mock(network=lambda x: (torch.zeros(2, model.LEVELS, 96, 160), x, x))
            with mock.patch.object(losses, "cross_entropy", lambda log_p, label, weight: asked.append((label, weight))):
                train.terms(student, batch, None, torch.zeros(2, 3, 192, 320), False)
        (a, weight), (b, _) = asked
        self.assertLess(float((a - b).abs()[weight > 0.05].max()), 0.02)

    def test_a_still_film_has_a_still_grid(self):
        """However a crop is resized."""
        y, x = np.mgrid[0:192:2, 0:320:2]
        flow = pack.to_u16(np.stack(((x + 1) / 320, (y + 1) / 192), 2))
        flow[40:, 60:] = 0
        sample = dataclasses.replace(self.film_sample(np.zeros((96, 160), np.float32), True), flow=flow,
                                     following=np.zeros((192, 320, 3), np.uint8))
        for box, (height, width) in (((0, 0, 192, 320), (160, 256)), ((32, 64, 128, 176), (160, 272)), ((0, 16, 160, 160), (112, 112))):
            grid = data.frame_view(sample, box, height, width)[1]
            still, seen = data.affine_grid(np.eye(2, 3), height // 2, width // 2), (np.abs(grid) < 2).all(2)
            self.assertTrue((grid[~seen] == data.OUTSIDE).all() and not seen.all())
            off = np.abs(grid - still)[seen] * np.float32([width / 4, height / 4])
            self.assertLess(off.max(), 0.01)  # px

    def test_compression_keeps_red_better_than_blue(self):
        """As JPEG does, which codes colours at half the size, and of which little is brightness in blue."""
        class Chance:
            def __init__(self):
                self.answers = [0.99, 0.99, 0.99, 0.0]  # compression alone

            def random(self):
                return self.answers.pop(0)

            def integers(self, *_):
                return 40

        lost = []
        for channel in (0, 2):
            rgb = np.full((64, 64, 3), 60, np.uint8)
            rgb[..., channel] = 128 + 40 * np.sign(np.sin(np.arange(64) / 2))
            lost.append(np.abs(data.degrade(Chance(), rgb)[..., channel].astype(float) - rgb[..., channel]).mean())
        self.assertLess(lost[0], 0.8 * lost[1])

    def test_prefetch_keeps_order_and_hands_on_errors(self):
        self.assertEqual(list(data.prefetch(lambda i: i * i, range(9))), [i * i for i in range(9)])
        with self.assertRaises(ZeroDivisionError):
            list(data.prefetch(lambda i: 1 // (3 - i), range(9)))


class Label(unittest.TestCase):
    def test_answers_are_averaged_and_doubted(self):
        """A teacher that sees brightness, with a ramp to the right that the mirror image must take away."""
        def teacher(rgb):
            ramp = np.linspace(0, 0.2, rgb.shape[1])
            return 0.5 * rgb[..., 0] / 255 + ramp + 3, [np.full((2, rgb.shape[0] // 16, rgb.shape[1] // 16), 9, np.uint8)]

        rgb = np.zeros((192, 256, 3), np.uint8)
        rgb[60:140, 90:180] = 255
        wanted = cv2.resize(rgb[..., 0], (128, 96), interpolation=cv2.INTER_AREA) / 255
        for quick in (True, False):
            disparity, doubt, maps = label.label(teacher, rgb, quick)
            self.assertEqual((disparity.shape, doubt.shape, maps[0].shape), ((96, 128), (96, 128), (2, 12, 16)))
            self.assertLess(np.abs(disparity - wanted).mean(), 0.04)
            self.assertLess(doubt[:, 60:68].mean(), doubt[:, :8].mean())

    def test_pupils_have_their_share(self):
        def teacher(rgb):
            return rgb[..., 0] / 255.0, [np.zeros((1, rgb.shape[0] // 16, rgb.shape[1] // 16), np.uint8)]

        rgb = np.zeros((192, 256, 3), np.uint8)
        rgb[:, 128:] = 255  # the teacher sees the right half near, the pupil the lower one

        def pupil(rgb):
            return np.repeat(np.float32([0, 1]), 48)[:, None] * np.ones((1, 128), np.float32)

        alone = label.label(teacher, rgb, True)
        for count, share in ((1, 1 / 2), (2, 2 / 3)):
            disparity, doubt, _ = label.label(teacher, rgb, True, count * [pupil])
            for y, x, wanted in ((20, 20, 0), (20, 108, 1 - share), (76, 20, share), (76, 108, 1)):
                self.assertAlmostEqual(float(disparity[y, x]), wanted, delta=0.02)
            np.testing.assert_array_equal(doubt, alone[1])


class Losses(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(3)
        self.label = torch.rand(2, 24, 32)
        self.weight = torch.ones_like(self.label)

    def test_scale_free_ignores_scale_and_shift(self):
        for value in losses.scale_free(self.label * 0.3 + 0.2, self.label, self.weight):
            self.assertLess(float(value), 0.2)
        self.assertGreater(float(losses.scale_free(1 - self.label, self.label, self.weight)[0]), 1)

    def test_gradients_ignore_what_is_not_trusted(self):
        weight = (torch.nn.functional.avg_pool2d(torch.rand(2, 1, 24, 32), 5, 1, 2)[:, 0] > 0.49).float()
        for fill in (0.0, 1.0):
            label = torch.where(weight > 0, self.label, torch.tensor(fill))
            self.assertLess(float(losses.scale_free(self.label, label, weight)[1]), 0.01)

    def test_spread_sees_flat_predictions(self):
        self.assertLess(float(losses.spread(self.label + 0.1, self.label, self.weight)), 1e-3)
        self.assertGreater(float(losses.spread(0.5 + 0.3 * self.label, self.label, self.weight)), 0.5)

    def test_row_structure_sees_through_a_ramp(self):
        rows = torch.linspace(0, 1, 24)[None, :, None].expand(2, 24, 32)
        self.assertLess(float(losses.row_structure(self.label, self.label, self.weight)), 0.01)
        self.assertGreater(float(losses.row_structure(rows, self.label, self.weight)), 0.99)

    def test_cross_entropy_is_least_at_the_label(self):
        log_p = torch.full((1, model.LEVELS, 1, 2), -9.0)
        log_p[0, 16] = 0
        weight = torch.ones(1, 1, 2)
        right = losses.cross_entropy(log_p, torch.full((1, 1, 2), 0.5), weight)
        wrong = losses.cross_entropy(log_p, torch.full((1, 1, 2), 0.7), weight)
        self.assertLess(float(right), float(wrong))


class Pairs(unittest.TestCase):
    def test_film_becomes_a_pack(self):
        """A square that stands out of the screen, in a side-by-side film: it must be nearest, and trusted."""
        rng = np.random.default_rng(6)
        with tempfile.TemporaryDirectory() as folder:
            write_clip(f"{folder}/film.avi", [stereo_frame(rng) for _ in range(3)])
            views = list(pairs.film(f"{folder}/film.avi", "side-by-side"))
            swapped = list(pairs.film(f"{folder}/film.avi", "side-by-side", swapped=True))
            half = list(pairs.film(f"{folder}/film.avi", "side-by-side", half=True))
        self.assertEqual(len(views), 3)
        self.assertEqual((views[0][0].shape, half[0][0].shape), ((192, 320, 3), (192, 640, 3)))
        np.testing.assert_array_equal(swapped[1], views[1][::-1])
        made = pairs.labelled(*views[0])
        disparity, doubt = made["disparity"], made["doubt"]
        height, width = disparity.shape
        inside = slice(int(height * 0.4), int(height * 0.6)), slice(int(width * 0.45), int(width * 0.6))
        self.assertGreater(pack.from_u16(disparity)[inside].mean(), 0.9)
        self.assertLess(pack.from_u16(disparity)[:10, 30:-30].mean(), 0.2)
        self.assertLess((doubt[inside] > 0).mean(), 0.2)


    def test_the_shape_of_an_eye_tells_half_from_full(self):
        for layout, width, height, aspect, wanted in (
                ("side-by-side", 1920, 1080, 1.0, True), ("side-by-side", 3840, 1080, 0.0, False), ("side-by-side", 1920, 1080, 2.0, True),
                ("side-by-side", 3840, 1600, 1.0, True), ("side-by-side", 3840, 800, 1.0, False), ("side-by-side", 1920, 1080, 0.5, False),
                ("top-bottom", 1920, 1080, 1.0, True), ("top-bottom", 1920, 2160, 1.0, False), ("top-bottom", 1920, 2160, 0.5, True),
                ("top-bottom", 720, 576, 16 / 11, False)):
            self.assertEqual(pairs.is_half(layout, width, height, aspect), wanted, (layout, width, height, aspect))


class Scenes(unittest.TestCase):
    def figure(self):
        """A bright disc before a dark wall, as a labelled photograph: (rgb, disparity uint16 at half size)."""
        rng = np.random.default_rng(4)
        y, x = np.mgrid[0:160, 0:224]
        disc = (y - 90) ** 2 + (x - 110) ** 2 < 50 ** 2
        rgb = np.clip(np.where(disc, 200, 40)[..., None] + rng.normal(0, 6, (160, 224, 3)), 0, 255).astype(np.uint8)
        return rgb, pack.to_u16(np.where(disc, 0.9, 0.1)[::2, ::2])

    def test_cutout_follows_the_figure(self):
        cut = cutouts.find(*self.figure())
        self.assertIsNotNone(cut)
        self.assertTrue(cut.grounded)
        self.assertAlmostEqual(float((cut.alpha > 0.5).sum()) / (np.pi * 50 ** 2), 1, delta=0.06)

    def test_an_outline_cuts_where_disparity_says_nothing(self):
        rgb, disparity = self.figure()
        with tempfile.TemporaryDirectory() as folder:
            writer = pack.Writer(f"{folder}/pack")
            writer.add("disc.jpg", rgb, np.full_like(disparity, 9000), np.zeros(disparity.shape, np.uint8))
            writer.close()
            photos = pack.Pack(f"{folder}/pack")
            self.assertEqual(cutouts.collect(photos, folder), [])
            cv2.imwrite(f"{folder}/disc.png", np.uint8(rgb.mean(2) > 120) * 255)
            cut, = cutouts.collect(photos, folder)
        self.assertAlmostEqual(float((cut.alpha > 0.5).sum()) / (np.pi * 50 ** 2), 1, delta=0.06)

    def test_pages_are_pictures_of_half_nearness(self):
        pictures, again = ([pages.page(np.random.default_rng(seed), 96, 128) for seed in range(60)] for _ in range(2))
        self.assertTrue(all(np.array_equal(a, b) for a, b in zip(pictures, again)))
        self.assertTrue(all(p.shape == (96, 128, 3) and p.dtype == np.uint8 for p in pictures))
        self.assertGreater(np.mean([p.std() > 10 for p in pictures]), 0.5)
        with tempfile.TemporaryDirectory() as folder:
            writer = pack.Writer(folder)
            scenes._shared["seed"] = 1
            writer.add("page", **scenes._make(("page", 0)))
            writer.close()
            s = data.PackSource(folder).at(0)
        crop = data.cut(s, (16, 16, 128, 192), 64, 96, False)
        self.assertLess(np.abs(crop.disparity - 0.5).max(), 1e-4)
        self.assertEqual(crop.weight.min(), 1)

    def test_figures_stand_before_the_backdrop(self):
        with tempfile.TemporaryDirectory() as folder:
            make_pack(folder)
            photos, cuts = pack.Pack(folder), [cutouts.find(*self.figure())]
            rgb, disparity, doubt = scenes.montage(np.random.default_rng(0), photos, cuts)
            self.assertEqual(rgb.shape[:2], disparity.shape)
            self.assertEqual(rgb.shape[:2], doubt.shape)
            self.assertGreater(disparity.max(), np.median(disparity) + 0.05)

    def test_next_frame_lies_where_its_flow_says(self):
        """Each pixel of the next frame that the first one shows has its colour there, in whole pictures, crops and mirrors."""
        with tempfile.TemporaryDirectory() as folder:
            make_pack(f"{folder}/photos")
            photos, cut = pack.Pack(f"{folder}/photos"), cutouts.find(*self.figure())
            still = dataclasses.replace(cut, rgb=cv2.GaussianBlur(cut.rgb, (0, 0), 3))
            writer = pack.Writer(f"{folder}/moving")
            for seed in range(4):
                rng = np.random.default_rng(seed)
                rgb, disparity, doubt, following, flow = scenes.moving_montage(rng, photos, [still])
                self.assertGreater((flow > 0).mean(), 0.6)
                writer.add(f"{seed}", rgb, pack.to_u16(disparity[::2, ::2]), doubt[::2, ::2], following=following, flow=flow)
            writer.close()
            source = data.PackSource(f"{folder}/moving")
        for i in range(4):
            s = source.at(i)
            for box in ((0, 0, *s.rgb.shape[:2]), (32, 64, 128, 192)):
                y, x, h, w = box
                picture, grid = data.frame_view(s, box, h, w)
                half = [cv2.resize(cv2.GaussianBlur(m, (0, 0), 2), (w // 2, h // 2), interpolation=cv2.INTER_AREA)[..., 1]
                        for m in (s.rgb[y:y + h, x:x + w], picture)]
                first = torch.from_numpy(half[0][None].astype(np.float32))
                carried, inside = losses.twins_of(first, torch.from_numpy(grid.astype(np.float32))[None])
                difference = np.abs(carried[0].numpy() - half[1])[inside[0].numpy() > 0]
                self.assertLess(np.median(difference), 1.5)
                self.assertGreater(inside.mean(), 0.5)

    def test_rendered_places_have_depth_everywhere(self):
        with tempfile.TemporaryDirectory() as folder:
            make_pack(folder)
            for seed in range(6):
                rgb, disparity = spaces.render(np.random.default_rng(seed), 96, 128, pack.Pack(folder), [])
                self.assertEqual((rgb.shape, disparity.shape), ((96, 128, 3), (48, 64)))
                self.assertTrue(np.isfinite(disparity).all() and (disparity > 0).all())
                self.assertGreater(disparity[-8:].mean(), disparity[:8].mean())

    def test_rendered_labels_lie_where_their_pictures_do(self):
        """In a place whose brightness and disparity are the place in the picture, px, across or down."""
        def furnish(rng, world, *_):
            h, w = 120, 160  # what 96 x 128 is rendered at
            place = ((np.mgrid[0:h, 0:w][axis] + 0.5) / spaces.OVERSAMPLING).astype(np.float32).ravel()
            world.hits.t[:], world.hits.colour[:] = 1 / place, place[:, None] / 200

        with tempfile.TemporaryDirectory() as folder:
            make_pack(folder, 1)
            for axis in (0, 1):
                with mock.patch.object(spaces, "furnish", furnish), \
                        mock.patch.object(spaces, "light", lambda _, world, kind: world.hits.colour):
                    rgb, disparity = spaces.render(np.random.default_rng(1), 96, 128, pack.Pack(folder), [])
                cells = cv2.resize(rgb[..., 0].astype(np.float32), (64, 48), interpolation=cv2.INTER_AREA)
                slope, shift = np.polyfit(disparity.ravel(), cells.ravel(), 1)
                self.assertLess(abs(shift + 0.5) / slope, 0.1)  # px; half a grey level is cut off

    def empty_street(self, height, width):
        """A street with nothing in it, looked at from the side."""
        for seed in range(50):
            origin, rays, yaw = spaces.camera(np.random.default_rng(seed), height, width, "street")
            if abs(yaw) > 0.5:
                break
        n = len(rays)
        hits = spaces.Hits(np.full(n, spaces.FAR, np.float32), np.zeros((n, 3), np.float32),
                           np.zeros((n, 3), np.float32), np.zeros(n, bool))
        return spaces.World(origin, rays, yaw, hits)

    def test_a_ball_is_nearest_in_its_middle(self):
        height, width = 60, 80
        world = self.empty_street(height, width)
        middle = world.origin + 5 * world.rays[height // 2 * width + width // 2]
        spaces.add_round(world, middle.astype(np.float32), np.float32([1, 1, 1]), np.ones((8, 8, 3), np.float32), 1.0)
        depth = world.hits.t.reshape(height, width)
        self.assertAlmostEqual(float(depth[height // 2, width // 2]), 4, delta=0.05)
        self.assertEqual(depth[0, 0], spaces.FAR)

    def test_a_figure_stands_where_the_camera_looks(self):
        height, width = 60, 80
        world = self.empty_street(height, width)
        flat = cutouts.Cutout(np.full((40, 20, 3), 128, np.uint8), np.ones((40, 20), np.float32),
                              np.zeros((40, 20), np.float32), True)
        spaces.add_figure(world, flat, 0.0, 6.0, 4.0)
        depth = world.hits.t.reshape(height, width)
        self.assertAlmostEqual(float(depth[height // 2, width // 2]), 6, delta=0.2)  # upright, and the camera pitched
        np.testing.assert_allclose(depth, depth[:, ::-1], rtol=1e-4)
        self.assertEqual(depth[0, 0], spaces.FAR)


class SelectionLayer(unittest.TestCase):
    def test_right_disparity_gives_back_the_picture(self):
        other = torch.rand(1, 3, 8, 40)
        here = torch.roll(other, 3, 3)  # x here = x there + 3
        right, wrong = torch.zeros(2, 1, 5, 8, 40)
        right[:, 3] = 1
        wrong[:, 1] = 1
        parallax = torch.tensor([[0.0, 4.0]])
        made, share = losses.select(other, right, parallax)
        torch.testing.assert_close(made[..., 3:], here[..., 3:], atol=1e-3, rtol=0)
        self.assertEqual(float(share[..., :3].max()), 0)
        eyes, weight = torch.stack((here, other), 1), torch.ones(1, 8, 40)
        self.assertLess(float(losses.photometric(eyes, right, parallax, weight)), 0.01)
        self.assertGreater(float(losses.photometric(eyes, wrong, parallax, weight)), 0.1)

    def test_crops_and_mirrors_of_a_pair_keep_their_parallax(self):
        rng = np.random.default_rng(8)
        there = cv2.GaussianBlur(rng.integers(0, 255, (128, 192, 3)).astype(np.uint8), (0, 0), 4)
        here = np.roll(there, 8, 1)
        with tempfile.TemporaryDirectory() as folder:
            writer = pack.Writer(folder)
            disparity, doubt = np.full((64, 96), 0.5), np.zeros((64, 96), np.uint8)
            writer.add("pair", here, pack.to_u16(disparity), doubt, other=there, parallax=(0.0, 16 / 192))
            writer.close()
            sample = data.PackSource(folder).at(0)
        for mirror in (False, True):
            crop = data.cut(sample, (16, 32, 96, 128), 96, 128, mirror)
            levels = torch.from_numpy(np.ascontiguousarray(crop.disparity))[None, None] * 32
            index = torch.arange(model.LEVELS).view(1, -1, 1, 1)
            p = (1 - (levels - index).abs()).clamp(min=0)
            eyes = torch.from_numpy(np.ascontiguousarray(crop.eyes))[None].float() / 255
            parallax = torch.from_numpy(crop.parallax)[None]
            self.assertLess(float(losses.photometric(eyes, p, parallax, torch.ones(1, 48, 64))), 0.02)


class Reopened(unittest.TestCase):
    def test_answers_stay_and_training_nearly_gives_them_too(self):
        torch.manual_seed(1)
        own = {"widths": [16, 16, 16, 16], "encoder": [1, 1, 1], "decoder": [1, 1], "head": 16}
        trained = model.Network(**own)
        rgb = torch.rand(8, 3, 64, 96)
        with torch.no_grad():
            for m in trained.modules():
                if isinstance(m, torch.nn.BatchNorm2d):
                    m.weight.uniform_(0.3, 1)
                    m.bias.normal_(0, 0.3)
            for _ in range(40):
                trained.train()(rgb)
            folded = {n: v.numpy() for n, v in export.fold(trained).state_dict().items()}
            network = model.Network(**own)
            model.unfold(network, folded)
            before = network.eval()(rgb)[0]
            torch.testing.assert_close(before, trained.eval()(rgb)[0], atol=1e-3, rtol=1e-3)
            model.reopen(network, rgb)
            torch.testing.assert_close(network.eval()(rgb)[0], before, atol=1e-3, rtol=1e-3)
            torch.testing.assert_close(network.train()(rgb)[0], before, atol=2e-2, rtol=2e-2)


class Growing(unittest.TestCase):
    def test_wider_and_more_blocks_answer_alike_and_can_learn(self):
        torch.manual_seed(3)
        own = {"widths": [16, 16, 16, 16], "encoder": [1, 2, 1], "decoder": [1, 1], "head": 16}
        larger = {**own, "encoder": [1, 2, 3], "decoder": [2, 1], "expansion": 1.5}
        small, large = model.Network(**own), model.Network(**larger)
        rgb = torch.rand(2, 3, 64, 96)
        for m in small.modules():
            if isinstance(m, torch.nn.BatchNorm2d):
                torch.nn.init.uniform_(m.weight, 0.3, 1)
        model.grow(large, small.state_dict())
        before = small.eval()(rgb)[0].detach()
        torch.testing.assert_close(large.eval()(rgb)[0], before, atol=1e-4, rtol=1e-4)
        block = large.down16[1][0]
        self.assertEqual(block.second[0].weight.shape, (16, 24, 3, 3))
        large(rgb)[0].square().mean().backward()
        self.assertGreater(float(block.second[0].weight.grad[:, 16:].abs().max()), 0)


class Canvas(unittest.TestCase):
    def test_pictures_are_pressed_a_little_and_lose_their_ends(self):
        x = np.tile(np.uint8(np.linspace(0, 255, 600))[None, :, None], (300, 1, 3))
        wide, tall = bundle.on_canvas(x), bundle.on_canvas(np.ascontiguousarray(x.transpose(1, 0, 2)))
        self.assertEqual((wide.shape, tall.shape), ((288, 384, 3), (384, 288, 3)))
        self.assertGreater(wide[0, 0, 0], 20)  # of twice as wide as high, four fifths are kept
        self.assertLess(wide[0, 0, 0], 31)
        self.assertEqual(bundle.on_canvas(np.zeros((200, 200, 3), np.uint8)).shape, (288, 384, 3))

    def test_batches_are_equally_large(self):
        pictures = [np.zeros((2, 3 + i % 2, 3)) for i in range(21)]
        batches = photographs._batches(pictures, 4, 1)
        self.assertEqual(sorted(i for b in batches for i in b), list(range(21)))
        self.assertTrue(all(len({pictures[i].shape for i in b}) == 1 for b in batches))
        self.assertEqual(sum(len(b) == 4 for b in batches), 4)


class Teacher(unittest.TestCase):
    def test_convolutions_without_cudnn_are_convolutions(self):
        rng, x = np.random.default_rng(3), torch.rand(2, 8, 10, 12)
        for out, size, inputs, stride, pad, groups in ((5, 1, 8, 1, 0, 1), (6, 3, 8, 1, 1, 1), (8, 3, 1, 2, 1, 8)):
            w, b = rng.normal(size=(out, size, size, inputs)).astype(np.float32), rng.normal(size=out).astype(np.float32)
            made = answers._Convolution(w, b, [stride] * 2, [pad] * 2, groups, x.device, x.dtype)(x)
            wanted = torch.nn.functional.conv2d(x, torch.from_numpy(w.transpose(0, 3, 1, 2).copy()), torch.from_numpy(b), stride,
                                                pad, groups=groups)
            torch.testing.assert_close(made, wanted, atol=1e-4, rtol=1e-4)


class Bundle(unittest.TestCase):
    def test_figures_are_cut_out_along_their_outlines(self):
        """Of two photographs without any depth one has an outline."""
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            outline = np.zeros((200, 300), np.uint8)
            cv2.rectangle(outline, (100, 20), (159, 179), 255, -1)
            cv2.imwrite(str(folder / "b.png"), outline)
            paths = [folder / name for name in ("a.jpg", "none.jpg", "b.jpg")]
            for path in paths[::2]:
                cv2.imwrite(str(path), np.full((200, 300, 3), 90, np.uint8) + (outline > 0)[..., None] * np.uint8(100))
            self.assertEqual(bundle.write_photos(paths, folder, folder, 90, 1), 2)
            photos = bundle.Photos(folder)
            self.assertEqual(len(photos), 2)
            self.assertIsNone(photos.outline(0))
            inside = photos.outline(1)
            self.assertEqual((inside.shape, photos.at(1).shape), ((144, 192), (288, 384, 3)))
            self.assertAlmostEqual(inside.mean(), 160 * 60 / (200 * 300), delta=0.01)
            self.addCleanup(scenery._own.clear)
            scenery._own.update(photos=photos, labels=np.full((2, 144, 192), pack.to_u16(np.float32(0.5))),
                                index=np.array([[0, 288, 384], [1, 288, 384]]))
            self.assertIsNone(scenery._find(0))
            cut = scenery._find(1)[1]
            self.assertAlmostEqual(cut.alpha.shape[0] / cut.alpha.shape[1], (160 / 200 * 288) / (60 / 300 * 384), delta=0.1)
            self.assertGreater(cut.rgb.mean(), 180)

    def test_every_other_file_of_places_holds_pages(self):
        with tempfile.TemporaryDirectory() as folder:
            self.addCleanup(scenery._own.clear)
            scenery._own.update(folder=Path(folder), seed=1)
            scenery._render(1)
            with np.load(f"{folder}/place-00001.npz") as made:
                self.assertEqual(len(made["picture"]), scenery.AT_ONCE)
                self.assertEqual(len(np.unique(made["disparity"])), 1)
                self.assertGreater(made["picture"].std(), 0)

    def test_an_exported_network_answers_as_it_did(self):
        student = {"model": {"widths": [16, 16, 16, 16], "encoder": [1, 1, 1], "decoder": [1, 1], "head": 16}, "input_size": [96, 64]}
        torch.manual_seed(2)
        network = model.Network(**student["model"]).eval()
        with tempfile.TemporaryDirectory() as folder, torch.no_grad():
            export.write(network, f"{folder}/n.onnx", "deep3d-tiny", "0", (96, 64))
            rgb = torch.rand(2, 3, 128, 192)
            got = photographs.Exported(f"{folder}/n.onnx", {"tiny": student}, torch.device("cpu"))(rgb)
            wanted = model.expectation(torch.softmax(network(answers.resize(rgb, 64, 96))[0], 1))
            wanted = torch.nn.functional.interpolate(wanted[:, None], size=(128, 192), mode="bilinear")[:, 0]
            self.assertEqual(got.shape, (2, 128, 192))
            for g, w in zip(got, wanted):
                self.assertGreater(np.corrcoef(g.numpy().ravel(), w.numpy().ravel())[0, 1], 0.98)
                self.assertAlmostEqual(float(torch.quantile(g, 0.98) - torch.quantile(g, 0.02)), 1, delta=0.1)


class Older(unittest.TestCase):
    def test_a_step_is_fused_only_where_pytorch_can(self):
        class AdamW:
            def __init__(self, params, lr=1e-3):
                pass

        gpu = torch.device("cuda")
        with mock.patch.object(torch.optim, "AdamW", AdamW):
            self.assertFalse(pupil.fuses(gpu))
        self.assertEqual(pupil.fuses(gpu), int(torch.__version__.split(".")[0]) >= 2)
        self.assertFalse(pupil.fuses(torch.device("cpu")))


class OnDevice(unittest.TestCase):
    """What training.sprint does on a GPU, here on the CPU."""

    def store(self, count=5):
        rng, store = np.random.default_rng(5), canvases.Canvases(count + 1, count, (4, 3), torch.device("cpu"))
        for _ in range(count):
            rgb, disparity = scene(rng)
            rgb = cv2.GaussianBlur(rgb, (0, 0), 1.5)
            coarse = torch.from_numpy(rng.integers(0, 255, (1, 4, 6, 8)).astype(np.uint8))
            fine = torch.from_numpy(rng.integers(0, 255, (1, 3, 12, 16)).astype(np.uint8))
            d = torch.from_numpy(disparity)[None]
            store.add(torch.from_numpy(rgb).permute(2, 0, 1)[None], d, torch.ones_like(d), coarse, fine)
        return store

    def cut(self):
        y, x = np.mgrid[0:60, 0:40]
        alpha = np.float32(((y - 30) / 28) ** 2 + ((x - 20) / 18) ** 2 < 1)
        return cutouts.Cutout(np.full((60, 40, 3), 200, np.uint8), alpha, np.zeros((60, 40), np.float32), True)

    def test_twins_lie_where_their_grid_says(self):
        """The pictures before wear, carried along the grid, are the twins', with cut-outs that move on their own."""
        maker = compose.Maker(self.store(), 3, montages=0.5)
        maker.atlas = canvases.atlas(*cutouts.tiles([self.cut()]), maker.device)
        for s in ("strengths", "wear"):
            self.addCleanup(setattr, compose, s, getattr(compose, s))
        compose.strengths = lambda n, random, device: torch.zeros(n, 9)
        compose.wear = lambda x, *_: x
        batch, clean = maker.make(6, 6, 96, 160)
        self.assertEqual(batch.taught.tolist(), [0, 1, 0, 1, 0, 1])
        half = torch.nn.functional.avg_pool2d(batch.rgb, 2).mean(1)
        carried, inside = losses.twins_of(half[:6], batch.grid)
        self.assertGreater(float(inside.mean()), 0.6)
        difference = (carried - half[6:]).abs()[inside > 0]
        self.assertLess(float(difference.median()), 0.02)
        self.assertLess(float(difference.mean()), 0.04)
        montage = batch.disparity[0]
        self.assertTrue(0 <= float(montage.min()) and float(montage.max()) <= 1)

    def test_crops_keep_label_and_picture_together(self):
        """In the scenes brightness is disparity."""
        maker = compose.Maker(self.store(), 4, montages=0)
        batch, clean = maker.make(5, 1, 64, 96)
        grey = torch.nn.functional.avg_pool2d(clean, 2).mean(1)
        for g, d in zip(grey, batch.disparity):
            self.assertGreater(np.corrcoef(g.numpy().ravel(), d.numpy().ravel())[0, 1], 0.8)

    def test_jpeg_keeps_much_and_loses_some(self):
        x = torch.from_numpy(scene(np.random.default_rng(2))[0]).permute(2, 0, 1)[None].float() / 255
        error = [float((wear.compress(x, torch.tensor([q])) - x).abs().mean()) for q in (95.0, 15.0)]
        self.assertLess(error[0], 0.015)
        self.assertGreater(error[1], 1.5 * error[0])
        self.assertLess(error[1], 0.08)

    def test_neutral_strengths_change_nothing(self):
        x = torch.rand(2, 3, 16, 16)
        torch.testing.assert_close(wear.relight(x, torch.zeros(2, 9)), x, atol=1e-3, rtol=0)
        worn = wear.wear(x.clone(), wear.strengths(2, torch.Generator(), x.device), torch.Generator())
        self.assertTrue(torch.isfinite(worn).all())

    def test_answers_are_averaged_as_label_does(self):
        def teacher(rgb, with_features):
            ramp = torch.linspace(0, 0.1, rgb.shape[3])  # which goes for the most part, as half of the answers are mirrored
            maps = [torch.full((len(rgb), 2, rgb.shape[2] // 16, rgb.shape[3] // 16), 9, dtype=torch.uint8)]
            return 0.5 * rgb[:, 0] + ramp + 3, maps if with_features else []

        rgb = np.zeros((192, 256, 3), np.uint8)
        rgb[60:140, 90:180] = 255
        for quick in (True, False):
            d, doubt, maps = answers.label(teacher, torch.from_numpy(rgb).permute(2, 0, 1)[None].float() / 255, quick)
            self.assertEqual((tuple(d.shape), tuple(maps[0].shape)), ((1, 192, 256), (1, 2, 12, 16)))
            self.assertLess(float((d[0] - torch.from_numpy(rgb[..., 0]).float() / 255).abs().mean()), 0.05)

    def test_two_pupils_share_the_time_and_leave_weights(self):
        tiny = {"widths": [16, 16, 16, 16], "encoder": [1, 1, 1], "decoder": [1, 1], "head": 16}
        config = train.load_config(CONFIG.with_name("sprint.toml"))
        for name, own in config["student"].items():
            own.update(model=tiny, phase=[{"until": 1.0, "count": 2, "twins": 1, "shapes": [[64, 96]]}])
        self.addCleanup(setattr, pupil, "CHANNELS", pupil.CHANNELS)
        pupil.CHANNELS = (4, 3)
        store, device = self.store(), torch.device("cpu")
        statistics = store.feature_statistics()
        with tempfile.TemporaryDirectory() as folder:
            pupils = [pupil.Pupil(n, c, 1, device, statistics, folder) for n, c in config["student"].items()]
            clock = sprint.Clock(sprint.time.monotonic() + 5)
            sprint.sprint(pupils, compose.Maker(store, 1), clock, config, None, store, [])
            for p in pupils:
                self.assertGreater(p.step, 0)
                network, size = export.load(f"{folder}/{p.name}.pt")
                self.assertEqual(size, tuple(p.config["input_size"]))
                export.write(network, f"{folder}/{p.name}.onnx", p.name, "0", (96, 64))
                p.start_from(f"{folder}/{p.name}.pt", None)
                p.start_from(f"{folder}/{p.name}.onnx", compose.Maker(store, 1))
                p.averaged()


class Sizes(unittest.TestCase):
    def test_networks_keep_their_budgets(self):
        both = train.load_config(CONFIG.with_name("sprint.toml"))["student"]
        for name, most_macs, most_parameters in (("small", 2e9, 4e6), ("large", 12e9, 12e6)):
            config = both[name]
            width, height = {"small": (384, 224), "large": (640, 352)}[name]
            macs, parameters = model.count(model.Network(**config["model"]), height, width)
            self.assertLess(macs, most_macs)
            self.assertLess(parameters, most_parameters)

    def test_input_goes_half_way_to_the_picture(self):
        self.assertEqual(evaluate.input_size((1920, 1080), (320, 192), 16), (320, 192))
        self.assertEqual(evaluate.input_size((1242, 375), (320, 192), 16), (384, 160))
        self.assertEqual(evaluate.input_size((300, 600), (320, 192), 16), (240, 256))

    def test_above_goes_by_pairs(self):
        others = [("a", (0.1 * i, 0.5, 0.2)) for i in range(8)] + [("b", (0, 0, None))]
        rows = [("a", (0.1 * i + 0.2, 0.5 + (-1) ** i * 0.1, 0.2)) for i in range(8)] + [("b", (1, 0, 0.5))]
        found = evaluate.above(rows, others)
        np.testing.assert_allclose(found["a"]["rank"], (0.2, 0.2, 0.2), atol=1e-3)  # however unlike the pairs are
        self.assertTrue(found["a"]["row"][1] < 0 == found["a"]["row"][0] < found["a"]["row"][2])
        self.assertNotIn("order", found["b"])

    def test_windows_of_wide_pairs(self):
        wide = np.zeros((40, 200, 3), np.uint8)
        wide[:] = np.arange(200, dtype=np.uint8)[:, None]
        row = {"kind": "street", "disp_p03_pct": "1", "disp_p97_pct": "4", "name": "a"}
        parts = list(evaluate.windows([(row, wide, wide + 1), (row, wide[:, :50], wide[:, :50])], 2.0))
        self.assertEqual([r["kind"] for r, _, _ in parts], ["street, left", "street, middle", "street, right"])
        self.assertEqual([int(left[0, 0, 0]) for _, left, _ in parts], [0, 60, 120])
        for r, left, right in parts:
            self.assertEqual((left.shape, r["disp_p03_pct"], r["disp_p97_pct"]), ((40, 80, 3), 2.5, 10.0))
            np.testing.assert_array_equal(right, left + 1)

    def test_edge_share(self):
        truth = np.zeros((60, 80), np.float32)
        truth[10:50, 30:60] = 20
        self.assertEqual(evaluate.edge_share(truth.copy(), truth), 1.0)
        self.assertLess(evaluate.edge_share(np.roll(truth, 8, 1), truth), 0.2)


if __name__ == "__main__":
    unittest.main()
