"""Légendes et questions : dire d'une phrase ce que montre une image, répondre à une question.

Document : S3, figures (4) « image captioning » et (5) « image question answering ».
Commande : python -m exercises.ex25_captions
           python -m exercises.ex25_captions --compose "un sac rouge en haut à gauche et deux pulls
           bleus en bas"
Résultat mesuré : leçon 25, sur cinq graines (`python -m recipes.seeds ex25_captions --seeds 5`).

Ce qu'il y a à lire, et dans quel ordre, est dans `__init__.py`.
"""

from convnets.core.cli import add_model_option, lesson_parser
from convnets.core.intervals import by_image, paired_gaps
from convnets.core.reports import Headline, format_headline
from convnets.figures.charts import table
from convnets.figures.style import output_dir
from convnets.training import lesson
from exercises.ex25_captions import command, decoding, figures, measures, training
from exercises.ex25_captions.questions import TYPES, TYPES_FR

SHARE, BLIND_SHARE = 0.8, 0.2  # parts du temps d'apprentissage : qui voit, qui ne voit pas
HEADLINE = [
    Headline("bleu4_network_seen", "décrire : BLEU-4, réseau"),
    Headline("bleu4_neighbour_seen", "décrire : BLEU-4, phrase de la scène la plus proche"),
    Headline("bleu4_pixels_seen", "décrire : BLEU-4, phrase de la scène la plus proche en pixels"),
    Headline("exact_network_seen", "décrire : phrases exactes, réseau"),
    Headline("exact_neighbour_seen", "décrire : phrases exactes, scène la plus proche"),
    Headline("exact_pixels_seen", "décrire : phrases exactes, scène la plus proche en pixels"),
    Headline("exact_frequent_seen", "décrire : phrases exactes, phrase la plus fréquente"),
    Headline("exact_network_unseen", "décrire, couples jamais vus : phrases exactes, réseau"),
    Headline("answers_network_seen", "répondre : exactitude, réseau"),
    Headline("answers_blind_seen", "répondre : exactitude, le même sans l'image"),
    Headline("answers_frequent_seen", "répondre : exactitude, réponse la plus fréquente"),
    *(
        Headline(f"{key}_{who}_seen", f"« {text} » : exactitude, {whose}")
        for key, text in TYPES_FR.items()
        for who, whose in (("network", "réseau"), ("blind", "sans l'image"))
    ),
    Headline("answers_network_unseen", "répondre, couples jamais vus : exactitude, réseau"),
    Headline("answers_blind_unseen", "répondre, couples jamais vus : exactitude, sans l'image"),
]
PAIRS = (  # écarts publiés : de combien le premier dépasse le second
    *(
        (f"exact_network_{part}", f"exact_{who}_{part}")
        for part in figures.PARTS_FR
        for who in ("neighbour", "pixels", "frequent")
    ),
    *(
        (f"{key}_network_{part}", f"{key}_{who}_{part}")
        for part in figures.PARTS_FR
        for key in ("answers", *TYPES)
        for who in ("blind", "frequent")
    ),
    # Deux jeux de mille scènes tirés à part : chacune est retranchée d'une autre, quelconque.
    ("exact_network_seen", "exact_network_unseen"),
)


def run(
    seed: int,
    *,
    epochs: int = training.EPOCHS,
    minutes: float | None = None,
    limit: int | None = None,
) -> lesson.Run:
    """Compose les scènes, apprend le réseau et son double sans images, et les mesure.

    Args:
        seed: graine des poids et de l'ordre des scènes.
        epochs: nombre d'époques de chacun.
        minutes: durée de la leçon entière ; None : autant qu'il en faut.
        limit: au plus tant de scènes dans chaque partie.

    Returns:
        Les mesures se nomment `bleu4_network_seen` : quoi, qui, sur quelles scènes. Qui répond :
        `network`, le réseau ; `blind`, le même, sans image ; `neighbour` et `pixels`, la scène la
        plus proche, dans les cartes du réseau ou en pixels ; `frequent`, l'habitude. Dans `pooled`,
        ce que vaut chaque scène, sauf pour BLEU, qui ne se mesure pas scène par scène.
    """
    print("Composition des scènes…", flush=True)
    albums = training.make_albums(limit=limit)
    album = albums["train"]
    clock = lesson.Clock(epochs, minutes, share=SHARE)
    model = training.train(album, seed=seed, clock=clock)
    clock = lesson.Clock(epochs, minutes, share=BLIND_SHARE)
    blind = training.train_blind(album, seed=seed, clock=clock)

    known, values, scores = decoding.see(model, album.images), {}, {}
    for part in figures.PARTS_FR:
        test = albums[part]
        maps = decoding.see(model, test.images)
        said = {
            "network": decoding.say(model, maps)[0],
            "neighbour": measures.neighbour_captions(
                measures.quarter(maps), measures.quarter(known), album.captions
            ),
            "pixels": measures.neighbour_captions(
                measures.small_pixels(test.images),
                measures.small_pixels(album.images),
                album.captions,
            ),
            "frequent": [measures.frequent_caption(album.captions)] * len(maps),
        }
        for who, captions in said.items():
            scores[f"bleu4_{who}_{part}"] = measures.bleu4(captions, test.captions)
            values[f"exact_{who}_{part}"] = measures.exact(captions, test.captions)
        replies = {
            "network": decoding.reply(model.get_layer("answerer"), maps, test.questions),
            "blind": decoding.reply(blind, training.hidden(len(maps)), test.questions),
            "frequent": measures.frequent_answers(album, test),
        }
        for who, answers in replies.items():
            for name, right in measures.judge_answers(answers, test).items():
                values[f"{name}_{who}_{part}"] = right
    metrics, pooled = by_image(values)
    return lesson.Run(scores | metrics, model, {"albums": albums, "pooled": pooled})


def pool(found: list[dict]) -> dict:
    """Rend les écarts publiés, sur toutes les graines et toutes les scènes.

    Args:
        found: par graine, ce que vaut chaque scène.

    Returns:
        `{"gaps": {"exact_network_seen - exact_pixels_seen": [moyenne, bas, haut]…}}`.
    """
    return {"gaps": paired_gaps(found, PAIRS)}


def teach(options) -> None:
    """Apprend et mesure une graine, enregistre le réseau, dessine ce qu'il dit et répond."""
    found = run(0, epochs=options.epochs, minutes=options.minutes, limit=options.limit)
    report = lesson.save(found.model, options, found.metrics, light=False, headline=HEADLINE)
    print(table(["mesure, sur les scènes de test", "valeur"], format_headline(report)))
    folder = output_dir(options)
    figures.save_examples(folder, found.model, found.kept["albums"])
    print(f"Figures écrites dans {folder}/")
    own = "un sac rouge en haut à gauche et deux pulls bleus en bas"
    print(f'À essayer : {lesson.command_for(options)} --compose "{own}"')


def main(argv: list[str] | None = None) -> int:
    """Apprend et mesure ; avec `--compose`, décrit une autre scène."""
    parser = lesson_parser("ex25_captions", __doc__.splitlines()[0], epochs=training.EPOCHS)
    parser.add_argument(
        "--compose", metavar="PHRASE", help="composer la scène que dit cette phrase, et la décrire"
    )
    add_model_option(parser)
    options = parser.parse_args(argv)
    body = teach if options.compose is None else command.describe_own
    return lesson.run(body, options)


if __name__ == "__main__":
    raise SystemExit(main())
