"""Keys pressed in the whole player, and what it answers and shows: test_keys.py PLAYER WORK_FOLDER

Run by with_display.sh. The film shows both eyes side by side, the left one dark and the right one bright, so that the window
tells which eye is where; its upper third tells each picture from its neighbours.
"""
import os
import re
import shutil
import socket
import subprocess
import sys
import time

import player

PATIENCE_S = 30
DARK, BRIGHT = 40, 200  # of 255; the window gives them back within
ROUGH = 20
SHADES, SHADE = 8, 24  # of the upper third, picture by picture; grey from one to the next
# what is pressed, and what the line on the screen then says
ANSWERS = [
    ("9", r"Volume 95 %"),
    ("m", r"Volume 95 % \(mute\)"),
    ("a", r"Sound: 2 of 2, deu, vorbis, 2 channels, comments"),
    ("A", r"Sound: 1 of 2, vorbis, 1 channel"),
    ("K", r"Sound \+0\.05 s"),
    ("k", r"Sound [-+]0\.00 s"),
    ("bracketright", r"Speed 1\.10"),
    ("bracketright", r"Speed 1\.21"),
    ("bracketleft", r"Speed 1\.10"),
    ("BackSpace", r"Speed 1\.00"),
    ("2", r"Strength 2\.1 %, convergence automatic"),
    ("3", r"Strength 2\.1 %, convergence 0\.\d\d"),
    ("c", r"Strength 2\.1 %, convergence automatic"),
    ("b", r".*, no budget"),
    ("w", r".*, no budget, no floating window"),
    ("v", r"Captions: this film has none"),
    ("z", r"Captions -0\.1 s"),
    ("Right", r"0:00:\d\d / 0:00:20"),
    ("Next", r"Chapter \d of 3(: first|: middle)?"),  # page down
    ("Prior", r"Chapter 2 of 3: middle|Chapter 3 of 3|This is the last chapter"),
    ("d", r"View: layers"),
    ("t", r"Window: half side by side"),
]


class Played:
    """The player with a window; what it says is read from a file."""

    def __init__(self, program, log, *args):
        self.log, self.title = log, os.path.basename(args[0])
        env = player.environment({"DISPLAY": os.environ["DISPLAY"]})
        self.process = subprocess.Popen([program, *args, "--display", "window", "--verbose"], env=env,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(log, "w"))
        self.window = self.until("a window", self.find_window)

    def find_window(self):
        found = subprocess.run(["xdotool", "search", "--name", self.title + " - deep3d"], capture_output=True, text=True)
        return found.stdout.split()[-1] if found.stdout.split() else None

    def until(self, what, look):
        """What `look` finds, once it does."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            found = look()
            if found:
                return found
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"no {what} within {PATIENCE_S} s")

    def log_text(self):
        with open(self.log, errors="replace") as text:
            return text.read()

    def said(self):
        return re.findall(r"on screen: (.*)", self.log_text())

    def press(self, key):
        subprocess.run(["xdotool", "key", "--window", self.window, key], check=True)

    def answer(self, key, pattern):
        """Presses the key; the next line on the screen must be like that."""
        before = len(self.said())
        self.press(key)
        line = self.until(f"answer to {key}", lambda: self.said()[before:])[0]
        return None if re.fullmatch(pattern, line) else f"'{line}', not '{pattern}'"

    def detail(self):
        return subprocess.run(["import", "-window", self.window, "-resize", "25%", "gray:-"], capture_output=True, check=True).stdout

    def grey(self):
        """The window as 4 x 3 patches of grey, row by row."""
        return subprocess.run(["import", "-window", self.window, "-colorspace", "gray", "-depth", "8", "-resize", "4x3!", "gray:-"],
                              capture_output=True, check=True).stdout

    def eyes(self):
        """(left, right): mean grey of the middle of both halves of the window."""
        grey = self.grey()
        return grey[4], grey[7]

    def picture(self):
        """Which one of SHADES pictures is shown."""
        return round((self.grey()[0] - DARK) / SHADE)

    def shows(self, left, right):
        return abs(self.eyes()[0] - left) < ROUGH and abs(self.eyes()[1] - right) < ROUGH

    def plays(self, film):
        self.title = os.path.basename(film)
        self.until(f"title of {self.title}", self.find_window)

    def end(self):
        self.press("q")
        return self.process.wait(PATIENCE_S)


CHAPTERS = "".join(f"[CHAPTER]\nTIMEBASE=1/1\nSTART={start}\nEND={end}\n{title}\n"
                   for start, end, title in ((0, 8, "title=first"), (8, 16, "title=middle"), (16, 20, "")))


def make_film(path):
    chapters = path + ".txt"
    with open(chapters, "w") as text:
        text.write(";FFMETADATA1\n" + CHAPTERS)
    subprocess.run(["ffmpeg", "-nostdin", "-y", "-v", "error", "-f", "lavfi", "-i",
                    f"nullsrc=size=320x180:rate=10:duration=20,geq=lum={DARK}+if(lt(Y\\,60)\\,mod(N\\,{SHADES})*{SHADE}\\,"
                    f"{BRIGHT - DARK}*gte(X\\,160)):cb=128:cr=128",
                    "-f", "lavfi", "-i", "sine=d=20", "-i", chapters, "-map_metadata", "2",
                    "-map", "0", "-map", "1", "-map", "1", "-ac:a:1", "2",
                    "-metadata:s:a:1", "language=deu", "-metadata:s:a:1", "title=comments",
                    "-pix_fmt", "yuv420p", "-color_range", "pc", "-c:v", "ffv1", path], check=True)


def step(p, report):
    """. and , stop the film, and show the next picture or the one before."""
    p.until("the fifth picture", lambda: p.picture() >= 4)  # there are some before it
    p.press("period")
    time.sleep(1)
    at = p.picture()
    for key, times, by in (("period", 1, 1), ("period", 1, 1), ("comma", 1, -1), ("comma", 1, -1), ("comma", 1, -1), ("period", 1, 1),
                           ("period", 3, 3), ("comma", 2, -2)):
        at = (at + by) % SHADES
        try:
            for _ in range(times):  # also faster than pictures can be made
                p.press(key)
            p.until(f"picture {at} after {times} {key}", lambda: p.picture() == at)
            report.note(key, None)
        except AssertionError as late:
            report.note(key, f"{late}; it shows {p.picture()}")
    try:
        still = p.detail()
        p.press("bracketright")
        p.until("text over a picture that stands still", lambda: p.detail() != still)
        p.press("BackSpace")
        p.until("the picture without text", lambda: p.detail() == still)
        report.note("text", None)
    except AssertionError as late:
        report.note("text", str(late))
    p.press("space")
    try:
        p.until("motion after space", lambda: p.picture() != at)
        report.note("space", None)
    except AssertionError as late:
        report.note("space", str(late))


def look_at_eyes(p, report):
    """i and e change which eye is where."""
    def shown(what, left, right):
        try:
            p.until(what, lambda: p.shows(left, right))
            report.note(what, None)
        except AssertionError as late:
            report.note(what, f"{late}; it shows {p.eyes()}")

    shown("the film as it is", DARK, BRIGHT)
    report.note("e", p.answer("e", "Film: .*; eyes exchanged"))
    shown("its eyes exchanged", BRIGHT, DARK)
    report.note("e again", p.answer("e", "Film: [^;]*"))
    shown("the film as it was", DARK, BRIGHT)
    report.note("3 where both eyes are shown", p.answer("3", r"Strength .*, convergence 0\.45"))  # from the middle on
    report.note("c", p.answer("c", "Strength .*, convergence automatic"))
    report.note("i", p.answer("i", "Film: one eye, converted"))


def go_through_a_list(program, folder, film, report):
    """> and < also pass what cannot be played; there is nothing after the last film."""
    broken, other = os.path.join(folder, "broken.mkv"), os.path.join(folder, "other.full-sbs.mkv")
    with open(broken, "wb") as file:
        file.write(bytes(1000))
    shutil.copy(film, other)
    p = Played(program, os.path.join(folder, "list.log"), film, broken, other)
    try:
        p.press("greater")
        p.plays(other)
        report.note("> at the last film", p.answer("greater", "This is the last film"))
        p.press("less")
        p.plays(film)
        code = p.end()
        report.note("q", None if code == 0 else f"ended with {code}")
    except AssertionError as late:
        report.note("a list", str(late))
    finally:
        if p.process.poll() is None:
            p.process.kill()


def wind_what_was_joined(program, folder, report):
    """Of two recordings in one file the second one's times are the first one's once more: it goes on when a key would wind it."""
    film = os.path.join(folder, "joined.ts")
    with open(film, "wb") as out:
        for colour, seconds in (("black", 3), ("white", 30)):
            part = os.path.join(folder, f"{colour}.ts")
            subprocess.run(["ffmpeg", "-nostdin", "-y", "-v", "error", "-f", "lavfi", "-i",
                            f"color={colour}:size=96x54:rate=25:duration={seconds}", "-c:v", "mpeg2video", part], check=True)
            with open(part, "rb") as data:
                out.write(data.read())
    p = Played(program, os.path.join(folder, "joined.log"), film)
    try:
        p.until("the second part", lambda: p.eyes()[0] > 200)
        time.sleep(1.5)  # until it is sure that it is one
        report.note("right", p.answer("Right", "This film cannot be wound"))
        report.note("the second part goes on", None if p.eyes()[0] > 200 else "it does not")
        code = p.end()
        report.note("q", None if code == 0 else f"ended with {code}")
    except AssertionError as late:
        report.note("what was joined", str(late))
    finally:
        if p.process.poll() is None:
            p.process.kill()


def leave_a_silent_server(program, folder, film, report):
    """While a film is opened that never comes, the keys lead on all the same."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE_S)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/film.mkv"
        p, silent = Played(program, os.path.join(folder, "silent.log"), film, url, film), []
        try:
            p.until("the first film", lambda: "playing " + film in p.log_text())
            p.press("greater")
            silent.append(server.accept())
            began = time.monotonic()
            p.press("greater")
            p.until("the film after it", lambda: p.log_text().count("playing " + film) == 2)
            p.press("less")
            silent.append(server.accept())
            code = p.end()
            took = time.monotonic() - began
            report.note("q while a film is opened", None if code == 0 and took < 15 else f"ended with {code} after {took:.1f} s")
        except AssertionError as late:
            report.note("a silent server", str(late))
        finally:
            if p.process.poll() is None:
                p.process.kill()


def main():
    program, folder = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    film, report = os.path.join(folder, "keys.full-sbs.mkv"), player.Report()
    make_film(film)
    leave_a_silent_server(program, folder, film, report)
    wind_what_was_joined(program, folder, report)
    go_through_a_list(program, folder, film, report)
    p = Played(program, os.path.join(folder, "keys.log"), film, "--loop")
    try:
        step(p, report)
        look_at_eyes(p, report)
        for key, pattern in ANSWERS:
            report.note(key, p.answer(key, pattern))
        code = p.end()
        report.note("q", None if code == 0 else f"ended with {code}")
    finally:
        if p.process.poll() is None:
            p.process.kill()
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
