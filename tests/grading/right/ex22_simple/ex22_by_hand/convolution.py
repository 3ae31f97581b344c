import numpy as np


def windows(x, shape, stride):
    n, h, w, c = x.shape
    kh, kw = shape
    if kh > h or kw > w:
        raise ValueError("fenêtre trop grande")
    rows, cols = (h - kh) // stride + 1, (w - kw) // stride + 1
    out = np.zeros((n, rows, cols, kh, kw, c), x.dtype)
    for i in range(rows):
        for j in range(cols):
            a, b = i * stride, j * stride
            out[:, i, j] = x[:, a : a + kh, b : b + kw]
    return out


def add_windows(patches, shape, stride):
    x = np.zeros(shape, patches.dtype)
    _, rows, cols, kh, kw, _ = patches.shape
    for i in range(rows):
        for j in range(cols):
            a, b = i * stride, j * stride
            x[:, a : a + kh, b : b + kw] += patches[:, i, j]
    return x


class Convolution:
    def __init__(self, kernel, bias, *, stride=1, padding=0):
        self.weights, self.gradients = [kernel, bias], []
        self.stride, self.padding = stride, padding

    def forward(self, x):
        kernel, bias = self.weights
        p = self.padding
        self.image = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
        self.read = windows(self.image, kernel.shape[:2], self.stride)
        return np.tensordot(self.read, kernel, axes=3) + bias

    def backward(self, dy):
        kernel, _ = self.weights
        dk = np.tensordot(self.read, dy, axes=([0, 1, 2], [0, 1, 2]))
        self.gradients = [dk, dy.sum(axis=(0, 1, 2))]
        patches = np.tensordot(dy, kernel, axes=([3], [3]))
        dx = add_windows(patches, self.image.shape, self.stride)
        p = self.padding
        return dx[:, p:-p, p:-p] if p else dx
