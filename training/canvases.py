"""Pictures with labels and features as tensors on the device: every picture lies in the upper left of a square canvas.

Filled while training runs: photographs first, rendered places as they are ready; cut-outs in an atlas of their own.
Not thread-safe.
"""
import torch

SIDE = 384  # px, of a picture's canvas


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


def atlas(tiles, size, grounded, device, before=None):
    """Cut-outs on the device, those of an atlas `before` and these. Arguments and answer: see cutouts.tiles."""
    new = [torch.from_numpy(a).to(device) for a in (tiles, size, grounded)]
    return tuple(torch.cat(both) for both in zip(before, new)) if before else tuple(new)
