"""Les figures de docs/systemes.md que les modèles livrés et leurs comptes rendus permettent.

Commande : python -m docs.systems
Résultat : une partie des images de docs/systemes/ ; les autres montrent des réseaux que leur
exercice compare sans les livrer, et c'est sa commande qui les refait dans `figures/`.
"""

from pathlib import Path

from convnets.core.cli import FrenchParser, run
from convnets.core.paths import MODELS_DIR
from convnets.core.reports import read_report

FOLDER = Path(__file__).resolve().parent / "systemes"
NUM_SCENES = 64  # assez pour en montrer huit : celles du test commencent toutes ainsi


def draw_reports(folder: Path) -> None:
    """Dessine ce que disent les comptes rendus des exercices 15 à 28."""
    from exercises.ex15_architectures import figures as ex15
    from exercises.ex16_bag_of_words import figures as ex16
    from exercises.ex17_detection import bars as ex17
    from exercises.ex18_segmentation import instance_figures as ex18
    from exercises.ex19_vision_transformer import figures as ex19
    from exercises.ex20_source_separation import figures as ex20
    from exercises.ex21_graphs import figures as ex21
    from exercises.ex22_by_hand import figures as ex22
    from exercises.ex23_what_matters import figures as ex23
    from exercises.ex24_autoencoder import figures as ex24
    from exercises.ex25_captions import figures as ex25
    from exercises.ex26_text_to_image import figures as ex26
    from exercises.ex27_video import figures as ex27
    from exercises.ex28_pose_and_depth import curves as ex28

    architectures = read_report("ex15_architectures")
    ex15.save_costs(architectures, folder / "architectures.png")
    ex15.save_depths(architectures, folder / "raccourcis.png")
    ex16.save_comparison(read_report("ex16_bag_of_words"), folder / "sac.png")
    detection = read_report("ex17_detection")
    ex17.save_detectors(detection, folder / "detecteurs.png")
    ex17.save_labels(detection, folder / "etiquettes.png")
    ex18.save_bars(folder / "instances_ap.png", read_report("ex18_instances"))
    ex19.save_comparison(read_report("ex19_vision_transformer"), folder / "transformer.png")
    ex20.save_measures(read_report("ex20_source_separation"), folder / "separation.png")
    ex21.save_bars(read_report("ex21_graphs"), folder / "mesures.png")
    ex21.save_receptive_field(folder / "champ.png")
    by_hand = read_report("ex22_by_hand")
    ex22.save_loops(by_hand.details["losses"], folder / "boucles.png")
    ex22.save_measures(by_hand, folder / "a_la_main.png")
    ex22.save_kernels(by_hand, MODELS_DIR, folder / "filtres_appris.png")
    ex23.save_gaps(read_report("ex23_what_matters"), folder / "pieces.png")
    ex24.save_curves(folder / "debit.png", read_report("ex24_autoencoder"))
    ex26.save_measures(folder / "phrases_mesures.png", read_report("ex26_text_to_image"))
    ex25.save_measures(read_report("ex25_captions"), folder / "legendes_mesures.png")
    ex27.save_measures(read_report("ex27_video"), folder / "video.png")
    ex28.save_measures(read_report("ex28_pose_and_depth"), folder / "trois_taches.png")


def draw_detection(folder: Path) -> None:
    """Dessine ce que le détecteur livré trouve dans les premières scènes de test."""
    from convnets.datasets import sources
    from convnets.training import saving
    from exercises.ex17_detection import comparison, figures
    from exercises.ex17_detection.grid import decode
    from exercises.ex17_detection.training import make_scenes

    scenes = make_scenes(
        sources.load_fashion_mnist(),
        sources.load_cifar10(),
        num_objects=comparison.NUM_OBJECTS,
        limit=NUM_SCENES,
    )["test"]
    grids = saving.load_model("ex17_detection").predict(scenes.images, verbose=0)
    found = decode(grids, min_score=read_report("ex17_detection").details["min_score"])
    title = "De 1 à 4 objets : le détecteur (en tirets, la vérité)"
    figures.save_scenes(folder / "detection.png", scenes, found, title=title)


def draw_instances(folder: Path) -> None:
    """Dessine les objets que le réseau livré sépare, dans les premières scènes serrées de test."""
    from convnets.datasets import sources
    from convnets.training import saving
    from exercises.ex18_segmentation import instance_figures, instances

    test = instances.make_crowds(
        sources.load_fashion_mnist(), sources.load_cifar10(), limit=NUM_SCENES
    )["test"]
    model = saving.load_model("ex18_instances")
    instance_figures.save_scenes(folder / "instances.png", model, test)


def draw_captions(folder: Path) -> None:
    """Dessine ce que le réseau livré dit et répond des premières scènes de test."""
    from convnets.datasets import sources
    from convnets.training import saving
    from exercises.ex25_captions import figures, training

    albums = training.make_albums(
        sources.load_fashion_mnist(), sources.load_cifar10(), limit=figures.NUM_SEEN
    )
    model = saving.load_model("ex25_captions")
    figures.save_examples(model, albums["seen"], albums["unseen"], folder)


def draw_video(folder: Path) -> None:
    """Dessine une vidéo suivie de deux façons, et ce que le réseau livré répond à six films."""
    from convnets.datasets import sources
    from convnets.training import saving
    from exercises.ex27_video import figures

    pictures = sources.load_fashion_mnist()[1][0], sources.load_cifar10()[1][0]
    figures.save_examples(saving.load_model("ex27_video"), *pictures, folder)


def draw_sentences(folder: Path) -> None:
    """Dessine ce que le réseau livré de l'exercice 26 tire de quelques phrases."""
    from convnets.training import saving
    from exercises.ex26_text_to_image import figures
    from exercises.ex26_text_to_image.subjects import FASHION

    model = saving.load_model(FASHION.slug)
    figures.save_examples(folder, model, FASHION, FASHION.load())


def draw_pose_and_depth(folder: Path) -> None:
    """Dessine ce que les cinq réseaux livrés trouvent dans les premières images de test."""
    from convnets.datasets import sources
    from convnets.training import saving
    from exercises.ex28_pose_and_depth import data, figures

    datasets = sources.load_fashion_mnist(), sources.load_cifar10()
    tests = data.make_part("test", *datasets, limit=figures.NUM_COMPOSED)
    model, report = saving.load_model("ex28_pose_and_depth"), read_report("ex28_pose_and_depth")
    figures.save_examples(model, tests, report, folder)


def main(argv: list[str] | None = None) -> int:
    """Refait les figures."""
    parser = FrenchParser(prog="python -m docs.systems", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--output",
        type=Path,
        default=FOLDER,
        metavar="DOSSIER",
        help="où écrire les images (docs/systemes/ par défaut)",
    )
    options = parser.parse_args(argv)

    def body() -> int:
        draw_reports(options.output)
        draw_detection(options.output)
        draw_instances(options.output)
        draw_sentences(options.output)
        draw_captions(options.output)
        draw_video(options.output)
        draw_pose_and_depth(options.output)
        print(options.output)
        return 0

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
