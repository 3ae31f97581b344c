"""Arrondir, puis borner."""

import numpy as np

ROUNDING, LIMIT = 0.35, 127


def quantise(codes, step):
    codes = np.asarray(codes) / step
    up = np.floor(codes + ROUNDING)
    down = np.ceil(codes - ROUNDING)
    return np.clip(np.where(codes > 0, up, down), -LIMIT, LIMIT).astype(int)
