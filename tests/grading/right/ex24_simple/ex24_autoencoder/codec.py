"""Arrondir, puis borner."""

import numpy as np

from exercises.ex24_autoencoder import coder

ROUNDING = 0.35


def quantise(codes, step):
    codes = np.asarray(codes) / step
    up = np.floor(codes + ROUNDING)
    down = np.ceil(codes - ROUNDING)
    return np.clip(np.where(codes > 0, up, down), -coder.LIMIT, coder.LIMIT).astype(int)
