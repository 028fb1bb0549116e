"""Plays each real clip of a folder to the end: test_media.py PLAYER MEDIA_FOLDER

FFmpeg's own command line says how many frames a clip has. A clip that ffmpeg cannot read without errors is broken: the
player may show what can be decoded, or say why not; it may not crash or hang. Skipped where the folder is missing.
"""
import os
import subprocess
import sys

import player

MEDIA = (".mp4", ".mkv", ".ts", ".webm", ".mov", ".avi", ".jpg", ".png")


def count_frames(path):
    """(frames, broken): what ffmpeg decodes of the first video stream."""
    done = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", path, "-map", "0:v:0", "-fps_mode", "passthrough",
                           "-f", "framecrc", "-"], capture_output=True)
    frames = sum(1 for line in done.stdout.splitlines() if line and not line.startswith(b"#"))
    return frames, done.returncode != 0 or bool(done.stderr.strip())


def check(program, path):
    frames, broken = count_frames(path)
    run = player.Run(program, "--display", "null", "--threads", "1", "--image-duration", "0.1", path, timeout=500)
    if not broken:
        return run, player.all_accounted(run, frames)
    decoded, converted = run.get("source", "frames_decoded") or 0, run.get("convert", "frames") or 0
    if run.crashed():
        return run, run.crashed()
    if decoded != converted:
        return run, f"{decoded} decoded, {converted} converted"
    if decoded == 0 and (run.code == 0 or os.path.basename(path) not in run.err):
        return run, "nothing was shown, but no line and exit code say so"
    return run, None


def main(program, folder):
    if not os.path.isdir(folder):
        player.skip(f"{folder} is not there: no real clips to play")
    paths = sorted(os.path.join(folder, n) for n in os.listdir(folder) if n.endswith(MEDIA))
    report = player.Report()
    for path, (run, problem) in zip(paths, player.side_by_side(lambda p: check(program, p), paths)):
        print(f"{os.path.basename(path)}: exit code {run.code}, {run.get('source', 'frames_decoded')} decoded, "
              f"{run.get('convert', 'frames')} converted")
        report.note(os.path.basename(path), problem, run)
    return report.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
