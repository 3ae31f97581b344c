"""Ce que coûte un entraînement, en opérations : un nombre qui ne dépend pas de la machine."""

from math import prod

import keras
from keras import layers

BACKWARD = 2  # les gradients des poids et ceux des cartes : autant d'opérations que l'aller, chacun


def forward_flops(network: keras.Model) -> int:
    """Compte les opérations d'une image à travers un réseau : multiplications et additions.

    Approximation : seules comptent les convolutions et les couches denses, qui font presque tout.

    Args:
        network: réseau à images de taille fixe, dont chaque couche sert une seule fois.
    """
    total = 0
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            total += forward_flops(layer)
        elif isinstance(layer, (layers.Conv2D, layers.Dense)):
            total += 2 * prod(layer.kernel.shape) * prod(layer.output.shape[1:-1])
    return total


def training_pflop(network: keras.Model, num_images: int) -> float:
    """Rend le coût d'un entraînement, en millions de milliards d'opérations.

    Args:
        network: réseau qui apprend, voir `forward_flops`.
        num_images: images vues, toutes époques comprises.
    """
    return (1 + BACKWARD) * forward_flops(network) * num_images / 1e15


def inference_pflop(network: keras.Model, num_images: int) -> float:
    """Rend ce que coûte de prédire des images, dans la même unité."""
    return forward_flops(network) * num_images / 1e15
