"""Flat pictures: titles, credits, test cards, charts, screens and plain colours, whose disparity is the same everywhere.

Without them a network sees a floor in the lower half of a black frame and a wall in every coloured bar.
"""
import cv2
import numpy as np

FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_TRIPLEX,
         cv2.FONT_HERSHEY_PLAIN, cv2.FONT_HERSHEY_SCRIPT_SIMPLEX)
LETTERS = np.array(list("eeeettaaooiinnssrrhhlldccumwfgypbvkjxqzEATSIRNOLCDMPHGBFW0123456789.,:-'"))


def _words(rng, count):
    return " ".join("".join(rng.choice(LETTERS, int(rng.integers(1, 10)))) for _ in range(count))


def _colour(rng):
    """Black, white, a pure colour, or any."""
    kind = rng.random()
    if kind < 0.5:
        return np.full(3, rng.choice([0, 0, 255, 235, 16]), np.float64)
    return rng.choice([0.0, 255.0], 3) if kind < 0.75 else rng.uniform(0, 255, 3)


def _contrary(rng, ground):
    """A colour that stands out from `ground`."""
    other = _colour(rng)
    return other if np.abs(other - ground).mean() > 60 else np.full(3, 255.0 if ground.mean() < 128 else 0.0)


def _text(rng, picture, words, x, y, height, colour):
    """Writes from x, with the base line at y; height of a capital, px. Returns the line's width."""
    font = int(rng.choice(FONTS))
    scale = height / cv2.getTextSize("H", font, 1, 1)[0][1]
    thick = max(1, round(height * rng.uniform(0.05, 0.2)))
    cv2.putText(picture, words, (int(x), int(y)), font, scale, tuple(colour), thick, cv2.LINE_AA)
    return cv2.getTextSize(words, font, scale, thick)[0][0]


def _ground(rng, height, width):
    """uint8 [height][width][3]: plain, a ramp in any direction, or dark towards the corners."""
    base = _colour(rng)
    picture = np.full((height, width, 3), base)
    kind = rng.random()
    y, x = np.mgrid[-1:1:height * 1j, -1:1:width * 1j]
    if kind < 0.2:
        angle = rng.uniform(0, 2 * np.pi)
        part = (np.cos(angle) * x + np.sin(angle) * y) / 2.8 + 0.5
        picture += (_colour(rng) - base) * part[..., None]
    elif kind < 0.35:
        picture *= 1 - rng.uniform(0.2, 0.8) * ((x * x + y * y) / 2)[..., None]
    return np.clip(picture, 0, 255).astype(np.uint8)


def _title(rng, height, width):
    """A few lines in the middle or at one side, or a roll of credits in two columns."""
    picture = _ground(rng, height, width)
    colour = _contrary(rng, picture.mean((0, 1)))
    tall = rng.uniform(0.02, 0.12) * height
    if rng.random() < 0.4:
        for y in np.arange(rng.uniform(0, 3) * tall, height, rng.uniform(1.6, 2.6) * tall):
            if rng.random() < 0.85:
                _text(rng, picture, _words(rng, int(rng.integers(1, 4))), width * rng.uniform(0.08, 0.12), y, tall, colour)
                _text(rng, picture, _words(rng, int(rng.integers(1, 4))), width * 0.53, y, tall, colour)
        return picture
    y = height * rng.uniform(0.2, 0.7)
    for _ in range(int(rng.integers(1, 5))):
        _text(rng, picture, _words(rng, int(rng.integers(1, 6))), width * rng.uniform(0.05, 0.5), y, tall, colour)
        y += tall * rng.uniform(1.5, 2.5)
        tall *= rng.choice([1.0, 0.6])
    return picture


def _shapes(rng, picture, count):
    """Lines, circles, rectangles and polygons of one colour each."""
    height, width = picture.shape[:2]

    def point():
        return tuple(int(v) for v in (rng.uniform(-0.1, 1.1) * width, rng.uniform(-0.1, 1.1) * height))

    for _ in range(count):
        colour, thick = tuple(_colour(rng)), int(rng.choice([-1, 1, 2, 4, 8]))
        kind = rng.integers(4)
        if kind == 0:
            cv2.line(picture, point(), point(), colour, abs(thick), cv2.LINE_AA)
        elif kind == 1:
            cv2.circle(picture, point(), int(rng.uniform(0.02, 0.5) * height), colour, thick, cv2.LINE_AA)
        elif kind == 2:
            cv2.rectangle(picture, point(), point(), colour, thick)
        else:
            corners = np.array([point() for _ in range(int(rng.integers(3, 6)))], np.int32)
            cv2.polylines(picture, [corners], True, colour, abs(thick), cv2.LINE_AA)


def _card(rng, height, width):
    """Bars, chequers, grids, rings and ramps, with shapes and a running number over them."""
    picture = _ground(rng, height, width)
    y, x = np.mgrid[0:height, 0:width]
    kind = rng.random()
    if kind < 0.5:
        along, whole = (x, width) if rng.random() < 0.75 else (y, height)
        bars = int(rng.integers(3, 13))
        colours = np.stack([_colour(rng) for _ in range(bars)])
        if rng.random() < 0.5:
            colours = rng.permutation([[255 * (k >> 2 & 1), 255 * (k >> 1 & 1), 255 * (k & 1)] for k in range(8)])
        picture[:] = colours[along * bars // whole % len(colours)]
        if rng.random() < 0.4:  # a second row of bars below
            low = int(height * rng.uniform(0.5, 0.85))
            picture[low:] = rng.permutation(colours)[(along * bars // whole % len(colours))[low:]]
    elif kind < 0.65:
        side = int(rng.choice([4, 8, 16, 32, 48]))
        picture[(y // side + x // side) % 2 == 0] = _colour(rng)
    elif kind < 0.8:
        side = int(rng.choice([16, 24, 32, 48]))
        picture[(y % side < 2) | (x % side < 2)] = _contrary(rng, picture.mean((0, 1)))
    elif kind < 0.9:
        rings = np.hypot(y - height / 2, x - width / 2) ** rng.choice([1, 2]) * rng.uniform(0.01, 0.3)
        picture[:] = 127.5 + 127.5 * np.cos(rings)[..., None]
    if rng.random() < 0.4:  # chequers over a part of it
        top, left = int(rng.uniform(0, 0.8) * height), int(rng.uniform(0, 0.8) * width)
        part = np.s_[top:top + height // 4, left:left + width // 4]
        some = (y // 4 + x // 4)[part] % 2 == 0
        picture[part][some] = _colour(rng)
    _shapes(rng, picture, int(rng.integers(0, 8)))
    if rng.random() < 0.6:
        _text(rng, picture, f"{rng.uniform(0, 100):.2f}", width * rng.uniform(0, 0.7), height * rng.uniform(0.1, 1),
              rng.uniform(0.03, 0.15) * height, _colour(rng))
    return picture


def _chart(rng, height, width):
    """Columns, a curve or slices with labels on a plain ground."""
    picture = _ground(rng, height, width)
    ink = _contrary(rng, picture.mean((0, 1)))
    left, right, low, top = 0.12 * width, 0.92 * width, 0.85 * height, 0.2 * height
    kind, count = rng.integers(3), int(rng.integers(4, 20))
    values, places = rng.uniform(0, 1, count), np.linspace(left, right, count + 1)
    if kind == 0:
        for value, x in zip(values, places):
            corner = (int(x + 0.7 * (places[1] - places[0])), int(low - value * (low - top)))
            cv2.rectangle(picture, (int(x), int(low)), corner, tuple(_colour(rng)), -1)
    elif kind == 1:
        line = np.stack((places[:-1], low - values * (low - top)), 1).astype(np.int32)
        cv2.polylines(picture, [line], False, tuple(_contrary(rng, picture.mean((0, 1)))), 2, cv2.LINE_AA)
    else:
        turns = np.cumsum(values) / values.sum() * 360
        for begin, end in zip(np.r_[0, turns], turns):
            cv2.ellipse(picture, (width // 2, int(0.55 * height)), (int(0.3 * height),) * 2, 0, begin, end, tuple(_colour(rng)), -1)
    if kind < 2:
        cv2.line(picture, (int(left), int(low)), (int(right), int(low)), tuple(ink), 1)
        cv2.line(picture, (int(left), int(low)), (int(left), int(top)), tuple(ink), 1)
    _text(rng, picture, _words(rng, 3), left, 0.13 * height, 0.05 * height, ink)
    for x in places[:-1:2]:
        _text(rng, picture, _words(rng, 1), x, 0.93 * height, 0.025 * height, ink)
    return picture


def _screen(rng, height, width):
    """Windows with a bar, lines of text and coloured panels, as on a desktop."""
    picture = _ground(rng, height, width)
    for _ in range(int(rng.integers(1, 6))):
        x0, y0 = int(rng.uniform(-0.1, 0.7) * width), int(rng.uniform(-0.05, 0.7) * height)
        x1, y1 = x0 + int(rng.uniform(0.15, 0.9) * width), y0 + int(rng.uniform(0.15, 0.9) * height)
        paper, bar = _colour(rng), _colour(rng)
        ink, line = _contrary(rng, paper), rng.uniform(0.012, 0.035) * height
        cv2.rectangle(picture, (x0, y0), (x1, y1), tuple(paper), -1)
        cv2.rectangle(picture, (x0, y0), (x1, y0 + int(3 * line)), tuple(bar), -1)
        cv2.rectangle(picture, (x0, y0), (x1, y1), tuple(_contrary(rng, paper)), 1)
        for y in np.arange(y0 + 5 * line, y1 - line, 2 * line):
            if rng.random() < 0.75:
                words, x = _words(rng, int(rng.integers(1, 12))), x0 + line
                words = words[:max(1, int((x1 - x) / (1.1 * line)))]
                _text(rng, picture, words, x, y, line, ink)
    return picture


def _plain(rng, height, width):
    """One colour or a ramp, at times with grain, as a fade or a lost signal has it."""
    picture = _ground(rng, height, width) * rng.choice([0, 0.05, 1], p=[0.3, 0.2, 0.5])
    if rng.random() < 0.4:
        grain = rng.normal(0, rng.choice([3, 10, 60]), (height, width, int(rng.choice([1, 3]))))
        picture = picture + cv2.GaussianBlur(grain, (0, 0), rng.uniform(0.3, 2)).reshape(height, width, -1)
    return np.clip(picture, 0, 255).astype(np.uint8)


def page(rng, height, width):
    """A random flat picture, uint8 [height][width][3]; a part with black bars above and below or at the sides."""
    kinds = (_title, _card, _chart, _screen, _plain)
    picture = kinds[rng.choice(5, p=[0.25, 0.3, 0.12, 0.18, 0.15])](rng, height, width)
    bar = rng.random()
    if bar < 0.1:
        picture[:height // 8] = picture[-(height // 8):] = 0
    elif bar < 0.15:
        picture[:, :width // 8] = picture[:, -(width // 8):] = 0
    return picture
