"""Nommer des photos : une tête de dix classes sur InceptionV3, qui en a appris de vraies.

D'après : TD « keras & réseaux de neurones convolutionnels », question 2 ; Jour 04, exercice 3.
Commande : python -m exercises.ex05_photos, puis ./predict photo.jpg
Résultat mesuré : models/ex05_photos.json, repris dans le tableau des comparaisons du README.

Un thème de l'exercice 05, dont l'entrée est `ex05_inception`.

Le réseau de l'exercice 03 n'a appris que des vignettes de 32 pixels de côté, et ne voit d'une
photo que ce que la réduction lui laisse. Ici, les vignettes sont agrandies à 192 pixels,
InceptionV3, coupé après mixed8, les décrit, et une tête apprend à les nommer. Elle nomme moins
bien les vignettes, qui n'ont pas ces détails, et bien mieux les photos : `./predict` les lui donne
(docs/cadrage.md). La base et la tête sont livrées ensemble, en un seul réseau.

Source : Yosinski et al., « How transferable are features in deep neural networks? »,
arXiv 1411.1792, 2014.
"""

import hashlib

import keras
import numpy as np
from PIL import Image

from convnets.core import paths
from convnets.core.cli import run, training_parser
from convnets.core.images import crop_resize
from convnets.core.reports import Headline
from convnets.datasets import pretrained, sources
from convnets.datasets.cache import cached_array
from convnets.figures.style import save_training_figures
from convnets.training import study as training
from exercises.ex05_inception import head as top
from exercises.ex05_inception.features import describe_base, describe_extraction

IMAGE_PX = 192  # les deux choisis sur les images de validation (docs/cadrage.md)
LAYER = "mixed8"
EPOCHS = 10  # au-delà, la tête apprend par cœur
BATCH_SIZE = 500
L2 = 1e-3  # pénalité sur les poids de la couche dense
NUM_VAL = 2000  # les mêmes images que dans l'exercice 03
HEADLINE = "exactitude sur CIFAR-10 agrandi à 192 pixels, base d'ImageNet"
VIEWS = (("crop", 1.0), ("crop", 0.7))  # d'une photo, à moyenner ; choisies par benchmarks.framing


# --- Ce que la base dit de vignettes agrandies --------------------------------------


class Enlarged(keras.utils.PyDataset):
    """Des vignettes agrandies comme le fait `./predict`, un lot à la fois.

    Args:
        images: uint8 `(n, h, h, 3)`.
        side_px: côté voulu.
        batch_size: images par lot.
    """

    def __init__(self, images: np.ndarray, side_px: int, *, batch_size: int = 100):
        super().__init__()
        self.images, self.side_px, self.batch_size = images, side_px, batch_size

    def __len__(self) -> int:
        return -(-len(self.images) // self.batch_size)

    def __getitem__(self, number: int) -> np.ndarray:
        few = self.images[number * self.batch_size :][: self.batch_size]
        return np.stack([crop_resize(Image.fromarray(image), self.side_px) for image in few])


def extract(images: np.ndarray, extractor: keras.Model, *, base_sha256: str) -> np.ndarray:
    """Rend les caractéristiques de vignettes, calculées une fois pour toutes.

    Args:
        images: uint8 `(n, h, h, 3)`.
        extractor: modèle de `pretrained.features_model`, images uint8 `(n, px, px, 3)`.
        base_sha256: empreinte des poids de la base.

    Returns:
        float16 `(n, c)` : deux fois moins de place dans le cache (128 Mo pour 50 000 images), sans
        effet sur la tête.
    """
    content, side_px = hashlib.sha256(images.tobytes()).hexdigest(), extractor.input_shape[1]
    x, duration_s = cached_array(
        "ex05",
        f"{content} agrandies à {side_px} px {LAYER} {base_sha256} float16",
        lambda: extractor.predict(Enlarged(images, side_px), verbose=0).astype(np.float16),
    )
    print(describe_extraction(len(x), duration_s), flush=True)
    return x


# --- La tête -------------------------------------------------------------------------


def train(x_train, y_train, x_val, y_val, *, seed: int, options) -> tuple[keras.Model, dict]:
    """Entraîne une tête sur des caractéristiques ; rend le modèle et ses courbes."""
    labels, val = (top.targets(y.reshape(-1), 10) for y in (y_train, y_val))
    batches = training.Batches(
        x_train, labels, batch_size=options.batch_size or BATCH_SIZE, seed=seed, augment=None
    )
    head = top.build_head(x_train, 10, seed=seed, dropout=0, l2=L2, name="ex05_photos")
    steps = options.epochs * len(batches)
    top.compile_head(head, keras.optimizers.schedules.CosineDecay(top.LEARNING_RATE, steps))
    return head, training.fit(
        head,
        batches,
        epochs=options.epochs,
        resume=options.resume,
        checkpoint=paths.checkpoint_path(options, seed),
        validation_data=(x_val, val),
        validation_batch_size=500,
    )


def evaluate(head: keras.Model, x: np.ndarray, y: np.ndarray) -> dict:
    """Mesure une tête : `{"accuracy", "probabilities"}`."""
    probabilities = top.predict(head, x)
    return {"accuracy": top.accuracy(probabilities, y.reshape(-1)), "probabilities": probabilities}


# --- Le tout -------------------------------------------------------------------------


def enlarge(images: np.ndarray, side_px: int) -> np.ndarray:
    """Agrandit des vignettes uint8 `(n, h, h, 3)` d'un coup ; 1,1 Go pour 10 000 à 192 pixels."""
    large = Enlarged(images, side_px)
    return np.concatenate([large[number] for number in range(len(large))])


def study(options) -> int:
    """Calcule les caractéristiques, apprend et mesure les têtes, livre base et tête ; rend 0."""
    base, provenance = pretrained.inception_v3(input_px=IMAGE_PX)
    extractor = pretrained.features_model(base, layer_name=LAYER)
    print(f"Base : {provenance.source}.\n{provenance.note}".rstrip(), flush=True)
    images = [(x[: options.limit], y[: options.limit]) for x, y in sources.load_cifar10()]
    dataset = [
        (extract(x, extractor, base_sha256=provenance.sha256).astype(np.float32), y)
        for x, y in images
    ]

    def assemble(head: keras.Model, num_val: int) -> tuple:
        _, (x_val, _) = sources.split_validation(*images[0], num_val=num_val, seed=0)
        network = pretrained.join(base, head, layer_name=LAYER)
        network = training.to_ship(network, network)
        return network, enlarge(x_val, IMAGE_PX), enlarge(images[1][0], IMAGE_PX)

    return training.run_seeds(
        options,
        dataset=dataset,
        num_val=NUM_VAL,
        train=train,
        evaluate=evaluate,
        classes=sources.CIFAR10_CLASSES,
        classes_fr=sources.CIFAR10_CLASSES_FR,
        on_saved=save_training_figures,
        assemble=assemble,
        describe=lambda runs: {
            "headline": [Headline("accuracy", HEADLINE)],
            "details": {"derived_from": describe_base(provenance, LAYER, input_px=IMAGE_PX)},
            "data_sha256": sources.dataset_sha256(images),
            "views": VIEWS,
            "precision": "float32",
        },
    )


def main(argv: list[str] | None = None) -> int:
    """Apprend une tête sur des vignettes agrandies, la mesure, l'enregistre avec sa base."""
    parser = training_parser("ex05_photos", __doc__.splitlines()[0], epochs=EPOCHS, seeds=3)
    options = parser.parse_args(argv)
    return run(lambda: study(options))


if __name__ == "__main__":
    raise SystemExit(main())
