"""Légendes et questions : dire d'une phrase ce que montre une image, répondre à une question.

Document : S3, figures (4) « image captioning » et (5) « image question answering ».
Commande : python -m exercises.ex25_captions
           python -m exercises.ex25_captions --compose "un sac rouge en haut à gauche et deux pulls
           bleus en bas"

Ce qu'il y a à lire, et dans quel ordre, est dans `__init__.py`.
"""

from convnets.core.cli import add_model_option, lesson_parser
from convnets.core.reports import Headline, format_headline
from convnets.figures.charts import table
from convnets.figures.style import output_dir
from convnets.training import lesson
from exercises.ex25_captions import command, decoding, figures, measures, training
from exercises.ex25_captions.questions import TYPES_FR

SHARE, BLIND_SHARE = 0.8, 0.2  # parts du temps d'apprentissage : qui voit, qui ne voit pas
HEADLINE = [
    Headline("bleu4_network_seen", "décrire : BLEU-4, réseau"),
    Headline("bleu4_neighbour_seen", "décrire : BLEU-4, phrase de la scène la plus proche"),
    Headline("exact_network_seen", "décrire : phrases exactes, réseau"),
    Headline("exact_neighbour_seen", "décrire : phrases exactes, scène la plus proche"),
    Headline("exact_network_unseen", "décrire, couples jamais vus : phrases exactes, réseau"),
    Headline("answers_network_seen", "répondre : exactitude, réseau"),
    Headline("answers_blind_seen", "répondre : exactitude, le même sans l'image"),
    *(
        Headline(f"{key}_{who}_seen", f"« {text} » : exactitude, {whose}")
        for key, text in TYPES_FR.items()
        for who, whose in (("network", "réseau"), ("blind", "sans l'image"))
    ),
    Headline("answers_network_unseen", "répondre, couples jamais vus : exactitude, réseau"),
    Headline("answers_blind_unseen", "répondre, couples jamais vus : exactitude, sans l'image"),
]


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
        Les mesures se nomment `bleu4_network_seen` : quoi, qui, sur quelles scènes.
    """
    print("Composition des scènes…", flush=True)
    albums = training.make_albums(limit=limit)
    album = albums["train"]
    clock = lesson.Clock(epochs, minutes, share=SHARE)
    model = training.train(album, seed=seed, clock=clock)
    clock = lesson.Clock(epochs, minutes, share=BLIND_SHARE)
    blind = training.train_blind(album, seed=seed, clock=clock)

    known_maps, metrics = decoding.see(model, album.images), {}
    for part in figures.PARTS_FR:
        test = albums[part]
        maps = decoding.see(model, test.images)
        said, _ = decoding.say(model, maps)
        copied = measures.neighbour_captions(maps, known_maps, album.captions)
        replies = decoding.reply(model.get_layer("answerer"), maps, test.questions)
        guesses = decoding.reply(blind, training.hidden(len(maps)), test.questions)
        for who, found in (
            ("network", measures.judge_captions(said, test.captions)),
            ("neighbour", measures.judge_captions(copied, test.captions)),
            ("network", measures.judge_answers(replies, test)),
            ("blind", measures.judge_answers(guesses, test)),
        ):
            metrics |= {f"{measure}_{who}_{part}": value for measure, value in found.items()}
    return lesson.Run(metrics, model, albums)


def teach(options) -> None:
    """Apprend et mesure une graine, enregistre le réseau, dessine ce qu'il dit et répond."""
    found = run(0, epochs=options.epochs, minutes=options.minutes, limit=options.limit)
    report = lesson.save(found.model, options, found.metrics, light=False, headline=HEADLINE)
    print(table(["mesure, sur les scènes de test", "valeur"], format_headline(report)))
    folder = output_dir(options)
    figures.save_examples(folder, found.model, found.kept)
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
