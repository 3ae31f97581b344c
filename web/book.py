"""Le site, que Sphinx fait des pages de `sources.py`."""

import hashlib
import io
import json
import os
import re
import shutil
import textwrap
from collections.abc import Callable
from html import escape
from importlib.metadata import files as files_of
from pathlib import Path

from filelock import FileLock
from PIL import Image, ImageOps

from convnets.core.images import crop_resize_image, open_image
from convnets.core.paths import MODELS_DIR, keras_models_dir
from exercises import chapters
from web import practice, runtime, scripts
from web.cam import export_maps
from web.clothes import clothes
from web.examples import list_examples, x_or_o_weights
from web.graph import club
from web.missing import MISSING
from web.networks import outlines, weights
from web.path import PICTURES
from web.shown import write_shown
from web.sounds import mixtures
from web.sources import ROOT, WORKSHOP, workshops, write_downloads, write_sources

STATIC = Path(__file__).parent / "static"
CACHE = keras_models_dir() / "cours-cnn"
# Ce que cette copie du dépôt a déjà construit.
SCORER = STATIC / "search_scorer.js"  # ce que la recherche exécute, dans la page
KEPT = CACHE / f"site-{hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]}"
# Ceux que des pages font répondre, avec leurs comptes rendus.
MODELS = ("thumbnails", "photos", "garments", "ex17_detection", "ex18_segmentation")
SAMPLES = [
    path for path in sorted((ROOT / "samples").iterdir()) if path.suffix[1:] in "png jpg webp"
]
DESCRIPTION = 200  # lettres, au plus, de ce que l'en-tête dit d'une page
SHARED = 6  # l'exercice dont l'image est celle d'un lien vers une page qui n'est d'aucun
VIGNETTE_PX, CARD_PX = 128, (320, 240)
LESSONS = [each.slug for _, own in chapters.chapters() for each in own]  # l'ordre de la lecture
TITLE = "Réseaux convolutifs, par la pratique"
SETTINGS = {
    "project": TITLE,
    "language": "fr",
    "extensions": ["myst_parser", "web.shown", "web.search"],
    "myst_enable_extensions": ["dollarmath"],
    "html_math_renderer": "mathml",
    "myst_heading_anchors": 3,
    "html_theme": "furo",
    "html_title": TITLE,
    "html_css_files": ["site.css"],
    "html_theme_options": {
        "light_css_variables": {"color-brand-primary": "#00629b", "color-brand-content": "#00629b"},
        "dark_css_variables": {"color-brand-primary": "#56b4e9", "color-brand-content": "#7cc4ee"},
    },
    "html_favicon": str(STATIC / "icone.svg"),
    "html_show_sphinx": False,
    "html_show_copyright": False,
    "html_copy_source": False,
    "html_search_scorer": str(SCORER),
    "html_show_search_summary": False,  # l'extrait demande un serveur
    "html_last_updated_fmt": None,
    "smartquotes": False,  # « --model » n'est pas un tiret
    "highlight_language": "python",
}
SERVED = "python"  # la seule partie qu'un dossier ne sait pas ouvrir : elle ne s'emporte pas
TEXTS = {  # ce que le thème dit en anglais
    "Skip to content": "Aller au contenu",
    "Toggle site navigation sidebar": "Montrer ou cacher le menu",
    "Toggle table of contents sidebar": "Montrer ou cacher le sommaire de la page",
    "Toggle Light / Dark / Auto color theme": "Clair, sombre, ou comme le système",
    "Toggle navigation of": "Montrer ou cacher le menu de",
    "Back to top": "Haut de page",
    "Contents": "Sommaire",
    "Expand": "Déplier",
    "Light mode": "Clair",
    "Dark mode": "Sombre",
    "Auto light/dark, in light mode": "Comme le système, clair",
    "Auto light/dark, in dark mode": "Comme le système, sombre",
    "On this page": "Sur cette page",
    "Made with": "Fait avec",
    "Previous": "Précédent",
    "Next": "Suivant",
    "Home": "Accueil",
    "Please activate JavaScript to enable the search functionality.": "JavaScript manque ici.",
}


SEARCH_FORM = """<h1>Recherche</h1>
<form class="chercher" role="search" aria-label="Dans tout le cours" action="search.html">
<label for="mots">Mots à chercher</label>
<input id="mots" type="search" name="q"> <button>Chercher</button></form>"""
PATCHES = {
    '<div class="table-wrapper': '<div tabindex="0" class="table-wrapper',
    '<div class="math-wrapper': '<div tabindex="0" class="math-wrapper',
    '<th class="head"><p></p></th>': "<td></td>",  # un coin de tableau n'est le titre de rien
    "<img ": '<img loading="lazy" ',
    "<pre>": '<pre tabindex="0">',
    '<p class="caption" role="heading">': '<p class="caption" role="heading" aria-level="2">',
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="Menu">',
    '<aside class="toc-drawer': '<aside aria-label="Sommaire de la page" class="toc-drawer',
    '<div id="search-results">': f'{SEARCH_FORM}<div id="search-results">',
}

TO_TOP = re.compile(r'<a href="#" class="back-to-top.*?</a>', re.S)
CREDITS = re.compile(r'(?<=<div class="left-details">)')  # le bas d'une page
PARTS = re.compile(r"<(script|style|pre|code|textarea)\b.*?</\1>|<[^>]*>|([^<]+)", re.S)
MINUS = re.compile(r"(?<![\w)\]-])-(?=\d)")  # le signe d'un nombre, et non un trait d'union
APOSTROPHES = re.compile(r"(?<=\w)(?:'|&#39;|&#x27;)(?=\w|«|$)")
FORMULA = re.compile(r'(<math xmlns="[^"]*">(?:(?!</math>).)*</math>\u00a0?[,.;:?!)])', re.S)
SPACES = re.compile(  # insécables en français : voir static/js/typography.js
    r"(?<=«)\s|\s(?=[»;:?!%])|(?<=\d) (?=\d{3}\b|× \d|(?:px|ms|s|min|Hz|dB|Mo)\b)"
    r"|(?<=\d[ \u00a0]×) (?=\d)"
)


def build(
    output: Path | None = None, *, address: str = "", say: Callable[[str], None] = lambda text: None
) -> Path:
    """Construit le site, ou ce qui en a changé depuis la dernière fois.

    Args:
        output: dossier à créer, ou un site plus ancien, qui est remplacé ; None : nulle part.
        address: où `output` sera publié, si on le sait ; voir `add_address`.
        say: reçoit ce qui se fait, une phrase à la fois.

    Returns:
        Le dossier du site.

    Raises:
        ValueError: Node.js manque ; une page a un défaut, un lien brisé par exemple ; ou `output`
            contient autre chose qu'un site.
    """
    if output:
        _check_replaceable(output)
    runtime.find("node")  # le dire maintenant, et non après deux minutes de calcul
    runtime.find("npm")
    KEPT.mkdir(parents=True, exist_ok=True)
    site = KEPT / "site"
    with FileLock(KEPT / "verrou"):
        _rewrite_changed(site, say)
        if not site.exists():
            say("Le site…")
            _assemble(site)
        if not output:
            return site
        shutil.rmtree(output, ignore_errors=True)
        shutil.copytree(site, output)
    if address:
        add_address(output, address)
    return output


def _check_replaceable(output: Path) -> None:
    """Refuse un dossier qui contient autre chose qu'un site.

    Raises:
        ValueError: c'est le cas.
    """
    if output.exists() and any(output.iterdir()) and not (output / "searchindex.js").exists():
        raise ValueError(f"{output} contient autre chose qu'un site ; choisissez un autre dossier.")


def _rewrite_changed(site: Path, say: Callable[[str], None]) -> None:
    """Récrit les pièces dont un fichier a changé, et efface alors le site qui en est fait."""
    known = KEPT / "connu.json"
    stamps = {name: _stamp(inputs) for name, (_, _, inputs) in PIECES.items()}
    old = json.loads(known.read_text()) if known.exists() else {}
    changed = [name for name in PIECES if stamps[name] != old.get(name)]
    for number, name in enumerate(changed, start=1):
        title, write, _ = PIECES[name]
        say(f"{number}/{len(changed)} : {title}…")
        for each in (site, KEPT / name):
            shutil.rmtree(each, ignore_errors=True)
        (KEPT / name).mkdir()
        try:
            write(KEPT / name)
        except ValueError as error:
            if name != SERVED:
                raise
            say(f"{error} Le site se fait sans Python ; relancez pour l'ajouter.")
            continue
        old |= {name: stamps[name]}  # acquis, même si la suite est interrompue
        known.write_text(json.dumps(old))


def _assemble(site: Path) -> None:
    """Réunit les pièces en un site, qui n'a son nom qu'une fois entier."""
    new = KEPT / "nouveau"
    shutil.rmtree(new, ignore_errors=True)
    for name in PIECES:
        shutil.copytree(KEPT / name, new, dirs_exist_ok=True)
    _list_files(new)
    new.rename(site)


def _list_files(site: Path) -> None:
    """Écrit la liste des fichiers que le navigateur réunit quand on emporte le site.

    Ceux que seul un serveur sait donner n'en sont pas, ni ceux dont le nom commence par un point :
    un hébergeur ne les donne pas toujours.
    """
    listed = [
        (path.relative_to(site).as_posix(), path.stat().st_size)
        for path in sorted(site.rglob("[!.]*"))
        if path.is_file() and path.relative_to(site).parts[0] != SERVED
    ]
    scripts.pack({"fichiers.json": json.dumps(listed).encode()}, site / "donnees")


def add_address(site: Path, address: str) -> None:
    """Dit dans chaque page son adresse, et l'image que montre un lien partagé.

    Un moteur de recherche ou un réseau social veut des adresses entières : sans elles, les pages
    n'en disent rien.

    Args:
        site: dossier du site.
        address: celle où il sera publié, `"https://exemple.fr/cours"`.
    """
    start = address.rstrip("/")
    for path in site.rglob("*.html"):
        name = path.relative_to(site).as_posix()
        if name == "404.html":  # elle répond à toute adresse
            continue
        number = re.match(r"ex(\d\d)_", name)
        picture = f"{start}/_static/accueil_{int(number[1]) if number else SHARED:02}.jpg"
        page = escape(f"{start}/{name.removesuffix('index.html')}")
        tags = (
            f'<link rel="canonical" href="{page}"><meta property="og:url" content="{page}">'
            f'<meta property="og:image" content="{escape(picture)}">'
        )
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("</head>", f"{tags}</head>", 1), encoding="utf-8")


def _stamp(inputs: tuple[str, ...]) -> str:
    """Rend une empreinte de fichiers : leurs noms, leurs tailles, leurs dates."""
    paths = {
        path
        for name in inputs
        for top in ROOT.glob(name)
        for path in (top, *top.rglob("*.*"))
        if path.suffix != ".pyc"
    }
    known = [(str(path), *path.stat()[6:9:2]) for path in sorted(paths) if path.is_file()]
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()


def _write_pages(folder: Path) -> None:
    """Écrit les pages, que Sphinx fait de celles de `sources.py`."""
    from sphinx.application import Sphinx

    warnings, work = io.StringIO(), KEPT / "travail"
    shutil.rmtree(work, ignore_errors=True)
    write_sources(work / "sources")
    write_shown(work / "sources")
    app = Sphinx(
        work / "sources",
        None,
        folder,
        work / "doctrees",
        "html",
        confoverrides=SETTINGS,
        status=None,
        warning=warnings,
        parallel=os.cpu_count() or 1,
    )
    app.connect("html-page-context", _prepare_page, priority=1)  # avant le thème
    app.build(force_all=True)
    if warnings.getvalue():
        raise ValueError(f"le site a des défauts :\n{warnings.getvalue()}")
    for path in folder.rglob("*.html"):
        path.write_text(polish(path.read_text(encoding="utf-8")), encoding="utf-8")


def _write_static(folder: Path) -> None:
    """Écrit l'apparence, et de petites images, pour les boutons et l'accueil."""
    apart = shutil.ignore_patterns("js", "sounds", "python", SCORER.name)  # lus ailleurs
    shutil.copytree(STATIC, folder / "_static", ignore=apart)
    (folder / ".nojekyll").touch()  # GitHub Pages ôterait _static
    (folder / "404.html").write_text(MISSING, encoding="utf-8")  # que les hébergeurs cherchent
    for path in SAMPLES:
        small = crop_resize_image(open_image(path), VIGNETTE_PX)
        small.save(folder / "_static" / f"vignette_{path.stem}.jpg", quality=85)
    for number, (name, box) in PICTURES.items():
        image = Image.open(ROOT / "docs" / name).convert("RGB")
        sides = [part * side // 100 for part, side in zip(box, image.size * 2, strict=True)]
        small = ImageOps.fit(image.crop(sides), CARD_PX)
        small.save(folder / "_static" / f"accueil_{number:02}.jpg", quality=85)


def _write_scripts(folder: Path) -> None:
    """Écrit le JavaScript des ateliers, et celui qui calcule à côté d'eux."""
    names = [WORKSHOP.search(page.read_text(encoding="utf-8"))[2] for page in workshops()]
    names += ["alone.js", "frames.js", "practice_worker.js", "results.js"]
    names += ["take_away.js", "worker.js"]
    scripts.bundle(names, folder / "_static" / "ateliers", cache=CACHE)
    worker = folder / "_static" / "ateliers" / "worker.js"
    scripts.pack({"calcul.js": worker.read_bytes()}, folder / "donnees")
    worker.unlink()


def _write_data(folder: Path) -> None:
    """Écrit ce que lisent les ateliers : réseaux, exemples, images."""
    contents = {
        "exemples.json": list_examples(),
        "reseaux.json": outlines(),
        "x_ou_o.json": x_or_o_weights(),
        "club.json": club(),
        "vetements.json": clothes(),
        "melanges.json": mixtures(),
        "enonces.json": practice.statements(),
    } | weights()
    names = [f"{slug}{suffix}" for slug in MODELS for suffix in (".tflite", ".json")]
    groups = {"models": [MODELS_DIR / name for name in names], "samples": SAMPLES}
    groups["scenes"] = (STATIC / "scenes").iterdir()
    files = {f"{name}/{path.name}": path.read_bytes() for name in groups for path in groups[name]}
    files |= {name: json.dumps(each).encode() for name, each in contents.items()}
    scripts.pack(files | runtime.binaries(CACHE), folder / "donnees")
    licences = folder / "licences"
    licences.mkdir()
    for name, place in runtime.LICENCES.items():
        shutil.copyfile(runtime.packages(CACHE) / place / "LICENSE", licences / f"{name}.txt")
    for name in ("ai-edge-litert", "furo", "sphinx", "pygments"):  # LiteRT est le même, en Python
        text = next(each for each in files_of(name) or () if each.name.startswith("LICENSE"))
        shutil.copyfile(text.locate(), licences / f"{name}.txt")


def _write_python(folder: Path) -> None:
    """Écrit Python, NumPy et le correcteur, que la page « Écrire et vérifier » demande seule."""
    files = runtime.python(CACHE) | {"cours.zip": practice.course_archive()}
    (folder / "python").mkdir()
    for name, content in files.items():
        (folder / "python" / name).write_bytes(content)


# Ce qui fait le site : ce que c'est, ce qui l'écrit dans un dossier vide, et les fichiers du dépôt,
# ou leurs motifs, dont il vient ; il n'est refait que si l'un d'eux a changé.
PIECES = {
    "pages": (
        "les pages, et deux notebooks exécutés",
        _write_pages,
        ("docs", "exercises", "models/*.json", "samples/README.md", "web/pages")
        + tuple(
            f"web/{name}.py" for name in ("book", "examples", "path", "search", "shown", "sources")
        )
        + ("web/static/search_scorer.js",),
    ),
    "statique": (
        "l'apparence",
        _write_static,
        (
            "web/static/site.css",
            "web/static/icone.svg",
            "web/static/scenes",
            "samples",
            "docs",
            "web/path.py",
            "web/missing.py",
        ),
    ),
    "telecharger": (
        "les énoncés et les notebooks",
        lambda folder: write_downloads(folder / "telecharger"),
        ("exercises", "convnets", "grading"),
    ),
    "donnees": (
        "les réseaux et les exemples",
        _write_data,
        ("models", "samples", "exercises", "grading/questions", "web/static/scenes")
        + ("web/static/sounds",)
        + tuple(
            f"web/{name}.py"
            for name in (
                "examples",
                "networks",
                "clothes",
                "graph",
                "sounds",
                "runtime",
                "practice",
            )
        ),
    ),
    "cartes": (
        "le réseau de CAM",
        lambda folder: scripts.pack(
            {"models/ex09_cam_cartes.tflite": export_maps()}, folder / "donnees"
        ),
        ("models/ex09_cam.keras", "convnets/training", "web/cam.py"),
    ),
    SERVED: (
        "Python et NumPy, pour la page « Écrire et vérifier »",
        _write_python,
        ("exercises", "grading", "convnets/core", "web/static/python")
        + tuple(f"web/{name}.py" for name in ("practice", "runtime")),
    ),
    "scripts": ("les ateliers", _write_scripts, ("web/static/js", "web/pages", "web/scripts.py")),
}


def _prepare_page(app, pagename, templatename, context, doctree) -> None:
    """Règle le menu d'une page, et les scripts que son en-tête demande.

    L'en-tête dit de quoi parle la page, pour un moteur de recherche ou un lien partagé. Du menu,
    seule la branche de cette page reste ouverte. Le bas d'une leçon mène à la suivante. Une page
    d'atelier sait se montrer seule, et une page qui montre un atelier dans un cadre donne à ce
    cadre sa hauteur ; les résultats d'une recherche ont la typographie des pages.
    """
    if "toctree" in context:
        whole = context["toctree"]
        context["toctree"] = lambda **options: whole(**options | {"collapse": True})
    if pagename in LESSONS:
        context.update(_neighbours(app, pagename))
    # Le thème a son propre « viewport ».
    metatags = re.sub('<meta name="viewport"[^>]*>', "", context.get("metatags", ""))
    about = (_describe(doctree) or TITLE).replace("'", "’")
    for name, content in (
        ('name="description"', about),
        ('property="og:title"', re.sub("<[^>]*>", "", context.get("title", "")) or TITLE),
        ('property="og:description"', about),
        ('property="og:type"', "website"),
    ):
        metatags += f'\n<meta {name} content="{escape(content)}">'
    context["metatags"] = metatags
    body = context.get("body", "")
    needed = {
        "alone": 'class="atelier"' in body,
        "frames": "<iframe" in body,
        "results": pagename == "search",
    }
    for name in filter(needed.get, needed):
        script = context["pathto"](f"_static/ateliers/{name}.js", resource=True)
        # Ce qui règle la page agit avant qu'elle se montre ; le reste attend qu'elle soit lue.
        defer = " defer" if name == "results" else ""
        context["metatags"] += f'<script{defer} src="{script}"></script>'


def _neighbours(app, lesson: str) -> dict[str, dict | None]:
    """Rend les leçons d'avant et d'après ; Sphinx mènerait aux fichiers de son code."""
    place = LESSONS.index(lesson)
    found = {"prev": LESSONS[:place][-1:], "next": LESSONS[place + 1 :][:1]}
    sides: dict[str, dict | None] = dict.fromkeys(found)
    for side, names in found.items():
        for name in names:
            link = app.builder.get_relative_uri(lesson, name)
            sides[side] = {"link": link, "title": escape(app.env.titles[name].astext())}
    return sides


def _describe(doctree) -> str:
    """Rend le premier paragraphe d'une page, ou son début ; rien, si elle n'en a pas."""
    from docutils import nodes

    texts = doctree.findall(nodes.paragraph) if doctree else ()
    first = next((each for each in texts if isinstance(each.parent, nodes.section)), None)
    return textwrap.shorten(first.astext(), DESCRIPTION, placeholder="…") if first else ""


def polish(html: str) -> str:
    """Met en français ce que le thème dit en anglais, et le rend lisible par tous.

    Le bas de chaque page mène aux crédits.

    Une image n'est lue qu'en approchant ; un titre du menu dit son niveau, un côté de la page son
    rôle ; un code trop large défile au clavier ; aucune ligne ne finit par « ni ne commence par »,
    ni par la ponctuation d'une formule ; une apostrophe est ’, et le signe d'un nombre −.
    """
    for english, french in TEXTS.items():
        html = re.sub(rf'([>"]\s*){re.escape(english)}(?=[\s<"])', rf"\g<1>{french}", html)
    for found, better in PATCHES.items():
        html = html.replace(found, better)
    html = TO_TOP.sub(r'<nav aria-label="Haut de page">\g<0></nav>', html)
    if root := re.search('data-content_root="([^"]*)"', html):
        html = CREDITS.sub(f'<a href="{root[1]}credits.html">Crédits et licences</a>. ', html)

    # Le deuxième groupe est un texte ; le reste, une balise, ou un code qui garde ses espaces.
    def write(part: re.Match) -> str:
        if not part[2]:
            return part[0]
        return MINUS.sub("−", APOSTROPHES.sub("’", SPACES.sub("\u00a0", part[0])))

    return FORMULA.sub(r'<span class="formule">\1</span>', PARTS.sub(write, html))
