"""Les scènes des pages « Boîtes » et « Masques » : composées une fois, gardées dans le dépôt.

Commande : python -m web.scenes

Elles viennent des jeux de test, que ni ex17 ni ex18 n'ont appris ; construire le site ne demande
donc aucun jeu de données.
"""

import json
from pathlib import Path

from PIL import Image

from convnets.core.cli import FrenchParser, run
from convnets.datasets import sources
from convnets.datasets.scenes import ABSENT, compose_scenes

FOLDER = Path(__file__).parent / "static" / "scenes"
NUM_SCENES, NUM_OBJECTS, SEED = 6, (2, 3), 2026


def write_scenes(folder: Path) -> None:
    """Écrit `N.png`, `N_masques.png` (classe + 1 par pixel) et `scenes.json`, boîtes et classes."""
    (_, _), (objects, labels) = sources.load_fashion_mnist()
    (_, _), (backgrounds, _) = sources.load_cifar10()
    scenes = compose_scenes(
        objects, labels, backgrounds, num_scenes=NUM_SCENES, num_objects=NUM_OBJECTS, seed=SEED
    )
    folder.mkdir(parents=True, exist_ok=True)
    truths = []
    for i in range(NUM_SCENES):
        Image.fromarray(scenes.images[i]).save(folder / f"{i}.png", optimize=True)
        Image.fromarray(scenes.masks[i]).save(folder / f"{i}_masques.png", optimize=True)
        shown = scenes.labels[i] != ABSENT
        truths.append(
            {"boxes": scenes.boxes[i][shown].tolist(), "labels": scenes.labels[i][shown].tolist()}
        )
    content = {"classes": list(sources.FASHION_CLASSES_FR), "scenes": truths}
    text = json.dumps(content, ensure_ascii=False)
    (folder / "scenes.json").write_text(text + "\n", encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    """Refait les scènes."""
    parser = FrenchParser(prog="python -m web.scenes", description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=FOLDER, metavar="DOSSIER")
    options = parser.parse_args(argv)

    def body() -> int:
        write_scenes(options.output)
        print(options.output)
        return 0

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
