"""La recherche du site : sans accents comme avec, et les leçons avant les fichiers.

Sphinx écrit l'index, puis `static/search_scorer.js` le cherche dans la page : les deux ôtent les
accents d'un mot avant d'en prendre la racine.
"""

import unicodedata

from sphinx.search.fr import SearchFrench


def fold(word: str) -> str:
    """Rend un mot sans accents, en minuscules : « Étalonné » donne « etalonne »."""
    letters = unicodedata.normalize("NFD", word.lower())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


class FoldedFrench(SearchFrench):
    """Le français de Sphinx, où « reseau » et « réseau » sont le même mot."""

    stopwords = SearchFrench.stopwords | {fold(word) for word in SearchFrench.stopwords}

    def stem(self, word: str) -> str:
        """Rend la racine d'un mot, sans accents."""
        return super().stem(fold(word))


def setup(app) -> dict:
    """Donne à Sphinx cette langue ; le nom et la forme sont ceux qu'il attend d'une extension."""
    app.add_search_language(FoldedFrench)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
