"""La ReLU une seule fois, après la mise bout à bout : elle agit carte par carte."""

from keras import layers, ops


def inception_module(x, widths):
    one, reduce_three, three, reduce_five, five, pooled = widths
    branches = [layers.Conv2D(one, 1)(x)]
    for small, large, side in ((reduce_three, three, 3), (reduce_five, five, 5)):
        reduced = ops.relu(layers.Conv2D(small, (1, 1))(x))
        branches.append(layers.Conv2D(large, (side, side), padding="same")(reduced))
    largest = ops.max_pool(x, 3, 1, padding="same")
    branches.append(layers.Conv2D(pooled, 1)(largest))
    return ops.relu(ops.concatenate(branches, axis=-1))
