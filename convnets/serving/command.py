"""`./predict` : nommer ce que montrent des images, vite et sans TensorFlow.

Ce module et ce qu'il importe se limitent à Pillow, NumPy et LiteRT, et n'importent le
moteur qu'une fois les arguments vérifiés. `python -m convnets.serving.command` fait la
même chose que `./predict`, là où un script `sh` ne se lance pas.
"""

import os

# Avant NumPy : OpenBLAS n'a rien à calculer ici, et ses fils coûtent au démarrage.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import contextlib
import errno
import gc
import json
import re
import sys
import time
from argparse import Action, ArgumentTypeError
from collections.abc import Callable, Iterator
from pathlib import Path

from convnets.core.cli import (
    FrenchParser,
    agreed,
    install_advice,
    percent,
    positive_int,
    printable,
    reason,
    reserve_stderr,
)
from convnets.core.paths import MODELS_DIR, SUFFIXES
from convnets.explaining.methods import EXPLANATIONS
from convnets.serving import router
from convnets.serving.batches import Result
from convnets.serving.classifier import DEFAULT_MODEL, PHOTO_MODEL, Classifier

PACKAGE = "reseaux-convolutifs"  # que `pip install .` installe
MANY = 32  # images, au-delà desquelles il y a de quoi attendre
PROGRESS_S = 10  # entre deux lignes qui disent où en est un long dossier
EXTENSIONS = frozenset(  # d'une image, dans un dossier ; celles de `core.decoding.FORMATS`
    ".jpg .jpeg .jpe .jfif .png .apng .gif .bmp .dib .ppm .pgm .pbm .pnm .webp .avif .tif .tiff"
    " .tga .pcx .heic .heif .hif .jp2 .j2k .jpx .psd .qoi .ico".split()
)
UNSURE = "Indéterminé"
SLOW = (
    f"parmi ces images, des photos (au moins 64 pixels de côté) : {PHOTO_MODEL} les nomme, en "
    f"plusieurs fois le temps d'une vignette ; --model {DEFAULT_MODEL} va plus vite, mais se "
    "trompe plus."
)


class _ShowVersion(Action):
    """Écrit la version installée, et s'arrête."""

    def __call__(self, parser, namespace, values, option_string=None):
        import tomllib
        from importlib import metadata

        project = MODELS_DIR.parent / "pyproject.toml"  # du dépôt ; une installation n'en a pas
        if project.exists():
            found = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"]
        else:
            found = metadata.version(PACKAGE)
        print(f"predict {found}")
        parser.exit()


def _parser() -> FrenchParser:
    parser = FrenchParser(
        prog="predict", description="Nomme ce que montre une image : Prédiction: Avion"
    )
    add = parser.add_argument
    add(
        "paths",
        nargs="+",
        metavar="IMAGE",
        help="image, dossier d'images, ou - pour l'entrée standard",
    )
    add("--top", type=positive_int, metavar="K", help="les K classes les plus probables")
    add(
        "--threshold",
        type=_probability,
        default=0.0,
        metavar="P",
        help=f"dire {UNSURE} sous cette probabilité, de 0 à 1 (jamais par défaut)",
    )
    add(
        "--explain",
        type=Path,
        metavar="FIGURE",
        help="écrire aussi une figure de ce qui a décidé (une seule image)",
    )
    add(
        "--method",
        choices=[*EXPLANATIONS],
        metavar="METHODE",
        help=f"méthode de --explain, occlusion par défaut : {', '.join(EXPLANATIONS)}",
    )
    add("--strict", action="store_true", help=f"dire {UNSURE} d'une réponse mise en doute")
    add("--version", action=_ShowVersion, nargs=0, help="montre la version et s'arrête")
    add("--json", action="store_true", help="un objet JSON par image et par ligne")
    add("--model", metavar="MODELE", help=f"{router.MODEL_HELP} ; ou dossier d'un autre")
    add("--classes", metavar="NOMS", help="classes de votre réseau : chat,chien, ou un fichier")
    add("--scale", choices=["0-255", "0-1", "-1-1", "caffe"], help="pixels que lit votre réseau")
    add("--ground", choices=["dark", "light", "any"], help="fond de ses images, s'il lit du gris")
    return parser


def _parse(argv: list[str] | None):
    parser = _parser()
    for each in sys.argv[1:] if argv is None else argv:
        if each == "--":  # ce qui suit n'est plus une option
            break
        if each[:1] == "-" and os.path.isfile(each):
            parser.error(f"{printable(each)} commence par un tiret : écrivez ./{printable(each)}")
    options = parser.parse_args(argv)
    if options.paths.count("-") > 1:
        parser.error("l'entrée standard (-) ne se lit qu'une fois")
    only = options.paths[0]
    if options.explain and (
        len(options.paths) > 1
        or only == "-"
        or (os.path.exists(only) and not os.path.isfile(only))  # elle est relue pour la figure
    ):
        parser.error("--explain demande une seule image, dans un fichier")
    if options.method and not options.explain:
        parser.error("--method choisit une méthode de --explain, qui n'est pas demandé")
    return options


def _probability(text: str) -> float:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = -1
    if not 0 <= value <= 1:
        raise ArgumentTypeError(f"probabilité de 0 à 1 attendue, reçu {text!r}")
    return value


def _expand(paths: list[str]) -> tuple[list[str], list[str]]:
    """Remplace chaque dossier par ses images, sous-dossiers compris, dans l'ordre des noms.

    Returns:
        `(images, erreurs)` : les chemins, et une phrase par dossier vide ou illisible.
    """
    expanded: list[str] = []
    errors: list[str] = []

    def refuse(error: OSError) -> None:
        errors.append(f"{printable(error.filename)} : ce dossier ne peut pas être lu (chmod u+rx).")

    for path in paths:
        if path == "-" and getattr(sys.stdin, "name", "") == os.devnull:  # voir `reserve_stderr`
            errors.append(
                "l'entrée standard est fermée, ou c'est un dossier ; une image y est attendue, "
                "comme dans ./predict - < image.png."
            )
            continue
        if path == "-" or not os.path.isdir(path):
            expanded.append(path)
            continue
        num_errors, others = len(errors), []
        found = sorted(find_pictures(path, refuse, others), key=_natural)
        if not found and len(errors) == num_errors:
            errors.append(f"{printable(path)} : aucune image dans ce dossier.{_listed(others)}")
        elif others:
            _report(f"{path} :{_listed(others)}")
        expanded += found
    return expanded, errors


def _natural(path: str) -> list[tuple[int, str]]:
    """Range img2 avant img10 : une suite de chiffres compte pour le nombre qu'elle écrit."""
    parts = re.findall(r"([0-9]+)|([^0-9]+)", path)
    return [(int(digits), "") if digits else (sys.maxsize, text) for digits, text in parts]


def _listed(others: list[str]) -> str:
    """Dit ce qu'un dossier contient d'autre que des images : `" 3 fichiers ne sont pas…"`."""
    if not others:
        return ""
    ends = {os.path.splitext(name)[1].lower() or "sans fin de nom" for name in others}
    what = agreed(len(others), "fichier n'est pas une image", "fichiers ne sont pas des images")
    shown = sorted(ends)[:5]
    return f" {what} ({', '.join(map(printable, shown))}{'…' if len(ends) > 5 else ''})."


def find_pictures(
    folder: str, refuse: Callable[[OSError], None] | None = None, others: list[str] | None = None
) -> Iterator[str]:
    """Rend les images d'un dossier et de ses sous-dossiers, sans ce qui est caché.

    Ce qui n'est pas rendu est ajouté à `others` : un fichier dont le nom n'est pas celui d'une
    image, un tube ou un périphérique, dont la lecture bloquerait la commande, et un lien vers un
    dossier, qui n'est pas suivi. Un lien mort est rendu, et sera signalé plus loin.
    """
    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        if others is not None:
            others += [name for name in folders if os.path.islink(os.path.join(parent, name))]
        for name in names:
            path = os.path.join(parent, name)
            if name[0] == ".":
                continue
            is_picture = os.path.splitext(name)[1].lower() in EXTENSIONS
            if is_picture and (os.path.isfile(path) or not os.path.exists(path)):
                yield path
            elif others is not None:
                others.append(name)


def _line(result: Result, options, *, alone: bool) -> str:
    classes, probabilities = result.answer.classes, result.probabilities
    order = [result.best]
    if options.top:
        order = sorted(range(len(classes)), key=probabilities.__getitem__, reverse=True)
        order = order[: options.top]
    is_unsure = probabilities[order[0]] < options.threshold
    is_unsure |= options.strict and result.is_doubted
    if options.json:
        top = [{"class": classes[i], "probability": round(probabilities[i], 6)} for i in order]
        fields = {"path": result.path, **top[0], "familiar": result.familiar}
        fields |= {"class": None} if is_unsure else {}
        fields |= {"why": result.answer.why} if result.is_doubted else {}
        return json.dumps({**fields, "top": top} if options.top else fields)
    if is_unsure:
        names = UNSURE
    elif options.top:
        names = ", ".join(f"{classes[i]} ({percent(probabilities[i])})" for i in order)
    else:
        names = classes[order[0]]
    return f"Prédiction: {names}" if alone else f"{printable(result.path)}: Prédiction: {names}"


class Tally:
    """Ce qui est compté au fil des réponses, pour le dire à la fin."""

    def __init__(self):
        self.num_answers = self.num_doubted = self.num_several = self.num_errors = 0
        self.last: Result | None = None
        self._start_s = self._said_s = time.monotonic()

    def progress(self, num_pictures: int) -> str:
        """Dit, toutes les dix secondes d'un long dossier, où il en est ; "" entre-temps."""
        now, num_done = time.monotonic(), self.num_answers + self.num_errors
        if num_pictures <= MANY or now - self._said_s < PROGRESS_S or num_done >= num_pictures:
            return ""
        self._said_s = now
        left_s = (now - self._start_s) / num_done * (num_pictures - num_done)
        left = f"{left_s / 60:.0f} min" if left_s >= 90 else f"{left_s:.0f} s"
        return f"{agreed(num_done, 'image')} sur {num_pictures}, encore {left}."

    def add(self, result: Result) -> None:
        """Compte une réponse, ou une image illisible."""
        self.last = result
        if result.answer is None:
            self.num_errors += 1
            return
        self.num_answers += 1
        self.num_doubted += result.is_doubted
        self.num_several += result.several

    def sentences(self, num_pictures: int) -> Iterator[str]:
        """Rend ce qu'il faut en dire."""
        if self.num_several:
            few = agreed(self.num_several, "fichier contient", "fichiers contiennent")
            yield f"{few} plusieurs images : seule la première est lue."
        if self.num_doubted and num_pictures > 1:
            few = agreed(self.num_doubted, "réponse n'est pas sûre", "réponses ne sont pas sûres")
            yield f"{few}, sur {num_pictures} ; --json dit lesquelles, --strict les tait."


def _report(message: str) -> None:
    print(f"predict : {printable(message)}", file=sys.stderr, flush=True)


def main(argv: list[str] | None = None) -> int:
    """Exécute `./predict`.

    Args:
        argv: arguments de la ligne de commande, sans le nom du programme.

    Returns:
        0 ; 1 si une image ou le modèle n'a pu être lu ; 2 pour un mauvais usage ; 141 si plus
        personne ne lit la sortie.
    """
    for stream in filter(None, (sys.stdout, sys.stderr)):
        # De l'UTF-8, quelle que soit la langue du système ; chaque ligne part aussitôt écrite.
        stream.reconfigure(
            encoding="utf-8", errors="surrogateescape", newline="\n", line_buffering=True
        )
    try:
        try:
            options = _parse(argv)
        except SystemExit as stop:  # --help, ou un mauvais usage : `argparse` a tout dit
            sys.stdout.flush()  # il tait un disque plein
            return stop.code
        return _run(options)
    except BrokenPipeError:  # `./predict dossier | head` : plus personne ne lit
        _drop_stdout()
        return 141
    except ImportError as error:
        if error.name == "PIL":  # le premier qu'elle demande : rien n'est donc installé
            _report("ses paquets manquent : lancez d'abord la première commande du README.")
        else:
            _report(f"le paquet {error.name} manque : {install_advice(error.name)}")
    except (ValueError, OSError) as error:
        if getattr(error, "errno", None) in {errno.ENOSPC, errno.EIO} and not error.filename:
            _drop_stdout()  # disque plein : Python réessaierait en sortant, et le dirait en anglais
        _report(reason(error))
    return 1


def _drop_stdout() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _locate(options) -> tuple[str | None, Path]:
    """Trouve le modèle que `--model` désigne.

    Args:
        options: `model`, un nom de `models/` ; à défaut un réseau appris ailleurs, un dossier qui
            contient un seul modèle, ou le chemin de ses fichiers, sans leur fin ; None sans cette
            option.

    Returns:
        `(nom, dossier)` ; le nom est None quand `router` doit choisir.

    Raises:
        FileNotFoundError: rien de tel.
        ValueError: aucun modèle dans ce dossier, ou plusieurs.
    """
    wanted = options.model
    if _is_own(wanted):
        return _adopt(options)
    if options.classes or options.scale or options.ground:
        raise ValueError(
            "--classes, --scale et --ground décrivent un réseau appris ailleurs : --model FICHIER"
        )
    name = DEFAULT_MODEL if wanted is None else wanted
    if name == os.path.basename(name) and os.path.exists(MODELS_DIR / f"{name}.tflite"):
        return wanted, MODELS_DIR
    if wanted and os.path.isdir(wanted):
        return _only_model(wanted), Path(wanted)
    path = Path(name)
    stem = path.with_suffix("") if path.suffix in SUFFIXES else path
    if wanted and any(os.path.exists(f"{stem}{end}") for end in SUFFIXES):
        return stem.name, stem.parent
    known = ", ".join(map(printable, _readable(MODELS_DIR))) or "aucun"
    raise FileNotFoundError(
        f"Pas de modèle {printable(name)} dans models/ (présents : {known}) ; le dossier d'un "
        "modèle, ou le chemin de ses fichiers sans leur fin, convient aussi."
    )


def _is_own(wanted: str | None) -> bool:
    """Dit si `--model` désigne un réseau appris ailleurs, que `own` fait lire."""
    if not wanted or not os.path.exists(wanted):
        return False
    from convnets.serving.own import is_own

    return is_own(Path(wanted))


def _only_model(folder: str) -> str:
    """Rend le nom du seul modèle d'un dossier.

    Raises:
        ValueError: il n'en contient aucun, ou plusieurs.
    """
    found = sorted(each.stem for each in Path(folder).glob("*.tflite"))
    if len(found) == 1:
        return found[0]
    names = ", ".join(printable(os.path.join(folder, each)) for each in found) or "aucun"
    raise ValueError(
        f"{printable(folder)} devrait contenir un seul modèle, un .tflite et son .json : "
        f"choisissez-en un avec --model ({names})."
    )


def _adopt(options) -> tuple[str, Path]:
    """Fait lire un réseau appris ailleurs : `(nom, dossier)` de sa fiche, écrite s'il le faut.

    Raises:
        ValueError: il ne peut pas être lu.
    """
    from convnets.serving import own

    path = Path(options.model)
    picture = _first_picture(options.paths[0])
    try:
        wanted = own.Wanted(options.classes, options.scale, options.ground)
        card = own.adopt(path, wanted, picture=picture)
    except ValueError as error:
        raise ValueError(f"{printable(str(path))} : {error}") from error
    return card.stem, card.parent


def _first_picture(path: str) -> str | None:
    """Rend le chemin absolu d'une image à montrer : celle-là, ou la première de ce dossier."""
    if os.path.isdir(path):
        path = min(find_pictures(path), default="")
    return os.path.abspath(path) if os.path.isfile(path) else None


def _readable(folder: Path) -> list[str]:
    """Rend les noms des modèles d'un dossier que `./predict` sait lire : il les essaie."""
    names = []
    for path in sorted(folder.glob("*.tflite")):
        with contextlib.suppress(ValueError, OSError):
            names.append(Classifier(path.stem, models_dir=folder, num_threads=1).slug)
    return names


def _run(options) -> int:
    """Fait ce que demandent les options, une fois lues ; rend le code de sortie."""
    slug, folder = _locate(options)
    if options.explain:
        _check_explanation(options, slug, folder)
    paths, errors = _expand(options.paths)
    for error in errors:
        _report(error)
    if not paths:
        return 1
    alone = len(options.paths) == 1 and not os.path.isdir(options.paths[0])
    if alone and not options.json and paths[0] != "-" and not os.path.exists(paths[0]):
        # Inutile de charger un moteur ; la même phrase que pour une image parmi d'autres.
        from convnets.core.images import open_image

        open_image(paths[0])
    classifier = router.load(slug, models_dir=folder, alone=len(paths) == 1)
    gc.enable()  # le script predict le coupe le temps des imports
    results = _saying_why_it_is_slow(classifier.classify(paths), slug, len(paths))
    tally = _print_all(results, options, len(paths), alone=alone)
    failed = bool(errors or tally.num_errors)
    if options.explain and not failed:
        _explain(options, tally.last)
    return int(failed)


def _print_all(results: Iterator[Result], options, num_pictures: int, *, alone: bool) -> Tally:
    """Écrit chaque réponse aussitôt, puis ce qu'il faut dire de toutes ; rend leur compte."""
    tally = Tally()
    for result in results:
        tally.add(result)
        _print(result, options, alone=alone, is_only=num_pictures == 1)
        if progress := tally.progress(num_pictures):
            _report(progress)
    for sentence in tally.sentences(num_pictures):
        _report(sentence)
    return tally


def _saying_why_it_is_slow(
    results: Iterator[Result], slug: str | None, num_pictures: int
) -> Iterator[Result]:
    """Rend les réponses ; à la première photo d'un long dossier, dit pourquoi attendre."""
    is_long = slug is None and num_pictures > MANY
    for result in results:
        if is_long and result.classifier and result.classifier.slug == PHOTO_MODEL:
            is_long = False
            _report(SLOW)
        yield result


def _print(result: Result, options, *, alone: bool, is_only: bool) -> None:
    """Écrit une réponse, et d'une image seule pourquoi en douter ; ou ce qui l'a empêchée."""
    if result.answer is None:
        _report(result.error)
        if options.json:
            print(json.dumps({"path": result.path, "error": result.error}))
        return
    print(_line(result, options, alone=alone))
    if is_only and result.is_doubted:
        shown = "l'entrée standard" if result.path == "-" else result.path
        _report(f"{shown} {result.answer.why}")


def _check_explanation(options, slug: str | None, folder: Path) -> None:
    """Vérifie, avant tout calcul, que la figure de `--explain` pourra être faite et écrite.

    Raises:
        ValueError, OSError: voir `explain.check_output` ; ou la méthode demande un réseau de Keras,
            et le modèle n'en a pas.
    """
    derives = options.method and EXPLANATIONS[options.method].derives
    if derives and not any(folder.glob(f"{slug or '*'}.keras")):
        raise ValueError(
            f"--method {options.method} dérive un réseau de Keras, et le fichier .keras n'est "
            "pas installé ici : prenez occlusion ou lime."
        )
    from convnets.explaining import explain

    explain.check_output(options.explain, options.paths[0])


def _explain(options, result: Result) -> None:
    from convnets.explaining import explain

    method = options.method or "occlusion"
    if EXPLANATIONS[method].derives:
        print(f"{method} dérive le réseau : Keras se charge…", file=sys.stderr, flush=True)
    explain.explain(result, options.explain, name=method)


def run_script() -> None:
    """Exécute `main` pour de bon, et quitte le processus avec son code de sortie."""
    closed = sys.stdout is None
    reserve_stderr()
    if closed:
        _report("la sortie standard est fermée ; la réponse doit pouvoir y être écrite.")
    # Sortir sans ranger la mémoire épargne le dixième du temps d'une image, et n'attend pas un
    # fil arrêté sur un tube sans fin ; tout ce qui est écrit l'est déjà.
    os._exit(1 if closed else main())


if __name__ == "__main__":
    import signal

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # comme le script predict
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    run_script()
