"""Les mêmes comptes, autrement."""

import math


def pads(size, kernel, *, stride=1, padding=0, dilation=1):
    if padding == "valid":
        return [0, 0]
    if padding == "same":
        needed = (math.ceil(size / stride) - 1) * stride + (kernel - 1) * dilation + 1 - size
        needed = max(needed, 0)
        return [needed // 2, needed - needed // 2]
    return [padding, padding] if isinstance(padding, int) else list(padding)


def output_size(size, kernel, *, stride=1, padding=0, dilation=1):
    room = size + sum(pads(size, kernel, stride=stride, padding=padding, dilation=dilation))
    count = len(range(0, room - dilation * (kernel - 1), stride))
    if count == 0:
        raise ValueError("rien ne tient")
    return count
