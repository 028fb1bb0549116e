"""What cannot be played says so: test_bad_input.py PLAYER CLIPS_FOLDER

Each case must end soon, by itself, with an exit code other than 0 and a few lines of which one names the thing. A case
that can go on (no sound card) must play to the end. Run by with_display.sh, so that "no Vulkan driver" has a desktop.
"""
import os
import sys
import tempfile

import player

LINES_MAX = 12
SOON_S = 60


def files(folder):
    for clip in player.clips(folder):
        if clip["group"] == "bad":
            yield clip["name"], ["--display", "null", os.path.join(folder, clip["name"])], [clip["name"]], {}
    yield "missing file", ["--display", "null", "/nonexistent/film.mp4"], ["/nonexistent/film.mp4", "No such file"], {}
    yield "unknown protocol", ["--display", "null", "nosuch://host/film.mp4"], ["nosuch://host/film.mp4"], {}
    yield "host is not there", ["--display", "null", "http://127.0.0.1:9/film.mp4"], ["http://127.0.0.1:9/film.mp4"], {}
    yield "no file at all", [], ["--help"], {}


def options(good):
    for option, value, words in (
            ("--nonsense", None, ["--nonsense"]), ("--strengthy", "2", ["--strengthy"]), ("--strength", "11", ["strength", "10"]),
            ("--strength", "-1", ["strength"]), ("--strength", "nan", ["strength"]), ("--strength", "much", ["much"]),
            ("--strength", "", ["strength"]), ("--convergence", "1.5", ["convergence"]), ("--display", "tv", ["display", "tv", "window"]),
            ("--backend", "tpu", ["backend", "tpu"]), ("--layout", "up", ["layout"]), ("--threads", "2.5", ["threads"]),
            ("--threads", "100000", ["threads"]), ("--start", "-5", ["start"]), ("--volume", "1e99", ["volume"]),
            ("-x", None, ["-x"])):
        args = [option] + ([value] if value is not None else []) + [good]
        yield " ".join(args[:-1]), args, words, {}
    yield "option without its value", [good, "--strength"], ["strength"], {}
    yield "flag with a value", ["--mute=3", good], ["mute"], {}
    yield "statistics nowhere", ["--display", "null", "--stats", "/nonexistent/stats.json", good], ["/nonexistent/stats.json"], {}


def models(good, folder):
    texts = {"text.onnx": b"not a network\n" * 50, "empty.onnx": b"", "zeros.onnx": bytes(4096),
             "noise.onnx": bytes((i * 7919 >> 3) & 255 for i in range(30000))}
    for name, data in texts.items():
        path = os.path.join(folder, name)
        with open(path, "wb") as out:
            out.write(data)
        yield f"model {name}", ["--display", "null", "--model", path, good], [name], {}
    yield "model is a folder", ["--display", "null", "--model", folder, good], [folder], {}
    yield "model is missing", ["--display", "null", "--model", "/nonexistent/m.onnx", good], ["/nonexistent/m.onnx"], {}
    yield "model is a film", ["--display", "null", "--model", good, good], [os.path.basename(good)], {}


def surroundings(good, folder):
    broken = os.path.join(folder, "runtime.json")
    with open(broken, "w") as out:
        out.write('{"file_format_version": "1.0.0", "runtime": {"library_path": "/nonexistent/librt.so"}}')
    no_driver = {"VK_ICD_FILENAMES": "/nonexistent/icd.json", "VK_DRIVER_FILES": "/nonexistent/icd.json"}
    yield "no OpenXR runtime", ["--display", "xr", good], ["OpenXR"], {}
    yield "broken OpenXR runtime", ["--display", "xr", good], ["OpenXR"], {"XR_RUNTIME_JSON": broken}
    yield "no desktop", ["--display", "window", good], ["DISPLAY"], {}
    yield "nothing to show it on", ["--display", "auto", good], ["display"], {}
    if "DISPLAY" in os.environ:
        no_driver["DISPLAY"] = os.environ["DISPLAY"]
        yield "no Vulkan driver", ["--display", "window", good], ["Vulkan"], no_driver


def problem_of(run, words):
    if run.crashed():
        return run.crashed()
    if run.code == 0:
        return "exit code 0"
    lines = [line for line in run.err.splitlines() if line.strip()]
    if not lines:
        return "not a word on standard error"
    if len(lines) > LINES_MAX:
        return f"{len(lines)} lines on standard error"
    missing = [word for word in words if word.lower() not in run.err.lower()]
    if missing:
        return f"no line says {missing}"
    return None


def goes_on(program, good, report):
    for name, env in (("no sound card", {"SDL_AUDIODRIVER": "nosuch"}), ("no Vulkan driver, none needed", {
            "VK_ICD_FILENAMES": "/nonexistent/icd.json", "VK_DRIVER_FILES": "/nonexistent/icd.json"})):
        run = player.Run(program, "--display", "null", good, env=env)
        report.note(name, player.all_accounted(run, 6), run)
    run = player.Run(program, "--display", "null", "--backend", "cuda", good)
    problem = player.all_accounted(run, 6)
    if not problem and "cuda" not in (run.get("convert", "backend") + run.err).lower():
        problem = "no line says that CUDA is not here"
    report.note("CUDA asked for", problem, run)
    run = player.Run(program, "--display", "null", "/nonexistent/first.mp4", good)
    problem = run.crashed() or (None if run.get("convert", "frames") == 6 and "/nonexistent/first.mp4" in run.err
                                else "the second file was not played, or the first not named")
    report.note("one of two files is missing", problem, run)


def main(program, folder):
    report = player.Report()
    good = os.path.join(folder, "h264_aac.mp4")
    with tempfile.TemporaryDirectory() as scratch:
        cases = [*files(folder), *options(good), *models(good, scratch), *surroundings(good, scratch)]
        runs = player.side_by_side(lambda c: player.Run(program, *c[1], env=c[3], timeout=SOON_S), cases)
    for (name, _, words, _), run in zip(cases, runs):
        report.note(name, problem_of(run, words), run)
    goes_on(program, good, report)
    return report.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
