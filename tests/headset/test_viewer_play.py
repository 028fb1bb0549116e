"""The player in the simulated headset: to the end, by the rules, and what each eye sees."""
import rig as r


def plays_to_the_end(rig):
    """A film with sound under all validation layers: every frame accounted for, nothing said by anyone."""
    clip = r.moving_clip(rig.path("moving.mp4"), seconds=3)
    run = rig.play(clip, validate=True).clean().played()
    convert = run.stats["convert"]
    r.check(run.stats["source"]["frames_decoded"] == 90, f"{run.stats['source']}")
    r.check(convert["frames"] + convert["dropped"] == 90, f"frames are missing: {convert}")
    shown = run.report["distinct_images_shown"]
    r.check(0 < shown <= convert["frames"], f"{shown} pictures shown of {convert['frames']}")
    states = run.report["states"]
    r.check(states[:5] == ["IDLE", "READY", "SYNCHRONIZED", "VISIBLE", "FOCUSED"] and states[-2:] == ["IDLE", "EXITING"], f"{states}")
    r.check(run.report["layers_max"] >= 2 and run.report["ended"] == "instance destroyed", f"{run.report}")
    return f"{convert['frames']} frames converted, {shown} shown"


def plays_an_image(rig):
    r.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=317x211", "-frames:v", 1, rig.path("still.png"))
    run = rig.play("--image-duration", 1, rig.path("still.png"), validate=True).clean().played()
    r.check(run.report["frames_with_layers"] > 30, f"only {run.report['frames_with_layers']} frames")


def without_extensions(rig):
    """A runtime without the optional extensions is used all the same."""
    clip = r.moving_clip(rig.path("moving.mp4"), seconds=3)
    without = "XR_KHR_convert_timespec_time,XR_KHR_composition_layer_cylinder,XR_FB_display_refresh_rate"
    run = rig.play(clip, env={"SIM_WITHOUT": without}).clean().played()
    r.check(run.report["distinct_images_shown"] > 0, "no picture was shown")


def upright_and_in_colour(rig):
    """Quarters of a known colour, at their places, in both eyes."""
    clip = rig.path("quarters.mkv")
    quarter = ";".join(f"color={c}:s=320x180:r=25:d=3[{n}]" for n, c in enumerate(("0xe03020", "0x20c040", "0x3040d0", "0xf0f0f0")))
    r.ffmpeg("-f", "lavfi", "-i", quarter + ";[0][1]hstack[a];[2][3]hstack[b];[a][b]vstack", "-c:v", "ffv1", "-pix_fmt", "bgr0", clip)
    run = rig.play(clip, "--strength", 1, "--floating-window", "off", env=pictures("1")).clean().played()
    expected = ((0xE0, 0x30, 0x20), (0x20, 0xC0, 0x40), (0x30, 0x40, 0xD0), (0xF0, 0xF0, 0xF0))
    for eye in ("left", "right"):
        picture = run.picture(f"t0001.00_{eye}")
        left, top, right, bottom = picture.screen()
        aspect = (right - left) / (bottom - top)
        r.check(abs(aspect - 16 / 9) < 0.05, f"{eye}: the screen is {aspect:.3f}:1")
        for n, colour in enumerate(expected):
            seen = picture.at(left + (right - left) * (0.25, 0.75)[n % 2], top + (bottom - top) * (0.25, 0.75)[n // 2])
            r.check(max(abs(a - b) for a, b in zip(seen, colour)) <= 6, f"{eye}: quarter {n} is {seen}, not {colour}")


def pictures(times):
    return {"SIM_PICTURES": "the folder of the run", "SIM_PICTURES_AT": times, "SIM_PICTURE_SIZE": "1920x2160"}


def edges(row, left, right, threshold):
    """First and last x, as parts of the screen's width, where the row is brighter than the threshold."""
    bright = [x for x in range(left, right) if row[x * 3 + 1] > threshold]
    r.check(bright, "nothing bright is seen")
    return (bright[0] - left) / (right - left), (bright[-1] + 1 - left) / (right - left)


def square_clip(rig):
    """Near is bright: a near square and a far bar before what lies between."""
    clip = rig.path("square.mkv")
    far = "drawbox=x=480:y=0:w=40:h=360:color=0x002800:t=fill"
    r.ffmpeg("-f", "lavfi", "-i", f"color=0x000060:s=640x360:r=25:d=3,{far},drawbox=x=120:y=90:w=200:h=180:color=white:t=fill",
             "-c:v", "ffv1", "-pix_fmt", "bgr0", clip)
    return clip


def places(run):
    """Parallax of the square and of the bar, as parts of the width, as the eyes see them."""
    middle = {}
    for eye in ("left", "right"):
        picture = run.picture(f"t0001.00_{eye}")
        left, top, right, bottom = picture.screen()
        near = edges(picture.rows[(top + bottom) // 2], left, right, 128)
        bar = edges(picture.rows[top + (bottom - top) // 10], left, right, 20)
        middle[eye] = (sum(near) / 2, sum(bar) / 2)
        r.check(abs(near[1] - near[0] - 200 / 640) < 0.02, f"{eye}: the square is {near[1] - near[0]:.3f} wide")
    return middle["left"][0] - middle["right"][0], middle["left"][1] - middle["right"][1]


def parallax(rig):
    """Near things cross: with strength 4 and convergence 0.5, a near square is 2 % of the width further right for the left eye than
    for the right one; a far bar the other way round. One eye may have all of it."""
    clip, text = square_clip(rig), []
    for shift in ("both", "left", "right"):
        run = rig.play(clip, "--strength", 4, "--convergence", 0.5, "--budget", "off", "--shift", shift, env=pictures("1")).clean().played()
        near, far = places(run)
        r.check(0.015 < near < 0.025, f"{shift}: the near square has a parallax of {near * 100:.2f} %, not 2 %")
        r.check(-0.025 < far < -0.015, f"{shift}: the far bar has a parallax of {far * 100:.2f} %, not -2 %")
        comfort = run.stats["comfort"]
        r.check(abs(comfort["crossed_cm"]["most"] - 6) < 0.1 and abs(comfort["uncrossed_cm"]["most"] - 6) < 0.1, f"{comfort}")
        r.check(comfort["crossed_deg"]["most"] > 1.1 and comfort["within_budget"] == 0, f"{comfort}")
        text.append(f"{shift}: near {near * 100:+.2f} %, far {far * 100:+.2f} % of the width")
    return "; ".join(text)


def no_screen_is_too_large(rig):
    """The strongest depth on screens of any size: the eyes never turn outwards, and inwards no more than asked for."""
    clip, text = square_clip(rig), []
    for width_m, eyes_mm, degrees in ((1, 63, 1), (4, 55, 0.5), (20, 63, 1)):
        run = rig.play(clip, "--strength", 10, "--convergence", 0.4, "--screen-width", width_m, "--screen-distance", width_m,
                       "--eye-distance", eyes_mm, "--max-crossed", degrees, env=pictures("1")).clean().played()
        near, far = places(run)
        pixel = 1.5 / 900  # of the eyes' pictures, on the screen
        comfort = run.stats["comfort"]
        r.check(-far <= eyes_mm / 1000 / width_m + pixel, f"{width_m} m: the far bar lies {-far * width_m * 100:.1f} cm apart")
        r.check(comfort["uncrossed_cm"]["most"] <= eyes_mm / 10 * 1.001, f"{width_m} m: {comfort}")
        r.check(comfort["crossed_deg"]["most"] <= degrees * 1.001, f"{width_m} m: {comfort}")
        r.check(comfort["within_budget"] == 1 and comfort["frames"] == run.stats["convert"]["frames"], f"{width_m} m: {comfort}")
        r.check(near > 0.001 and far < -0.001, f"{width_m} m: nothing is left of the depth: {near}, {far}")
        text.append(f"{width_m} m: {near * width_m * 100:.1f} cm before, {-far * width_m * 100:.1f} cm behind")
    return "; ".join(text)


def floating_window(rig):
    """Something near is cut off by the right side of the screen: the right eye's picture ends before it, by its parallax."""
    clip = rig.path("cut_off.mkv")
    r.ffmpeg("-f", "lavfi", "-i", "color=0x202020:s=640x360:r=25:d=3,drawbox=x=560:y=60:w=80:h=240:color=white:t=fill", "-c:v", "ffv1",
             "-pix_fmt", "bgr0", clip)
    run = rig.play(clip, "--strength", 3, env=pictures("1")).clean().played()
    left, right = (run.picture(f"t0001.00_{eye}").screen() for eye in ("left", "right"))
    part = 1 - (right[2] - right[0]) / (left[2] - left[0])
    crossed = run.stats["comfort"]["crossed_cm"]["most"] / 300  # the screen is 3 m wide
    r.check(crossed > 0.01 and abs(part - crossed) < 0.003, f"the strip takes {part * 100:.2f} % of the width, what is near {crossed * 100:.2f} %")
    return f"a strip of {part * 100:.2f} % of the width"


def white_places(picture):
    """The part of the screen that is nearly white: left, right as parts of its width; count of pixels."""
    left, top, right, bottom = picture.screen()
    xs = [x for y in range(top, bottom) for x in range(left, right) if min(picture.at(x, y)) > 225]
    r.check(len(xs) > 50, f"only {len(xs)} white pixels")
    return (min(xs) - left) / (right - left), (max(xs) - left) / (right - left), len(xs)


def captions_before_what_they_cover(rig):
    """Each eye sees the caption, moved by half its parallax: as it was told, or before the near thing behind it."""
    clip = rig.path("captions.mkv")
    r.ffmpeg("-f", "lavfi", "-i", "color=0x303030:s=640x360:r=25:d=3,drawbox=x=100:y=220:w=440:h=140:color=0x808080:t=fill", "-c:v", "ffv1",
             "-pix_fmt", "bgr0", clip)
    with open(rig.path("captions.srt"), "w") as captions:
        captions.write("1\n00:00:00,000 --> 00:00:03,000\nHHHHHHHHHHHH\n")
    apart = {}
    for depth in ("0", "4", "auto"):
        run = rig.play(clip, "--strength", 4, "--convergence", 0.5, "--sub-depth", depth, "--screen-width", 3, "--screen-distance", 3,
                       env=pictures("1")).clean().played()
        eyes = [white_places(run.picture(f"t0001.00_{eye}")) for eye in ("left", "right")]
        apart[depth] = 100 * sum(eyes[0][i] - eyes[1][i] for i in range(2)) / 2
    r.check(abs(apart["0"]) < 0.3 and abs(apart["4"] - 4) < 0.3, f"parallax in % of the width: {apart}")
    near = run.stats["comfort"]["crossed_cm"]["most"] / 3  # the screen is 3 m wide
    r.check(near > 0.5 and near - 0.15 < apart["auto"] < near + 0.6, f"parallax in % of the width: {apart}, what is near {near}")
    return f"parallax in % of the width: {apart}, what is near {near:.2f}"


def screen_stays_in_the_room(rig):
    """The head turns away: the screen moves in the eyes' pictures, and keeps its size."""
    clip = r.moving_clip(rig.path("moving.mp4"), seconds=3)
    run = rig.play(clip, env=pictures("0.5,2"), script="1 head yaw=15 x=0.1").clean().played()
    before, after = (run.picture(f"t000{n}_left").screen() for n in ("0.50", "2.00"))
    # 15 degrees to the left are tan(15) = 0.268 of a picture 2.09 wide: about an eighth of it
    moved = (after[0] - before[0]) / 1920
    r.check(0.05 < moved < 0.2, f"the screen moved by {moved:.3f} of the picture")
    r.check(abs((after[2] - after[0]) / (before[2] - before[0]) - 1) < 0.15, f"the screen's width went from {before} to {after}")


def rate_of_what_is_seen(rig):
    """A refresh rate is asked for that suits the film at its speed: 24 frames a second want 72 Hz, and 30 are well at 90."""
    film = rig.path("rate.mkv")
    r.ffmpeg("-f", "lavfi", "-i", "color=gray:s=160x90:r=24:d=3.5", "-c:v", "ffv1", film)
    runs = [rig.play(film, "--speed", speed).clean().played() for speed in (1, 1.25)]
    asked = ["72 Hz suits" in run.err for run in runs]
    r.check(asked == [True, False], f"{asked}:\n{runs[0].err}\n{runs[1].err}")


CASES = [plays_to_the_end, rate_of_what_is_seen, plays_an_image, without_extensions, upright_and_in_colour, parallax, no_screen_is_too_large,
         floating_window, captions_before_what_they_cover, screen_stays_in_the_room]

if __name__ == "__main__":
    r.main(CASES, at_once=2)
