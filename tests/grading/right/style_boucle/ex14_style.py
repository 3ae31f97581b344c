"""Tout en TensorFlow, avec sa propre boucle et `tf.einsum`."""

import keras
import tensorflow as tf

from convnets.explaining import dreams


def _gap(found, target):
    return tf.nn.l2_loss(found - target) / tf.nn.l2_loss(tf.convert_to_tensor(target))


def content_loss(maps, target):
    return tf.add_n([_gap(maps[name], target[name]) for name in target]) / len(target)


def gram_matrix(maps):
    maps = tf.convert_to_tensor(maps)
    places = tf.cast(tf.shape(maps)[1] * tf.shape(maps)[2], tf.float32)
    return tf.einsum("nijc,nijd->cd", maps, maps) / places


def style_loss(maps, target):
    gaps = [_gap(gram_matrix(maps[name]), gram) for name, gram in target.items()]
    return tf.reduce_mean(tf.stack(gaps))


def transfer(base, content, style, *, content_layers=None, style_layers=None, options):
    model = dreams.extractor(base, [*content_layers, *style_layers])
    wanted = model(content[None])
    grams = {name: gram_matrix(maps) for name, maps in model(style[None]).items()}
    pixels = tf.Variable(content[None])
    adam = keras.optimizers.Adam(3.0)
    curves = {"contenu": [], "style": [], "variation": []}
    for _ in range(options.steps):
        with tf.GradientTape() as tape:
            maps = model(pixels)
            parts = [
                options.content_weight
                * content_loss(maps, {name: wanted[name] for name in content_layers}),
                options.style_weight
                * style_loss(maps, {name: grams[name] for name in style_layers}),
                options.tv_weight * dreams.total_variation(pixels / 255),
            ]
            total = sum(parts)
        for curve, part in zip(curves.values(), parts, strict=True):
            curve.append(float(part))
        adam.apply_gradients([(tape.gradient(total, pixels), pixels)])
        pixels.assign(tf.clip_by_value(pixels, 0, 255))
    return pixels[0].numpy(), curves
