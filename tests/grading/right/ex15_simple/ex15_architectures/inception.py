"""Les quatre branches, écrites l'une après l'autre."""

from keras import layers


def inception_module(x, widths):
    one = layers.Conv2D(widths.one, 1, activation="relu")(x)
    three = layers.Conv2D(widths.reduce_three, 1, activation="relu")(x)
    three = layers.Conv2D(widths.three, 3, padding="same", activation="relu")(three)
    five = layers.Conv2D(widths.reduce_five, 1, activation="relu")(x)
    five = layers.Conv2D(widths.five, 5, padding="same", activation="relu")(five)
    pooled = layers.MaxPooling2D(pool_size=3, strides=1, padding="same")(x)
    pooled = layers.Conv2D(widths.pooled, 1, activation="relu")(pooled)
    return layers.concatenate([one, three, five, pooled])
