"""Des articles scientifiques, leurs mots, et qui cite qui : Cora et Citeseer.

Cora a 2 708 articles et sept sujets, Citeseer 3 327 articles et six sujets. Le partage est celui de
Planetoid : vingt articles étiquetés par sujet, 500 de validation et 1 000 de test. Les fichiers
viennent du cache, ou du dépôt du GCN (licence MIT) sur GitHub.

Source : Sen et al., « Collective Classification in Network Data », AI Magazine 29(3), 2008 ; Yang,
Cohen et Salakhutdinov, arXiv 1603.08861, pour le partage.
"""

import hashlib
import io
import pickle
from pathlib import Path
from typing import NamedTuple

import numpy as np

from convnets.datasets import archives

COMMIT = "39a4089fe72ad9f055ed6fdb9746abdcfebc4d81"
ARCHIVE = archives.Archive(
    "planetoid",
    f"https://github.com/tkipf/gcn/archive/{COMMIT}.zip",
    inside="gcn-*/gcn/data",
    contents="ses fichiers ind.cora.* et ind.citeseer.*",
    size_mb=6,
    what="Les citations",
)
PARTS = ("x", "y", "tx", "ty", "allx", "ally", "graph", "test.index")
# Des pickles, qui pourraient exécuter du code : les octets des huit fichiers sont reconnus d'abord.
SHA256 = {
    "cora": "9a7cedf014ade76f40d132ede02aeb73b27837cc1e91ef84c1d87b648ee56941",
    "citeseer": "1d10c488fdbfc3275d0dab8d16ba27001c256a1b067361499a7d7f97aea8bb72",
}
NUM_VAL = 500


class Citations(NamedTuple):
    """Un graphe d'articles ; chaque lien y est une fois."""

    words: np.ndarray  # (n, m) float32 : 1 si l'article contient le mot
    labels: np.ndarray  # (n,) entiers : le sujet
    pairs: np.ndarray  # (l, 2) entiers : deux articles dont l'un cite l'autre
    train: np.ndarray  # numéros des articles étiquetés
    val: np.ndarray
    test: np.ndarray


def load_citations() -> dict[str, Citations]:
    """Rend les deux graphes, `cora` et `citeseer`.

    Raises:
        FileNotFoundError: aucune source n'a abouti ; le message dit quoi mettre où.
    """
    return archives.load(ARCHIVE, _read_both)


def _read_both(folder: Path) -> dict[str, Citations]:
    return {name: _read(folder, name) for name in SHA256}


def _read(folder: Path, name: str) -> Citations:
    contents = {part: (folder / f"ind.{name}.{part}").read_bytes() for part in PARTS}
    if hashlib.sha256(b"".join(contents.values())).hexdigest() != SHA256[name]:
        raise ValueError(f"les fichiers ind.{name}.* ne sont pas ceux du cours, ou sont abîmés")
    tested = np.array(contents.pop("test.index").split(), int)
    found = {
        part: _Reader(io.BytesIO(each), encoding="latin1").load() for part, each in contents.items()
    }
    # Les articles de test ont leur numéro dans `tested` ; quelques numéros n'ont pas d'article.
    num_nodes, num_known = int(tested.max()) + 1, found["allx"].shape[0]
    words = np.zeros((num_nodes, found["allx"].shape[1]), np.float32)
    classes = np.zeros((num_nodes, found["ally"].shape[1]), np.int64)
    words[:num_known], words[tested] = found["allx"].toarray(), found["tx"].toarray()
    classes[:num_known], classes[tested] = found["ally"], found["ty"]
    links = {(min(i, j), max(i, j)) for i, cited in found["graph"].items() for j in cited if i != j}
    num_train = len(found["y"])
    return Citations(
        words,
        classes.argmax(axis=1),
        np.array(sorted(links)),
        np.arange(num_train),
        np.arange(num_train, num_train + NUM_VAL),
        np.sort(tested),
    )


class _Reader(pickle.Unpickler):
    """Relit des matrices creuses écrites avant que SciPy ne renomme son module."""

    def find_class(self, module: str, name: str):
        return super().find_class("scipy.sparse" if module == "scipy.sparse.csr" else module, name)
