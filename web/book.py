"""Le site, que Sphinx fait des pages de `sources.py`."""

import io
import json
import re
import shutil
import tempfile
import zipfile
from pathlib import Path

from convnets.core.images import crop_resize_image, open_image
from convnets.core.paths import MODELS_DIR, keras_models_dir
from web import runtime
from web.cam import export_maps
from web.clothes import clothes
from web.examples import list_examples, x_or_o_weights
from web.graph import club
from web.networks import outlines, write_networks
from web.sounds import mixtures
from web.sources import write_downloads, write_sources

STATIC = Path(__file__).parent / "static"
SAMPLES_DIR = Path(__file__).parents[1] / "samples"
# Ceux que des pages font répondre, avec leurs comptes rendus.
MODELS = ("thumbnails", "photos", "ex17_detection", "ex18_segmentation")
PICTURES = (".png", ".jpg", ".webp")
VIGNETTE_PX = 128
TITLE = "Réseaux convolutifs, par la pratique"
SETTINGS = {
    "project": TITLE,
    "language": "fr",
    "extensions": ["myst_parser"],
    "myst_heading_anchors": 3,
    "html_theme": "furo",
    "html_title": TITLE,
    "html_static_path": [str(STATIC)],
    "html_css_files": ["site.css"],
    "html_favicon": str(STATIC / "icone.svg"),
    "html_show_sphinx": False,
    "html_show_copyright": False,
    "html_copy_source": False,
    "html_show_search_summary": False,  # l'extrait demande un serveur
    "html_last_updated_fmt": None,
    "smartquotes": False,  # « --model » n'est pas un tiret
    "highlight_language": "python",
    "suppress_warnings": [
        "myst.header",
        "myst.xref_missing",
        "misc.highlighting_failure",
        "toc.not_included",  # mesures/ : hors du menu, d'autres pages y mènent
    ],
}
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
}


PATCHES = {
    '<div class="table-wrapper': '<div tabindex="0" class="table-wrapper',
    "<img ": '<img loading="lazy" ',
    "<pre>": '<pre tabindex="0">',
    '<p class="caption" role="heading">': '<p class="caption" role="heading" aria-level="2">',
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="Menu">',
    '<aside class="toc-drawer': '<aside aria-label="Sommaire de la page" class="toc-drawer',
    '<div id="search-results">': '<h1>Recherche</h1><div id="search-results">',
}

PARTS = re.compile(r"<(script|style|pre|code|textarea)\b.*?</\1>|<[^>]*>|([^<]+)", re.S)
SPACES = re.compile(r"(?<=«)\s|\s(?=[»;:?!%])|(?<=\d) (?=\d{3}\b)")  # insécables en français


def build(output: Path) -> None:
    """Écrit le site.

    Args:
        output: dossier à créer, ou un site plus ancien, qui est remplacé.

    Raises:
        ValueError: une page a un défaut, un lien brisé par exemple ; ou `output` contient autre
            chose qu'un site.
    """
    from sphinx.application import Sphinx

    _clear(output)
    with tempfile.TemporaryDirectory(prefix="cours-cnn-") as folder:
        sources, warnings = Path(folder) / "sources", io.StringIO()
        write_sources(sources)
        extra = Path(folder) / "extra"
        write_downloads(extra / "telecharger")
        runtime.write_litert(extra / "litert", cache=keras_models_dir() / "cours-cnn")
        (extra / "models").mkdir()
        for slug in MODELS:
            for suffix in (".tflite", ".json"):
                shutil.copy(MODELS_DIR / f"{slug}{suffix}", extra / "models")
        (extra / "models" / "ex09_cam_cartes.tflite").write_bytes(export_maps())
        write_networks(extra / "poids")
        _copy_samples(extra / "samples")
        for name, content in (
            ("exemples", list_examples()),
            ("reseaux", outlines()),
            ("x_ou_o", x_or_o_weights()),
            ("club", club()),
            ("vetements", clothes()),
            ("melanges", mixtures()),
        ):
            text = json.dumps(content, ensure_ascii=False)
            (extra / f"{name}.json").write_text(text, encoding="utf-8")
        app = Sphinx(
            sources,
            None,
            output,
            Path(folder) / "doctrees",
            "html",
            confoverrides=SETTINGS | {"html_extra_path": [str(extra)]},
            status=None,
            warning=warnings,
            parallel=2,
        )
        app.connect("html-page-context", _shorten_menu, priority=1)  # avant le thème
        app.build(force_all=True)
    if warnings.getvalue():
        raise ValueError(f"le site a des défauts :\n{warnings.getvalue()}")
    for path in output.rglob("*.html"):
        path.write_text(polish(path.read_text(encoding="utf-8")), encoding="utf-8")
    _zip(output)


def _shorten_menu(app, pagename, templatename, context, doctree) -> None:
    """Ne garde ouverte, dans le menu d'une page, que la branche de cette page."""
    if "toctree" in context:
        whole = context["toctree"]
        context["toctree"] = lambda **options: whole(**options | {"collapse": True})


def _copy_samples(folder: Path) -> None:
    """Copie nos images, et en fait de petites, `vignettes/nom.jpg`, pour les boutons."""
    shutil.copytree(SAMPLES_DIR, folder)
    (folder / "vignettes").mkdir()
    for path in [path for path in folder.iterdir() if path.suffix in PICTURES]:
        small = crop_resize_image(open_image(path), VIGNETTE_PX)
        small.save(folder / "vignettes" / f"{path.stem}.jpg", quality=85)


def _zip(site: Path) -> None:
    """Met le site entier dans `telecharger/cours.zip`, pour le lire ailleurs et hors ligne."""
    files = sorted(path for path in site.rglob("*") if path.is_file())
    with zipfile.ZipFile(site / "telecharger" / "cours.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, Path("cours") / path.relative_to(site))


def _clear(output: Path) -> None:
    if output.exists() and any(output.iterdir()) and not (output / "searchindex.js").exists():
        raise ValueError(f"{output} contient autre chose qu'un site ; choisissez un autre dossier.")
    shutil.rmtree(output, ignore_errors=True)


def polish(html: str) -> str:
    """Met en français ce que le thème dit en anglais, et le rend lisible par tous.

    Une image n'est lue qu'en approchant ; un titre du menu dit son niveau, un côté de la page son
    rôle ; un code trop large défile au clavier ; aucune ligne ne finit par « ni ne commence par ».
    """
    for english, french in TEXTS.items():
        html = re.sub(rf'([>"]\s*){re.escape(english)}(?=[\s<"])', rf"\g<1>{french}", html)
    for found, better in PATCHES.items():
        html = html.replace(found, better)
    # Le deuxième groupe est un texte ; le reste, une balise, ou un code qui garde ses espaces.
    return PARTS.sub(lambda part: SPACES.sub("\u00a0", part[0]) if part[2] else part[0], html)
