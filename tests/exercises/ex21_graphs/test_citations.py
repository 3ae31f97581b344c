"""Le GCN et ses témoins, sur deux groupes d'articles que rien ne relie."""

import numpy as np
import pytest

from convnets.datasets.citations import Citations
from exercises.ex21_graphs import citations

QUESTION = "S3, Graph Neural Networks"
GROUPS = np.repeat([0, 1], 6)


def articles(*, reach: int) -> Citations:
    """Rend douze articles de deux sujets, liés jusqu'au `reach`-ième suivant du même sujet."""
    rng = np.random.default_rng(0)
    words = (rng.random((12, 8)) < 0.5).astype(np.float32)
    words[:, 0], words[:, 1] = GROUPS == 0, GROUPS == 1
    pairs = [
        (i, j)
        for i in range(12)
        for j in range(i + 1, min(i + reach, 11) + 1)
        if GROUPS[i] == GROUPS[j]
    ]
    pairs = np.array(pairs, int).reshape(-1, 2)
    return Citations(words, GROUPS, pairs, np.array([0, 11]), np.array([1, 10]), np.arange(2, 10))


@pytest.mark.question(QUESTION)
def test_witnesses_follow_the_links_and_nothing_else():
    graph = articles(reach=1)
    for method in (citations.propagate, citations.diffuse):
        np.testing.assert_array_equal(method(graph), GROUPS)
        assert (method(articles(reach=0))[2:10] == 0).all()  # rien n'arrive : premier sujet


@pytest.mark.question(QUESTION)
def test_word_numbers_and_weights_of_the_links():
    graph = articles(reach=1)
    numbers = citations.word_numbers(graph)
    for row, words in zip(numbers, graph.words, strict=True):
        assert row[row > 0].tolist() == (np.flatnonzero(words) + 1).tolist()
    matrix = citations.adjacency(graph, loops=True).toarray()
    np.testing.assert_allclose(matrix, matrix.T)
    np.testing.assert_allclose(matrix[1, :4], [1 / 6**0.5, 1 / 3, 1 / 3, 0])


@pytest.mark.ci
@pytest.mark.question(QUESTION)
@pytest.mark.slow
def test_both_networks_learn(monkeypatch, capsys):
    monkeypatch.setattr(citations, "STEPS", 200)
    graphs = {name: articles(reach=5) for name in citations.NAMES}
    monkeypatch.setattr(citations, "load_citations", lambda: graphs)
    assert citations.main([]) == 0
    said = capsys.readouterr().out
    assert "GCN, publié" in said and "une seule graine" in said
    right = citations.judge(graphs["cora"], seed=0)
    assert right["gcn"].all() and set(right) == set(citations.LABELS)
