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
