"""Deep3D (2016) once more, in float64 numpy, written from the published facts and from nothing of this project: the
network, its parameter file and its selection operator. What the import, the engine and the kernels are held against.

    reference.py cases FILE              writes the cases that the C test reads
    reference.py check DEEP3D PROBE DIR  random weights and pictures; needs no cases; exits with 77 without numpy

Both use weights of the exact architecture in MXNet's file format of 2016. The cases' weights and pictures come from a
hash of their index, which the C test computes as well, so that only some answers need to be kept.
"""
import os
import struct
import subprocess
import sys

try:
    import numpy as np
except ImportError:
    # the system's own Python has its packages, also where another one comes first
    if sys.executable != "/usr/bin/python3" and os.path.exists("/usr/bin/python3"):
        os.execv("/usr/bin/python3", ["/usr/bin/python3", "-B", *sys.argv])
    print("SKIPPED: numpy is not here, so the independent implementation cannot run; the cases that it made are tested")
    sys.exit(77)

HEIGHT, WIDTH, CHANNELS = 160, 384, 33
NEAREST = -15  # pixels of 384 that channel 1 shifts by
LIMIT = 1e-4  # of probabilities, and of pictures whose white is 1


def shapes():
    """name -> (shape, fan-in or None for arrays that are no weights), in the file's order."""
    out = {}

    def layer(name, weight, count, fan_in):
        out[f"arg:{name}_weight"] = weight, fan_in
        out[f"arg:{name}_bias"] = (count,), None

    def conv(name, inputs, outputs, kernel=3):
        layer(name, (outputs, inputs, kernel, kernel), outputs, inputs * kernel * kernel)

    for name, inputs, outputs in (("1_1", 3, 64), ("2_1", 64, 128), ("3_1", 128, 256), ("3_2", 256, 256),
                                  ("4_1", 256, 512), ("4_2", 512, 512), ("5_1", 512, 512), ("5_2", 512, 512)):
        conv("conv" + name, inputs, outputs)
    for branch, inputs in enumerate((64, 128, 256, 512), 1):
        for part in ("arg:bn_pool%d_gamma", "arg:bn_pool%d_beta", "aux:bn_pool%d_moving_mean", "aux:bn_pool%d_moving_inv_var"):
            out[part % branch] = (inputs,), None
        conv(f"pred{branch}", inputs, CHANNELS)
    layer("fc6", (512, 512 * 5 * 12), 512, 512 * 5 * 12)
    layer("fc7", (512, 512), 512, 512)
    layer("pred5", (CHANNELS * 5 * 12, 512), CHANNELS * 5 * 12, 512)
    for branch in range(1, 6):
        size = 1 if branch == 1 else 2 ** branch
        layer(f"deconv_pred{branch}", (CHANNELS, CHANNELS, size, size), CHANNELS, CHANNELS * (1 if branch == 1 else 4))
    layer("deconv_predup", (CHANNELS, CHANNELS, 4, 4), CHANNELS, CHANNELS * 4)
    conv("convolution0", CHANNELS, CHANNELS)
    return out


def spread(name, fan_in):
    """(middle, half the range) of an array's values: answers must be neither flat nor certain."""
    if name.endswith("moving_mean"):
        return 0.5, 0.5
    if name.endswith(("moving_inv_var", "gamma")):
        return 1.25, 0.75
    if fan_in is None:
        return 0.0, 0.25
    gain = {"arg:conv1_1_weight": 1 / 128, "arg:convolution0_weight": 0.3}.get(name, 1)
    return 0.0, gain * (6 / fan_in) ** 0.5


def hashed(index, seed):
    """32 bits of each index; the mixer is Chris Wellons' lowbias32."""
    x = (np.asarray(index, np.uint64) + seed * 0x9E3779B9 & 0xFFFFFFFF).astype(np.uint32)
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x = (x ^ x >> np.uint32(shift)) * np.uint32(factor)
    return x ^ x >> np.uint32(16)


def hashed_weights():
    out = {}
    for number, (name, (shape, fan_in)) in enumerate(shapes().items()):
        middle, half = (np.float32(v) for v in spread(name, fan_in))
        units = (hashed(np.arange(np.prod(shape)), number + 1) >> np.uint32(8)).astype(np.float32) / np.float32(2 ** 23) - np.float32(1)
        out[name] = (middle + half * units).reshape(shape)
    return out


def random_weights(seed):
    random = np.random.default_rng(seed)
    out = {}
    for name, (shape, fan_in) in shapes().items():
        middle, half = spread(name, fan_in)
        out[name] = random.uniform(middle - half, middle + half, shape).astype(np.float32)
    return out


def write_params(path, weights):
    """MXNet's list of arrays as of 2016 (V0)."""
    with open(path, "wb") as file:
        file.write(struct.pack("<QQQ", 0x112, 0, len(weights)))
        for array in weights.values():
            file.write(struct.pack(f"<I{array.ndim}I", array.ndim, *array.shape))
            file.write(struct.pack("<iii", 2, 0, 0))  # it lay on GPU 0, in float32
            file.write(array.tobytes())
        file.write(struct.pack("<Q", len(weights)))
        for name in weights:
            file.write(struct.pack("<Q", len(name)) + name.encode())


def hashed_picture(width, height, seed):
    """[height][width][3], R, G, B: large tiles and fine noise."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    tiles = hashed(x * 24 // width + y * 10 // height * 64 + c * 4096, seed) & np.uint32(191)
    noise = hashed((y * width + x) * 3 + c, seed + 1) & np.uint32(63)
    return (tiles + noise).astype(np.uint8)


# --- the network, [C][H][W]

def convolve(x, w, bias):
    outputs, inputs, size, _ = w.shape
    _, height, width = x.shape
    padded = np.pad(x, ((0, 0), (size // 2,) * 2, (size // 2,) * 2))
    y = np.zeros((outputs, height * width))
    for v in range(size):
        for u in range(size):
            tap = np.ascontiguousarray(w[:, :, v, u])  # numpy gives BLAS no other
            y += tap @ padded[:, v:v + height, u:u + width].reshape(inputs, -1)
    return y.reshape(outputs, height, width) + bias[:, None, None]


def deconvolve(x, w, bias, stride):
    inputs, outputs, size, _ = w.shape
    _, height, width = x.shape
    pad = stride // 2
    y = np.zeros((outputs, (height - 1) * stride + size, (width - 1) * stride + size))
    parts = (w.reshape(inputs, -1).T @ x.reshape(inputs, -1)).reshape(outputs, size, size, height, width)
    for v in range(size):
        for u in range(size):
            y[:, v:v + stride * height:stride, u:u + stride * width:stride] += parts[:, v, u]
    return y[:, pad:y.shape[1] - pad, pad:y.shape[2] - pad] + bias[:, None, None]


def relu(x):
    return np.maximum(x, 0)


def pool(x):
    c, height, width = x.shape
    return x.reshape(c, height // 2, 2, width // 2, 2).max((2, 4))


class Network:
    def __init__(self, weights):
        self.w = {name[4:]: array.astype(np.float64) for name, array in weights.items()}

    def conv(self, x, name):
        return convolve(x, self.w[name + "_weight"], self.w[name + "_bias"])

    def full(self, x, name):
        return self.w[name + "_weight"] @ x + self.w[name + "_bias"]

    def deconv(self, x, name, stride):
        return deconvolve(x, self.w[name + "_weight"], self.w[name + "_bias"], stride)

    def norm(self, x, branch):
        gamma, beta, mean, inverse = (self.w[f"bn_pool{branch}_{part}"][:, None, None]
                                      for part in ("gamma", "beta", "moving_mean", "moving_inv_var"))
        return gamma * (x - mean) * inverse + beta

    def run(self, bgr):
        """[3][160][384] in B, G, R, 0..255 -> [33][160][384]"""
        x, pools = bgr, []
        for stage in (("1_1",), ("2_1",), ("3_1", "3_2"), ("4_1", "4_2"), ("5_1", "5_2")):
            for name in stage:
                x = relu(self.conv(x, "conv" + name))
            x = pool(x)
            pools.append(x)
        x = x.reshape(-1)
        for name in ("fc6", "fc7"):
            x = relu(self.full(x, name))
        maps = [self.conv(self.norm(pools[i - 1], i), f"pred{i}") for i in range(1, 5)]
        maps.append(self.full(x, "pred5").reshape(CHANNELS, 5, 12))
        x = sum(self.deconv(relu(m), f"deconv_pred{i}", 2 ** (i - 1)) for i, m in enumerate(maps, 1))
        x = self.conv(relu(self.deconv(relu(x), "deconv_predup", 2)), "convolution0")
        x = np.exp(x - x.max(0))
        return x / x.sum(0)


def select(p, left, u):
    """The operator, pixel by pixel of the network: p [33][h][w], left [3][h u][w u] -> the right view."""
    _, height, width = p.shape
    columns = np.arange(width)
    right = np.zeros(left.shape)
    for row in range(height):
        # the four samples of each pixel; one that is missing is the pixel's own
        s = np.empty((2, 2, CHANNELS, width))
        for v in range(2):
            for h in range(2):
                there = (columns + h < width) & (row + v < height)
                s[v, h] = np.where(there, p[:, min(row + v, height - 1), np.minimum(columns + h, width - 1)], p[:, row])
        for v in range(u):
            for h in range(u):
                a, b = h / u, v / u
                mixed = (s[0, 0] * (1 - a) + s[0, 1] * a) * (1 - b) + (s[1, 0] * (1 - a) + s[1, 1] * a) * b
                at = columns * u + h
                total = np.zeros((3, width))
                for channel in range(1, CHANNELS):
                    source = np.clip(at - (channel - 1 + NEAREST) * u, 0, width * u - 1)
                    total += mixed[channel] * left[:, row * u + v, source]
                right[:, row * u + v, at] = total / (mixed.sum(0) if u > 1 else 1)
    return right


def answer(network, picture, mean=0):
    """The distribution and the right view, R, G, B, of a picture u times as large as the network's input."""
    planes = picture.transpose(2, 0, 1).astype(np.float64)
    u = planes.shape[1] // HEIGHT
    small = planes.reshape(3, HEIGHT, u, WIDTH, u).mean((2, 4))
    p = network.run(small[::-1] - mean)
    return p, select(p, planes, u)


# --- what is done with it

def write_cases(path):
    network = Network(hashed_weights())
    with open(path, "w") as file:
        for seed, u in ((101, 1), (202, 2), (303, 5)):
            width, height = WIDTH * u, HEIGHT * u
            p, right = answer(network, hashed_picture(width, height, seed))
            print(f"picture {seed}, u {u}: largest p {p.max():.3f}, mean of channel 0 {p[0].mean():.3f}, "
                  f"entropy {-(p * np.log(p)).sum(0).mean():.2f} of {np.log(CHANNELS):.2f}")
            file.write(f"picture {seed} {u}\n")
            random = np.random.default_rng(seed)
            for i in range(120):
                c, y, x = random.integers(CHANNELS), random.integers(HEIGHT), random.integers(WIDTH)
                file.write(f"p {c} {y} {x} {p[c, y, x]:.9g}\n")
            for i in range(120):
                # the last pixels of both directions are special, and the borders are repeated
                y = height - 1 - random.integers(u) if i % 4 == 0 else random.integers(height)
                x = (width - 1 - random.integers(2 * u) if i % 4 == 1 else random.integers(20 * u) if i % 4 == 2
                     else random.integers(width))
                c = random.integers(3)
                file.write(f"r {y} {x} {c} {right[c, y, x]:.9g}\n")


def run_probe(probe, model, picture, folder):
    height, width, _ = picture.shape
    files = [os.path.join(folder, name) for name in ("picture.raw", "p.raw", "right.raw")]
    picture.tofile(files[0])
    subprocess.run([probe, model, str(width), str(height), *files], check=True)
    return (np.fromfile(files[1], np.float32).reshape(CHANNELS, HEIGHT, WIDTH),
            np.fromfile(files[2], np.float32).reshape(3, height, width))


def check(deep3d, probe, folder):
    os.makedirs(folder, exist_ok=True)
    params, model, npz = (os.path.join(folder, name) for name in ("random.params", "random.onnx", "mean.npz"))
    random = np.random.default_rng(7)
    weights = random_weights(7)
    network = Network(weights)
    write_params(params, weights)
    mean = random.uniform(80, 130, (3, HEIGHT, WIDTH)).astype(np.float32)
    np.savez(npz, left=mean)
    worst = 0
    for options, taken, u in (((), 0, 4), (("--mean", "120,110,100"), np.reshape((100, 110, 120), (3, 1, 1)), 1),
                              (("--mean", npz), mean, 2)):
        subprocess.run([deep3d, "import", params, "-o", model, *options], check=True)
        picture = hashed_picture(WIDTH * u, HEIGHT * u, 7 + u)
        p, right = answer(network, picture, taken)
        their_p, their_right = run_probe(probe, model, picture, folder)
        errors = abs(their_p - p).max(), abs(their_right - right).max() / 255
        worst = max(worst, *errors)
        print(f"mean {options[1] if options else 'none'}, u {u}: probabilities (largest {p.max():.2f}) differ by at most "
              f"{errors[0]:.2g}, the right view by {errors[1]:.2g} of white")
    for name in (params, model, npz):
        os.remove(name)
    print("agreement is", "good" if worst <= LIMIT else "NOT GOOD", f"({worst:.2g}, allowed are {LIMIT:g})")
    return int(worst > LIMIT)


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "cases":
        write_cases(sys.argv[2])
    elif len(sys.argv) == 5 and sys.argv[1] == "check":
        sys.exit(check(*sys.argv[2:]))
    else:
        sys.exit(__doc__)
