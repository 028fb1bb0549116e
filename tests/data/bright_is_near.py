"""A depth network that costs nothing, as ONNX: one 1x1 convolution, by which nearness is the mean of R, G and B."""
import struct


def _field(number, value):
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(n):
    out = b""
    while n > 0x7F:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def _value_info(name, dims):
    shape = b"".join(_field(1, _field(1, d)) for d in dims)
    return _field(1, name) + _field(2, _field(1, _field(1, 1) + _field(2, shape)))


def write(path):
    """Returns the path."""
    height, width = 72, 128
    weights = struct.pack("<3f", 1 / 3, 1 / 3, 1 / 3)
    initializer = b"".join(_field(1, d) for d in (1, 3, 1, 1)) + _field(2, 1) + _field(8, "w") + _field(9, weights)
    node = _field(1, "in") + _field(1, "w") + _field(2, "out") + _field(4, "Conv")
    graph = (_field(1, node) + _field(2, "bright") + _field(5, initializer) + _field(11, _value_info("in", (1, 3, height, width)))
             + _field(12, _value_info("out", (1, 1, height, width))))
    names = {"deep3d.name": "bright is near", "deep3d.output": "inverse_depth", "deep3d.mean": "0", "deep3d.scale": "1"}
    metadata = b"".join(_field(14, _field(1, k) + _field(2, v)) for k, v in names.items())
    with open(path, "wb") as file:
        file.write(_field(1, 7) + _field(8, _field(1, "") + _field(2, 13)) + _field(7, graph) + metadata)
    return path
