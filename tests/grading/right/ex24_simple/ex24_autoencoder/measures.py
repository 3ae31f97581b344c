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
    before, after = np.asarray(values[k - 1]), np.asarray(values[k])
    return before + share * (after - before)
