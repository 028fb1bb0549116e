"""The player with a converter on the GPU that shows the pictures: CUDA's twin plays it, with lavapipe's memory.

DEEP3D_CUDA_LIBRARY in the environment names the twin, NVDEC_TWIN the folders with that of NVDEC.
"""
import functools
import json
import os
import re
import sys

import rig as r

RING = 5
STAY, PASS_HOST, NO_SEMAPHORES = "pictures stay on", "through host memory", "CUDA is waited for"
SIZE, SECONDS, RATE = (160, 90), 12, 1  # as much as a processor manages in place of a GPU


def clip(rig, size=SIZE):
    return r.moving_clip(rig.path(f"film_{size[0]}x{size[1]}_{RATE}_{SECONDS}.mp4"), size="x".join(map(str, size)), rate=RATE, seconds=SECONDS)


def still(rig):
    path = rig.path("still.png")
    if not os.path.exists(path):
        r.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=320x180", "-frames:v", 1, path)
    return path


@functools.cache
def lavapipe_uuid(rig):
    """As the player says it."""
    run = rig.play("--verbose", "--backend", "ref", "--image-duration", 0.2, still(rig)).clean().played()
    found = re.search(r"UUID ([0-9a-f]{32})", run.err)
    r.check(found, f"no UUID is named:\n{run.err}")
    return found[1]


def play(rig, *args, backend="cuda", uuid=None, env=None, film=None, **options):
    env = dict({"CUDA_TWIN_UUID": uuid or lavapipe_uuid(rig)}, **(env or {}))
    return rig.play("--backend", backend, "--governor", "off", *args, film or clip(rig), env=env, **options).clean().played()


def every_frame(run):
    convert = run.stats["convert"]
    r.check(convert["frames"] + convert["dropped"] + convert.get("failed", 0) == SECONDS * RATE, f"frames are missing: {convert}")
    return convert


def stays_on_the_gpu(rig):
    """Under all validation layers; host memory sees a picture on its way up, as this one is decoded by the processor, and never down.

    The host waits once for what it must know of each picture, and once for its eyes: by the count of REPORT_AFTER the ring is complete.
    """
    report = {"CUDA_TWIN_REPORT": rig.path("twin.json"), "CUDA_TWIN_REPORT_AFTER": str(2 * (RING + 2))}
    run = play(rig, validate=True, env=report)
    r.check(STAY in run.err and NO_SEMAPHORES in run.err and PASS_HOST not in run.err, run.err)
    convert = every_frame(run)
    with open(rig.path("twin.json")) as file:
        counts = json.load(file)
    pixels = SIZE[0] * SIZE[1]
    r.check(counts["uploads"] > 0 and counts["waits"] >= 2 * (SECONDS * RATE - 1) and counts["largest_upload"] <= 2 * pixels, f"{counts}")
    r.check(counts["largest_download"] < 4 * pixels, f"an eye came down: {counts}")
    r.check(counts["allocations"] == 0, f"allocated while playing: {counts}")
    return f"{convert['frames']} frames, {counts}"


def decoded_there(rig):
    """No picture is in host memory, from the decoder to the swapchain, but for the small one of each that the host looks at.

    Each is waited for once more, in the decoder's thread.
    """
    size = (2 * SIZE[0], 2 * SIZE[1])
    env = {"LD_LIBRARY_PATH": os.environ["NVDEC_TWIN"], "CUDA_TWIN_REPORT": rig.path("twin.json"),
           "CUDA_TWIN_REPORT_AFTER": str(2 * SECONDS * RATE + 2 * RING)}
    run = play(rig, validate=True, env=env, film=clip(rig, size))
    convert = every_frame(run)
    source = run.stats["source"]
    r.check(source["frames_decoded_on_gpu"] == SECONDS * RATE and STAY in run.err and "CPU" not in run.err, f"{source}\n{run.err}")
    with open(rig.path("twin.json")) as file:
        counts = json.load(file)
    pixels = size[0] * size[1]
    r.check(counts["largest_upload"] < pixels and counts["largest_download"] < pixels * 3 / 2, f"a picture was in host memory: {counts}")
    r.check(counts["allocations"] == 0, f"allocated while playing: {counts}")
    return f"{convert['frames']} frames, {counts}"


def gpu_dies_decoding(rig):
    """What was decoded there and not shown yet comes again from the processor."""
    run = play(rig, env={"CUDA_TWIN_DIES_AT": "25", "LD_LIBRARY_PATH": os.environ["NVDEC_TWIN"]})
    r.check("is decoded by the CPU" in run.err and "going on with the CPU" in run.err, run.err)
    convert, source = run.stats["convert"], run.stats["source"]
    r.check(0 < source["frames_decoded_on_gpu"] < source["frames_decoded"], f"{source}\n{run.err}")
    r.check(convert["failed"] <= 1 and convert["frames"] >= SECONDS * RATE - 3, f"{convert}\n{source}\n{run.err}")
    r.check(convert["frames"] + convert["dropped"] + convert["failed"] == source["frames_decoded"], f"{convert}\n{source}")
    return f"{convert['frames']} frames, {source}"


def same_pictures(rig):
    """Both eyes see what they see when the processor does it, but for a network in half precision."""
    at = {"SIM_PICTURES": "the folder of the run", "SIM_PICTURES_AT": "2", "SIM_PICTURE_SIZE": "480x540"}
    runs = [play(rig, "--image-duration", 3, backend=backend, env=at, film=still(rig)) for backend in ("cuda", "ref")]
    r.check(STAY in runs[0].err and STAY not in runs[1].err, runs[0].err + runs[1].err)
    text = []
    for eye in ("left", "right"):
        a, b = (run.picture(f"t0002.00_{eye}") for run in runs)
        r.check(a.screen() == b.screen(), f"{eye}: {a.screen()} and {b.screen()}")
        apart = [abs(x - y) for row, other in zip(a.rows, b.rows) for x, y in zip(row, other)]
        far = sum(d > 8 for d in apart) / len(apart)
        text.append(f"{eye}: {far * 100:.3f} % more than 8 of 255 apart")
        r.check(far < 0.002, text[-1])
    return "; ".join(text)


def another_gpu(rig):
    """Pictures are shown by a GPU that CUDA does not know: they are converted on CUDA's and come down."""
    run = play(rig, "--hwdec", "no", uuid="ff" * 16)
    r.check(PASS_HOST in run.err and STAY not in run.err and "CPU" not in run.err, run.err)
    return f"{every_frame(run)['frames']} frames"


def gpu_dies(rig):
    """In the middle of the film: it goes on with the processor, in host memory."""
    run = play(rig, env={"CUDA_TWIN_DIES_AT": "9"})
    r.check(STAY in run.err and "going on with the CPU" in run.err, run.err)
    convert = every_frame(run)
    r.check(convert["frames"] >= SECONDS * RATE - 3, f"{convert}\n{run.err}")
    return f"{convert['frames']} frames"


if __name__ == "__main__":
    if "DEEP3D_CUDA_LIBRARY" not in os.environ:
        print("SKIPPED: DEEP3D_CUDA_LIBRARY does not name CUDA's twin")
        sys.exit(r.SKIPPED)
    r.main([stays_on_the_gpu, decoded_there, gpu_dies_decoding, same_pictures, another_gpu, gpu_dies], at_once=2)
