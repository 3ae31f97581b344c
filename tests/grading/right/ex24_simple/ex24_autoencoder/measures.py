"""Les mesures de TensorFlow, et une aire exacte."""

import math

import numpy as np
import tensorflow as tf


def psnr(truth, found):
    if truth.shape != found.shape:
        raise ValueError(f"{truth.shape} et {found.shape}")
    whole = [tf.constant(np.reshape(each, (1, -1, 1)), tf.float64) for each in (truth, found)]
    error = tf.reduce_mean(tf.square(whole[0] - whole[1]))
    return float(10 * tf.math.log(255**2 / error) / math.log(10))


def ssim(truth, found):
    if truth.shape != found.shape:
        raise ValueError(f"{truth.shape} et {found.shape}")
    values = tf.image.ssim(truth.astype(np.float32), found.astype(np.float32), max_val=255)
    return float(tf.reduce_mean(values))


def at_rate(rates, values, rate):
    k = max(1, min(len(rates) - 1, sum(each <= rate for each in rates)))
    share = math.log(rate / rates[k - 1]) / math.log(rates[k] / rates[k - 1])
    return values[k - 1] + share * (values[k] - values[k - 1])


def mean_gain(curve, other):
    low, high = max(curve[0][0], other[0][0]), min(curve[0][-1], other[0][-1])
    if not low < high:
        raise ValueError("pas de débit commun")
    rates = sorted({low, high} | {r for r in [*curve[0], *other[0]] if low < r < high})
    area = 0.0
    for before, after in zip(rates, rates[1:], strict=False):
        ends = [at_rate(*curve, r) - at_rate(*other, r) for r in (before, after)]
        area += math.log(after / before) * sum(ends) / 2
    return area / math.log(high / low)
