import numpy as np
import pytest

QUESTION = "S3, réseaux de graphes"
N3 = np.array([list(row) for row in ("11100", "01110", "00111", "00110", "01100")], float)
N4 = [list(map(int, row)) for row in ("22311", "14341", "12433", "12341", "02211")]


@pytest.fixture(scope="module")
def ex21():
    from exercises.ex21_graphs import messages as ex21_messages

    return ex21_messages


@pytest.fixture
def small(ex21):
    """Quatre nœuds, cinq arcs dont une boucle ; le nœud 3 ne reçoit rien."""
    return ex21.Graph(
        4,
        np.array([1, 3, 0, 2, 1], np.int32),
        np.array([0, 0, 1, 2, 2], np.int32),
        np.array([[1.0], [2.0], [-1.0], [0.5], [3.0]], np.float32),
    )


def psi(n_i, n_j, e_ji):
    """Un ψ sans poids, où les trois arguments ont des rôles différents."""
    return 2 * n_i * e_ji - n_j * n_j


def by_loops(nodes, graph, aggregate):
    """La formule du cours, nœud par nœud et arc par arc."""
    found = np.zeros_like(nodes)
    for b in range(len(nodes)):
        for i in range(graph.num_nodes):
            messages = []
            for k in range(len(graph.senders)):
                if graph.receivers[k] == i:
                    n_i, n_j = nodes[b, i], nodes[b, graph.senders[k]]
                    messages.append(psi(n_i, n_j, graph.features[k]))
            if messages:
                found[b, i] = {"sum": np.sum, "mean": np.mean, "max": np.max}[aggregate](
                    messages, axis=0
                )
    return found


# --- Le passage de messages ----------------------------------------------------------


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("aggregate", ["sum", "mean", "max"])
def test_pass_messages_is_the_double_loop(ex21, small, aggregate):
    nodes = np.random.default_rng(0).normal(size=(3, 4, 2)).astype(np.float32) - 2
    found = np.asarray(ex21.pass_messages(nodes, small, psi, aggregate=aggregate))
    np.testing.assert_allclose(found, by_loops(nodes, small, aggregate), rtol=1e-5, atol=1e-6)
    assert (found[:, 3] == 0).all() and np.abs(found[:, :3]).min() > 0


@pytest.mark.parametrize("name", ["mlp", "gated"])
def test_learned_psi_is_its_formula_and_follows_a_renumbering(ex21, small, name):
    nodes = np.random.default_rng(1).normal(size=(2, 4, 3)).astype(np.float32)
    layer = getattr(ex21, name)(5)
    found = np.asarray(ex21.pass_messages(nodes, small, layer))
    # Les deux couches de ψ, retrouvées dans sa fermeture, rejouées arc par arc.
    first, second = (
        [np.asarray(w) for w in cell.cell_contents.get_weights()] for cell in layer.__closure__
    )
    if name == "mlp":
        assert first[0].shape == (7, 5)
    expected = np.zeros((2, 4, 5))
    for j, i, e in zip(small.senders, small.receivers, small.features, strict=True):
        for b in range(2):
            both = np.concatenate([nodes[b, i], nodes[b, j]])
            if name == "mlp":
                hidden = np.maximum(np.concatenate([both, e]) @ first[0] + first[1], 0)
                expected[b, i] += hidden @ second[0] + second[1]
            else:
                read = np.maximum(both @ first[0] + first[1], 0)
                expected[b, i] += read * (e @ second[0] + second[1])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    order = np.array([2, 0, 3, 1])  # le nœud order[k] devient le nœud k
    numbers = np.argsort(order).astype(np.int32)
    renumbered = small._replace(senders=numbers[small.senders], receivers=numbers[small.receivers])
    again = np.asarray(ex21.pass_messages(nodes[:, order], renumbered, layer))
    np.testing.assert_allclose(again, found[:, order], rtol=1e-4, atol=1e-5)


# --- La convolution (N25) ------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_messages_on_the_grid_are_the_convolution_of_the_course(ex21):
    kernel = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]])
    assert ex21.convolve_on_graph(N3, kernel).tolist() == N4


@pytest.mark.question(QUESTION)
def test_messages_on_a_grid_are_a_keras_convolution(ex21):
    """Plusieurs canaux, un noyau sans symétrie, une image qui n'est pas carrée."""
    import keras

    x = np.random.default_rng(0).normal(size=(2, 4, 6, 3)).astype(np.float32)
    convolution = keras.layers.Conv2D(5, 3, padding="same", use_bias=False)
    expected = np.asarray(convolution(x))
    nodes = keras.Input((24, 3))
    model = keras.Model(
        nodes, ex21.pass_messages(nodes, ex21.grid_graph(4, 6), ex21.weigh_neighbours(5))
    )
    kernel = convolution.get_weights()[0].reshape(27, 5)
    model.get_layer("fenetre").set_weights([kernel])
    found = np.asarray(model(x.reshape(2, 24, 3))).reshape(2, 4, 6, 5)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_grid_graph_counts_and_places(ex21):
    graph = ex21.grid_graph(3, 4)
    assert graph.num_nodes == 12 and len(graph.senders) == (3 * 3 - 2) * (3 * 4 - 2)
    for j, i, e in zip(graph.senders, graph.receivers, graph.features, strict=True):
        down, right = np.subtract(divmod(j, 4), divmod(i, 4))
        assert max(abs(down), abs(right)) <= 1
        assert e.tolist() == np.eye(9)[3 * (down + 1) + right + 1].tolist()
    assert len(set(zip(graph.senders, graph.receivers, strict=True))) == len(graph.senders)


# --- Les pertes ----------------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_heads(ex21):
    import keras

    nodes = np.random.default_rng(0).normal(size=(2, 6, 4)).astype(np.float32)
    pairs = np.array([[0, 1], [1, 0], [3, 5]])
    inputs = keras.Input((6, 4))
    outputs = [ex21.node_head(inputs, 3), ex21.edge_head(inputs, pairs), ex21.graph_head(inputs, 5)]
    model = keras.Model(inputs, outputs)
    on_nodes, on_edges, on_graph = (np.asarray(y) for y in model(nodes))
    assert on_nodes.shape == (2, 6, 3) and on_edges.shape == (2, 3, 1) and on_graph.shape == (2, 5)
    np.testing.assert_allclose(on_nodes.sum(-1), 1, atol=1e-5)
    np.testing.assert_allclose(on_graph.sum(-1), 1, atol=1e-5)
    np.testing.assert_allclose(on_edges[:, 0], on_edges[:, 1], atol=1e-6)  # sans sens
    assert np.abs(on_edges[:, 0] - on_edges[:, 2]).min() > 1e-4
    # Un graphe reste le même quand on renumérote ses nœuds ; ses nœuds suivent.
    order = np.random.default_rng(1).permutation(6)
    again = model(nodes[:, order])
    np.testing.assert_allclose(np.asarray(again[2]), on_graph, atol=1e-5)
    np.testing.assert_allclose(np.asarray(again[0]), on_nodes[:, order], atol=1e-5)
