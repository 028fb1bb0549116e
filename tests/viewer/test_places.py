"""Where films begin, are wound to and end: test_places.py PLAYER WORK_FOLDER

Run by with_display.sh.
"""
import functools
import http.server
import os
import subprocess
import sys
import threading
import time

import player


def ffmpeg(*args):
    subprocess.run(["ffmpeg", "-nostdin", "-y", "-v", "error", *args], check=True)


def pictures(rate, seconds):
    return ["-f", "lavfi", "-i", f"testsrc2=size=160x90:rate={rate}:duration={seconds}"]


def sound(seconds):
    return ["-f", "lavfi", "-i", f"sine=d={seconds}"]


def timed(program, *args):
    """The run in a window, and how many seconds it took."""
    begin = time.monotonic()
    run = player.Run(program, "--display", "window", *args, env={"DISPLAY": os.environ["DISPLAY"]})
    return run, time.monotonic() - begin


def sound_that_outlasts_the_pictures(program, path, report):
    ffmpeg(*pictures(10, 1), *sound(8), "-c:v", "mjpeg", "-c:a", "pcm_s16le", path)
    run, seconds = timed(program, path)
    report.note("it ends", run.crashed() or (f"exit code {run.code}" if run.code else None), run)
    report.note("the sound is heard to its end", None if seconds > 7.5 else f"it took {seconds:.1f} s", run)


def moment_within_a_long_picture(program, path, report):
    ffmpeg(*pictures("1/20", 60), *sound(60), "-c:v", "mjpeg", "-c:a", "pcm_s16le", path)
    run, seconds = timed(program, "--start", "58", path)
    report.note("it ends", run.crashed() or (f"exit code {run.code}" if run.code else None), run)
    report.note("it begins there, not with the picture", None if seconds < 15 else f"it took {seconds:.1f} s", run)


def photograph_through_a_pipe(program, path, report):
    photograph, pipe = path + ".png", path + ".pipe"
    ffmpeg(*pictures(1, 1), photograph)
    if not os.path.exists(pipe):
        os.mkfifo(pipe)
    writer = subprocess.Popen(["cp", photograph, pipe])
    run = player.Run(program, "--display", "null", "--image-duration", "1", pipe, timeout=30)
    writer.wait(10)
    report.note("it is shown", run.crashed() or (None if run.get("display", "frames_shown") else "it is not"), run)


class Silent(http.server.SimpleHTTPRequestHandler):
    """A server of whole files alone: it knows no ranges."""

    def log_message(self, *_):
        pass


def pieces_of_a_server_without_ranges(program, folder, report):
    os.makedirs(folder, exist_ok=True)
    ffmpeg(*pictures(25, 12), "-c:v", "mpeg2video", "-g", "25", "-hls_time", "2", "-hls_playlist_type", "vod",
           os.path.join(folder, "film.m3u8"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Silent, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    run = player.Run(program, "--display", "null", "--start", "9", f"http://127.0.0.1:{server.server_port}/film.m3u8")
    report.note("it ends", run.crashed() or (f"exit code {run.code}" if run.code else None), run)
    shown = run.get("display", "frames_shown")
    report.note("it is wound", None if shown and 70 <= shown <= 80 else f"{shown} pictures were shown, not 75", run)


def main():
    program, folder = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    report = player.Report()
    sound_that_outlasts_the_pictures(program, os.path.join(folder, "sound.mkv"), report)
    moment_within_a_long_picture(program, os.path.join(folder, "long.mkv"), report)
    photograph_through_a_pipe(program, os.path.join(folder, "photograph"), report)
    pieces_of_a_server_without_ranges(program, os.path.join(folder, "pieces"), report)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
