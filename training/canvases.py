"""Pictures with labels and features as tensors on the device: every picture lies in the upper left of a square canvas.

Filled while training runs: photographs first, rendered places as they are ready; cut-outs in an atlas of their own.
Not thread-safe.
"""
import numpy as np
import torch

SIDE = 384  # px, of a picture's canvas
CUT_SIDE = 256  # px, of a cut-out's
RELIEF_RANGE = 0.7  # of a cut-out's relief as stored, around 0


class Canvases:
    """room: how many pictures fit; taught: how many of them, the first ones, have features of `channels` (coarse, fine)."""

    def __init__(self, room, taught, channels, device):
        self.count, self.photos = 0, 0
        self.picture = torch.zeros(room, 3, SIDE, SIDE, dtype=torch.uint8, device=device)
        self.maps = torch.zeros(room, 2, SIDE // 2, SIDE // 2, dtype=torch.float16, device=device)  # disparity, trust
        self.size = torch.zeros(room, 2, dtype=torch.float32, device=device)  # height, width
        self.coarse = torch.zeros(taught, channels[0], SIDE // 16, SIDE // 16, dtype=torch.uint8, device=device)
        self.fine = torch.zeros(taught, channels[1], SIDE // 8, SIDE // 8, dtype=torch.uint8, device=device)

    def add(self, picture, disparity, trust, coarse=None, fine=None):
        """picture: uint8 [N][3][H][W]; disparity, trust: [N][H/2][W/2], trust 0..1; features uint8. Those with features come
        before all others."""
        n, height, width = picture.shape[0], *picture.shape[2:]
        at = slice(self.count, self.count + n)
        self.picture[at, :, :height, :width] = picture.to(self.picture.device)
        for k, m in enumerate((disparity, trust)):
            self.maps[at, k, :height // 2, :width // 2] = m.to(self.maps.device, torch.float16)
        self.size[at] = torch.tensor([height, width], dtype=torch.float32, device=self.size.device)
        if coarse is not None:
            assert self.photos == self.count
            self.coarse[at, :, :height // 16, :width // 16] = coarse
            self.fine[at, :, :height // 8, :width // 8] = fine
            self.photos += n
        self.count += n

    def room(self):
        return len(self.picture) - self.count

    def feature_statistics(self, most=500):
        """((mean, deviation) [C] of the coarse maps, the same of the fine ones) over what pictures cover."""
        out = []
        for maps, cell in ((self.coarse, 16), (self.fine, 8)):
            pick = torch.linspace(0, self.photos - 1, min(most, self.photos), device=maps.device).long()
            row = torch.arange(maps.shape[-1], device=maps.device)
            inside = (row[None, :, None] < self.size[pick, 0, None, None] // cell) & (row < self.size[pick, 1, None, None] // cell)
            values = maps[pick].movedim(1, -1)[inside].float()
            out.append((values.mean(0), values.std(0) + 1))
        return out


def atlas(cuts, device):
    """Cut-outs as (uint8 [N][5][CUT_SIDE][CUT_SIDE]: RGB, alpha, relief; size [N][2]; grounded [N]) on the device."""
    import cv2

    tiles = np.zeros((len(cuts), 5, CUT_SIDE, CUT_SIDE), np.uint8)
    tiles[:, 4] = 128
    sizes = np.zeros((len(cuts), 2), np.float32)
    for tile, size, cut in zip(tiles, sizes, cuts):
        h, w = cut.alpha.shape
        k = CUT_SIDE / max(h, w)
        size[:] = max(8, round(h * k)), max(8, round(w * k))
        h, w = (int(s) for s in size)
        method = cv2.INTER_AREA if k < 1 else cv2.INTER_LINEAR
        relief = np.clip(cut.relief / RELIEF_RANGE + 0.5, 0, 1) * 255
        for part, channels in ((cut.rgb, slice(0, 3)), (np.clip(cut.alpha, 0, 1) * 255, 3), (relief, 4)):
            scaled = cv2.resize(part.astype(np.float32), (w, h), interpolation=method)
            tile[channels, :h, :w] = np.moveaxis(scaled, 2, 0) if scaled.ndim == 3 else scaled
    return (torch.from_numpy(tiles).to(device), torch.from_numpy(sizes).to(device),
            torch.tensor([c.grounded for c in cuts], device=device))
