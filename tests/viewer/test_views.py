"""Depth layers, disparity and the import of the original model as a person asks for them: test_views.py PLAYER CLIPS_FOLDER"""
import os
import struct
import subprocess
import sys
import tempfile

import player

WIDTH, HEIGHT = 320, 180


def deep3d(program, *args):
    return subprocess.run([program, *args], capture_output=True, text=True, env=player.environment(None), timeout=120)


def pixels(path):
    """(width, height, RGB bytes)"""
    size = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "stream=width,height", "-of", "csv=p=0", path],
                          capture_output=True, text=True).stdout.strip().split(",")
    rgb = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", path, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt",
                          "rgb24", "-"], capture_output=True).stdout
    return int(size[0]), int(size[1]), rgb


def eyes(rgb):
    rows = [rgb[i:i + 6 * WIDTH] for i in range(0, len(rgb), 6 * WIDTH)]
    return b"".join(r[:3 * WIDTH] for r in rows), b"".join(r[3 * WIDTH:] for r in rows)


def views(program, photo, folder):
    """name, problem or None"""
    seen = {}
    for view in ("stereo", "layers", "disparity"):
        out = os.path.join(folder, view + ".png")
        run = deep3d(program, "convert", photo, "-o", out, "--view", view)
        if run.returncode:
            yield view, run.stderr
            continue
        left, right = eyes(pixels(out)[2])
        same = left == right
        yield f"{view}: both eyes", None if same == (view != "stereo") else f"the same: {same}"
        seen[view] = left
    yield "three different pictures", None if len(set(seen.values())) == 3 else "no"
    colours = len({seen["layers"][i:i + 3] for i in range(0, len(seen["layers"]), 3)})
    yield "layers show something", None if colours > 30 else f"{colours} colours"


def layers(program, photo, folder):
    for name in ("layers.png", "layers.jpg", "layers.webp"):
        out = os.path.join(folder, name)
        run = deep3d(program, "layers", photo, "-o", out)
        found = pixels(out)[:2] if run.returncode == 0 else run.stderr
        yield name, None if found == (1920, 810) else f"{found}"


def refusals(program, photo, film, folder):
    out = os.path.join(folder, "out.png")
    text, cut = os.path.join(folder, "text.params"), os.path.join(folder, "cut.params")
    with open(text, "w") as file:
        file.write("not weights\n" * 20)
    with open(cut, "wb") as file:
        file.write(struct.pack("<QQQIIIII", 0x112, 0, 60, 4, 64, 3, 3, 3))
    for args, words in ((["layers", photo], ["-o"]), (["layers", "-o", out], ["file"]), (["layers", photo, photo, "-o", out], ["one picture"]),
                        (["layers", photo, "-o", out + ".txt"], ["out.png.txt", ".png"]), (["layers", photo, "-o", photo], ["photo.png", "another"]),
                        (["layers", film, "-o", out], ["film"]), (["layers", "/nonexistent.png", "-o", out], ["/nonexistent.png"]),
                        (["layers", photo, "-o", "/nonexistent/out.png"], ["/nonexistent/out.png"]),
                        (["layers", photo, "-o", out, "--mean", "3"], ["--mean"]),
                        (["layers", photo, "-o", out, "--synthesis", "original"], ["deep3d import"]),
                        (["convert", photo, "-o", out, "--view", "x-ray"], ["stereo|layers|disparity"]),
                        (["import", text], ["-o"]), (["import", text, text, "-o", out], ["one parameter file"]),
                        (["import", text, "-o", out], ["text.params", "not an MXNet"]), (["import", photo, "-o", out], ["photo.png", "not an MXNet"]),
                        (["import", cut, "-o", out], ["cut.params", "not copied completely"]), (["import", text, "-o", text], ["another"]),
                        (["import", text, "-o", out, "--mean", "red"], ["red"]), (["import", "/nonexistent.params", "-o", out], ["/nonexistent.params"])):
        run = deep3d(program, *args)
        missing = [word for word in words if word not in run.stderr]
        problem = (f"exit code {run.returncode}" if run.returncode != 1 else f"no line says {missing}: {run.stderr}" if missing
                   else "a file was left" if os.path.exists(out) else f"{run.stderr}" if len(run.stderr.splitlines()) > 2 else None)
        yield " ".join(os.path.basename(a) for a in args), problem


def main(program, clips):
    report = player.Report()
    film = os.path.join(clips, "h264_aac.mp4")
    with tempfile.TemporaryDirectory() as folder:
        photo = os.path.join(folder, "photo.png")
        subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", f"mandelbrot=s={WIDTH}x{HEIGHT}", "-frames:v", "1", photo],
                       check=True)
        for part in (views(program, photo, folder), layers(program, photo, folder), refusals(program, photo, film, folder)):
            for name, problem in part:
                report.note(name, problem)
        for view in ("layers", "disparity"):
            run = player.Run(program, "--display", "null", "--view", view, film)
            report.note(f"a film's {view}", player.all_accounted(run, 6), run)
    return report.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
