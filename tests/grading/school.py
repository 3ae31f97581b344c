"""Des rendus tels que les élèves les écrivent : sans nos signatures, et leur notebook, leur zip."""

import io
import zipfile

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

POOLING = """import numpy as np

def pool2d(image, window=2, *, stride=None, padding=0, mode="max"):
    image = np.asarray(image, dtype=float)
    step = stride or window
    height, width = ((n - window) // step + 1 for n in image.shape[:2])
    return np.array([[image[i*step:i*step+window, j*step:j*step+window].max(axis=(0, 1))
                      for j in range(width)] for i in range(height)])

def relu(values):
    return np.maximum(values, 0)
"""
FASHION = [
    "!pip install -q tensorflow\n%matplotlib inline",
    "from google.colab import drive\ndrive.mount('/content/drive')",
    "model.compile('adam', 'sparse_categorical_crossentropy', metrics=['accuracy'])",  # plus bas…
    "from tensorflow import keras\nfrom tensorflow.keras import layers\nEPOCHS = 10",
    """(x_train, y_train), (x_test, y_test) = keras.datasets.fashion_mnist.load_data()
x_val, y_val = x_train[55000:], y_train[55000:]
x_train, y_train = x_train[:55000], y_train[:55000]""",
    """model = keras.Sequential([
    keras.Input((28, 28, 1)), layers.Rescaling(1 / 255),
    layers.Conv2D(8, 3, activation='relu'), layers.MaxPooling2D(),
    layers.Conv2D(8, 3, activation='relu'), layers.MaxPooling2D(),
    layers.Conv2D(8, 3, activation='relu'), layers.Flatten(),
    layers.Dense(16, activation='relu'), layers.Dense(10, activation='softmax')])
model.summary()
model.compile('adam', 'sparse_categorical_crossentropy', metrics=['accuracy'])""",
    """history = model.fit(x_train, y_train, epochs=EPOCHS, validation_data=(x_val, y_val))
plt.plot(history.history['loss'])""",
    "print(model.evaluate(x_test, y_test))\ndisplay(model)",
    "%%bash\nls",
]
CIFAR = """import tensorflow as tf
from tensorflow.keras import layers, models
from tensorflow.keras.datasets import cifar10
(train_images, train_labels), (test_images, test_labels) = cifar10.load_data()
model = models.Sequential()
model.add(layers.Rescaling(1 / 255, input_shape=(32, 32, 3)))
model.add(layers.Conv2D(8, 3, strides=2, activation='relu'))
model.add(layers.Flatten())
model.add(layers.Dense(10))
loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(optimizer='adam', loss=loss, metrics=['accuracy'])
model.fit(train_images, train_labels, epochs=10, validation_data=(test_images, test_labels))
print(model.evaluate(test_images, test_labels, verbose=2))
"""
PLAIN = """import keras
from keras import layers

def build_model():
    return keras.Sequential([
        keras.Input((28, 28, 1)), layers.Rescaling(1 / 255),
        layers.Conv2D(8, 3, activation="relu"), layers.Flatten(),
        layers.Dense(10, activation="softmax")])

def train(model, x, y):
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, validation_split=0.2, epochs=3)
"""


def book(*sources: str) -> bytes:
    """Écrit un notebook."""
    made = new_notebook(cells=[new_code_cell(each) for each in sources])
    return nbformat.writes(made).encode()


def packed(members: dict) -> bytes:
    """Écrit un zip ; un contenu qui est un dictionnaire y est un autre zip."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            made = packed(content) if isinstance(content, dict) else content
            archive.writestr(zipfile.ZipInfo(name), made)  # datés de 1980
    return file.getvalue()
