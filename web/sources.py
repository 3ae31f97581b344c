"""Les pages du site, en Markdown, tirées des textes du dépôt.

Une page par exercice : sa leçon (`lesson_page`), ce qu'il atteint et de quoi commencer.
Les pages de `docs/` sont reprises telles quelles, mais leurs liens qui sortent du site deviennent
des chemins dans le dépôt.
"""

import ast
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path
from urllib.parse import quote

from convnets.core.cli import markdown_table
from convnets.core.reports import format_accuracy, format_headline, load_measures
from exercises import EXERCISES, FOLDER, Exercise, chapters
from exercises.lesson_text import Workshop, read_lesson
from exercises.notebook import (
    LABEL,
    code_cells,
    colab_address,
    reading_order,
    to_markdown,
    write_notebooks,
)
from exercises.sheet import write_zips
from web import path as course
from web.examples import list_examples
from web.lesson_page import lesson_texts
from web.shown import ORPHAN, SHOWN

ROOT = FOLDER.parent
DOCS = ROOT / "docs"
PAGES = {  # pages de docs/, par rubrique du menu ; docs/README.md a les mêmes
    "Commencer": ("installer",),
    "Le cours": ("exercices", "taches", "figures", "galerie", "systemes"),
    "Enseigner": ("enseignants", "bareme", "correction", "site"),
    "`./predict`": ("predire", "grappe"),
    "Référence": ("glossaire", "errata", "api_hier_aujourdhui", "credits"),
    "Cahier de laboratoire": (
        "laboratoire/README",
        "laboratoire/resultats",
        "laboratoire/records",
        "laboratoire/vitesse",
        "laboratoire/photographies",
        "laboratoire/cadrage",
        "laboratoire/familiarite",
        "laboratoire/autres_cours",
    ),
}
WORKSHOPS = Path(__file__).parent / "pages"  # celles où l'on essaie ; leur ordre est celui du cours
# La place d'un atelier. Dans une page, elle donne son nom et son JavaScript ; dans le site, une
# phrase explique pourquoi elle est vide, tant qu'elle l'est, et un lien, que `?seul` seul montre,
# mène à la page entière.
WORKSHOP = re.compile(r"```{atelier} (\w+) (\w+\.js)\n```")
EMPTY_WORKSHOP = r"""```{raw} html
<div id="\1" class="atelier">
<p>Cette partie calcule : elle demande JavaScript.</p>
</div>
<p class="provenance"><a href="{page}.html" target="_blank">Cet atelier, dans son cours</a></p>
<script defer src="_static/ateliers/\2"></script>
```"""
WHERE_TO_BEGIN = """- **Vous apprenez.** Lisez [la leçon 00](ex00_convolution.md), puis les autres,
  dans l'ordre de cette page. À la fin de chacune, un énoncé à compléter se télécharge.
- **Vous enseignez.** [Enseigner, et corriger des rendus](enseignants.md) donne deux plans de
  cours, et la commande qui note une classe.
- **Vous voulez essayer.** Changez les nombres ci-dessous, ou ouvrez
  [un réseau qui apprend sous vos yeux](apprendre.md) : il n'y a rien à installer."""
# L'atelier de l'accueil, sans ses réglages.
SHOWCASE = """```{raw} html
<div id="noyaux" class="atelier bref"><p>Cette partie calcule : elle demande JavaScript.</p></div>
<script defer src="_static/ateliers/kernels_page.js"></script>
```

Changez un nombre : la même opération, répétée et apprise, est un réseau convolutif.
[Tous les réglages, et la caméra](noyaux.md)."""
# De quoi emporter le site : voir static/js/take_away.js.
TAKE_AWAY = """```{raw} html
<div id="emporter"><p>Pour s'en servir hors ligne, copiez le dossier du site.</p></div>
<script defer src="_static/ateliers/take_away.js"></script>
```"""
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
DOCUMENTS = (
    "S0 : les diapositives « Réseaux convolutifs » ; S1 : « Jour 04 » ; S2 : le TD « keras & "
    "réseaux de neurones convolutionnels » ; S3 : les diapositives « Réseaux convolutionnels pour "
    "l'image » ; S4 : le billet « CNN : convolution, Deep Dream, Grad Cam »."
)


def write_sources(folder: Path) -> None:
    """Écrit toutes les pages et leurs images.

    Args:
        folder: dossier vide, ou à créer.
    """
    folder.mkdir(parents=True, exist_ok=True)
    texts = {"index": _index(), "exemples": _examples()}
    for page in WORKSHOPS.glob("*.md"):
        place = EMPTY_WORKSHOP.replace("{page}", page.stem)
        texts[page.stem] = WORKSHOP.sub(place, page.read_text(encoding="utf-8"))
    for name in chain.from_iterable(PAGES.values()):
        page = DOCS / f"{name}.md"
        texts[name] = rewrite_links(page.read_text(encoding="utf-8"), page.parent)
    texts["credits"] += f"\n{_samples()}\n"
    for each in DOCS.iterdir():
        if each.is_dir() and each.name != "__pycache__":
            shutil.copytree(each, folder / each.name)
    for name, text in texts.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    for page in (folder / "mesures").rglob("*.md"):  # d'autres pages y mènent, et non le menu
        text = page.read_text(encoding="utf-8")
        page.write_text(f"{ORPHAN}{re.sub('^## ', '# ', text)}", encoding="utf-8")
    for exercise in EXERCISES:
        _write_exercise(exercise, folder)


def write_downloads(folder: Path, exercises: Sequence[Exercise] = EXERCISES) -> None:
    """Écrit les fichiers à télécharger : corrigés en notebooks, énoncés à compléter.

    Args:
        folder: dossier à créer ; `exNN_nom.ipynb`, `exNN_nom_enonce.zip`, et `cours_eleve.zip`,
            ce que les énoncés partagent.
        exercises: ceux dont il s'agit, un au moins.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_notebooks([exercise.slug for exercise in exercises], folder)
    write_zips(exercises, folder)


# --- Accueil -------------------------------------------------------------------------


def workshops() -> list[Path]:
    """Rend les pages où l'on essaie, dans l'ordre du cours."""
    names = [name for own in course.WORKSHOPS.values() for name, _, _ in own]
    return [WORKSHOPS / f"{name}.md" for name in dict.fromkeys(names)]


def _index() -> str:
    parts = [
        "# Réseaux convolutifs, par la pratique",
        f"Un cours sur les réseaux convolutifs, en {len(EXERCISES)} exercices corrigés. Chacun "
        "s'exécute en quelques minutes sur deux cœurs récents, et dit ce qu'il atteint. Rien à "
        "installer pour lire ni pour essayer ; rien ne sort de votre machine.",
        WHERE_TO_BEGIN,
        SHOWCASE,
        "Les exercices sont dans l'ordre de la lecture. Un mot inconnu : [le glossaire]"
        "(glossaire.md).",
        "Les ateliers : "
        + " ; ".join(f"[{_title(page)}]({page.name})" for page in workshops())
        + ". Et [les exemples des documents](exemples.md), de N1 à N23, calculés sous vos yeux.",
    ]
    for chapter, exercises in chapters.chapters():
        cards = "\n".join(map(_card, exercises))
        parts += [
            f"## {chapter.title}",
            chapter.summary,
            f'```{{raw}} html\n<div class="accueil">\n{cards}\n</div>\n```',
        ]
    parts.append(TAKE_AWAY)
    menu = {"Commencer": PAGES["Commencer"], "Le cours": ("exemples", *PAGES["Le cours"])}
    menu["Les ateliers"] = [page.stem for page in workshops()]
    menu |= {chapter.title: [each.slug for each in own] for chapter, own in chapters.chapters()}
    menu |= {title: names for title, names in PAGES.items() if title not in menu}
    parts += [DOCUMENTS, *(_toctree(*each) for each in menu.items())]
    return "\n\n".join(parts) + "\n"


def _card(exercise: Exercise) -> str:
    title = re.sub("`(.+?)`", r"<code>\1</code>", exercise.title)
    return (
        f'<a class="carte" href="{exercise.slug}.html"><img alt="" width="320" height="240" '
        f'src="_static/accueil_{exercise.number:02}.jpg"><b>{exercise.number:02}. {title}</b> '
        f"<span>{exercise.document} ; {_duration(exercise)}</span></a>"
    )


def _tries(exercise: Exercise) -> str:
    """Rend de quoi ouvrir les ateliers d'un exercice, chacun sur un de ses exemples."""
    links = " ".join(
        f'<a class="bouton" href="{name}.html?exemple={quote(example)}">Essayer : {what}</a>'
        for name, example, what in course.WORKSHOPS.get(exercise.number, ())
    )
    return links and f'```{{raw}} html\n<p class="essayer">{links}</p>\n```'


def _examples() -> str:
    parts = [
        "# Les exemples des documents",
        "Chacun des exemples chiffrés des cinq documents s'ouvre dans un atelier, ses nombres "
        "posés ; l'atelier le calcule, et dit s'il retrouve ce qui est attendu. Les mêmes, en "
        "Python : [l'exercice 00](ex00_convolution.md). Les erreurs des documents sont numérotées "
        "comme dans [les errata](errata.md).",
    ]
    for number, some in groupby(list_examples(), key=itemgetter("number")):
        cases = list(some)
        about = cases[0]
        links = ", ".join(
            f'<a href="{each["page"]}.html?exemple={each["id"]}">{each["what"]}</a>'
            for each in cases
        )
        title = f"**{number}** ({about['document']}) : {about['subject']}"
        parts.append(f"{title} : {links}. {about['note']}")
    return "\n\n".join(parts) + "\n"


def _samples() -> str:
    """Rend la table des images d'exemple : l'auteur, la licence et la source de chacune."""
    text = (ROOT / "samples" / "README.md").read_text(encoding="utf-8")
    return "\n".join(line for line in text.splitlines() if line.startswith("|"))


def _title(page: Path) -> str:
    return page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


def _toctree(title: str, names) -> str:
    caption = f":caption: {title}".replace("`", "")
    return "\n".join(["```{toctree}", ":hidden:", caption, "", *names, "```"])


def _duration(exercise: Exercise) -> str:
    minutes = f"{exercise.minutes:g}".replace(".", ",") if exercise.minutes else "moins d'une"
    return f"{minutes} minute{'s' if exercise.minutes >= 2 else ''}"


# --- Un exercice ---------------------------------------------------------------------


def _write_exercise(exercise: Exercise, folder: Path) -> None:
    opening, *parts = reading_order(exercise)
    text = _exercise_page(exercise, opening, parts)
    (folder / f"{exercise.slug}.md").write_text(text, encoding="utf-8")
    for path in parts:
        page = folder / exercise.slug / f"{path.stem.strip('_')}.md"
        page.parent.mkdir(exist_ok=True)
        page.write_text(_module_page(path, exercise.number), encoding="utf-8")


def _exercise_page(exercise: Exercise, opening: Path, parts: list[Path]) -> str:
    """Rend la page d'un exercice : son texte, puis de quoi la refaire."""
    lesson = read_lesson(exercise.slug)
    placed = any(isinstance(block, Workshop) for block in lesson.blocks)
    texts = [
        f"# {exercise.number:02}. {lesson.title}",
        "" if placed else _tries(exercise),
        *lesson_texts(lesson, rewrite_links),
        "## La commande",
        f"```text\n{_commands(opening.read_text(encoding='utf-8'))}\n```",
        f"Sur deux cœurs récents, elle dure {exercise.duration}.",
        f"[Le notebook exécuté]({exercise.slug}_execute.md) montre chaque appel et sa figure."
        if exercise.slug in SHOWN
        else "",
        *(["## Les fichiers", *_contents(exercise, parts)] if parts else []),
        _results(exercise),
        "## À vous",
        _downloads(exercise),
    ]
    return "\n\n".join(text for text in texts if text) + "\n"


def _docstring(source: str) -> tuple[str, str]:
    """Rend la première ligne de la docstring d'un fichier, et le reste, sans son en-tête."""
    title, _, rest = ast.get_docstring(ast.parse(source)).partition("\n")
    paragraphs = rest.strip("\n").split("\n\n")
    return title, to_markdown("\n\n".join(each for each in paragraphs if not LABEL.match(each)))


def _commands(source: str) -> str:
    """Rend les commandes que donne l'en-tête d'une docstring, une par ligne."""
    text = ast.get_docstring(ast.parse(source))
    found = re.search(r"^Commandes? : (.+(?:\n .+)*)", text, re.M)[1]
    found = re.sub(r",?\s+puis\s+(?=…|python|\./predict)", "\n", found)
    found = found.replace("… ", "python -m exercises.")
    return "\n".join(line.strip() for line in found.splitlines())


def _results(exercise: Exercise) -> str:
    rows = []
    for slug in exercise.models:
        report = load_measures(slug)
        shown = format_headline(report)
        if not shown and "accuracy" in report.metrics:
            shown = [("exactitude", format_accuracy(report))]
        rows += [[slug, label, value] for label, value in shown]
    if not rows:
        return ""
    return (
        "## Ce qu'il atteint\n\n"
        + markdown_table(["compte rendu", "mesure", "résultat publié"], rows)
        + "\n\nSur des données que le réseau n'a pas apprises ; chaque valeur est une moyenne."
    )


def _contents(exercise: Exercise, parts: list[Path]) -> Iterator[str]:
    for path in parts:
        title, _ = _docstring(path.read_text(encoding="utf-8"))
        yield f"[`{path.name}`]({exercise.slug}/{path.stem.strip('_')}.md) : {title}"
    names = [f"{path.name} <{exercise.slug}/{path.stem.strip('_')}>" for path in parts]
    yield "\n".join(["```{toctree}", ":hidden:", "", *names, "```"])


def _module_page(path: Path, number: int) -> str:
    source = path.read_text(encoding="utf-8")
    title, body = _docstring(source)
    name = path.relative_to(ROOT).as_posix()
    # La recherche ne montre que les titres, et plusieurs exercices ont un `networks.py`.
    texts = [f"# `{path.name}`, exercice {number:02}", f"{title} (`{name}`)", body, *_code(source)]
    return "\n\n".join(text for text in texts if text) + "\n"


def _code(source: str) -> Iterator[str]:
    """Rend les questions d'un fichier et le code de chacune ; ses imports restent de côté."""
    for cell in code_cells(source, "##"):
        if cell.cell_type == "markdown":
            yield cell.source
        elif not cell.source.startswith(("import ", "from ")):
            yield f"```python\n{cell.source}\n```"


def _downloads(exercise: Exercise) -> str:
    slug, enonce = exercise.slug, f"{exercise.slug}_enonce.zip"
    address = colab_address(f"{slug}.ipynb")  # quand elle est réglée, dans exercises/notebook.py
    colab = [f"- Ouvrir dans Colab [le corrigé]({address})."] if address else []
    return "\n".join(
        [
            *colab,
            f"- L'énoncé, fonctions à écrire : {_download('notebook et fichier', enonce)}. "
            f"Décompressez dans le même dossier {_download('le cours', 'cours_eleve.zip')}, que "
            "tous les énoncés partagent.",
            f"- Le corrigé : {_download('notebook', f'{slug}.ipynb')}.",
            f"- Dans le dépôt : `python -m exercises.{slug}`, et `--help` pour ses options.",
        ]
    )


# --- Les liens -----------------------------------------------------------------------


def _download(label: str, name: str) -> str:
    """Rend un lien vers un fichier de `telecharger/`, qui n'existe pas encore pour Sphinx."""
    return f'<a href="telecharger/{name}" download>{label}</a>'


def rewrite_links(text: str, folder: Path) -> str:
    """Garde les liens vers le site, et fait un chemin du dépôt de ceux qui en sortent.

    Args:
        text: Markdown.
        folder: celui de la page, dans le dépôt.
    """
    pages = {f"{name}.md" for name in chain.from_iterable(PAGES.values())}

    def rewrite(match: re.Match) -> str:
        image, label, target = match.groups()
        file, mark, anchor = target.partition("#")
        if image or not file or ":" in file:
            return match[0]
        path = Path(os.path.normpath(folder / file)).relative_to(ROOT).as_posix()
        page = path.removeprefix("docs/").removeprefix("exercises/lessons/")
        if page not in pages and not re.match(r"mesures/|ex\d\d_", page):
            return f"{label} (`{path}`)"
        # Un lien nommé par son fichier prend le titre de la page.
        shown = _title(ROOT / path) if label == Path(file).name else label
        inside = folder.relative_to(DOCS) if folder.is_relative_to(DOCS) else Path()
        return f"[{shown}]({os.path.relpath(page, inside)}{mark}{anchor})"

    return LINK.sub(rewrite, text)
