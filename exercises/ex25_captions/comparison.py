"""Décrire et répondre : mesurer chaque graine, garder la meilleure, écrire le compte rendu.

D'après : S3, figures (4) et (5).
Commande : python -m exercises.ex25_captions
"""

from argparse import Namespace

import keras

from convnets.core.cli import training_command
from convnets.core.reports import Headline, Report
from convnets.datasets import sources
from convnets.training import progress, result, saving, study
from convnets.training.export import export_litert
from convnets.training.precision import choose_precision
from exercises.ex25_captions import figures, training
from exercises.ex25_captions.grammar import group
from exercises.ex25_captions.questions import TYPES
from exercises.ex25_captions.scenes import SCENE_PX, UNSEEN

HEADLINE = (
    ("bleu4_network_seen", "décrire : BLEU-4, réseau"),
    ("bleu4_neighbour_seen", "décrire : BLEU-4, phrase de la scène la plus proche"),
    ("bleu4_constant_seen", "décrire : BLEU-4, phrase la plus fréquente"),
    ("exact_network_seen", "décrire : phrases exactes, réseau"),
    ("exact_neighbour_seen", "décrire : phrases exactes, scène la plus proche"),
    ("exact_network_unseen", "décrire, couples jamais vus : phrases exactes, réseau"),
    ("answers_network_seen", "répondre : exactitude, réseau"),
    ("answers_blind_seen", "répondre : exactitude, le même sans l'image"),
    ("answers_constant_seen", "répondre : exactitude, réponse la plus fréquente"),
    *(
        (f"{key}_{who}_seen", f"« {text} » : exactitude, {whose}")
        for key, text in figures.TYPES_FR.items()
        for who, whose in (("network", "réseau"), ("blind", "sans l'image"))
    ),
    ("answers_network_unseen", "répondre, couples jamais vus : exactitude, réseau"),
    ("answers_blind_unseen", "répondre, couples jamais vus : exactitude, sans l'image"),
)


def compare(options) -> int:
    """Entraîne chaque graine, enregistre le meilleur réseau, écrit les figures ; rend 0.

    Raises:
        ValueError: `--limit` si petit que les scènes de test n'ont pas toute sorte de question.
    """
    fashion, cifar = sources.load_fashion_mnist(), sources.load_cifar10()

    def make(options) -> dict:
        albums = training.make_albums(fashion, cifar, limit=options.limit)
        asked = [set(albums[part].types.ravel()) for part in ("seen", "unseen")]
        if any(len(kinds) < len(TYPES) for kinds in asked):
            raise ValueError(
                f"--limit {options.limit} : trop peu de scènes pour poser les trois sortes de "
                "questions. Essayez un plus grand nombre."
            )
        return albums

    def rehearse(options) -> float:
        training.measure(make(options), seed=0, options=options)
        return 0.0  # tout a été mesuré : rien ne s'ajoutera

    num_scenes = min(training.NUM_SCENES["train"], options.limit or training.NUM_SCENES["train"])
    options = study.fit_to_minutes(options, rehearse, num_images=num_scenes, stages=training.COSTS)
    print("Composition des scènes…", flush=True)
    albums, runs = make(options), []
    with progress.follow(seeds=options.seeds, stages=training.COSTS, options=options):
        for seed in range(options.seeds):
            runs.append(training.measure(albums, seed=seed, options=options))
    best = max(range(len(runs)), key=lambda seed: runs[seed].val)
    model = runs[best].model
    report = Report(
        command=training_command(options),
        metrics={name: study.summarise([run.test[name] for run in runs]) for name in runs[0].test},
        headline=[Headline(name, label) for name, label in HEADLINE],
        shipped={"seed": best, **runs[best].test},
        score=runs[best].val,
        validation=study.summarise([run.val for run in runs]),
        seeds=list(range(options.seeds)),
        duration_s=study.summarise([sum(run.history["duration_s"]) for run in runs]),
        precision=choose_precision(options.precision),
        backend=keras.backend.backend(),
        num_parameters=int(model.count_params()),
        parameters={each.name: int(each.count_params()) for each in figures.parts(model)},
        num_images=_sizes(albums),
        data_sha256={
            "fashion_mnist": sources.dataset_sha256(fashion),
            "cifar10": sources.dataset_sha256(cifar),
        },
        input_shape=[SCENE_PX, SCENE_PX, 3],
        history=runs[best].history,
        details={"unseen": [group(thing, number=1) for thing in sorted(UNSEEN)]},
    )
    published = result.published(options.module)
    folder, reason = saving.save_model(
        model,
        options.module,
        report,
        # L'encodeur seul : une phrase se décode mot à mot, et ./predict ne sait que classer.
        export=(export_litert(model.get_layer("encoder")), "float32"),
        models_dir=options.models_dir,
        force=options.force,
    )
    written = Namespace(**vars(options) | {"models_dir": folder})
    figures.save_all(written, report, model, albums["seen"], albums["unseen"])
    result.tell(
        written,
        report,
        reason=reason,
        published=published,
        shown=result.Shown("exact_network_seen", "Part de phrases exactes"),
        use=result.own_command(options, '--compose "un sac rouge en haut à gauche"', folder=folder),
    )
    return 0


def _sizes(albums: dict) -> dict[str, int]:
    sizes = {part: len(album.images) for part, album in albums.items()}
    return {"train": sizes["train"], "val": sizes["val"], "test": sizes["seen"] + sizes["unseen"]}
