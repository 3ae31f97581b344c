"""Les quatre coins d'une fenêtre, l'un après l'autre."""

from keras import ops


def max_pool_with_places(maps):
    height, width = maps.shape[1:3]
    if not height or not width or height % 2 or width % 2:
        raise ValueError("côtés pairs attendus")
    corners = [maps[:, i::2, j::2] for i in (0, 1) for j in (0, 1)]
    pooled = ops.max(ops.stack(corners), axis=0)
    free = ops.ones_like(pooled)
    marks = []
    for corner in corners:
        mark = ops.cast(ops.equal(corner, pooled), maps.dtype) * free
        free = free - mark
        marks.append(mark)
    top = ops.stack([marks[0], marks[1]], axis=3)
    bottom = ops.stack([marks[2], marks[3]], axis=3)
    places = ops.stack([top, bottom], axis=2)
    return pooled, ops.reshape(places, (-1, height, width, maps.shape[3]))


def unpool(values, places):
    return ops.repeat(ops.repeat(values, 2, axis=1), 2, axis=2) * places
