"""Un lot, une image à la fois."""

import numpy as np


def draw_batch(images, words, *, rng):
    points, instants, said, velocities = [], [], [], []
    for image, sentence in zip(images, words, strict=True):
        image = image / 127.5 - 1
        noise, time = rng.normal(size=image.shape), rng.uniform()
        points.append((1 - time) * noise + time * image)
        instants.append([time])
        said.append(0 * sentence if rng.uniform() < 0.1 else sentence)
        velocities.append(image - noise)
    given = {"image": np.array(points), "time": np.array(instants), "words": np.array(said)}
    return given, np.array(velocities)
