"""Batches made on the device out of canvases: crops, mirroring, montages with cut-outs, twins, wear. The fast twin of data.py
and of the montages of scenes.py; training.sprint uses it.

Every view of a picture is a stack of layers, the crop below and up to three cut-outs above it, each placed by a scale and a
shift. A twin is the same stack with each layer moved a little, as a camera and people move from frame to frame, so the
motion of each of its pixels is known exactly. Places are in torch's grid_sample units, -1..1 between a picture's borders.
"""
import torch
import torch.nn.functional as F

from .canvases import SIDE
from .cutouts import RELIEF_RANGE
from .cutouts import SIDE as CUT_SIDE
from .data import LEAST_RANGE, OUTSIDE, Batch
from .wear import constant, strengths, wear

LAYERS = 3  # cut-outs of a montage at most
COUNTS = (1, 1, 2, 2, 3)
FINE_BELOW = 420  # px; narrower pictures are sampled at twice their size


def _grid(scale, shift, height, width):
    """[N][2] each (x, y) -> [N][height][width][2]: scale * place + shift."""
    y = (torch.arange(height, device=scale.device) + 0.5) / height * 2 - 1
    x = (torch.arange(width, device=scale.device) + 0.5) / width * 2 - 1
    gx = scale[:, 0, None] * x + shift[:, 0, None]
    gy = scale[:, 1, None] * y + shift[:, 1, None]
    return torch.stack(torch.broadcast_tensors(gx[:, None, :], gy[:, :, None]), 3)


def _sample(maps, grid, padding="border", mode="bilinear"):
    return F.grid_sample(maps, grid, mode=mode, padding_mode=padding, align_corners=False)


def normalise(disparity, trust):
    """Each map moved so that the 2nd and 98th percentile of its trusted pixels are 0 and 1, and clipped. [N][h][w]"""
    few = disparity[:, ::3, ::3].flatten(1)
    known = trust[:, ::3, ::3].flatten(1) > 0.2
    known = known | (known.float().mean(1, keepdim=True) < 0.05)
    few = torch.where(known, few, torch.full_like(few, float("nan")))
    low, high = torch.nanquantile(few, constant((0.02, 0.98), few.device), 1)
    spread = (high - low).clamp(min=LEAST_RANGE)
    low = (low + high - spread) / 2
    return ((disparity - low[:, None, None]) / spread[:, None, None]).clamp(0, 1)


class Stack:
    """Cut-outs of m montages: which ([m][LAYERS]), whether at all, and where."""

    def __init__(self, maker, m, height, width):
        tiles, size, grounded = maker.atlas
        uniform = maker.uniform
        self.which = torch.randint(len(tiles), (m, LAYERS), generator=maker.random, device=maker.device)
        counts = constant(COUNTS, maker.device)[torch.randint(len(COUNTS), (m, 1), generator=maker.random, device=maker.device)]
        self.active = (torch.arange(LAYERS, device=maker.device) < counts).float()
        h, w = size[self.which].unbind(2)
        stands = grounded[self.which]
        tall = torch.where(stands, uniform((m, LAYERS), 0.45, 1.0), uniform((m, LAYERS), 0.5, 1.15))
        tall = tall * torch.where(uniform((m, LAYERS), 0, 1) < 0.2, 0.5, 1.0)
        wide = tall * w / h * (height / width) * uniform((m, LAYERS), 0.85, 1.18)
        limit = (1.2 / wide).clamp(max=1)
        tall, wide = tall * limit, wide * limit
        top = torch.where(stands, uniform((m, LAYERS), 0.75, 1.02), uniform((m, LAYERS), 0.98, 1.15)) - tall
        left = uniform((m, LAYERS), -0.25, 1) - 0.2 * wide
        left = torch.minimum(torch.maximum(left, -0.5 * wide), 1 - 0.5 * wide)
        self.scale = torch.stack((w / wide, h / tall), 2) / CUT_SIDE
        self.shift = torch.stack(((0.5 - left) / wide * w, (0.5 - top) / tall * h), 2) * 2 / CUT_SIDE - 1
        mirror = uniform((m, LAYERS), 0, 1) < 0.5
        self.scale[..., 0] = torch.where(mirror, -self.scale[..., 0], self.scale[..., 0])
        self.shift[..., 0] = torch.where(mirror, 2 * w / CUT_SIDE - 2 - self.shift[..., 0], self.shift[..., 0])
        self.lift = uniform((m, LAYERS), 0.06, 0.4)
        self.relief = uniform((m, LAYERS), 0.2, 0.5)
        self.tinted = uniform((m, LAYERS), 0.1, 0.6) * (uniform((m, LAYERS), 0, 1) < 0.6)
        self.tint = torch.ones(m, LAYERS, 3, device=maker.device)  # known once the first view is painted
        self.shade = uniform((m, LAYERS), 0.1, 0.5) * (uniform((m, LAYERS), 0, 1) < 0.6)
        self.shade_at = torch.randn(m, LAYERS, 2, generator=maker.random, device=maker.device) * 0.04
        self.defocus = uniform((m,), 0.4, 1) * (uniform((m,), 0, 1) < 0.35)


class Maker:
    """Makes batches. places: share of rendered places once there are some; montages: share of pictures with cut-outs."""

    def __init__(self, canvases, seed, places=0.12, montages=0.35):
        self.canvases, self.device = canvases, canvases.picture.device
        self.places, self.montages = places, montages
        self.atlas = None  # as canvases.atlas gives it
        self.random = torch.Generator(self.device).manual_seed(seed)

    def uniform(self, shape, low, high):
        return low + (high - low) * torch.rand(shape, generator=self.random, device=self.device)

    def normal(self, shape, deviation):
        return torch.randn(shape, generator=self.random, device=self.device) * deviation

    def _every(self):
        """Every how many-th picture is a montage."""
        return max(1, round(1 / self.montages))

    def _choose(self, n):
        c = self.canvases
        pick = torch.randint(max(1, c.photos), (n,), generator=self.random, device=self.device)
        places = c.count - c.photos
        if places < 32:
            return pick
        other = c.photos + torch.randint(places, (n,), generator=self.random, device=self.device)
        return torch.where(self.uniform((n,), 0, 1) < self.places, other, pick)

    def _crop(self, pick, height, width):
        """Scale and shift [n][2] from the batch's pictures to the canvases, as data.choose_crop has it."""
        h, w = self.canvases.size[pick].unbind(1)
        n = len(pick)
        aspect = width / height * self.normal((n,), 0.25).exp()
        most = torch.minimum(h, w / aspect)
        ch = most * (1 - 0.45 * self.uniform((n,), 0, 1) ** 1.5)
        cw = ch * aspect
        y, x = self.uniform((n,), 0, 1) * (h - ch), self.uniform((n,), 0, 1) * (w - cw)
        scale = torch.stack((cw, ch), 1) / SIDE
        shift = torch.stack((x + cw / 2, y + ch / 2), 1) * 2 / SIDE - 1
        scale[:, 0] *= torch.where(self.uniform((n,), 0, 1) < 0.5, -1.0, 1.0)
        return scale, shift

    def _moves(self, t):
        """Scale and shift [t][2] of the twins' cameras: half of them as from frame to frame, half larger."""
        size = torch.where(self.uniform((t, 1), 0, 1) < 0.5, 0.25, 1.0)
        zoom = (self.normal((t, 1), 0.04) * size).exp().expand(t, 2)
        return zoom, self.normal((t, 2), 0.03) * size

    def make(self, n, t, height, width):
        """(Batch of n pictures and twins of the first t, with rgb left as float 0..1; the n pictures before wear)"""
        pick = self._choose(n)
        scale, shift = self._crop(pick, height, width)
        zoom, move = self._moves(t)
        view = torch.cat((torch.arange(n, device=self.device), torch.arange(t, device=self.device)))
        fine = 2 if width < FINE_BELOW else 1
        size = (height * fine, width * fine)
        view_scale = torch.cat((scale, scale[:t] * zoom))
        view_shift = torch.cat((shift, scale[:t] * move + shift[:t]))
        rgb = self._pictures(pick[view], view_scale, view_shift, *size)
        h, w = height // 2, width // 2
        maps = _sample(self.canvases.maps[pick].float(), self._kept(pick, _grid(scale, shift, h, w)))
        disparity, trust = maps[:, 0], maps[:, 1]
        grid = _grid(zoom, move, h, w)
        taught = (pick < self.canvases.photos).float()
        if self.montages and self.atlas is not None:
            mounted = torch.arange(0, n, self._every(), device=self.device)
            taught[mounted] = 0
            self._mount(mounted, (n, t), rgb, disparity, trust, grid, zoom, move, height, width)
        if fine > 1:
            rgb = F.avg_pool2d(rgb, fine)
        light = strengths(n, self.random, self.device)
        nearly = torch.where(self.uniform((t, 1), 0, 1) < 0.5, 0.15, 1.0)
        light = torch.cat((light, torch.lerp(light[:t], strengths(t, self.random, self.device), nearly)))
        clean = rgb[:n].clamp(0, 1)
        features = [_sample(m[pick.clamp(max=self.canvases.photos - 1)].float(), _grid(scale, shift, height // c, width // c))
                    for m, c in ((self.canvases.coarse, 16), (self.canvases.fine, 8))]
        nothing = torch.zeros(0, device=self.device)
        return Batch(rgb=wear(rgb.clone(), light, self.random), disparity=normalise(disparity, trust), weight=trust,
                     coarse=features[0], fine=features[1], taught=taught, grid=grid, paired=nothing.long(), eyes=nothing,
                     parallax=nothing), clean

    def _kept(self, pick, grid):
        """grid with places outside the pictures moved to their borders."""
        limit = (self.canvases.size[pick].flip(1) - 0.5) * 2 / SIDE - 1  # x, y
        return torch.minimum(grid.clamp(min=-1 + 1 / SIDE), limit[:, None, None])

    def _pictures(self, pick, scale, shift, height, width):
        grid = self._kept(pick, _grid(scale, shift, height, width))
        return _sample(self.canvases.picture[pick].float() / 255, grid)

    def _mount(self, mounted, counts, rgb, disparity, trust, grid, zoom, move, height, width):
        """Puts cut-outs on the pictures `mounted` (ascending) and on their twins; changes all maps in place."""
        n, t = counts
        m = len(mounted)
        stack = Stack(self, m, height, width)
        moving = len(range(0, t, self._every()))
        twins = mounted[:moving]
        frame = self._defocused(rgb[mounted], stack.defocus)
        d, w = disparity[mounted], trust[mounted]
        who = torch.zeros_like(d)
        frame_t = self._defocused(rgb[n + twins], stack.defocus[:moving])
        who_t = torch.zeros_like(d[:moving])
        grid_t = grid[twins]
        depth = torch.zeros(m, device=self.device)
        half = d.shape[1:]
        for k in range(LAYERS):
            tile = self.atlas[0][stack.which[:, k]].float() / 255
            tile[:, 3] *= stack.active[:, k, None, None]
            scale, shift = stack.scale[:, k], stack.shift[:, k]
            small = _sample(tile[:, 3:], _grid(scale, shift, *half), "zeros")
            inside = small[:, 0] > 0.5
            behind = self._behind(d, inside)
            depth = torch.where(inside.any(2).any(1), torch.maximum(depth, behind) + stack.lift[:, k], depth)
            own = depth[:, None, None] + (small[:, 1] - 0.5) * RELIEF_RANGE * stack.relief[:, k, None, None]
            d, w = torch.where(inside, own, d), torch.where(inside, torch.ones_like(w), w)
            who = torch.where(inside, torch.full_like(who, k + 1), who)
            frame = self._paint(frame, tile, stack, k, scale, shift, first=True)
            if moving:
                own_zoom = zoom[twins] * self.normal((moving, 1), 0.01).exp()
                own_move = move[twins] + self.normal((moving, 2), 0.02)
                there = scale[:moving] * own_zoom, scale[:moving] * own_move + shift[:moving]
                frame_t = self._paint(frame_t, tile[:moving], stack, k, *there, first=False)
                inside = _sample(tile[:moving, 3:4], _grid(*there, *half), "zeros")[:, 0] > 0.5
                who_t = torch.where(inside, torch.full_like(who_t, k + 1), who_t)
                grid_t = torch.where(inside[..., None], _grid(own_zoom.expand(-1, 2), own_move, *half), grid_t)
        rgb[mounted], disparity[mounted], trust[mounted] = frame, d, w
        if moving:
            seen = _sample(who[:moving, None], grid_t, "zeros", "nearest")[:, 0]
            hidden = (seen - who_t).abs() > 0.5
            rgb[n + twins] = frame_t
            grid[twins] = torch.where(hidden[..., None], torch.full_like(grid_t, OUTSIDE), grid_t)

    @staticmethod
    def _defocused(x, strength):
        if not len(x):
            return x
        soft = F.interpolate(F.avg_pool2d(x, 8), size=x.shape[2:], mode="bilinear", align_corners=False)
        return torch.lerp(x, soft, strength[:, None, None, None])

    @staticmethod
    def _behind(d, inside):
        """About the 90th percentile of d where `inside`, [m]."""
        share = inside.float()
        total = share.sum((1, 2)) + 1
        mean = (d * share).sum((1, 2)) / total
        spread = ((d - mean[:, None, None]).square() * share).sum((1, 2)) / total
        return mean + 1.3 * spread.sqrt()

    def _paint(self, frame, tile, stack, k, scale, shift, first):
        """frame with layer k and its shadow on it; the first view tells what tint the light of the place gives."""
        q, height, width = len(frame), *frame.shape[2:]
        cut = _sample(tile[:, :4], _grid(scale, shift, height, width), "zeros")
        alpha = cut[:, 3:]
        shaded = _grid(scale, shift + scale * stack.shade_at[:q, k], height // 16, width // 16)
        shadow = F.avg_pool2d(_sample(tile[:, 3:4], shaded, "zeros"), 3, 1, 1)
        shadow = F.interpolate(shadow, size=(height, width), mode="bilinear", align_corners=False)
        frame = frame * (1 - shadow * stack.shade[:q, k, None, None, None])
        if first:
            total = alpha.sum((2, 3)) + 1
            place, thing = ((c * alpha).sum((2, 3)) / total + 0.08 for c in (frame, cut[:, :3]))
            stack.tint[:, k] = (place / thing).clamp(0.2, 5) ** stack.tinted[:, k, None]
        colour = (cut[:, :3] * stack.tint[:q, k, :, None, None]).clamp(0, 1)
        return frame * (1 - alpha) + colour * alpha
