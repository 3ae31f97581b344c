"""Ce qui tient lieu de paquets absents : un module ordinaire par paquet, lu avant l'enclos.

Aucun n'est installé ici, et un rendu ne peut rien télécharger : chacun rend les images de l'essai.
Ce qu'un module ne définit pas est inerte. Pour en ajouter un, écrivez le fichier et nommez-le dans
`MODULES`.
"""

from . import (
    cv2,
    fire,
    input_data,
    keras_tuner,
    keras_vggface,
    mnist,
    pandas,
    tensorflow_datasets,
    tensorflow_hub,
    tutorials_mnist,
)

MODULES = {  # par nom d'import
    "cv2": cv2,
    "fire": fire,
    "input_data": input_data,
    "keras_tuner": keras_tuner,
    "keras_tuner.tuners": keras_tuner,
    "kerastuner": keras_tuner,
    "kerastuner.tuners": keras_tuner,
    "keras_vggface": keras_vggface,
    "keras_vggface.vggface": keras_vggface,
    "mnist": mnist,
    "pandas": pandas,
    "tensorflow.examples.tutorials.mnist": tutorials_mnist,
    "tensorflow_datasets": tensorflow_datasets,
    "tensorflow_hub": tensorflow_hub,
}
