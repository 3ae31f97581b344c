"""Cora et Citeseer : un graphe d'articles, relu dans le format de Planetoid."""

import hashlib
import pickle
from collections import defaultdict

import numpy as np
import pytest
from scipy import sparse

from convnets.datasets import citations


@pytest.fixture
def tiny_graph(tmp_path, monkeypatch):
    """Six articles, dont deux étiquetés ; ceux de test sont les numéros 6 et 4.

    Le numéro 5 n'a pas d'article, comme il arrive dans Citeseer.
    """
    words, subjects = np.eye(7, 3, dtype=np.float32), np.eye(2, dtype=np.int32)[[0, 1, 0, 1, 1, 0]]
    words[3], words[4], words[6] = [1, 1, 0], [0, 1, 1], [1, 1, 1]
    links = defaultdict(list, {0: [1, 1], 1: [0], 2: [6, 2], 3: [], 4: [3], 6: [2]})
    contents = {
        "x": sparse.csr_matrix(words[:2]),
        "y": subjects[:2],
        "tx": sparse.csr_matrix(words[[6, 4]]),
        "ty": subjects[[0, 4]],  # les sujets 0 et 1
        "allx": sparse.csr_matrix(words[:4]),
        "ally": subjects[:4],
        "graph": links,
    }
    written = {part: pickle.dumps(each, protocol=2) for part, each in contents.items()}
    written["test.index"] = b"6\n4\n"
    for part, content in written.items():
        (tmp_path / f"ind.tiny.{part}").write_bytes(content)
    sha256 = hashlib.sha256(b"".join(written[part] for part in citations.PARTS)).hexdigest()
    monkeypatch.setattr(citations, "SHA256", {"tiny": sha256})
    monkeypatch.setattr(citations, "NUM_VAL", 2)
    return tmp_path


def test_each_article_has_its_words_its_subject_and_its_links(tiny_graph):
    found = citations._read_both(tiny_graph)["tiny"]
    assert found.words.tolist() == [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
        [1, 1, 0],
        [0, 1, 1],  # le second article de test
        [0, 0, 0],  # personne
        [1, 1, 1],  # le premier
    ]
    assert found.labels[[0, 1, 2, 3, 4, 6]].tolist() == [0, 1, 0, 1, 1, 0]
    assert found.pairs.tolist() == [[0, 1], [2, 6], [3, 4]]  # une fois, et jamais avec soi-même
    assert found.train.tolist() == [0, 1]
    assert found.val.tolist() == [2, 3]
    assert found.test.tolist() == [4, 6]


def test_a_matrix_written_by_an_old_scipy_is_read(tiny_graph, monkeypatch):
    """Le module d'une matrice creuse s'appelait `scipy.sparse.csr`."""
    path = tiny_graph / "ind.tiny.allx"
    content = path.read_bytes()
    assert b"scipy.sparse._csr\n" in content
    path.write_bytes(content.replace(b"scipy.sparse._csr\n", b"scipy.sparse.csr\n"))
    parts = [(tiny_graph / f"ind.tiny.{part}").read_bytes() for part in citations.PARTS]
    monkeypatch.setitem(citations.SHA256, "tiny", hashlib.sha256(b"".join(parts)).hexdigest())
    assert citations._read_both(tiny_graph)["tiny"].words[3].tolist() == [1, 1, 0]


def test_a_file_that_is_not_the_one_of_the_course_is_not_read(tiny_graph):
    """Un pickle peut exécuter du code : il n'est pas ouvert."""
    opened = tiny_graph / "ouvert"

    class Trap:
        def __reduce__(self):
            return opened.touch, ()

    (tiny_graph / "ind.tiny.graph").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ValueError, match="ne sont pas ceux du cours"):
        citations._read_both(tiny_graph)
    assert not opened.exists()
