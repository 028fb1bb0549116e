"""A small ray caster: rooms, streets and tables of textured boxes, columns, balls and standing cut-outs.

World: metres, x right, y up, z along the street or the room; the camera stands at (0, its height, 0), pitched, and looks
past z to the left or the right as often as along it. Arrays over rays are flat, [R] or [R][3]; t counts in steps of a ray
whose component along the optical axis is 1, so t is depth and 1 / t disparity.
"""
from dataclasses import dataclass, field

import cv2
import numpy as np

OVERSAMPLING = 1.25  # of the picture, against jagged outlines
FAR = 400.0  # m, sky


@dataclass
class Hits:
    """What each ray has met first so far."""
    t: np.ndarray       # float32 [R]
    colour: np.ndarray  # float32 [R][3], 0..1
    normal: np.ndarray  # float32 [R][3]
    ground: np.ndarray  # bool [R]: lies on the floor


@dataclass
class World:
    origin: np.ndarray  # float32 [3]
    rays: np.ndarray    # float32 [R][3]
    yaw: float          # radians from z to where the camera looks, to the right positive
    hits: Hits
    feet: list = field(default_factory=list)  # (x, z, radius) of what stands on the floor


def material(rng, photos):
    """A texture, float32 [h][w][3] 0..1: plain, striped, or a piece of a photograph."""
    kind = rng.random()
    if kind < 0.3:
        base = rng.uniform(0.1, 0.9, 3) ** 1.2
        grain = cv2.GaussianBlur(rng.normal(0, 0.12, (64, 64, 3)).astype(np.float32), (0, 0), rng.uniform(0.5, 4))
        return np.clip(base + grain, 0, 1).astype(np.float32)
    if kind < 0.45:
        a, b = rng.uniform(0, 1, (2, 3))
        y, x = np.mgrid[0:64, 0:64] // int(rng.choice([8, 16, 32]))
        mask = ((y + x) % 2 if rng.random() < 0.5 else (x if rng.random() < 0.5 else y) % 2)[..., None]
        return (a * mask + b * (1 - mask)).astype(np.float32)
    picture = photos.get("picture", int(rng.integers(len(photos))))
    side = int(rng.integers(48, 200))
    y, x = rng.integers(0, max(1, picture.shape[0] - side)), rng.integers(0, max(1, picture.shape[1] - side))
    return picture[y:y + side, x:x + side].astype(np.float32) / 255


def look_up(texture, u, v, t, size):
    """Texture colours at (u, v) in metres, mirrored at its ends; size: metres per texture; coarser with distance t."""
    step = np.median(t) * texture.shape[0] / size / 400 if len(t) else 0  # texels a pixel, about
    if step > 1.5:
        k = min(step, texture.shape[0] / 4)
        texture = cv2.resize(texture, None, fx=1 / k, fy=1 / k, interpolation=cv2.INTER_AREA)
    h, w = texture.shape[:2]

    def fold(c, n):
        c = np.abs((c / size) % 2 - 1)
        return np.clip((c * n).astype(np.int32), 0, n - 1)

    return texture[fold(v, h), fold(u, w)]


def put(hits, t, where, colour, normal, ground=False):
    """Overwrites the rays `where` (bool [R]) that are met at t [R] sooner than before. colour, normal: functions of the
    indices that win."""
    win = np.nonzero(where & (t > 0.05) & (t < hits.t))[0]
    if len(win):
        hits.t[win] = t[win]
        hits.colour[win] = colour(win)
        hits.normal[win] = normal(win)
        hits.ground[win] = ground


def add_floor(world, texture, size):
    dy = world.rays[:, 1]
    t = np.where(dy < -1e-4, -world.origin[1] / np.minimum(dy, -1e-4), np.inf)

    def colour(i):
        out = np.empty((len(i), 3), np.float32)
        edges = (0, 4, 10, 30, np.inf)
        for near, far in zip(edges, edges[1:]):
            k = (t[i] >= near) & (t[i] < far)
            p = world.rays[i[k]] * t[i[k], None]
            out[k] = look_up(texture, p[:, 0], p[:, 2], t[i[k]], size)
        return out

    put(world.hits, t, t < FAR, colour, lambda i: np.float32([0, 1, 0]), ground=True)


def add_box(world, centre, half, angle, texture, size, inside=False):
    """An upright box turned by `angle` about y; inside: the camera is in it and sees its far sides (a room)."""
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]], np.float32)
    o, d = turn @ (world.origin - centre), world.rays @ turn.T
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = (-half - o) / d, (half - o) / d
    enter, leave = np.minimum(a, b), np.maximum(a, b)
    t_in, t_out = np.nanmax(enter, 1), np.nanmin(leave, 1)
    t = t_out if inside else t_in
    axis = (np.argmin(leave, 1) if inside else np.argmax(enter, 1)).astype(np.int32)
    good = (t_in < t_out) & (t > 0) & (t < FAR)

    def colour(i):
        p, k = o + d[i] * t[i, None], axis[i]
        u, v = np.where(k == 0, p[:, 2], p[:, 0]), np.where(k == 1, p[:, 2], -p[:, 1])
        return look_up(texture, u + 0.37 * k, v, t[i], size)

    def normal(i):
        n = np.zeros((len(i), 3), np.float32)
        n[np.arange(len(i)), axis[i]] = -np.sign(d[i, axis[i]])
        return n @ turn

    put(world.hits, t.astype(np.float32), good, colour, normal)


def add_round(world, centre, radius, texture, size, height=None):
    """A ball (half axes radius [3]), or an upright column of that height when given."""
    scale = np.float32([1 / radius[0], 0 if height else 1 / radius[1], 1 / radius[2]])
    o, d = (world.origin - centre) * scale, world.rays * scale
    a, b, c = (d * d).sum(1), d @ o, o @ o - 1
    under = b * b - a * c
    t = (-b - np.sqrt(np.maximum(under, 0))) / a
    y = world.origin[1] + world.rays[:, 1] * t
    good = (under > 0) & (t < FAR)
    if height:
        good &= (y > centre[1]) & (y < centre[1] + height)

    def colour(i):
        p = (world.origin + world.rays[i] * t[i, None] - centre)
        return look_up(texture, np.arctan2(p[:, 0], -p[:, 2]) * radius[0], -p[:, 1], t[i], size)

    def normal(i):
        n = (o + d[i] * t[i, None]) * scale
        return n / np.maximum(np.linalg.norm(n, axis=1, keepdims=True), 1e-6)

    put(world.hits, t.astype(np.float32), good, colour, normal)


def turned(points, yaw):
    """points [..][3] turned about y, from z to the right by yaw."""
    c, s = np.cos(yaw), np.sin(yaw)
    return (points @ np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])).astype(np.float32)


def add_figure(world, cut, x, z, height, lift=0.0):
    """A cut-out standing upright, facing the camera, x to the right of where that looks and z ahead of it, lift above the floor."""
    ahead = turned(world.rays, -world.yaw)
    t = np.full(len(ahead), z, np.float32) / ahead[:, 2]
    width = height * cut.alpha.shape[1] / cut.alpha.shape[0]
    px = (ahead[:, 0] * t - x) / width + 0.5
    py = 1 - (world.origin[1] + ahead[:, 1] * t - lift) / height
    h, w = cut.alpha.shape
    good = (px >= 0) & (px < 1) & (py >= 0) & (py < 1)
    u, v = (np.clip((c * n).astype(np.int32), 0, n - 1) for c, n in ((px, w), (py, h)))
    good &= cut.alpha[v, u] > 0.5
    depth = (t * (1 - 0.05 * cut.relief[v, u])).astype(np.float32)
    put(world.hits, depth, good, lambda i: cut.rgb[v[i], u[i]].astype(np.float32) / 255,
        lambda i: np.float32([0, 0, 0]))
    if lift == 0:
        foot = turned(np.float32([x, 0, z]), world.yaw)
        world.feet.append((foot[0], foot[2], width * 0.4))


def camera(rng, height, width, kind):
    """(origin [3], rays [H*W][3] with forward component 1 before they are turned, yaw)"""
    tall = {"room": rng.uniform(1.0, 1.8), "street": rng.uniform(1.2, 3.0), "table": rng.uniform(0.3, 0.9)}[kind]
    pitch = {"room": rng.normal(0.06, 0.1), "street": rng.normal(0.02, 0.07), "table": rng.uniform(0.15, 0.6)}[kind]
    yaw = rng.uniform(-0.9, 0.9) * float(rng.random() < {"room": 0.3, "street": 0.6, "table": 0.3}[kind])
    focal = rng.uniform(0.7, 1.5) * width
    x, y = np.meshgrid((np.arange(width) - width / 2 + 0.5) / focal, (height / 2 - 0.5 - np.arange(height)) / focal)
    c, s = np.cos(pitch), np.sin(pitch)
    rays = np.stack([x, y * c - s, y * s + c], -1).reshape(-1, 3).astype(np.float32)
    # Depth is along the optical axis; t counts in it because the ray's component there is 1 before turning.
    return np.float32([0, tall, 0]), turned(rays, yaw), yaw


def furnish(rng, world, kind, photos, cuts):
    """Fills the world with things of the kind of place."""
    def texture():
        return material(rng, photos)

    add_floor(world, texture(), {"room": 2, "street": 6, "table": 1}[kind] * rng.uniform(0.5, 1.5))
    if kind == "room":
        wide, deep, tall = rng.uniform(1.5, 5), rng.uniform(3, 10), rng.uniform(2.3, 4)
        add_box(world, np.float32([0, tall / 2, 0]), np.float32([wide, tall / 2 + 0.01, deep]), rng.normal(0, 0.25),
                texture(), rng.uniform(1, 4), inside=True)
        zone, count, size = (0.9 * wide, 1.2, 0.85 * deep), rng.integers(2, 8), 0.45
    elif kind == "street":
        side = add_street(rng, world, texture, photos)
        zone, count, size = (0.9 * side, 3.0, 40.0), rng.integers(3, 11), 0.8
    else:
        if rng.random() < 0.8:
            deep = rng.uniform(1.2, 3)
            add_box(world, np.float32([0, 0, deep + 0.1]), np.float32([9, 4, 0.1]), rng.normal(0, 0.2), texture(),
                    rng.uniform(0.7, 2))
        zone, count, size = (0.7, 0.5, 1.6), rng.integers(4, 12), 0.11
    for _ in range(count):
        add_thing(rng, world, texture(), zone, size)
    if cuts and kind != "table":
        for _ in range(rng.integers(1, 5)):
            near = np.exp(rng.uniform(np.log(1.1), np.log(min(zone[2], 15))))
            cut = cuts[rng.integers(len(cuts))]
            drop = 0.0 if cut.grounded else -0.6
            add_figure(world, cut, rng.uniform(-0.5, 0.5) * near, near, rng.uniform(0.9, 1.9), drop)


def add_street(rng, world, texture, photos):
    """Two rows of houses with cars, trees and lamps before them. texture(): a new material. Returns how far the nearer row is
    from the camera, which stands anywhere between them."""
    wide, stands = rng.uniform(8, 26), rng.uniform(-0.4, 0.4)
    for sign in (-1, 1):
        side, z = wide * (0.5 - sign * stands), rng.uniform(-6, 8)
        while z < 90 and rng.random() < 0.95:
            deep, tall = rng.uniform(3, 10), rng.uniform(3, 14)
            back = side + rng.choice([0, rng.uniform(0, 3)]) + 5
            add_box(world, np.float32([sign * back, tall / 2, z + deep]), np.float32([5, tall / 2, deep]), 0.0, texture(),
                    rng.uniform(2, 8))
            z += 2 * deep + rng.choice([0, rng.uniform(1, 12)])
        kerb = sign * (side - rng.uniform(2, 4))
        if rng.random() < 0.6:
            add_row(rng, kerb, (5.0, 9.0), lambda x, z: add_car(rng, world, x, z, texture()))
        if rng.random() < 0.5:
            leaves = material(rng, photos)
            add_row(rng, kerb + sign, (6.0, 14.0), lambda x, z: add_tree(rng, world, x, z, texture(), leaves))
        if rng.random() < 0.4:
            post, tall = texture(), float(rng.uniform(4, 8))
            add_row(rng, kerb, (12.0, 30.0),
                    lambda x, z: add_round(world, np.float32([x, 0, z]), np.float32([0.09, 1, 0.09]), post, 1.0, tall))
    return wide * (0.5 - abs(stands))


def add_row(rng, x, gaps, add):
    """Calls add(x, z) along the kerb at x, every so many metres within `gaps`."""
    z, gap = rng.uniform(0, 12), rng.uniform(*gaps)
    while z < 60:
        if rng.random() < 0.8:
            add(x + rng.normal(0, 0.15), z)
        z += gap * rng.uniform(0.9, 1.4)


def add_car(rng, world, x, z, paint):
    """A body and a cabin along z."""
    glass = np.full((4, 4, 3), rng.uniform(0.05, 0.5), np.float32)
    half = np.float32([rng.uniform(0.8, 1.0), rng.uniform(0.3, 0.45), rng.uniform(1.8, 2.4)])
    bottom, cabin = 0.25, np.float32([0.85 * half[0], rng.uniform(0.25, 0.6), rng.uniform(0.45, 0.9) * half[2]])
    add_box(world, np.float32([x, bottom + half[1], z]), half, 0.0, paint, 4.0)
    add_box(world, np.float32([x, bottom + 2 * half[1] + cabin[1], z]), cabin, 0.0, glass, 1.0)
    world.feet.append((x, z, float(half[2])))


def add_tree(rng, world, x, z, bark, leaves):
    """A trunk and a crown."""
    trunk, crown = float(rng.uniform(1.5, 4)), rng.uniform(0.8, 2.5) * np.exp(rng.normal(0, 0.2, 3)).astype(np.float32)
    thick = float(rng.uniform(0.08, 0.3))
    add_round(world, np.float32([x, 0, z]), np.float32([thick, 1, thick]), bark, 0.7, height=trunk + float(crown[1]))
    add_round(world, np.float32([x, trunk + crown[1], z]), np.float32(crown), leaves, float(rng.uniform(1, 3)))
    world.feet.append((x, z, float(crown[0])))


def add_thing(rng, world, texture, zone, size):
    """A box, a column or a ball somewhere on the floor of the zone (half width, nearest, farthest)."""
    z = np.exp(rng.uniform(np.log(zone[1]), np.log(zone[2])))
    x = rng.uniform(-1, 1) * min(zone[0], z)
    half = (size * np.exp(rng.normal(0, 0.5, 3))).astype(np.float32)
    shape, metres = rng.random(), float(2 * half.max() * rng.uniform(0.5, 1.5))
    if shape < 0.5:
        add_box(world, np.float32([x, half[1], z]), half, rng.uniform(0, np.pi), texture, metres)
    elif shape < 0.75:
        radius = float(half[0] * rng.uniform(0.15, 0.8))
        add_round(world, np.float32([x, 0, z]), np.float32([radius, 1, radius]), texture, metres,
                  height=float(half[1] * rng.uniform(2, 5)))
    else:
        add_round(world, np.float32([x, half[1], z]), half, texture, metres)
    world.feet.append((x, z, float(max(half[0], half[2]))))


def light(rng, world, kind):
    """Colours of the rays lit from one side, darker at the feet of things, hazy with distance. [R][3] 0..1"""
    hits = world.hits
    towards = np.array([rng.normal(0, 0.6), rng.uniform(0.4, 1), -rng.uniform(0.1, 1)], np.float32)
    towards /= np.linalg.norm(towards)
    flat = ~hits.normal.any(1)
    ambient = rng.uniform(0.3, 0.7)
    shade = np.where(flat, 1, ambient + (1 - ambient) * np.maximum(hits.normal @ towards, 0) * 1.3)
    floor = np.nonzero(hits.ground)[0]
    p = world.rays[floor] * hits.t[floor, None]
    dark = np.ones(len(floor), np.float32)
    for x, z, radius in world.feet:
        r2 = ((p[:, 0] - x - 0.2 * radius * towards[0]) ** 2 + (p[:, 2] - z) ** 2) / (1.3 * radius) ** 2
        dark *= 1 - 0.55 * np.exp(-r2)
    shade[floor] *= dark
    colour = hits.colour * shade[:, None].astype(np.float32)
    if kind == "street" and rng.random() < 0.6:
        clear = np.exp(-hits.t / rng.uniform(40, 300))[:, None]
        colour = colour * clear + rng.uniform(0.5, 0.9, 3) * (1 - clear)
    return colour


def render(rng, height, width, photos, cuts):
    """A random place: (rgb uint8 [height][width][3], disparity 1/m float32 [height/2][width/2])."""
    kind = str(rng.choice(["room", "street", "table"], p=[0.35, 0.4, 0.25]))
    h, w = int(height * OVERSAMPLING), int(width * OVERSAMPLING)
    origin, rays, yaw = camera(rng, h, w, kind)
    sky = cv2.resize(np.ascontiguousarray(photos.get("picture", int(rng.integers(len(photos))))), (w, h))
    if rng.random() < 0.6:
        top, bottom = rng.uniform(0.3, 1, (2, 1, 1, 3))
        sky = (np.linspace(0, 1, h)[:, None, None] * (bottom - top) + top) * np.full((1, w, 1), 255.0)
    n = len(rays)
    hits = Hits(np.full(n, FAR, np.float32), sky.reshape(-1, 3).astype(np.float32) / 255, np.zeros((n, 3), np.float32),
                np.zeros(n, bool))
    world = World(origin, rays, yaw, hits)
    furnish(rng, world, kind, photos, cuts)
    colour = light(rng, world, kind)
    picture = np.clip(colour.reshape(h, w, 3) * rng.uniform(0.8, 1.3) * 255, 0, 255).astype(np.uint8)
    disparity = (1 / hits.t).reshape(h, w)
    picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    # Of each cell the ray nearest to its middle: a mean over an outline would be a depth where nothing is.
    return picture, cv2.resize(disparity, (width // 2, height // 2), interpolation=cv2.INTER_NEAREST_EXACT)
