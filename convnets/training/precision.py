"""Le format de calcul d'un entraînement : bfloat16 si un essai dit qu'il va plus vite.

Un processeur qui annonce bfloat16 n'y gagne pas toujours : le même réseau va 1,4 fois plus vite
qu'en float32 sur un AMD EPYC, et 1,6 fois moins vite sur un Intel Xeon virtuel, sans AMX. Une
seconde d'essai le dit mieux que la liste de ses instructions.

Source : Kalamkar et al., arXiv 1905.12322, 2019 (apprendre en bfloat16, à la même exactitude).
"""

import time
from functools import cache
from pathlib import Path

import keras
import numpy as np
from keras import layers

FLOAT32, BFLOAT16 = "float32", "mixed_bfloat16"
SIDE_PX, FILTERS, BATCH_SIZE = 8, 128, 64  # une convolution du milieu d'un réseau de CIFAR-10
STEPS = 5
MIN_GAIN = 1.05  # en deçà, float32, plus exact


def choose_precision(precision: str) -> str:
    """Rend la politique de calcul de Keras : `"auto"` prend la plus rapide sur cette machine.

    Args:
        precision: `"auto"`, `"float32"` ou `"mixed_bfloat16"`.

    Returns:
        `"float32"` ou `"mixed_bfloat16"` ; pour `"auto"`, la même jusqu'à la fin du processus.
    """
    return _fastest() if precision == "auto" else precision


@cache
def _fastest() -> str:
    if keras.backend.backend() == "jax":
        # XLA convertit tout en float32 sur un processeur.
        on_cpu = all(device.startswith("cpu") for device in keras.distribution.list_devices())
        return FLOAT32 if on_cpu else BFLOAT16
    return BFLOAT16 if announces_bfloat16() and measure_gain() >= MIN_GAIN else FLOAT32


def announces_bfloat16(path: Path = Path("/proc/cpuinfo")) -> bool:
    """Dit si le processeur annonce des instructions bfloat16 ; False si rien ne le dit.

    Args:
        path: ce que Linux dit des processeurs.
    """
    flags = path.read_text(encoding="ascii", errors="replace") if path.exists() else ""
    return "avx512_bf16" in flags or "amx_bf16" in flags


def measure_gain() -> float:
    """Mesure combien de fois un pas d'entraînement va plus vite en bfloat16 qu'en float32.

    Deux convolutions apprennent, tour à tour dans l'un et l'autre format ; de chacune compte
    le pas le plus court. Approximation : un réseau bien plus petit, comme LeNet, n'y gagne pas
    autant.

    Returns:
        Rapport des durées, float32 sur bfloat16 ; au-dessus de 1, bfloat16 est plus rapide.
    """
    x = np.ones((BATCH_SIZE, SIDE_PX, SIDE_PX, FILTERS), np.float32)
    y = np.zeros((BATCH_SIZE, FILTERS), np.float32)
    models = {precision: _small_network(precision) for precision in (FLOAT32, BFLOAT16)}
    shortest = dict.fromkeys(models, float("inf"))
    for step in range(1 + STEPS):
        for precision, model in models.items():
            start = time.perf_counter()
            model.train_on_batch(x, y)
            if step:  # le premier prépare les calculs
                shortest[precision] = min(shortest[precision], time.perf_counter() - start)
    return shortest[FLOAT32] / shortest[BFLOAT16]


def _small_network(precision: str) -> keras.Model:
    # Tout est nommé, et rien n'est tiré au hasard : le réseau construit ensuite a les noms et les
    # poids qu'il aurait eus sans cet essai.
    x = images = keras.Input((SIDE_PX, SIDE_PX, FILTERS), name="images")
    for number in (1, 2):
        x = layers.Conv2D(
            FILTERS,
            3,
            padding="same",
            use_bias=False,
            kernel_initializer="zeros",
            dtype=precision,
            name=f"conv{number}",
        )(x)
    x = layers.GlobalAveragePooling2D(dtype=FLOAT32, name="average")(x)
    model = keras.Model(images, x, name="precision")
    model.compile(keras.optimizers.SGD(name="descent"), "mse", jit_compile=False)
    return model
