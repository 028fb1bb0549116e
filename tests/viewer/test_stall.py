"""A film from a server or a pipe that says nothing for a while: it stands still meanwhile and loses nothing. test_stall.py PLAYER WORK_FOLDER

Run by with_display.sh.
"""
import http.server
import os
import re
import subprocess
import sys
import threading
import time

import player

RATE, SECONDS, SILENT_S = 10, 6, 4


class Server(http.server.BaseHTTPRequestHandler):
    """Gives one file, also from its middle on, and is silent once half of it was given."""
    film, fell_silent = b"", False

    def do_GET(self):
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "bytes=0-"))
        begin = int(asked[1])
        self.send_response(206)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Range", f"bytes {begin}-{len(self.film) - 1}/{len(self.film)}")
        self.send_header("Content-Length", str(len(self.film) - begin))
        self.end_headers()
        half = len(self.film) // 2
        try:
            if begin < half and not Server.fell_silent:
                self.wfile.write(self.film[begin:half])
                self.wfile.flush()
                Server.fell_silent = True
                time.sleep(SILENT_S)
                begin = half
            self.wfile.write(self.film[begin:])
        except ConnectionError:
            pass  # it wanted another place

    def log_message(self, *_):
        pass


def make_film(path):
    # noise: so large that half of it is not read ahead
    subprocess.run(["ffmpeg", "-nostdin", "-y", "-v", "error", "-f", "lavfi", "-i",
                    f"testsrc2=size=320x180:rate={RATE}:duration={SECONDS},noise=alls=40:allf=t", "-f", "lavfi", "-i", f"sine=d={SECONDS}",
                    "-pix_fmt", "yuv420p", "-c:v", "mjpeg", "-q:v", "3", "-c:a", "pcm_s16le", path], check=True)
    with open(path, "rb") as film:
        return film.read()


def feed(film, pipe):
    """Half of the film, and after a while the rest."""
    with os.fdopen(pipe, "wb") as out:
        out.write(film[:len(film) // 2])
        out.flush()
        time.sleep(SILENT_S)
        out.write(film[len(film) // 2:])


def check(report, run):
    report.note("it ends", run.crashed() or (f"exit code {run.code}" if run.code else None), run)
    report.note("a line says so", None if "waiting for more" in run.err else "there is none", run)
    report.note("it is whole", None if run.get("source", "frames_decoded") == RATE * SECONDS else run.get("source"), run)
    # a busy machine may leave out some for other reasons
    shown = run.get("display", "frames_shown")
    report.note("nothing is skipped", None if shown > RATE * (SECONDS - SILENT_S / 2) else f"{shown} pictures were shown", run)


def main():
    program, folder = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    Server.film = make_film(os.path.join(folder, "film.mkv"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    report, desktop = player.Report(), {"DISPLAY": os.environ["DISPLAY"]}
    check(report, player.Run(program, "--display", "window", f"http://127.0.0.1:{server.server_port}/film.mkv", env=desktop))
    report.note("the server was silent", None if Server.fell_silent else "it was not asked for half of the film")
    out, into = os.pipe()
    threading.Thread(target=feed, args=(Server.film, into), daemon=True).start()
    check(report, player.Run(program, "--display", "window", "-", env=desktop, stdin=out))
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
