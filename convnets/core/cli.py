"""Les options communes des exercices : mêmes noms, mêmes défauts, mêmes messages."""

import argparse
import errno
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

LESSON_MINUTES = 10
ROOM_MB = 50  # libres, pour ce qu'une leçon écrit


class FrenchParser(argparse.ArgumentParser):
    """`argparse`, dont les quelques phrases visibles sont traduites."""

    def __init__(self, **options):
        super().__init__(add_help=False, **options)
        self._positionals.title = "arguments "  # « arguments : », l'espace du français
        self._optionals.title = "options "
        # « -1/2 » et « -1,5 » sont des valeurs, et non des options inconnues.
        self._negative_number_matcher = re.compile(r"-[.,]?\d")
        self.add_argument("-h", "--help", action="help", help="montre cette aide et s'arrête")

    def format_usage(self) -> str:
        """Rend la ligne d'usage, « usage : » avec l'espace du français."""
        return super().format_usage().replace("usage:", "usage :", 1)

    def format_help(self) -> str:
        """Rend l'aide entière."""
        return super().format_help().replace("usage:", "usage :", 1)

    def error(self, message: str):
        """Écrit l'usage et une phrase en français, puis sort avec le code 2."""
        for english, french in _TRANSLATIONS:
            message = message.replace(english, french)
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog} : {printable(message)}. --help montre les options.\n")


# Une table plutôt que gettext, qui voudrait un catalogue compilé et suivrait la langue du système.
_TRANSLATIONS = (
    ("the following arguments are required:", "il manque"),
    ("unrecognized arguments:", "option inconnue :"),
    ("expected one argument", "attend une valeur"),
    ("expected at least one argument", "attend au moins une valeur"),
    ("ambiguous option:", "option ambiguë :"),
    ("could match", "peut vouloir dire"),
    ("invalid choice:", "choix impossible :"),
    ("choose from", "au choix :"),
    ("invalid int value:", "nombre entier attendu, reçu"),
    ("invalid float value:", "nombre attendu, reçu"),
    ("not allowed with argument", "ne va pas avec"),
    ("ignored explicit argument", "n'attend pas de valeur, reçu"),
    ("argument ", ""),
)


def positive_int(text: str, *, least: int = 1) -> int:
    """Lit un entier d'au moins `least` ; `argparse` en fait un message d'usage sinon."""
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise argparse.ArgumentTypeError(f"nombre entier d'au moins {least} attendu, reçu {text!r}")
    return value


def natural_int(text: str) -> int:
    """Lit un entier d'au moins 0 ; voir `positive_int`."""
    return positive_int(text, least=0)


def positive_number(text: str) -> float:
    """Lit un nombre plus grand que 0, avec un point ou une virgule ; voir `positive_int`."""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"nombre plus grand que 0 attendu, reçu {text!r}")
    return value


def lesson_parser(
    module: str, description: str, *, epochs: int | None, package: str = "exercises"
) -> FrenchParser:
    """Prépare les options d'une leçon.

    Args:
        module: ce que lance `python -m exercises.` ; `lesson_name` en fait le nom de ce qu'elle
            écrit.
        description: une phrase, la première de l'aide.
        epochs: nombre d'époques par défaut ; None : la leçon n'apprend rien.
        package: dossier de la commande.

    Returns:
        Un analyseur auquel la leçon peut ajouter l'image qu'elle lit.
    """
    parser = FrenchParser(prog=f"python -m {package}.{module}", description=description)
    if epochs:
        parser.add_argument(
            "--epochs",
            type=positive_int,
            default=epochs,
            metavar="N",
            help=f"nombre d'époques ({epochs} par défaut)",
        )
    parser.add_argument(
        "--minutes",
        type=positive_int,
        default=LESSON_MINUTES,
        metavar="N",
        help=f"durée maximale de la leçon ({LESSON_MINUTES} par défaut)",
    )
    parser.add_argument(
        "--limit",
        type=positive_int,
        metavar="N",
        help="n'utiliser que les N premières images (pour essayer)",
    )
    name = lesson_name(module)
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DOSSIER",
        help=f"où écrire les figures (figures/{name} par défaut)",
    )
    parser.set_defaults(module=name, command=f"{package}.{module}", default_of=parser.get_default)
    return parser


def add_model_option(parser: FrenchParser, name: str = "") -> None:
    """Ajoute `--model` à une leçon qui sait aussi se servir d'un modèle : le sien, ou `name`."""
    name = name or parser.get_default("module")
    parser.add_argument(
        "--model",
        type=Path,
        default=Path("models") / name,
        metavar="NOM",
        help=f"modèle à lire, chemin de ses fichiers sans leur fin (models/{name} par défaut)",
    )


def lesson_name(module: str) -> str:
    """Nomme ce qu'écrit une leçon : `"ex00_convolution.position"` écrit `"ex00_position"`."""
    exercise, _, part = module.partition(".")
    return f"{exercise[:4]}_{part}" if part else exercise


def check_writable(folder: Path, name: str) -> None:
    """Refuse, avant un long calcul, un dossier où l'on ne pourra pas écrire.

    Args:
        folder: un dossier, qui peut ne pas exister encore.
        name: comment la phrase l'appelle.

    Raises:
        ValueError: ce n'est pas un dossier, l'accès en est refusé, ou le disque est plein.
    """
    import shutil  # ./predict s'en passe

    folder = folder.absolute()
    known = next(each for each in (folder, *folder.parents) if each.exists())
    if not known.is_dir():
        raise ValueError(f"{name} : {printable(str(known))} n'est pas un dossier.")
    if not os.access(known, os.W_OK | os.X_OK):
        raise ValueError(f"{name} : {printable(str(known))} : accès refusé.")
    if shutil.disk_usage(known).free < ROOM_MB * 1e6:
        raise ValueError(
            f"{name} : {printable(str(known))} : plus de place sur le disque, il en faut {ROOM_MB} "
            "Mo. Libérez-en, ou choisissez un autre dossier."
        )


def install_advice(package: str) -> str:
    """Rend la commande qui installe un paquet dans l'environnement de ce Python."""
    from importlib.util import find_spec

    if find_spec("pip"):
        return f"{sys.executable} -m pip install {package}"
    return f"uv pip install --python {sys.executable} {package}"  # ceux de uv n'ont pas pip


def shown_path(path: Path) -> Path:
    """Rend un chemin relatif au dossier courant, s'il est dedans."""
    path = path.resolve()
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


_REASONS = {
    errno.EACCES: "accès refusé",
    errno.EEXIST: "ce nom est déjà pris, et pas par un dossier",
    errno.EISDIR: "c'est un dossier",
    errno.ELOOP: "boucle de liens symboliques",
    errno.ENAMETOOLONG: "nom trop long",
    errno.ENOENT: "ce fichier ou ce dossier n'existe pas",
    errno.ENOSPC: "plus de place sur le disque",
    errno.ENOTDIR: "un des noms de ce chemin n'est pas un dossier",
    errno.ENXIO: "périphérique absent",
    errno.EPERM: "opération interdite",
    errno.EROFS: "système de fichiers en lecture seule",
}


def reason(error: Exception, *, named: bool = True) -> str:
    """Dit une erreur en français, celles du système d'exploitation comprises."""
    number = getattr(error, "errno", None)
    if number is None:
        return str(error)
    text = _REASONS.get(number, f"erreur {number} du système")
    if named and error.filename:
        return f"{printable(os.fsdecode(error.filename))} : {text}."
    return text


def printable(name: str) -> str:
    """Rend un nom de fichier sur une ligne, en UTF-8 valide, sans caractère de contrôle."""
    if name and name.isprintable():
        return name
    return "".join(map(_shown, name)) or "''"


def _shown(c: str) -> str:
    """Rend un caractère ; un octet qui n'est pas de l'UTF-8, comme l'écrit Latin-1."""
    if "\udca0" <= c <= "\udcff":
        c = chr(ord(c) - 0xDC00)
    return c if c.isprintable() else ascii(c)[1:-1]


def agreed(number: int, one: str, many: str | None = None) -> str:
    """Écrit un nombre et son nom, accordé : `"0 image"`, `"1 image"`, `"2 images"`.

    Args:
        number: le nombre.
        one: le nom au singulier, avec ce qui s'accorde avec lui.
        many: de même au pluriel ; `one` et un « s » par défaut.
    """
    return f"{number} {(many or one + 's') if abs(number) >= 2 else one}"


def percent(share: float) -> str:
    """Écrit une part de [0, 1] en pour cent, à la française : `"97,3 %"`."""
    return f"{100 * share:.1f} %".replace(".", ",")


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Met des cellules en tableau Markdown, une ligne de texte par rangée."""
    lines = ["| " + " | ".join(cells) + " |" for cells in (header, *rows)]
    return "\n".join([lines[0], f"|{'---|' * len(header)}", *lines[1:]])


def reserve_stderr() -> None:
    """Réserve la sortie d'erreur aux messages de Python, le temps du processus.

    LiteRT, libtiff et d'autres bibliothèques en C y écrivent directement, en anglais, même quand
    tout va bien : ce qu'elles écrivent est perdu, et `sys.stderr` écrit encore dans le terminal.
    Les avertissements de Pillow sont tus aussi : l'exception suffit.
    """
    import logging
    import warnings

    warnings.simplefilter("ignore")
    logging.getLogger("PIL").setLevel(logging.CRITICAL + 1)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # fermé par l'appelant (`<&-`, `>&-`)
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    sys.stderr = open(kept, "w", encoding="utf-8", errors="backslashreplace", buffering=1)


def run(main: Callable[[], int], *, advice: str = "") -> int:
    """Exécute le corps d'un exercice et rend ses erreurs en une phrase.

    Args:
        main: fonction sans argument qui rend un code de sortie.
        advice: ce que la phrase de Ctrl-C ajoute, précédé d'une espace.

    Returns:
        Son code ; 1 après une erreur prévue, 130 après Ctrl-C, 141 si plus personne ne lit.
    """
    from convnets.core.memory import keep_freed_memory  # ./predict se passe de l'un et de l'autre
    from convnets.core.startup import INTERRUPTED, end_imports

    keep_freed_memory()  # avant tout calcul : les fils qui existent déjà gardent leurs habitudes
    try:
        end_imports(advice)
        return main()
    except BrokenPipeError:  # `… | head` : plus personne ne lit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        print(f"\n{INTERRUPTED}{advice}", file=sys.stderr)
        return 130
    except MemoryError:
        print("Erreur : la mémoire manque pour ce qui est demandé.", file=sys.stderr)
        return 1
    except (ValueError, OSError) as error:
        print(f"Erreur : {reason(error)}", file=sys.stderr)
        return 1
    except NotImplementedError as error:
        if not str(error).startswith("À vous"):  # une fonction d'un énoncé, à écrire
            raise
        print(f"Erreur : une fonction reste à écrire. {error}.", file=sys.stderr)
        return 1
