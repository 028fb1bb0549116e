"""What `deep3d convert` makes of photographs: test_photo.py PLAYER CLIPS_FOLDER WORK_FOLDER"""
import os
import resource
import struct
import subprocess
import sys
import urllib.parse

from player import SAMPLE
from test_convert import Bench, Problem, check_refused, expect, streams

WIDTH, HEIGHT = 301, 201  # odd: nothing may be lost
VIEWS = 12


def pixels(path, *crop):
    """RGB of the first picture, as bytes."""
    cut = ["-vf", "crop=%d:%d:%d:%d" % crop] if crop else []
    return subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", path, *cut, "-frames:v", "1", "-f", "rawvideo",
                           "-pix_fmt", "rgb24", "-"], capture_output=True, check=True).stdout


def difference(a, b):
    """Mean of a sample's absolute difference, 0..255."""
    expect("samples", len(a), len(b))
    return sum(abs(x - y) for x, y in zip(a, b)) / len(a)


def size(path):
    video = streams(path, "video")[0]
    return video["width"], video["height"]


def check_stills(b, photo):
    for ending in ("png", "jpg", "jpeg", "webp"):
        out = b.path(f"sbs.{ending}")
        b.run(photo, "-o", out)
        expect(ending, size(out), (2 * WIDTH, HEIGHT))
    b.run(photo, "-o", b.path("moved.png"), "--shift", "right", "--strength", "4", "--floating-window", "off")
    expect("the eye that is not moved", pixels(b.path("moved.png"), WIDTH, HEIGHT, 0, 0) == pixels(photo), True)
    moved = difference(pixels(b.path("moved.png"), WIDTH, HEIGHT, WIDTH, 0), pixels(photo))
    if moved < 0.5:
        raise Problem(f"the other eye differs by {moved} only")


def check_layouts(b, photo):
    for layout, wanted in (("half-sbs", (2 * (WIDTH // 2), HEIGHT)), ("top-bottom", (WIDTH, 2 * HEIGHT)),
                           ("half-tb", (WIDTH, 2 * (HEIGHT // 2))), ("anaglyph", (WIDTH, HEIGHT)),
                           ("disparity", (WIDTH, HEIGHT))):
        b.run(photo, "-o", b.path(f"{layout}.png"), "--layout", layout)
        expect(layout, size(b.path(f"{layout}.png")), wanted)
    expect("disparity", streams(b.path("disparity.png"))[0]["pix_fmt"], "gray16be")
    b.run(photo, "-o", b.path("pair.png"), "--layout", "pair")
    b.run(photo, "-o", b.path("both.png"))
    for eye, x in (("left", 0), ("right", WIDTH)):
        expect(eye, pixels(b.path(f"pair_{eye}.png")) == pixels(b.path("both.png"), WIDTH, HEIGHT, x, 0), True)


def mpo_pictures(data):
    """The JPEGs of an MPO as its index says (CIPA DC-007), first alone in what it may depend on."""
    at = data.index(b"MPF\0") + 4
    expect("byte order", data[at:at + 4], b"MM\0*")
    first = at + struct.unpack(">I", data[at + 4:at + 8])[0]
    fields = {}
    for i in range(struct.unpack(">H", data[first:first + 2])[0]):
        tag, _, count, value = struct.unpack(">HHII", data[first + 2 + 12 * i:first + 14 + 12 * i])
        fields[tag] = count, value
    expect("number of pictures", fields[0xb001][1], 2)
    for i in range(2):
        entry = at + fields[0xb002][1] + 16 * i
        kind, length, offset, _ = struct.unpack(">IIII", data[entry:entry + 16])
        expect("type", kind & 0xffffff, 0x020002)
        begin = at + offset if offset else 0
        expect("begin and end of a JPEG", data[begin:begin + 2] + data[begin + length - 2:begin + length], b"\xff\xd8\xff\xd9")
        yield data[begin:begin + length]


def check_gif(b, photo):
    """Of one picture."""
    b.run(b.ffmpeg("still.gif", "-i", photo), "-o", b.path("of_gif.jpg"))
    expect("size", size(b.path("of_gif.jpg")), (2 * WIDTH, HEIGHT))


def check_url(b, photo):
    """As file managers and browsers hand pictures over."""
    os.link(photo, b.path("my photo.png"))
    b.run("file://" + urllib.parse.quote(b.path("my photo.png")), "-o", b.path("handed over.png"))
    expect("size", size(b.path("handed over.png")), (2 * WIDTH, HEIGHT))


def check_mpo(b, photo):
    b.run(photo, "-o", b.path("photo.mpo"), "--strength", "4")
    b.run(photo, "-o", b.path("same.png"), "--strength", "4")
    with open(b.path("photo.mpo"), "rb") as file:
        data = file.read()
    for i, jpeg in enumerate(mpo_pictures(data)):
        with open(b.path(f"eye{i}.jpg"), "wb") as file:
            file.write(jpeg)
        off = [difference(pixels(b.path(f"eye{i}.jpg")), pixels(b.path("same.png"), WIDTH, HEIGHT, x, 0)) for x in (0, WIDTH)]
        if not off[i] < 2 or not off[1 - i] > off[i]:
            raise Problem(f"picture {i} differs by {off} from left and right")


def check_wiggle(b, photo):
    b.run(photo, "-o", b.path("sway.gif"))
    b.run(photo, "-o", b.path("sway.webp"), "--layout", "wiggle")
    b.run(photo, "-o", b.path("sway.mp4"), "--layout", "wiggle")
    count = ["ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"]
    for name, frames in (("sway.gif", VIEWS), ("sway.mp4", 4 * VIEWS)):
        found = subprocess.run([*count, b.path(name)], capture_output=True, text=True).stdout
        expect(name, int(found.strip().strip(",")), frames)
    expect("size", size(b.path("sway.mp4")), (WIDTH - 1, HEIGHT - 1))
    with open(b.path("sway.webp"), "rb") as file:
        expect("WebP", file.read().count(b"ANMF"), VIEWS)


def check_orientation(b, photo):
    b.run(photo, "-o", b.path("upright.jpg"))
    with open(b.path("upright.jpg"), "rb") as file:
        jpeg = file.read()
    exif = b"Exif\0\0MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
    with open(b.path("turned.jpg"), "wb") as file:
        file.write(jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:])
    b.run(b.path("turned.jpg"), "-o", b.path("turned.png"))
    expect("size", size(b.path("turned.png")), (2 * HEIGHT, 2 * WIDTH))


def check_heic(b, photo):
    subprocess.run(["heif-enc", "-q", "90", photo, "-o", b.path("photo.heic")], capture_output=True, check=True)
    b.run(b.path("photo.heic"), "-o", b.path("heic.png"), "--strength", "0")
    off = difference(pixels(b.path("heic.png"), WIDTH, HEIGHT, 0, 0), pixels(photo))
    if off > 6:
        raise Problem(f"it differs by {off} from what was encoded")


def bad(b, photo):
    film = b.clip("h264_aac.mp4")
    cut = b.path("cut.jpg")
    b.ffmpeg("moves.gif", "-f", "lavfi", "-i", "testsrc2=size=64x48:rate=10:duration=0.2")
    with open(cut, "wb") as file:
        file.write(b"\xff\xd8\xff\xe0\0\x10JFIF")
    no_room = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))}
    for name, args, says in (("a film", [film, "-o", b.path("a.jpg")], ["h264_aac.mp4", "film"]),
                             ("a film that shall sway", [film, "-o", b.path("a.gif")], ["h264_aac.mp4", "film"]),
                             ("a GIF that moves", [b.path("moves.gif"), "-o", b.path("a.jpg")], ["moves.gif", "film"]),
                             ("two photographs", [photo, photo, "-o", b.path("a.jpg")], ["one photograph"]),
                             ("onto itself", [photo, "-o", photo, "--overwrite"], ["photo.png", "another name"]),
                             ("what is there", [photo, "-o", cut], ["cut.jpg", "--overwrite"]),
                             ("no such folder", [photo, "-o", "/nonexistent/a.jpg"], ["/nonexistent/a.jpg", "No such file"]),
                             ("no such folder for a gif", [photo, "-o", "/nonexistent/a.gif"], ["/nonexistent/a.gif"]),
                             ("swaying in a film's container", [photo, "-o", b.path("a.mkv"), "--layout", "wiggle"],
                              ["a.mkv", ".gif"]),
                             ("an MPO in two files", [photo, "-o", b.path("a.mpo"), "--layout", "pair"], ["a.mpo", "both eyes"]),
                             ("disparity in an MPO", [photo, "-o", b.path("a.mpo"), "--layout", "disparity"], ["a.mpo", "both eyes"]),
                             ("swaying in two files", [photo, "-o", b.path("a.gif"), "--layout", "pair"], ["a.gif", "both eyes"]),
                             ("cut off", [cut, "-o", b.path("a.jpg")], ["cut.jpg"]),
                             ("missing", ["/nonexistent.jpg", "-o", b.path("a.jpg")], ["/nonexistent.jpg"])):
        b.check(name, lambda: check_refused(b, name, args, says))
    for ending in ("png", "mpo", "gif"):
        out = b.path(f"full.{ending}")
        b.check(f"full disk: {ending}", lambda: full_disk(b, [photo, "-o", out], out, no_room))


def full_disk(b, args, out, no_room):
    before = sorted(os.listdir(b.work))
    b.run(*args, code=1, says=[os.path.basename(out).split(".")[1]], **no_room)
    expect("files", sorted(os.listdir(b.work)), before)


def main(program, clips, work):
    b = Bench(program, clips, work)
    photo = b.ffmpeg("photo.png", "-i", SAMPLE, "-vf", f"scale={WIDTH}:{HEIGHT},format=rgb24", "-frames:v", "1")
    for check in (check_stills, check_layouts, check_gif, check_url, check_mpo, check_wiggle, check_orientation, check_heic):
        b.check(check.__name__, lambda: check(b, photo))
    bad(b, photo)
    return b.report.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3]))
