"""Une image à la fois."""

import numpy as np


def travel(noise, images, times):
    points = np.zeros(images.shape, images.dtype)
    for k, time in enumerate(times):
        points[k] = noise[k] + time * (images[k] - noise[k])
    return points


def exact_velocity(points):
    def velocity(x, time):
        found = np.zeros(x.shape)
        for k, place in enumerate(x):
            logs = [
                -np.sum((place - time * image) ** 2) / (2 * (1 - time) ** 2) for image in points
            ]
            chances = np.exp(np.array(logs) - max(logs))
            chances = chances / chances.sum()
            for chance, image in zip(chances, points, strict=True):
                found[k] += chance * (image - place) / (1 - time)
        return found

    return velocity


def guided(asked, free, guidance):
    def velocity(x, time):
        return guidance * asked(x, time) + (1 - guidance) * free(x, time)

    return velocity


def follow(velocity, noise, *, num_steps=20):
    path = np.zeros((num_steps + 1, *noise.shape))
    path[0] = noise
    for k in range(num_steps):
        path[k + 1] = path[k] + velocity(path[k], k / num_steps) / num_steps
    return path


def to_unit(images):
    return (images / 127.5 - 1).astype(np.float32)
