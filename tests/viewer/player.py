"""Runs the player as a person would, and says what came of it. Used by the tests of this folder."""
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile

SKIPPED = 77  # CTest's SKIP_RETURN_CODE
SANITIZER = re.compile(r"(Address|Leak|Thread|UndefinedBehavior)Sanitizer|runtime error:")
TIMEOUT_S = 120
# a film with depth, which FFmpeg's own test pictures have not
SAMPLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "assets", "sample.mp4")
# put before all other arguments, to run the same tests with another network or backend
EXTRA = os.environ.get("DEEP3D_PLAYER_ARGS", "").split()


class Run:
    """One run: code (negative: killed by that signal), out, err, stats (None where no file was written)."""

    def __init__(self, player, *args, env=None, timeout=TIMEOUT_S, stdin=subprocess.DEVNULL):
        self.args = [str(a) for a in args]
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "stats.json")
            command = [player, "--stats", file, *EXTRA, *self.args]
            try:
                done = subprocess.run(command, env=environment(env), capture_output=True, timeout=timeout,
                                      stdin=stdin)
                self.code = done.returncode
                self.out, self.err = (t.decode(errors="replace") for t in (done.stdout, done.stderr))
            except subprocess.TimeoutExpired as late:
                self.code, self.out = None, ""
                self.err = (late.stderr or b"").decode(errors="replace") + f"\n(not ended after {timeout} s)"
            self.stats = None
            if os.path.exists(file):
                with open(file) as text:
                    self.stats = json.load(text)

    def get(self, *keys):
        """A number of the statistics, None where it is missing: get("convert", "frames")."""
        value = self.stats
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def crashed(self):
        """What went wrong that never may, or None."""
        if self.code is None:
            return "it did not end"
        if self.code < 0:
            return f"killed by signal {-self.code}"
        if SANITIZER.search(self.err):
            return "a sanitizer found something"
        return None


def environment(changes):
    """The caller's own, without a desktop, a headset or a sound card; a change to None removes a variable."""
    env = dict(os.environ, SDL_AUDIODRIVER="dummy", XR_RUNTIME_JSON="/nonexistent/runtime.json")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        env.pop(name, None)
    for name, value in (changes or {}).items():
        if value is None:
            env.pop(name, None)
        else:
            env[name] = value
    return env


class Report:
    """Counts what was checked; end() is the exit code."""

    def __init__(self):
        self.passed = 0
        self.failed = []

    def note(self, what, problem, run=None):
        """problem None: it is as it should be."""
        if problem is None:
            self.passed += 1
            return
        self.failed.append(what)
        print(f"FAILED {what}: {problem}")
        if run is not None:
            print("   arguments:", " ".join(run.args))
            for line in run.err.strip().splitlines()[-25:]:
                print("   |", line)

    def end(self):
        print(f"{self.passed} passed, {len(self.failed)} failed", *self.failed)
        return 1 if self.failed or not self.passed else 0


def side_by_side(work, items):
    """work(item) for all, two at a time; results in the items' order."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        return list(pool.map(work, items))


def all_accounted(run, frames):
    """The problem with a run on the null display that should have shown `frames` pictures, or None."""
    if run.crashed():
        return run.crashed()
    if run.code != 0:
        return f"exit code {run.code}"
    if run.stats is None:
        return "no statistics were written"
    found = {"decoded": run.get("source", "frames_decoded"), "converted": run.get("convert", "frames"),
             "shown": run.get("display", "frames_shown")}
    wrong = [f"{value} {name}" for name, value in found.items() if value != frames]
    if wrong:
        return f"{', '.join(wrong)} of {frames} frames"
    lost = {name: run.get("convert", name) for name in ("dropped", "failed") if run.get("convert", name)}
    if lost:
        return f"frames lost: {lost}"
    if run.get("end") != "end":
        return f"ended with \"{run.get('end')}\""
    return None


def clips(folder):
    with open(os.path.join(folder, "clips.json")) as text:
        return json.load(text)["clips"]


def skip(reason):
    print("SKIPPED:", reason)
    sys.exit(SKIPPED)
