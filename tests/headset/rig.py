"""Runs the whole player on the simulated headset and reads what both say. Used by the test_viewer_*.py of this folder.

Every test is called as: test_viewer_X.py PLAYER SIM_HEADSET_JSON LAVAPIPE_ICD WORK_FOLDER [CASE ...]
"""
import concurrent.futures
import csv
import glob
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data"))
import bright_is_near

SKIPPED = 77  # CTest's SKIP_RETURN_CODE
SANITIZER = re.compile(r"ERROR: AddressSanitizer|WARNING: ThreadSanitizer|runtime error:")
# whose leaks are not ours to mend: loaders, drivers, layers and the desktop, most of them unloaded before anyone looks for their names
FOREIGN = re.compile(r"<unknown module>|libvulkan|libVkLayer|libXrApiLayer|libopenxr_loader|libLLVM|libdbus|libSDL")
XR_VALIDATION = "/usr/share/openxr/1/api_layers/explicit.d/XrApiLayer_core_validation*.json"
WITH_DISPLAY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "viewer", "with_display.sh")
# slower machines (and sanitizers) need longer
PATIENCE = float(os.environ.get("DEEP3D_TEST_PATIENCE", "1"))


class Failure(Exception):
    pass


class Skipped(Exception):
    pass


def sanitizer_found(text):
    """What a sanitizer says of us; None where it says nothing."""
    if SANITIZER.search(text):
        return text
    for leak in re.split(r"\n(?=(?:Direct|Indirect) leak of)", text)[1:]:
        frames = [line for line in leak.splitlines() if line.lstrip().startswith("#") and "libsanitizer" not in line]
        if frames and not FOREIGN.search(frames[0]):
            return leak
    return None


def check(truth, message):
    if not truth:
        raise Failure(message)


# ---- clips


def ffmpeg(*args):
    done = subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, args)], capture_output=True, text=True)
    check(done.returncode == 0, f"ffmpeg {' '.join(map(str, args))}: {done.stderr}")


_making_clips = threading.Lock()


def moving_clip(path, size="640x360", rate=30, seconds=4):
    with _making_clips:
        if not os.path.exists(path):
            ffmpeg("-f", "lavfi", "-i", f"testsrc2=s={size}:r={rate}:d={seconds}", "-f", "lavfi", "-i", f"sine=f=440:d={seconds}",
                   "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", path)
    return path


# ---- pictures


class Picture:
    """An 8-bit RGB PNG: at(x, y) is a tuple; rows[y] the bytes of a row."""

    def __init__(self, path):
        with open(path, "rb") as file:
            data = file.read()
        check(data[:8] == b"\x89PNG\r\n\x1a\n", f"{path} is no PNG")
        at, body = 8, b""
        while at < len(data):
            length, kind = struct.unpack(">I4s", data[at:at + 8])
            chunk = data[at + 8:at + 8 + length]
            if kind == b"IHDR":
                self.width, self.height, bits, colour, _, _, interlace = struct.unpack(">IIBBBBB", chunk)
                check((bits, colour, interlace) == (8, 2, 0), f"{path} is not 8-bit RGB")
            elif kind == b"IDAT":
                body += chunk
            at += 12 + length
        self.rows = self._unfilter(zlib.decompress(body))

    def _unfilter(self, raw):
        rows, stride, before = [], self.width * 3, bytearray(self.width * 3)
        for y in range(self.height):
            kind, row = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
            if kind == 2:
                row = bytearray((a + b) & 255 for a, b in zip(row, before))
            elif kind != 0:
                for i in range(stride):
                    left = row[i - 3] if i >= 3 else 0
                    corner = before[i - 3] if i >= 3 else 0
                    if kind == 1:
                        guess = left
                    elif kind == 3:
                        guess = (left + before[i]) // 2
                    else:
                        p = left + before[i] - corner
                        guess = min((abs(p - left), 0, left), (abs(p - before[i]), 1, before[i]), (abs(p - corner), 2, corner))[2]
                    row[i] = (row[i] + guess) & 255
            rows.append(row)
            before = row
        return rows

    def at(self, x, y):
        return tuple(self.rows[int(y)][int(x) * 3:int(x) * 3 + 3])

    def screen(self):
        """left, top, right, bottom of all that is not black."""
        ys = [y for y in range(self.height) if max(self.rows[y]) > 8]
        check(ys, "the eye sees nothing")
        xs = [x for x in range(self.width) if max(self.at(x, (ys[0] + ys[-1]) // 2)) > 8]
        return xs[0], ys[0], xs[-1] + 1, ys[-1] + 1


# ---- runs


class Run:
    """One run of the player: code, err, stats, report (of the headset), frames (of its log), folder."""

    def __init__(self, rig, *args, env=None, script=None, validate=False, timeout=60, desktop=False):
        self.folder = tempfile.mkdtemp(prefix="run_", dir=rig.folder)
        path = lambda name: os.path.join(self.folder, name)
        self.env = dict(os.environ, XR_RUNTIME_JSON=rig.runtime, VK_ICD_FILENAMES=rig.icd, VK_DRIVER_FILES=rig.icd,
                        SDL_AUDIODRIVER="dummy", LSAN_OPTIONS="exitcode=0", SIM_REPORT=path("report.json"), SIM_FRAME_LOG=path("frames.csv"))
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):
            self.env.pop(name, None)
        if script:
            self.env["SIM_SCRIPT"] = script
        if validate:
            self.env["DEEP3D_VK_VALIDATION"] = "1"
            if glob.glob(XR_VALIDATION):
                self.env.update(XR_ENABLE_API_LAYERS="XR_APILAYER_LUNARG_core_validation", XR_CORE_VALIDATION_EXPORT_TYPE="text",
                                XR_CORE_VALIDATION_FILE_NAME=path("xr_validation.txt"))
        self.env.update(env or {})
        if "SIM_PICTURES" in self.env:
            self.env["SIM_PICTURES"] = self.folder
        under = [WITH_DISPLAY] if desktop else []
        self.command = [*under, rig.player, "--stats", path("stats.json"), *map(str, args)]
        self.process = subprocess.Popen(self.command, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        self.timeout = timeout * PATIENCE

    def end(self):
        """Waits for the end and reads everything."""
        try:
            out, _ = self.process.communicate(timeout=self.timeout)
        except subprocess.TimeoutExpired:
            self.process.terminate()
            try:
                out, _ = self.process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                out, _ = self.process.communicate()
            raise Failure(f"{' '.join(self.command)} has not ended after {self.timeout:g} s:\n{out.decode(errors='replace')}")
        self.err, self.code = out.decode(errors="replace"), self.process.returncode
        if self.code == SKIPPED:
            raise Skipped(self.err.strip())
        self.stats, self.report = self._json("stats.json"), self._json("report.json")
        self.frames = []
        if os.path.exists(os.path.join(self.folder, "frames.csv")):
            with open(os.path.join(self.folder, "frames.csv")) as file:
                self.frames = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
        check(self.code >= 0, f"killed by signal {-self.code}:\n{self.err}")
        found = sanitizer_found(self.err)
        check(not found, f"a sanitizer found something:\n{found}")
        return self

    def _json(self, name):
        path = os.path.join(self.folder, name)
        if not os.path.exists(path):
            return None
        with open(path) as file:
            return json.load(file)

    def clean(self):
        """No violation, no message of a validation layer."""
        check(self.report, f"the headset was not used:\n{self.err}")
        check(self.report["violations_total"] == 0, "violations: " + json.dumps(self.report["violations"], indent=1))
        check("Vulkan validation" not in self.err, self.err)
        check("DEEP3D_VK_VALIDATION=1, but" not in self.err, self.err)
        messages = os.path.join(self.folder, "xr_validation.txt")
        check(not os.path.exists(messages), os.path.exists(messages) and open(messages).read())
        return self

    def played(self):
        check(self.code == 0, f"ended with {self.code}:\n{self.err}")
        check(self.stats and self.stats.get("end") == "end", f"not played to the end:\n{self.err}\n{self.stats}")
        return self

    def picture(self, name):
        return Picture(os.path.join(self.folder, name + ".png"))


class Rig:
    def __init__(self, player, runtime, icd, folder):
        self.player, self.runtime, self.icd, self.folder = player, runtime, icd, folder
        os.makedirs(folder, exist_ok=True)
        for run in glob.glob(os.path.join(folder, "run_*")):  # of the last time; looked into where something failed
            shutil.rmtree(run, ignore_errors=True)
        self.model = bright_is_near.write(os.path.join(folder, "bright_is_near.onnx"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def play(self, *args, **options):
        """In the headset, with the network that costs nothing. desktop: on an X server of its own, and in a window as well."""
        display = "auto" if options.get("desktop") else "xr"
        return Run(self, "--display", display, "--model", self.model, *args, **options).end()


def main(cases, at_once=1):
    """cases: functions of a rig; the command line may name some of them. at_once: how many may run side by side."""
    rig = Rig(*sys.argv[1:5])
    chosen = [case for case in cases if not sys.argv[5:] or case.__name__ in sys.argv[5:]]

    def outcome(case):
        try:
            return case.__name__, case(rig) or "as it should be", False
        except Skipped as reason:
            return case.__name__, f"{reason}", False
        except Failure as failure:
            return case.__name__, f"FAILED: {failure}", True

    failed = 0
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        for name, text, bad in pool.map(outcome, chosen):
            print(f"{name}: {text}", flush=True)
            failed += bad
    sys.exit(failed > 0)
