"""Flash and click: a film whose picture flashes when its sound clicks, seen at the display and heard at the sound device.

The picture's side is the headset's frame log: when the first bright period is displayed. The sound's side is SDL's disk driver writing
into a file (SDL 2.30 takes no pipe), which is watched as it grows: when each buffer is handed over. SDL plays a buffer after the one before it, so that its first sample is heard one
buffer after it was handed over.
"""
import array
import os
import statistics
import threading
import time

import rig as r

RATE_HZ, CHANNELS = 48000, 2
FLASHES = [1.0 + 0.8 * n for n in range(10)]  # seconds, each the begin of a frame at 25 a second
SECONDS = 10
RUNS = 3


class Ear(threading.Thread):
    """Watches the file grow until stop(); clicks() gives when they are heard, in CLOCK_MONOTONIC seconds."""

    def __init__(self, path):
        super().__init__(daemon=True)
        open(path, "wb").close()
        self.path = path
        self.chunks = []  # (time, bytes)
        self.over = threading.Event()

    def run(self):
        with open(self.path, "rb", buffering=0) as file:
            while True:
                over = self.over.is_set()  # asked before reading: what was written by then is read
                if data := file.read(1 << 16):
                    self.chunks.append((time.monotonic(), data))
                elif over:
                    return
                else:
                    time.sleep(0.0005)

    def stop(self):
        self.over.set()
        self.join(10)

    def clicks(self):
        samples, starts = array.array("f"), []  # starts: (first frame, time)
        for at, data in self.chunks:
            starts.append((len(samples) // CHANNELS, at))
            samples.frombytes(data)
        buffer = len(self.chunks[0][1]) / 4 / CHANNELS
        mono = samples[::CHANNELS]
        found, quiet = [], RATE_HZ
        for n, value in enumerate(mono):
            if abs(value) > 0.1:
                if quiet > RATE_HZ // 10:
                    found.append(n)
                quiet = 0
            else:
                quiet += 1
        heard = []
        for n in found:
            first, at = [s for s in starts if s[0] <= n][-1]
            heard.append(at + (n - first + buffer) / RATE_HZ)
        return heard


def flashes(run):
    """When the picture turns bright, in seconds: the middle of the first display period that shows it, for the left and right eye."""
    found = []
    for before, frame in zip(run.frames, run.frames[1:]):
        if min(frame["left"], frame["right"]) > 0.5 and max(before["left"], before["right"]) < 0.5:
            found.append(frame["display_ns"] / 1e9)
    return found


def make(path, *codec):
    lit = "+".join(f"between(t,{t - 0.01:.2f},{t + 0.11:.2f})" for t in FLASHES)
    sound = "+".join(f"between(t,{t:.2f},{t + 0.02:.2f})" for t in FLASHES)
    r.ffmpeg("-f", "lavfi", "-i", f"color=0x080808:s=320x180:r=25:d={SECONDS},drawbox=color=white:t=fill:enable='{lit}'",
             "-f", "lavfi", "-i", f"aevalsrc='0.8*sin(2*PI*1500*t)*({sound})':s={RATE_HZ}:c=stereo:d={SECONDS}", *codec, path)
    return path


def offset(rig, clip, **options):
    """The best of some runs, for machines that are busy with other things: what is wrong by itself is wrong in all of them."""
    for tries in range(RUNS):
        try:
            return one_offset(rig, clip, **options)
        except r.Failure:
            if tries == RUNS - 1:
                raise


def one_offset(rig, clip, env=None):
    """Median of (flash seen - click heard) in ms, and how far they scatter. Later pictures are positive."""
    sound = os.path.join(rig.folder, f"sound_{os.path.basename(clip)}_{os.getpid()}")
    ear = Ear(sound)
    ear.start()
    run = rig.play(clip, env={"SDL_AUDIODRIVER": "disk", "SDL_DISKAUDIOFILE": sound, **(env or {})})
    ear.stop()
    os.unlink(sound)
    run.clean().played()
    r.check(ear.chunks, "SDL's disk driver wrote no sound")
    seen, heard = flashes(run), ear.clicks()
    pairs = [(s - h) * 1000 for s in seen for h in heard if abs(s - h) < 0.35]
    r.check(len(pairs) >= 6, f"only {len(pairs)} flashes with a click: {len(seen)} seen, {len(heard)} heard")
    median = statistics.median(pairs)
    scatter = max(abs(p - median) for p in pairs)
    claimed = run.stats["av_offset_ms"]["p50"]
    text = f"{median:+.1f} ms, within {scatter:.1f} ms, {len(pairs)} flashes; the player itself says {claimed:+.1f} ms"
    r.check(abs(median) <= 20, text)
    r.check(abs(claimed - median) <= 20, text)
    return text


def uncompressed(rig):
    return offset(rig, make(rig.path("flash.mkv"), "-c:v", "ffv1", "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le"))


def h264_and_aac(rig):
    """With frames out of order and the encoder's delay of the sound, as films have them."""
    codec = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-bf", "3", "-c:a", "aac")
    return offset(rig, make(rig.path("flash.mp4"), *codec))


def without_timespec(rig):
    """Display times without XR_KHR_convert_timespec_time are calibrated."""
    clip = make(rig.path("flash2.mkv"), "-c:v", "ffv1", "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le")
    return offset(rig, clip, env={"SIM_WITHOUT": "XR_KHR_convert_timespec_time"})


def heard(rig, clip, *args):
    """Seconds until the first sound at the device, and seconds of sound."""
    sound = os.path.join(rig.folder, f"sound_{os.path.basename(clip)}_{os.getpid()}")
    run = rig.play(clip, *args, env={"SDL_AUDIODRIVER": "disk", "SDL_DISKAUDIOFILE": sound})
    samples = array.array("f")
    with open(sound, "rb") as file:
        samples.frombytes(file.read())
    os.unlink(sound)
    run.played()
    step = RATE_HZ // 100
    loud = [max(map(abs, samples[n:n + CHANNELS * step])) > 0.01 for n in range(0, len(samples), CHANNELS * step)]
    r.check(any(loud), "no sound was heard")
    return loud.index(True) / 100, sum(loud) / 100


def begun_behind_the_pictures(rig):
    """Sound outlasts the pictures: what is asked for is heard at once."""
    clip = rig.path("short_pictures.mkv")
    r.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=1", "-f", "lavfi", "-i", f"sine=r={RATE_HZ}:d=14", "-c:v", "mpeg4",
             "-c:a", "pcm_s16le", clip)
    before, sound = heard(rig, clip, "--start", 12)
    r.check(before < 6 and 1.5 < sound < 2.5, f"{before} s of silence, {sound} s of sound")


def begun_before_the_pictures(rig):
    """They come later than the sound, of which nothing is lost."""
    clip = rig.path("late_pictures.mkv")
    r.ffmpeg("-itsoffset", 3, "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=1", "-f", "lavfi", "-i", f"sine=r={RATE_HZ}:d=4", "-c:v",
             "mpeg4", "-c:a", "pcm_s16le", clip)
    before, sound = heard(rig, clip)
    r.check(3 < sound < 4.5, f"{before} s of silence, {sound} s of sound")


CASES = [uncompressed, h264_and_aac, without_timespec, begun_behind_the_pictures, begun_before_the_pictures]

if __name__ == "__main__":
    r.main(CASES)
