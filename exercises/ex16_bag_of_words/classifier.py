"""Le classifieur : des histogrammes à une classe, et tout le sac mis bout à bout.

D'après : S3 « Avant le deep », étape 3 : un classifieur sur cette représentation.
Commande : python -m exercises.ex16_bag_of_words
"""

import warnings

import keras
import numpy as np
from keras import layers
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from exercises.ex16_bag_of_words.dictionary import Dictionary
from exercises.ex16_bag_of_words.encoding import build_distances, quarter_means, triangle_code

NUM_CLASSES = 10
STRENGTH = 1e-2  # C du classifieur sur les mots, choisi en validation
MAX_ITERATIONS = 60  # de L-BFGS ; au-delà, la validation ne bouge plus


# --- Question : classer --------------------------------------------------------------


def fit_linear(x: np.ndarray, y: np.ndarray, *, strength: float) -> Pipeline:
    """Apprend le classifieur linéaire de tous les concurrents sans réseau.

    Args:
        x: `(n, d)` float.
        y: classes `(n,)`, entiers de 0 à 9.
        strength: `C` de scikit-learn : plus il est petit, plus les poids sont retenus.

    Returns:
        Une mise à l'échelle de chaque colonne, puis une régression logistique.

    Raises:
        ValueError: une classe n'a aucune image.
    """
    missing = sorted(set(range(NUM_CLASSES)) - set(np.unique(y).tolist()))
    if missing:
        raise ValueError(
            f"{len(y)} images d'entraînement, et aucune de la classe {missing[0]} : il en faut "
            f"de chacune des {NUM_CLASSES} classes. Augmentez --limit."
        )
    classifier = make_pipeline(
        StandardScaler(), LogisticRegression(C=strength, max_iter=MAX_ITERATIONS)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # arrêtée plus tôt, exprès
        return classifier.fit(x, y)


def build_model(dictionary: Dictionary, classifier: Pipeline) -> keras.Model:
    """Met bout à bout mots, codage doux par quarts et classifieur, en couches de Keras.

    Args:
        dictionary: rendu par `learn_dictionary`.
        classifier: rendu par `fit_linear` sur le codage doux de chaque quart.

    Returns:
        Modèle : images uint8 `(n, 32, 32, 3)` → probabilités `(n, 10)` float32.
    """
    distances = build_distances(dictionary)
    codes = layers.Flatten()(quarter_means(triangle_code(distances.output)))  # (n, 4·mots)
    dense = layers.Dense(NUM_CLASSES, activation="softmax", name="classifier")
    model = keras.Model(distances.inputs[0], dense(codes), name="ex16_bag_of_words")
    scaler, regression = classifier
    kernel = regression.coef_.T / scaler.scale_[:, None]  # la mise à l'échelle passe dans les poids
    dense.set_weights([kernel, regression.intercept_ - scaler.mean_ @ kernel])
    return model
