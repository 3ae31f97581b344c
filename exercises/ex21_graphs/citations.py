"""Classer des articles par leurs mots et leurs citations : le GCN, là où le domaine le mesure.

Document : S3 (diapositives), « Graph Neural Networks » : perte sur les nœuds.
Commande : python -m exercises.ex21_graphs.citations
Mesure : docs/mesures/ (`python -m recipes.seeds ex21_graphs.citations --seeds 5`).

Vingt articles par sujet sont étiquetés. Le réseau passe deux fois des messages, comme pour le club
de karaté ; ses réglages sont ceux de l'article du GCN. Les témoins n'ont qu'une moitié de ce qu'il
a : les mots sans les citations, ou les citations sans les mots. Le dernier a les deux, et il est
linéaire.
"""

import keras
import numpy as np
from keras import layers, ops, regularizers
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from convnets.core.cli import lesson_parser, percent
from convnets.core.intervals import against_others
from convnets.datasets.citations import Citations, load_citations
from convnets.figures.charts import number, table
from convnets.training import lesson
from exercises.ex21_graphs.messages import Graph, node_head, pass_messages

# Les réglages du GCN : Kipf et Welling, arXiv 1609.02907, section 5.2.
UNITS = 16
DROPOUT = 0.5
DECAY = 5e-4
LEARNING_RATE = 1e-2
STEPS = 200
# Exactitudes publiées. Source : le même article, tableau 2.
PUBLISHED = {
    "propagation d'étiquettes, publiée": {"cora": 0.680, "citeseer": 0.453},
    "GCN, publié": {"cora": 0.815, "citeseer": 0.703},
}
SPREADS = (0.2, 0.5, 0.8, 0.9, 0.99)  # α de la diffusion, essayés sur la validation
PENALTIES = (0.1, 1.0, 10.0)  # C de la régression, essayés sur la validation
ROUNDS = 200  # de la diffusion et de la propagation, qui ne bougent plus ensuite
LABELS = {
    "propagation": "citations seules : propagation",
    "diffusion": "citations seules : diffusion",
    "linear": "mots seuls : linéaire",
    "mlp": "mots seuls : le même réseau, sans message",
    "smooth": "mots moyennés chez les voisins : linéaire",
    "gcn": "messages (GCN)",
}
NAMES = {"cora": "Cora", "citeseer": "Citeseer"}


# --- Question : le graphe, et ce que chaque nœud sait ---------------------------------


def adjacency(articles: Citations, *, loops: bool) -> sparse.csr_array:
    """Rend la matrice des citations, `e_ij = 1 / √(d_i d_j)`.

    Args:
        articles: le graphe.
        loops: relier aussi chaque article à lui-même, comme le GCN.
    """
    n = len(articles.labels)
    first, second = articles.pairs.T
    half = sparse.coo_array((np.ones(len(first)), (first, second)), shape=(n, n))
    links = (half + half.T + (sparse.eye_array(n) if loops else 0 * half)).tocsr()
    degrees = np.maximum(links.sum(axis=1), 1)  # un article peut n'avoir aucun lien
    scale = sparse.diags_array(1 / np.sqrt(degrees))
    return (scale @ links @ scale).tocsr()


def shares(articles: Citations) -> np.ndarray:
    """Rend les mots de chaque article, de somme 1 (0 s'il n'en a pas) : `(n, m)` float32."""
    return articles.words / np.maximum(articles.words.sum(axis=1, keepdims=True), 1)


def word_numbers(articles: Citations) -> np.ndarray:
    """Rend les numéros des mots de chaque article, à partir de 1, puis des 0 : `(n, k)` int32."""
    rows, columns = np.nonzero(articles.words)
    counts = np.bincount(rows, minlength=len(articles.words))
    places = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    numbers = np.zeros((len(articles.words), counts.max()), np.int32)
    numbers[rows, places] = columns + 1
    return numbers


# --- Question : des messages entre articles -------------------------------------------


def build_model(articles: Citations, *, messages: bool) -> keras.Model:
    """Construit le GCN, ou le même réseau sans message.

    Multiplier par une matrice les parts des mots d'un article, c'est additionner les lignes de ses
    mots : un article en a une trentaine, sur des milliers. Multiplier avant d'envoyer, ou après,
    revient au même : ici, chaque article est multiplié une fois, et non une fois par lien.

    Args:
        articles: le graphe.
        messages: passer des messages ; sinon, chaque article est seul.

    Returns:
        Modèle : `(b, n, k)`, rendu par `word_numbers` → probabilités `(b, n, sujets)`.
    """
    matrix = adjacency(articles, loops=True).tocoo()
    graph = Graph(
        len(articles.labels),
        matrix.col.astype(np.int32),
        matrix.row.astype(np.int32),
        matrix.data.astype(np.float32)[:, None],
    )

    def send(nodes):
        return pass_messages(nodes, graph, weigh) if messages else nodes

    num_nodes, num_words = articles.words.shape
    inputs = keras.Input((num_nodes, int(articles.words.sum(axis=1).max())), dtype="int32")
    present = ops.cast(inputs > 0, "float32")
    parts = present / ops.maximum(ops.sum(present, axis=-1, keepdims=True), 1)  # (b, n, k)
    parts = ops.expand_dims(layers.Dropout(DROPOUT)(parts), -1)
    decay = regularizers.L2(DECAY / 2)  # TensorFlow 1 comptait la moitié de la somme des carrés
    rows = layers.Embedding(num_words + 1, UNITS, "glorot_uniform", embeddings_regularizer=decay)
    x = ops.sum(parts * rows(inputs), axis=2)  # (b, n, UNITS)
    x = layers.Dropout(DROPOUT)(ops.relu(send(x)))
    return keras.Model(inputs, node_head(send(x), int(articles.labels.max()) + 1))


def weigh(n_i, n_j, e_ji):
    """Prend `ψ = e_ji · n_j` : le message est le nœud, pesé par son lien."""
    return e_ji * n_j


def classify(articles: Citations, *, messages: bool, seed: int) -> np.ndarray:
    """Apprend le sujet des articles étiquetés, et le rend pour tous : `(n,)` entiers.

    Le réseau fait toujours `STEPS` pas, chacun sur le graphe entier. L'article du GCN s'arrête
    parfois plus tôt, d'après la validation.
    """
    keras.utils.set_random_seed(seed)
    model = build_model(articles, messages=messages)
    model.compile(
        keras.optimizers.Adam(LEARNING_RATE), "sparse_categorical_crossentropy", weighted_metrics=[]
    )
    x, y = word_numbers(articles)[None], articles.labels[None]
    known = np.zeros((1, len(articles.labels)), np.float32)
    known[0, articles.train] = len(articles.labels) / len(articles.train)  # perte moyenne
    steps = (np.repeat(each, STEPS, axis=0) for each in (x, y, known))
    x_steps, y_steps, weights = steps  # STEPS fois le même graphe
    model.fit(x_steps, y_steps, sample_weight=weights, batch_size=1, verbose=0)
    return ops.convert_to_numpy(model(x, training=False))[0].argmax(axis=1)


# --- Question : que sait-on sans réseau ? ---------------------------------------------


def known_labels(articles: Citations) -> np.ndarray:
    """Rend `(n, sujets)` : 1 pour le sujet d'un article étiqueté, 0 partout ailleurs."""
    known = np.zeros((len(articles.labels), articles.labels.max() + 1))
    known[articles.train, articles.labels[articles.train]] = 1
    return known


def propagate(articles: Citations) -> np.ndarray:
    """Donne à chaque article la moyenne de ses voisins, les étiquetés restant fixes.

    Source : Zhu, Ghahramani et Lafferty, ICML 2003, équation 5, par tours successifs.
    """
    links = (adjacency(articles, loops=False) > 0).astype(float)
    degrees = np.maximum(links.sum(axis=1), 1)[:, None]
    known = scores = known_labels(articles)
    for _ in range(ROUNDS):
        scores = links @ scores / degrees
        scores[articles.train] = known[articles.train]
    return scores.argmax(axis=1)


def diffuse(articles: Citations) -> np.ndarray:
    """Laisse les étiquettes se répandre ; α est choisi sur la validation.

    Source : Zhou et al., « Learning with Local and Global Consistency », NIPS 2003, section 2.
    """
    matrix, known, answers = adjacency(articles, loops=False), known_labels(articles), []
    for spread in SPREADS:
        scores = known
        for _ in range(ROUNDS):
            scores = spread * (matrix @ scores) + (1 - spread) * known
        answers.append(scores.argmax(axis=1))
    return best(articles, answers)


def regress(articles: Citations, features: np.ndarray) -> np.ndarray:
    """Classe chaque article d'après ses valeurs `(n, m)` par une régression logistique."""
    answers = []
    for penalty in PENALTIES:
        model = LogisticRegression(C=penalty, max_iter=300)
        model.fit(features[articles.train], articles.labels[articles.train])
        answers.append(model.predict(features))
    return best(articles, answers)


def best(articles: Citations, answers: list[np.ndarray]) -> np.ndarray:
    """Rend celle des réponses `(n,)` qui est la plus exacte sur la validation."""
    return max(answers, key=lambda answer: accuracy(articles, answer, articles.val))


def accuracy(articles: Citations, answer: np.ndarray, where: np.ndarray) -> float:
    """Rend l'exactitude d'une réponse `(n,)` sur les articles `where`."""
    return float(np.mean(answer[where] == articles.labels[where]))


# --- Question : que vaut chacun ? -----------------------------------------------------


def judge(articles: Citations, *, seed: int) -> dict[str, np.ndarray]:
    """Fait répondre toutes les méthodes ; seuls les réseaux dépendent de la graine.

    Returns:
        Par clé de `LABELS`, `(1000,)` booléens : les articles de test bien classés.
    """
    matrix = adjacency(articles, loops=True)
    words = shares(articles) * articles.words.sum(axis=1).mean()  # un mot y vaut 1 environ
    found = {
        "propagation": propagate(articles),
        "diffusion": diffuse(articles),
        "linear": regress(articles, words),
        "mlp": classify(articles, messages=False, seed=seed),
        "smooth": regress(articles, matrix @ (matrix @ words)),
        "gcn": classify(articles, messages=True, seed=seed),
    }
    test = articles.test
    return {name: each[test] == articles.labels[test] for name, each in found.items()}


def run(seed: int) -> lesson.Run:
    """Mesure toutes les méthodes sur les deux graphes, pour une graine.

    Returns:
        `cora_gcn`, `citeseer_mlp`… ; pas de modèle ; de quoi mesurer l'écart de toutes les graines.
    """
    metrics, pooled = {}, {}
    for graph, articles in load_citations().items():
        right = judge(articles, seed=seed)
        metrics |= {f"{graph}_{name}": float(each.mean()) for name, each in right.items()}
        pooled[graph] = {name: each.astype(int).tolist() for name, each in right.items()}
    return lesson.Run(metrics, None, {"pooled": pooled})


def pool(found: list[dict]) -> dict:
    """Rend l'écart du GCN avec chaque autre méthode, et son intervalle, sur toutes les graines.

    Args:
        found: par graine, ce que garde `run`.

    Returns:
        `{"gaps": {"cora_mlp": [moyenne, bas, haut]…}}`, graines et articles ensemble.
    """
    gaps = {}
    for graph in NAMES:
        gcn = against_others([each[graph] for each in found], "gcn")
        gaps |= {f"{graph}_{name}": gap for name, gap in gcn.items()}
    return {"gaps": gaps}


def teach(options) -> None:
    """Mesure toutes les méthodes, à côté de ce qui est publié."""
    found = run(0)
    rows = [
        [label, *(percent(found.metrics[f"{graph}_{name}"]) for graph in NAMES)]
        for name, label in LABELS.items()
    ]
    rows += [[label, *map(percent, shown.values())] for label, shown in PUBLISHED.items()]
    print(table(["articles bien classés", *NAMES.values()], rows))
    for name, (mean, low, high) in pool([found.kept["pooled"]])["gaps"].items():
        graph, _, method = name.partition("_")
        bounds = f"[{number(100 * low, 1)} ; {number(100 * high, 1)}]"
        print(f"{NAMES[graph]}, GCN moins {LABELS[method]} : {number(100 * mean, 1)} {bounds}")
    print("Les intervalles sont ceux des articles : une seule graine ne dit rien de sa variation.")


def main(argv: list[str] | None = None) -> int:
    """Lit les options et donne la leçon."""
    parser = lesson_parser("ex21_graphs.citations", __doc__.splitlines()[0], epochs=None)
    return lesson.run(teach, parser.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
