"""Les formules telles quelles, et la descente du cours."""

import numpy as np
from keras import ops

from convnets.explaining import dreams


def content_loss(maps, target):
    total = 0.0
    for name in target:
        total = total + ops.sum((maps[name] - target[name]) ** 2) / ops.sum(target[name] ** 2)
    return total / len(target)


def gram_matrix(maps):
    height, width, channels = maps.shape[1], maps.shape[2], maps.shape[3]
    lines = ops.transpose(ops.reshape(maps[0], (height * width, channels)))
    return ops.dot(lines, ops.transpose(lines)) / (height * width)


def style_loss(maps, target):
    total = 0.0
    for name in target:
        gram = gram_matrix(maps[name])
        total = total + ops.sum((gram - target[name]) ** 2) / ops.sum(target[name] ** 2)
    return total / len(target)


def transfer(base, content, style, *, content_layers=(), style_layers=(), options):
    model = dreams.extractor(base, list(content_layers) + list(style_layers))
    of_content, of_style = model(content[None]), model(style[None])
    grams = {name: gram_matrix(of_style[name]) for name in style_layers}
    kept = {name: of_content[name] for name in content_layers}

    def losses(pixels):
        maps = model(pixels)
        return {
            "contenu": options.content_weight * content_loss(maps, kept),
            "style": options.style_weight * style_loss(maps, grams),
            "lisse": options.tv_weight * dreams.total_variation(pixels / 255),
        }

    return dreams.descend(losses, np.array(content), steps=options.steps, rate=4.0, title="Style")
