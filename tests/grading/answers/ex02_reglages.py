"""Un rendu dont il manque un fichier, sans lequel rien n'est construit."""

from keras import Sequential, layers
from keras.datasets import fashion_mnist

(x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()


def main():
    """Construit le réseau d'après un fichier."""
    with open("reglages.txt") as file:
        sizes = [int(line) for line in file.read().split(",")]
    return Sequential([layers.Conv2D(sizes[0], 3), layers.Dense(sizes[1])])


main()
