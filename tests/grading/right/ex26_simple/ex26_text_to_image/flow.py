"""Des tableaux entiers, et les fonctions de SciPy."""

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import logsumexp


def travel(noise, images, times):
    return np.einsum("n,n...->n...", 1 - times, noise) + np.einsum("n,n...->n...", times, images)


def exact_velocity(points):
    flat = np.reshape(points, (len(points), -1))

    def velocity(x, time):
        place = np.reshape(x, (len(x), -1))
        logs = -0.5 * cdist(place, time * flat, "sqeuclidean") / (1 - time) ** 2
        shares = np.exp(logs - logsumexp(logs, axis=1, keepdims=True))
        noise = (place - time * (shares @ flat)) / (1 - time)  # le bruit moyen qui menait ici
        return (shares @ flat - noise).reshape(np.shape(x))

    return velocity


def guided(asked, free, guidance):
    return lambda x, t: free(x, t) * (1 - guidance) + guidance * asked(x, t)


def follow(velocity, noise, *, num_steps=20):
    path, x = [noise], noise
    for t in np.arange(num_steps) / num_steps:
        x = x + (1 / num_steps) * velocity(x, t)
        path.append(x)
    return path
