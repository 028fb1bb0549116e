"""Plays a clip with a caption on the simulated headset and counts what the player's own code allocates between the 5th and the 9th second: nothing.

usage: test_allocations.py PLAYER ALLOC_COUNTER_SO SIM_HEADSET_JSON WORK_FOLDER
FFmpeg, oneDNN and the Vulkan driver allocate for themselves; only requests that come from the executable's own code count.
The governor is off: it plans another network where a machine cannot keep up, and says so.
"""
import os
import subprocess
import sys

from player import SAMPLE

FROM_MS, TO_MS, CLIP_S = 5000, 9000, 10


def make_clip(path):
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", SAMPLE, "-f", "lavfi", "-i", f"sine=f=440:d={CLIP_S}", "-map", "0:v", "-map",
                    "1:a", "-t", str(CLIP_S), "-vf", "fps=30,scale=640:360", "-c:v", "mpeg4", "-q:v", "4", "-c:a", "aac", path],
                   check=True)
    with open(os.path.splitext(path)[0] + ".srt", "w") as captions:
        captions.write(f"1\n00:00:01,000 --> 00:00:{CLIP_S},000\nA caption\nof two lines\n")


def places(player, report):
    """Lines "thread function file:line count" of what was counted."""
    for line in open(report):
        thread, offset, count = line.rsplit(" ", 2)
        where = subprocess.run(["addr2line", "-f", "-s", "-e", player, offset], capture_output=True, text=True).stdout.split()
        yield " ".join([thread, *where, count.strip()])


def main(player, counter, runtime, folder):
    clip, report = os.path.join(folder, "allocations.mkv"), os.path.join(folder, "allocations.txt")
    make_clip(clip)
    if os.path.exists(report):
        os.remove(report)
    env = dict(os.environ, LD_PRELOAD=counter, ALLOC_COUNTER_REPORT=report, ALLOC_COUNTER_FROM_MS=str(FROM_MS),
               ALLOC_COUNTER_TO_MS=str(TO_MS), XR_RUNTIME_JSON=runtime, SDL_AUDIODRIVER="dummy")
    env.pop("DISPLAY", None)
    code = subprocess.run([player, "--display", "xr", "--governor", "off", clip], env=env, timeout=120).returncode
    if code != 0:
        return f"the player ended with {code}"
    found = list(places(player, report))
    return "allocated while playing:\n  " + "\n  ".join(found) if found else None


if __name__ == "__main__":
    problem = main(*sys.argv[1:5])
    print(problem or "nothing was allocated by the player's own code")
    sys.exit(problem is not None)
