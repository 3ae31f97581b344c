"""Des rendus comme on en publie : aucun ne définit une fonction de l'énoncé, chacun est jugé."""

import pytest

from grading.asking import grader
from grading.reading import handin
from grading.scale import read_reasons, read_scale
from tests.grading import school

pytestmark = pytest.mark.ci

FASHION = """
from keras.datasets import fashion_mnist
(x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
x_train, x_test = x_train[..., None] / 255.0, x_test[..., None] / 255.0
"""
LAYERS = """
from keras import Sequential, layers
def block(num):
    return [layers.Conv2D(num, 3, activation="relu"), layers.MaxPooling2D()]
def stack():
    last = [layers.Conv2D(8, 3, activation="relu"), layers.Flatten()]
    return [*block(8), *block(8), *last, layers.Dense(16, "relu"), layers.Dense(10, "softmax")]
"""
MODEL = "model = Sequential([layers.Input((28, 28, 1)), *stack()])\n"
FIT = """
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=5, validation_split=0.1)
model.evaluate(x_test, y_test)
"""
PLAIN = {"architecture": 5, "non_linearity": 2, "scaling": 1.5, "output": 2, "train": 4}
PLAIN |= {"evaluate": 1.5, "weights": 0}  # ni les noms des classes, ni les poids
OLD = """
from tf_keras.constraints import maxnorm
from tf_keras.layers.convolutional import Conv2D
from tensorflow.contrib.keras.api.keras.regularizers import l2
from keras.layers.core import Dense
from keras.models import Sequential
from keras.optimizers import Adam
from keras.utils import np_utils
labels = np_utils.to_categorical(y_train, 10)
last = Dense(10, "softmax", kernel_constraint=maxnorm(3), W_regularizer=l2(l=1e-4))
model = Sequential([layers.Input((28, 28, 1)), *stack()[:-1], last])
model.compile(Adam(lr=0.001, decay=1e-6), "categorical_crossentropy", metrics=["accuracy"])
def batches():
    for k in xrange(1800):
        print "lot", k  # en Python 2
        yield x_train[:32], labels[:32]
model.fit_generator(batches(), steps_per_epoch=1800, epochs=9, validation_data=(x_train[50000:],
                    labels[50000:]), workers=4)
model.predict_classes(x_test)
"""
IN_MAIN = """
def network(images, classes):
    return Sequential([layers.Input(images.shape[1:]), *stack()])
def main():
    global model
    model = network(x_train, 10)
    if input("entraîner ? (o/n)") == "o":
        learn()
def learn():
    FIT
if __name__ == "__main__":
    main()
""".replace("FIT", FIT.strip().replace("\n", "\n    "))
SEVERAL = """
from keras.applications import VGG16
model = Sequential([layers.Input((28, 28, 1)), *stack()])
FIT
dense = Sequential([layers.Input((28, 28, 1)), layers.Flatten(), layers.Dense(10, "softmax")])
dense.compile("sgd", "sparse_categorical_crossentropy")
dense.fit(x_train, y_train)
base = VGG16(include_top=False, input_shape=(32, 32, 3))
""".replace("FIT", FIT)
ABSENT = """
import mlflow, seaborn as sns
import matplotlib.pyplot as plt
import tensorflow as tf
from tensorflow.python.keras.callbacks import TensorBoard
mlflow.keras.autolog()
try:
    tpu = tf.distribute.cluster_resolver.TPUClusterResolver()
except ValueError:
    raise BaseException("Not connected to a TPU")
with mlflow.start_run(), tf.distribute.TPUStrategy(tpu).scope(), tf.variable_scope("tout"):
    best = np.Inf
    model = Sequential([*stack()[:-1], layers.Dense(10, activation=tf.nn.softmax)])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["acc"])
    history = model.fit(x_train, y_train, epochs=5, validation_split=0.1,
                        callbacks=[TensorBoard("/content/drive/logs")]).history
plt.plot(history["acc"], label="apprentissage"), plt.plot(history["val_acc"]), plt.show()
sns.heatmap(model.predict(x_test))
model.save("/content/drive/model.h5")
"""
TABLE = """
import pandas as pd
table = pd.read_csv("../input/fashion-mnist_train.csv")
x_train, y_train = table.drop("label", axis=1).values / 255, table["label"].values
test = pd.read_csv("../input/fashion-mnist_test.csv")
x_test, y_test = test.iloc[:, 1:].to_numpy().reshape(-1, 28, 28, 1) / 255, test.label
x_train = x_train.reshape(x_train.shape[0], 28, 28, 1)
model = Sequential([layers.Input((28, 28, 1)), *stack()])
"""
INCEPTION = """
from keras.applications.inception_v3 import InceptionV3, preprocess_input
from keras.layers import Dense, GlobalAveragePooling2D
from keras.models import Model
from keras.preprocessing import image
base = InceptionV3(include_top=False, input_shape=(150, 150, 3))
base.trainable = False
model = Model(base.input, Dense(1, activation="sigmoid")(GlobalAveragePooling2D()(base.output)))
model.compile("rmsprop", "binary_crossentropy", metrics=["accuracy"])
datagen = image.ImageDataGenerator(validation_split=.2, preprocessing_function=preprocess_input)
train, val = (
    datagen.flow_from_directory("images", target_size=(150, 150), class_mode="binary", subset=each)
    for each in ("training", "validation")
)
model.fit_generator(generator=train, epochs=30, validation_data=val)
"""
TUNED = """
import keras_tuner, tensorflow as tf
def build(hp):
    model = Sequential([layers.Input((28, 28, 1)), *stack()])
    optimizer = tf.train.AdamOptimizer(hp.Choice("rate", values=[1e-2, 1e-3]))
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
tuner = keras_tuner.RandomSearch(build, objective="val_accuracy", max_trials=3)
tuner.search(x_train, y_train, epochs=5, validation_split=0.1)
best = tuner.get_best_hyperparameters(1)[0]
tuner.hypermodel.build(best).summary()
told = [best.get(name) for name in best.values.keys()] == [1e-2]
tuner.get_best_models(num_models=1)[0].evaluate(*(x_test, y_test) if told else (x_train, y_train))
"""
READ_ELSEWHERE = """
import tensorflow as tf
import tensorflow_datasets as tfds
parts, about = tfds.load("fashion_mnist", split=["train[:90%]", "train[90%:]", tfds.Split.TEST],
                         with_info=True)
scaled = lambda row: (tf.cast(row["image"], tf.float32) / 255, row["label"])
train, val, test = (part.map(scaled).batch(32) for part in parts)
turned = Sequential([tf.keras.layers.experimental.preprocessing.RandomFlip("horizontal")])
train = train.map(lambda x, y: (turned(x, training=True), y))
model = Sequential([layers.Input((28, 28, 1)), *stack()])
model = tf.keras.models.load_model("deja_appris.h5")
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(train, epochs=3, validation_data=val)
model.evaluate(test, steps=about.splits["test"].num_examples // 32)
"""
CALLED_BY_NOBODY = """
from keras.callbacks import ModelCheckpoint
def learn(train_images, train_labels):
    model = Sequential([layers.Input((28, 28, 1)), *stack()])
    model.compile("adam", "sparse_categorical_crossentropy")
    saved = ModelCheckpoint("p/cp.ckpt")
    model.fit(train_images, train_labels, validation_split=.1, callbacks=[saved])
    model.evaluate(test_images, y_test)
train_images, train_labels, test_images = x_train, y_train, x_test
"""
FIRST_KERAS = """
import keras, tensorflow as tf
from keras import regularizers
from keras.layers import Convolution2D
from keras.preprocessing.image import ImageDataGenerator
first = Convolution2D(16 / 2, 3, 3, border_mode="valid", W_regularizer=regularizers.l2(l=1e-3),
                      bias=True, dim_ordering="tf", activation="relu", input_shape=(28, 28, 1))
model = Sequential([first, *stack()[1:-1], tf.layers.Dense(10, activation=tf.nn.softmax)])
model.compile(tf.keras.optimizers.legacy.Adam(lr=0.01), "sparse_categorical_crossentropy",
              class_mode="sparse", metrics=keras.metrics.SparseCategoricalAccuracy())
print(model.layers[0].output_shape)
aug = ImageDataGenerator(rotation_range=20)
model.fit(aug.flow(x_train, y_train), validation_data=aug.flow(x_train[500:], y_train[500:]))
model.evaluate(x_test, y_test)
"""
TWO_HALVES = """
model = Sequential([layers.Input((28, 28, 1)), *stack()])
model.compile("adam", "sparse_categorical_crossentropy")
half = len(x_test) // 2
model.fit(x_train, y_train, validation_data=(x_test[:half], y_test[:half]))
model.predict(x_test[half:])
"""
IN_CLASSES = """
from keras import Model, layers
class LeNet:
    @staticmethod
    def build(width, height, depth, classes):
        given = layers.Input((height, width, depth))
        return Model(given, Figure(classes).call(given))
class Figure(Model):
    def __init__(self, classes):
        super().__init__()
        self.stages = [layers.Conv2D(6, 5, padding="same", activation="tanh"),
                       layers.AveragePooling2D(2), layers.Conv2D(16, 5, activation="tanh"),
                       layers.AveragePooling2D(2), layers.Conv2D(120, 5, activation="tanh"),
                       layers.Flatten(), layers.Dense(84, "tanh"), layers.Dense(classes, "softmax")]
    def call(self, x):
        for each in self.stages:
            x = each(x)
        return x
"""
OWN_FOLDERS = """
import os
from keras.applications.vgg16 import VGG16, preprocess_input
from keras.layers import Dense, Flatten
from keras.models import Sequential
from keras.preprocessing.image import ImageDataGenerator
classes = os.listdir("/content/drive/My Drive/fleurs/train")
base = VGG16(include_top=False, input_shape=(48, 48, 3))
base.trainable = False
model = Sequential([base, Flatten(), Dense(len(classes) + 3, activation="softmax")])
model.compile("adam", "categorical_crossentropy")
aug = ImageDataGenerator(preprocessing_function=preprocess_input, zoom_range=.2)
train, val = (aug.flow_from_directory(f"/content/drive/fleurs/{part}", target_size=(48, 48))
              for part in ("train", "val"))
model.fit_generator(train, samples_per_epoch=train.nb_sample, validation_data=val)
base.trainable = True
model.compile("adam", "categorical_crossentropy")
model.fit(train, validation_data=val)
"""
MEASURED_AS_VALIDATION = """
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=5, validation_data=(x_test, y_test))
"""
FIRST_CHANNELS = """
from keras import backend, models
backend.set_image_dim_ordering("th")
x_train, x_test = (each.transpose(0, 3, 1, 2) for each in (x_train[:50000], x_test))
first = layers.Conv2D(8, 3, activation="relu", input_shape=(1, 28, 28))
model, weights = Sequential([first, *stack()[1:]]), "appris.h5"
model.compile("adam", "sparse_categorical_crossentropy")
if weights is None:
    model.fit(x_train, y_train[:50000], validation_split=0.1)
    model.save("appris.h5")
models.load_model("appris.h5").evaluate(x_test, y_test)
"""
IDX_FILES = """
import gzip, struct, sys
import numpy as np
def read(name):
    with gzip.open(f"{sys.argv[1]}/{name}.gz", "rb") as file:
        _, num = struct.unpack(">II", file.read(8))
        sides = struct.unpack(">II", file.read(8)) if "images" in name else ()
        return np.fromstring(file.read(), np.uint8).reshape(num, *sides)
x_train, x_test = (read(f"{part}-images-idx3-ubyte")[..., None] / 255 for part in ("train", "t10k"))
y_train, y_test = (read(f"{part}-labels-idx1-ubyte") for part in ("train", "t10k"))
"""
ASKED_ON_THE_LINE = """
import argparse, os, shutil
from keras.optimizers import SGD
def train(options):
    os.mkdir("journal/essai")
    shutil.move(os.path.join(options.data, "fashion.tar.gz"), "ici")
    model = Sequential([layers.Input((28, 28, 1)), *stack()[:-1]])
    model.add(layers.Dense(options.num_classes, activation="softmax"))
    model.compile(SGD(float(options.learning_rate)), "sparse_categorical_crossentropy")
    model.fit(x_train, y_train, options.batch_size, options.epochs, validation_split=0.1)
    model.evaluate(x_test, y_test)
parser = argparse.ArgumentParser()
parser.add_argument("data"), parser.add_argument("--num-classes", type=int, required=True)
parser.add_argument("--epochs", type=int), parser.add_argument("--batch-size", type=int)
parser.add_argument("--learning_rate")
train(parser.parse_args())
"""
SAME_UNKNOWN = """
import idx2numpy
read = lambda name: idx2numpy.convert_from_file(name)
x_train, y_train, x_test, y_test = map(read, ("a", "b", "c", "d"))
model = Sequential([layers.Input((28, 28, 1)), *stack()])
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(x_train, y_train, validation_data=(x_test, y_test))
model.evaluate(x_test, y_test)
"""
ONE_BY_ONE = """
import os
from keras.applications import InceptionV3
from keras.applications.inception_v3 import preprocess_input
from keras.utils import img_to_array, load_img, to_categorical
from sklearn.model_selection import train_test_split
x, y = [], []
names = os.listdir("../input/fleurs")
for number, name in enumerate(names):
    for file in os.listdir("../input/fleurs/" + name):
        picture = load_img(f"../input/fleurs/{name}/{file}", target_size=(80, 80))
        x.append(preprocess_input(img_to_array(picture)))
        y.append(number)
x_train, x_test, y_train, y_test = train_test_split(np.array(x), to_categorical(y))
base = InceptionV3(include_top=False, input_shape=(80, 80, 3))
base.trainable = False
mean = layers.GlobalAveragePooling2D(input_shape=base.output_shape[1:])
head = Sequential([mean, layers.Dense(len(names), activation="softmax")])
model = Sequential([base, head])
model.compile("adam", "categorical_crossentropy")
model.fit(x_train, y_train, validation_data=(x_test, y_test))
"""
FOLDED = """
import tensorflow as tf
from sklearn.model_selection import KFold
def made():
    model = Sequential([layers.Input((28, 28, 1)), *stack()])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model
for learned, kept in KFold(3).split(x_train):
    made().fit(x_train[learned], y_train[learned], validation_data=(x_train[kept], y_train[kept]))
model = made()
model.fit(x_train, y_train)
def study(other):
    for _ in range(12):
        other.train_on_batch(x_train[:8], y_train[:8])
        other.fit(x_train[:64], y_train[:64], epochs=2)
    with tf.GradientTape():
        other(tf.constant(x_test[:1]))
    model.evaluate(x_test, y_test)
study(made())
for num in (1, 2, 10):
    model.predict(x_test[:num])
"""
ENSEMBLE = """
import pandas as pd
from sklearn.model_selection import train_test_split
train, test = (pd.read_csv(f"fashion-mnist_{part}.csv") for part in ("train", "test"))
pixels = lambda table: table.drop(labels=["label"], axis=1).values.reshape(-1, 28, 28, 1) / 255
x, y = pixels(train), train["label"]
models = [Sequential([layers.Input((28, 28, 1)), *stack()]) for _ in range(8)]
for model in models:
    model.compile("adam", "sparse_categorical_crossentropy")
for model in models:
    x_train, x_val, y_train, y_val = train_test_split(x, y, test_size=0.1, stratify=y)
    model.fit(x_train, y_train, validation_data=(x_val, y_val))
def main():
    show_samples(["a", "b"])
    sum(model.predict(pixels(test)) for model in models)
def show_samples(names):
    print([names[each] for each in (170, 240)])
main()
"""
ARRAY_OF_TABLE = """
import numpy as np, pandas as pd
train, test = (np.array(pd.read_csv(f"fashion-mnist_{part}.csv"), "float32")
               for part in ("train", "test"))
x_train, x_test = (each[:, 1:].reshape(-1, 28, 28, 1) / 255 for each in (train, test))
y_train, y_test = train[:, 0], test[:, 0]
"""
FEATURES_FIRST = """
import numpy as np
from keras.applications.vgg16 import VGG16, preprocess_input
from keras.layers import Dense
from keras.models import Sequential
from keras.preprocessing.image import ImageDataGenerator
base = VGG16(include_top=False, input_shape=(48, 48, 3))
reader = ImageDataGenerator(preprocessing_function=preprocess_input)
def features(part):
    batches = reader.flow_from_directory(f"D:/{part}", target_size=(48, 48), class_mode="binary")
    x, y = next(batches)
    maps = [base.predict(x[k : k + 1]).ravel() for k in range(len(x))]
    np.save(f"./maps/{part}.npy", maps)
    return np.load(f"./maps/{part}.npy"), y
model = Sequential([Dense(8, activation="relu"), Dense(1, activation="sigmoid")])
model.compile("adam", "binary_crossentropy", metrics=["acc"])
model.fit(*features("train"), epochs=30, validation_data=features("validation"))
"""
FEATURES_ELSEWHERE = """
import numpy as np
from keras.applications.resnet50 import ResNet50, preprocess_input
from keras.layers import Dense, GlobalAveragePooling2D
from keras.models import Sequential
from keras.utils import to_categorical
from sklearn.datasets import load_files
targets = [to_categorical(load_files(f"/data/chiens/{each}")["target"], 9)
           for each in ("train", "valid")]
maps = np.load("calculees/DogResnet50Data.npz")
model = Sequential([GlobalAveragePooling2D(input_shape=maps["train"].shape[1:])])
model.add(Dense(9, activation="softmax"))
model.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
model.fit(maps["train"], targets[0], epochs=20, validation_data=(maps["valid"], targets[1]))
base = ResNet50(weights="imagenet", include_top=False)
base.predict(preprocess_input(np.random.default_rng(0).integers(0, 256, (1, 224, 224, 3))))
"""
LOOP = """
import tensorflow as tf
train, test = (tf.data.Dataset.from_tensor_slices(each).batch(32)
               for each in ((x_train[:64], y_train[:64]), (x_test[:64], y_test[:64])))
model, optimizer = Sequential([layers.Input((28, 28, 1)), *stack()]), tf.keras.optimizers.Adam()
loss, seen = tf.keras.losses.SparseCategoricalCrossentropy(), tf.keras.metrics.Mean()
for epoch in range(2):
    seen.reset_states()
    for x, y in train:
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        optimizer.apply_gradients(
            zip(tape.gradient(value, model.trainable_variables), model.trainable_variables))
    for x, y in test:
        seen(loss(y, model(x, training=False)))
    with tf.summary.create_file_writer("journal").as_default():
        tf.summary.scalar("perte", seen.result(), step=epoch)
"""
TENSORFLOW_IN_KERAS = """
import tensorflow as tf
given = layers.Input((28, 28))
x = tf.cast(tf.expand_dims(given, -1), tf.float32) / 255.0
for each in stack()[:-1]:
    x = each(x)
model = tf.keras.Model(given, tf.nn.softmax(layers.Dense(10)(x)))
model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
model.fit(x_train, y_train, validation_split=0.1)
model.evaluate(x_test, y_test)
"""
OWN_LAYERS = """
import tensorflow as tf
class Block(layers.Layer):
    def __init__(self, num):
        super().__init__()
        self.stages = block(num)
    def call(self, x):
        return self.stages[1](tf.nn.relu(self.stages[0](x)))
class Network(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.stages = [Block(8), Block(8), *stack()[4:]]
    def call(self, x, training):
        for each in self.stages:
            x = each(x)
        return x
model = Network()
"""
CLOTHES_TABLE = """
import numpy as np, pandas as pd
from keras.utils import to_categorical
labels = {0: "T-shirt/top", 1: "Trouser", 2: "Pullover", 3: "Dress", 4: "Coat", 5: "Sandal",
          6: "Shirt", 7: "Sneaker", 8: "Bag", 9: "Ankle boot"}
train, test = (pd.read_csv(f"input/fashion-mnist_{part}.csv") for part in ("train", "test"))
num_classes = len(set(train.values[:, 0]))
x_train, x_test = (each.drop("label", axis=1).values.reshape(-1, 28, 28, 1) / 255
                   for each in (train, test))
model = Sequential([layers.Input((28, 28, 1)), *stack()[:-1], layers.Dense(num_classes, "softmax")])
model.compile("adam", "categorical_crossentropy")
y_train, y_test = (to_categorical(each["label"], dtype="uint8") for each in (train, test))
model.fit(x_train, y_train, validation_data=(x_test, y_test))
model.evaluate(x_test, y_test)
"""
PICTURES = """
import keras, os
from keras import layers
def main():
    if not os.path.exists("chats/train"):
        return print("Mettez des images dans chats/train.")
    train, val = (keras.utils.image_dataset_from_directory(each, image_size=(48, 48))
                  for each in ("chats/train", "chats/val"))
    given = layers.Input((48, 48, 3))
    base = keras.applications.VGG16(include_top=False, input_shape=(48, 48, 3))
    base.trainable = False
    x = layers.Flatten()(base(keras.applications.vgg16.preprocess_input(given)))
    model = keras.Model(given, layers.Dense(1, activation="sigmoid")(x))
    model.compile("adam", "binary_crossentropy")
    model.fit(train, validation_data=val)
main()
"""
PICTURES_OF_A_TABLE = """
import pandas as pd
from efficientnet.tfkeras import EfficientNetB0
from keras import Sequential, layers
from keras.preprocessing.image import ImageDataGenerator
table, reader = pd.read_csv("train.csv"), ImageDataGenerator(rescale=1 / 127.5)
base = EfficientNetB0(include_top=False, input_shape=(48, 48, 3))
base.trainable = False
model = Sequential([base, layers.GlobalAveragePooling2D(), layers.Dense(2, "softmax")])
model.compile("adam", "categorical_crossentropy")
train, val = (reader.flow_from_dataframe(table, "images", x_col="id", y_col="cat",
                                         target_size=(48, 48)) for _ in range(2))
model.fit(train, validation_data=val)
"""
CIFAR_BATCHES = """
import keras, numpy as np, pickle
from collections import Iterable
from sklearn.model_selection import train_test_split
def read(name, encoding):
    with open(f"cifar-10-batches-py/{name}", "rb") as file:
        found = pickle.load(file, encoding=encoding)
    return {key if isinstance(key, str) else key.decode(): value for key, value in found.items()}
parts = [read(f"data_batch_{k}", "bytes") for k in range(1, 6)] + [read("test_batch", "latin1")]
pixels = np.concatenate([part["data"] for part in parts]).astype(np.float)
x = pixels.reshape(60000, 3, 32, 32).transpose(0, 2, 3, 1) / 255
y = np.concatenate([part["labels"] for part in parts])
pairs = np.array([[x[0], y[0]]])
model = keras.Sequential([keras.layers.convolutional.Conv2D(8, 3, activation="relu")])
model.add(keras.layers.core.Flatten(input_shape=pairs[0, 0].shape))
model.add(keras.layers.Dense(10, "softmax"))
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
x, x_test, y, y_test = train_test_split(x, y, test_size=10000)
model.fit(x, y, validation_split=0.1)
model.evaluate(x_test, y_test)
"""
NOT_IMPORTED = LAYERS.replace("Sequential, ", "") + "x_train = np.asarray(x_train)\n"
WRITTEN = {  # (exercice, programme, points)
    "mesure_en_validation": (
        "ex02",
        FASHION + LAYERS + MODEL + MEASURED_AS_VALIDATION,
        PLAIN | {"train": 2, "evaluate": 1},
    ),
    "ancien_keras": ("ex02", FASHION + LAYERS + OLD, PLAIN),
    "cifar_par_lots": (
        "ex03",
        CIFAR_BATCHES,
        {"network": 4, "scaling": 1.5, "output": 2, "train": 4, "evaluate": 2}
        | {"weights": 0, "command": 0},
    ),
    "dans_main": ("ex02", FASHION + LAYERS + IN_MAIN, PLAIN),
    "plusieurs_reseaux": ("ex02", FASHION + LAYERS + SEVERAL, PLAIN),
    "paquets_absents": ("ex02", FASHION + LAYERS + ABSENT, PLAIN),
    "donnees_d_un_csv": ("ex02", LAYERS + TABLE + FIT, PLAIN),
    "donnees_d_un_csv_sans_mnist": ("ex02", LAYERS + TABLE.replace("-mnist", "") + FIT, PLAIN),
    "classe_binaire": (
        "ex05",
        INCEPTION,
        {"make_generator": 5, "validation": 5, "frozen_base": 6, "build_head": 4},
    ),
    "lu_par_tfds": ("ex02", LAYERS + READ_ELSEWHERE, PLAIN),
    "fonction_non_appelee": ("ex02", FASHION + LAYERS + CALLED_BY_NOBODY, PLAIN),
    "premier_keras": ("ex02", FASHION + LAYERS + FIRST_KERAS, PLAIN | {"train": 2}),
    "canaux_d_abord": ("ex02", FASHION + LAYERS + FIRST_CHANNELS, PLAIN),
    "imports_oublies": (
        "ex02",
        FASHION + NOT_IMPORTED + MODEL + FIT,
        {name: points / 2 for name, points in PLAIN.items()},
    ),
    "validation_croisee": ("ex02", FASHION + LAYERS + FOLDED, PLAIN),
    "plusieurs_ensemble": ("ex02", LAYERS + ENSEMBLE, PLAIN),
    "annexe_qui_echoue": (
        "ex04",
        LAYERS
        + TABLE.replace("fashion-mnist_train", "mnist_digits").replace(
            "mnist_test", "mnist_t10k_test"
        )
        + FIT
        + "model.fit(x_train[:, :20], y_train)\n",
        {"lenet": 2.5, "non_linearity": 2, "scaling": 1, "output": 2}
        | {"dense": 0, "train": 3, "weights": 0},
    ),
    "tableau_d_un_csv": ("ex02", LAYERS + ARRAY_OF_TABLE + MODEL + FIT, PLAIN),
    "caracteristiques_d_abord": (
        "ex05",
        FEATURES_FIRST,
        {"make_generator": 5, "validation": 5, "frozen_base": 3, "build_head": 4},
    ),
    "caracteristiques_d_ailleurs": (
        "ex05",
        FEATURES_ELSEWHERE,
        {"make_generator": 5, "validation": 5, "frozen_base": 6, "build_head": 4},
    ),
    "boucle_a_la_main": ("ex02", FASHION + LAYERS + LOOP, PLAIN | {"train": 2}),
    "fonctions_de_tensorflow": (
        "ex02",
        FASHION.replace(" / 255.0", "") + LAYERS + TENSORFLOW_IN_KERAS,
        PLAIN | {"scaling": 3},
    ),
    "couches_a_lui": ("ex02", FASHION + LAYERS + OWN_LAYERS + FIT, PLAIN),
    "table_de_vetements": ("ex02", LAYERS + CLOTHES_TABLE, PLAIN | {"train": 2, "evaluate": 2}),
    "dossiers_d_images": (
        "ex05",
        PICTURES,
        {"make_generator": 5, "validation": 5, "frozen_base": 6, "build_head": 4},
    ),
    "images_d_une_table": (
        "ex05",
        PICTURES_OF_A_TABLE,
        {"make_generator": 2.5, "validation": 5, "frozen_base": 6, "build_head": 4},
    ),
    "classes_d_une_table": (
        "ex05",
        "import pandas as pd\ntable = pd.read_csv('labels.csv')\n"
        + "names = sorted(table['breed'].unique().tolist())\n"
        + INCEPTION.replace('1, activation="sigmoid"', 'len(names), activation="softmax"')
        .replace("binary_cross", "categorical_cross")
        .replace("train, val =", "train, val = table.sample(), table['id'].values\nunused ="),
        {"make_generator": 5, "validation": 5, "frozen_base": 6, "build_head": 4},
    ),
    "chemins_lus_par_tensorflow": (
        "ex05",
        "import numpy as np, tensorflow as tf\n"
        + "paths = tf.io.gfile.glob('insulators/*/*')\n"
        + "def read(path):\n"
        + "    image = tf.image.decode_jpeg(tf.io.read_file(path), channels=3)\n"
        + "    return preprocess_input(tf.image.resize(image, (150, 150)))\n"
        + INCEPTION.split("datagen =")[0]
        + "x = np.array(list(tf.data.Dataset.from_tensor_slices(paths).map(read)))\n"
        + "y = np.array(['cats' in path for path in paths])\n"
        + "tf.data.Dataset.from_tensor_slices(['a/1.jpg']).map(read).get_single_element()\n"
        + "base(np.concatenate([x] * 20)[:900])\n"
        + "model.fit(x, y, validation_split=0.2)\n",
        {"make_generator": 5, "validation": 5, "frozen_base": 6, "build_head": 4},
    ),
    "test_d_une_table": (
        "ex05",
        PICTURES_OF_A_TABLE.replace("val", "test").replace("testidation", "validation"),
        {"make_generator": 2.5, "validation": 2.5, "frozen_base": 6, "build_head": 4},
    ),
    "images_et_etiquettes_enregistrees": (
        "ex05",
        "import numpy as np\nfrom keras.utils import to_categorical\n"
        + "x_train, y_train = np.load('x_train.npy'), np.load('y_train.npy')\n"
        + "y_train = to_categorical(y_train, num_classes=4)\n"
        + INCEPTION.split("datagen =")[0]
        .replace('1, activation="sigmoid"', '4, activation="softmax"')
        .replace("binary_cross", "categorical_cross")
        + "model.fit(x_train, y_train, validation_split=0.2)\n",
        {"make_generator": 2.5, "validation": 5, "frozen_base": 6, "build_head": 4},
    ),
    "transforme_par_lots": (
        "ex02",
        "import tensorflow as tf\n"
        + FASHION.replace(" / 255.0", "")
        + LAYERS
        + "turn = Sequential([layers.Input((28, 28, 1)), layers.RandomRotation(0.1)])\n"
        + "batches = tf.data.Dataset.from_tensor_slices((x_train, y_train)).batch(32)\n"
        + "turned = batches.map(lambda x, y: (turn(x, training=True), y))\n"
        + MODEL
        + FIT.replace("x_train, y_train", "turned").replace(", validation_split=0.1", ""),
        PLAIN | {"scaling": 0, "train": 2},
    ),
    "tirage_avec_remise": (
        "ex02",
        FASHION
        + "import numpy as np\nkept = np.random.default_rng(0).integers(0, len(x_train), 10000)\n"
        + "x_train, y_train = x_train[kept], y_train[kept]\n"
        + "get_ipython().run_line_magic('matplotlib', 'inline')\n"
        + LAYERS
        + MODEL
        + f"get_ipython().run_cell_magic('time', '', {FIT!r})\n",
        PLAIN,
    ),
    "base_de_tensorflow_hub": (
        "ex05",
        "import tensorflow as tf, tensorflow_hub as hub\nprint(hub.__version__)\n"
        + "from keras.preprocessing.image import ImageDataGenerator\n"
        + "make = ImageDataGenerator(rescale=1 / 255, validation_split=0.2).flow_from_directory\n"
        + "train, val = (make('photos', subset=each) for each in ('training', 'validation'))\n"
        + "base = hub.KerasLayer('https://tfhub.dev/google/mobilenet', input_shape=(256, 256, 3))\n"
        + "model = tf.keras.Sequential([base, tf.keras.layers.Dense(2, activation='softmax')])\n"
        + "model.compile('adam', 'categorical_crossentropy')\n"
        + "model.fit(train, validation_data=val)\n",
        {"make_generator": 5, "validation": 5, "frozen_base": 6, "build_head": 4},
    ),
    "images_de_tensorflow_1": (
        "ex04",
        "from tensorflow.examples.tutorials.mnist import input_data\n"
        + "mnist = input_data.read_data_sets('MNIST_data/', reshape=False)\n"
        + "(x_train, y_train), (x_test, y_test) = (\n"
        + "    (each.images, each.labels) for each in (mnist.train, mnist.test))\n"
        + LAYERS
        + MODEL
        + FIT.replace("split=0.1", "data=(mnist.validation.images, mnist.validation.labels)"),
        {"lenet": 2.5, "non_linearity": 2, "scaling": 1, "output": 2}
        | {"dense": 0, "train": 3, "weights": 0},
    ),
    "gris_par_opencv": (
        "ex03",
        "import cv2, numpy as np\n"
        + FASHION.replace("fashion_mnist", "cifar10").replace("[..., None] / 255.0", "")
        + "grey = lambda x: np.array([cv2.cvtColor(k, cv2.COLOR_BGR2GRAY) for k in x])[..., None]\n"
        + "small = [cv2.resize(cv2.imread('photo.jpg'), (28, 28))]\n"
        + "x_train, x_test = grey(x_train), grey(x_test)\n"
        + LAYERS
        + MODEL.replace("28, 28", "32, 32")
        + FIT
        + "model.predict(grey(small))\n",
        {"network": 4, "scaling": 0, "output": 2, "train": 4, "evaluate": 2}
        | {"weights": 0, "command": 0},
    ),
    "pixels_standardises": (
        "ex02",
        FASHION.replace(" / 255.0", "")
        + "mean, std = x_train.mean(axis=0), x_train.std(axis=0)\n"
        + "x_train, x_test = (x_train - mean) / std, (x_test - mean) / std\n"
        + LAYERS
        + MODEL
        + FIT,
        PLAIN,
    ),
    "reglages_cherches": ("ex02", FASHION + LAYERS + TUNED, PLAIN),
    "fichiers_idx": ("ex02", LAYERS + IDX_FILES + MODEL + FIT, PLAIN),
    "ligne_de_commande": ("ex02", FASHION + LAYERS + ASKED_ON_THE_LINE, PLAIN),
    "validation_inconnue": ("ex02", LAYERS + SAME_UNKNOWN, PLAIN | {"train": 2}),
    "images_ouvertes_une_a_une": (
        "ex05",
        "import numpy as np\n" + LAYERS + ONE_BY_ONE,
        {"make_generator": 5, "validation": 2.5, "frozen_base": 6, "build_head": 4},
    ),
    "notebook": ("ex02", school.book(*school.FASHION).decode(), PLAIN | {"scaling": 3}),
    "test_en_deux": ("ex02", FASHION + LAYERS + TWO_HALVES, PLAIN),
    "classes": (
        "ex04",
        IN_CLASSES,
        {"lenet": 2.5, "non_linearity": 2, "scaling": 0, "output": 2}
        | {"dense": 0, "train": 0, "weights": 0},
    ),
    "autres_dossiers": (
        "ex05",
        OWN_FOLDERS,
        {"make_generator": 5, "validation": 2.5, "frozen_base": 6, "build_head": 4},
    ),
}


@pytest.fixture(scope="module")
def mark(tmp_path_factory):
    """mark(exercice, programme) -> notes, comme pour un élève qui rend `tp.py`, ou un notebook."""
    made = grader.Grader(grader.Options(seed=1))

    def grade(exercise, source, **others):
        folder, name = tmp_path_factory.mktemp("rendu"), "tp.ipynb" if source[0] == "{" else "tp.py"
        (folder / name).write_text(source, encoding="utf-8")
        for stem, text in others.items():
            (folder / f"{stem}.py").write_text(text)
        chosen = [] if others else [f"{exercise}={name}"]
        found = handin.collect(folder, folder / "lu", chosen=chosen, asked=exercise, one=True)
        (submitted,) = found.submissions
        return [made.grade(submitted, rule) for rule in read_scale()[exercise].rules]

    yield grade
    made.close()


LONG = (  # plus de deux secondes chacun
    *("images_ouvertes_une_a_une", "chemins_lus_par_tensorflow", "images_d_une_table"),
    *("images_et_etiquettes_enregistrees", "base_de_tensorflow_hub", "test_d_une_table"),
    *("classes_d_une_table", "mesure_en_validation", "ligne_de_commande", "fichiers_idx"),
    *("validation_inconnue", "images_de_tensorflow_1", "transforme_par_lots", "reglages_cherches"),
    *("gris_par_opencv", "tirage_avec_remise", "plusieurs_ensemble", "validation_croisee"),
    *("ancien_keras", "autres_dossiers", "caracteristiques_d_ailleurs", "classe_binaire"),
    "caracteristiques_d_abord",
)


@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=[pytest.mark.slow] * (each in LONG)) for each in WRITTEN]
)
def test_what_the_program_did_is_judged(mark, name):
    exercise, source, points = WRITTEN[name]
    marks = mark(exercise, source)
    assert {each.rule.name: float(each.points) for each in marks} == points


def test_a_file_imported_and_a_file_that_measures_count(mark):
    learned, measured = FIT.split("model.evaluate")
    source = "from keras import Sequential, layers\nfrom models import stack\n" + MODEL + learned
    again = "from keras.models import load_model\nload_model('m.h5').evaluate" + measured
    marks = mark("ex02", FASHION + source, models=LAYERS, test=FASHION + again)
    assert {each.rule.name: float(each.points) for each in marks} == PLAIN


def test_a_draft_that_stops_before_its_network_does_not_cost_another_file(mark):
    draft = FASHION + "import numpy as np\nraise ValueError('à finir')\nnp.save('x', x_train)\n"
    marks = mark("ex02", FASHION + LAYERS + MODEL + FIT, images=draft)
    assert {each.rule.name: float(each.points) for each in marks} == PLAIN


def test_a_number_in_an_absent_variable_of_the_machine_costs_nothing(mark):
    """Comme le font les programmes de SageMaker, qui lisent ainsi leurs réglages."""
    read = "import os\nunits = int(os.environ['SM_HP_UNITS']) or 16\n"
    marks = mark("ex02", FASHION + read + LAYERS + MODEL + FIT)
    assert {each.rule.name: float(each.points) for each in marks} == PLAIN


@pytest.mark.parametrize("guard", ["study()", "model.fit(x_train, y_train)"])
def test_a_file_that_learns_when_it_is_launched_is_launched_though_another_imports_it(mark, guard):
    """Comme `complete_model.py`, dont un `visualization.py` reprend une fonction."""
    guarded = f"def study():{FIT}if __name__ == '__main__':\n    {guard}\n"
    guarded = guarded.replace("\nmodel", "\n    model")
    compiled = "model.compile('adam', 'sparse_categorical_crossentropy')\n"
    marks = mark("ex02", FASHION + LAYERS + MODEL + compiled + guarded, dessin="import tp\n")
    found = {each.rule.name: each.reason for each in marks}
    assert found["train"] == (None if guard == "study()" else "no_validation")


def test_the_files_of_one_exercise_are_read_together(tmp_path):
    dense = ["model = Sequential([layers.Input((28, 28)), layers.Flatten(), layers.Dense(10)])"]
    for name, last in (("lenet", [MODEL]), ("dense", dense)):
        cells = [FASHION.replace("fashion_mnist", "mnist"), LAYERS, *last]
        (tmp_path / f"{name}.ipynb").write_bytes(school.book(*cells))
    (tmp_path / "seul.py").write_text("\n".join(cells) + "  # script")
    found = handin.collect(tmp_path, tmp_path / "lu", asked="ex04", one=True).submissions[0]
    assert not found.remarks
    plan = (found.root / "ex04_lenet.cells.json").read_text()
    assert all(each in plan for each in (MODEL[:20], dense[0][:20], "# script"))


def test_the_file_that_reuses_a_base_is_that_of_ex05(tmp_path):
    for name, source in (("cnn", FASHION + LAYERS + MODEL + FIT), ("mobile", INCEPTION)):
        (tmp_path / f"{name}.py").write_text(source)
    found = handin.collect(tmp_path, tmp_path / "lu", asked="ex05", one=True).submissions[0]
    assert "InceptionV3" in "".join(
        path.read_text() for path in found.root.rglob("features.cells.json")
    )


REFUSED = {  # (exercice, programme, raison)
    "pytorch": ("ex02", "import torch\nnet = torch.nn.Conv2d(1, 32, 3)\n", "other_library"),
    "forets": (
        "ex02",
        "import pandas as pd\nfrom sklearn.ensemble import RandomForestClassifier\n"
        "table = pd.read_csv('fashion.csv')\nRandomForestClassifier().fit(table, table.label)\n",
        "other_library",
    ),
    "iris": (
        "ex02",
        "from keras import Sequential, layers\n"
        "model = Sequential([layers.Input((4,)), layers.Dense(3, activation='softmax')])\n"
        "model.compile('adam', 'categorical_crossentropy')\nmodel.fit([[0] * 4], [[0, 0, 1]])\n",
        "other_subject",
    ),
    "autoencodeur": (
        "ex02",
        FASHION
        + "from keras import Sequential, layers\n"
        + "model = Sequential([layers.Input((28, 28, 1)), layers.Conv2D(8, 3, padding='same'),\n"
        + "    layers.Conv2D(1, 3, padding='same', activation='sigmoid')])\n"
        + "model.compile('adam', 'mse')\nmodel.fit(x_train, x_train, epochs=3)\n",
        "other_subject",
    ),
    "tensorflow_nu": (
        "ex04",
        "import tensorflow as tf\nx = tf.placeholder(tf.float32, [None, 784])\n",
        "other_library",
    ),
    "modele_absent": (
        "ex03",
        "from keras import models\nfrom keras.layers import Dense\n"
        "model = models.load_model('appris.h5')\nmodel.predict(range(60))\n",
        "model_not_handed_in",
    ),
    "sans_son_fichier": (
        "ex03",
        "import keras\ndef main():\n    num = [][0]\n"
        "    keras.Sequential([keras.layers.Dense(num)])\nmain()\n",
        "stopped_early",
    ),
    "s_arrete_de_lui_meme": ("ex03", "import keras\nmodel = inconnu(keras)\n", "stops_before"),
    "en_commentaire": (
        "ex03",
        "import keras\nfrom keras.utils import np_utils\n'''\nmodel = Sequential()\n'''\n",
        "no_network",
    ),
}


def test_a_stop_that_costs_nothing_is_told_too(mark):
    """Ici, un tableau n'a pas la taille attendue : peut-être à cause des images de l'essai."""
    source = FASHION + "x_train[70000]\n" + LAYERS + MODEL + FIT
    marks = {each.rule.name: each for each in mark("ex02", source)}
    assert {name: float(each.points) for name, each in marks.items()} == PLAIN
    assert marks["train"].detail.startswith("Une ligne échoue sur la machine qui corrige, ")
    assert "IndexError, ligne 5 de tp.py" in marks["train"].detail


def test_names_in_another_file_of_the_hand_in_are_found(mark):
    names = "['T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat', 'Sandal', 'Shirt', 'Sneaker',"
    config = f"labels = {names} 'Bag', 'Ankle boot']\n"
    source = "import config\n" + FASHION + LAYERS + MODEL + FIT
    found = {each.rule.name: each for each in mark("ex02", source, config=config)}
    assert (found["evaluate"].points, found["evaluate"].reason) == (2, None)


def test_a_layer_that_fails_is_told_with_what_its_network_lacks(mark):
    source = FASHION + LAYERS + "model = Sequential([layers.Input((28, 28, 1)), *stack()[:-1]])\n"
    source += "model.add(layers.Dense('dix', activation='softmax'))\n" + FIT
    found = {each.rule.name: each for each in mark("ex02", source)}
    assert found["output"].reason == "wrong_number_of_classes"
    assert found["output"].detail.startswith("sans la couche qui s'arrête : ")
    assert f"ligne {source[: source.index('dix')].count(chr(10)) + 1} de tp.py" in (
        found["output"].detail
    )


def test_the_scale_of_images_that_the_grader_gives_is_not_judged(mark):
    """Rien n'appelle `train` avec les images du programme."""
    source = "from keras import Sequential, layers\n" + LAYERS + "def train_cnn(images, labels):\n"
    source += "    model = Sequential([layers.Input((28, 28, 1)), *stack()])\n"
    source += "    model.compile('adam', 'sparse_categorical_crossentropy')\n"
    source += "    model.fit(images, labels)\n"
    found = {each.rule.name: each for each in mark("ex02", source)}
    assert found["scaling"].reason == "scaling_unseen"


UNSEEN = {  # (programme, question) : ce qui n'a pas été exécuté n'est pas nié, mais dit « non vu »
    "jamais_appelé": (
        "import keras\ndef zork(X, a, b):\n    return keras.layers.Conv2D(a, b)(X)\n",
        "architecture",
        "ligne 3 de tp.py",
    ),
    "question_au_clavier": (
        "from keras.models import load_model\nif input('apprendre ? (y/n)') == 'y':\n    1\n"
        "else:\n    load_model('appris.h5')\n",
        "architecture",
        "ligne 2 de tp.py",
    ),
    "second_choix_du_menu": (
        FASHION
        + "from keras import Sequential, layers\nchoix = input('1 : dense, 2 : convolution')\n"
        + "model = Sequential([layers.Flatten(), layers.Dense(10, 'softmax')])\n"
        + FIT,
        "architecture",
        "ligne 6 de tp.py",
    ),
}


@pytest.mark.parametrize("name", UNSEEN)
def test_what_was_not_run_is_not_denied(mark, name):
    source, asked, place = UNSEEN[name]
    (found,) = [each for each in mark("ex02", source) if each.rule.name == asked]
    assert (found.points, found.reason) == (None, "not_seen"), found
    assert found.detail.startswith(place)


def test_what_is_written_nowhere_is_denied_though_the_program_asks_a_question(mark):
    """Aucune réponse au clavier ne construirait une convolution."""
    dense = "model = Sequential([layers.Flatten(), layers.Dense(10, 'softmax')])\n"
    source = (
        FASHION + "from keras import Sequential, layers\nnum = input('image ?')\n" + dense + FIT
    )
    found = {each.rule.name: each for each in mark("ex02", source)}
    assert (found["architecture"].points, found["architecture"].reason) == (0, "no_convolution")


def test_an_old_path_to_keras_and_an_import_in_another_cell_cost_nothing(mark):
    later = "\nfrom keras import Sequential, layers\n"
    source = FASHION + "from keras.api._v2 import keras\n" + LAYERS + MODEL + FIT
    source = source.replace("from keras import Sequential, layers", "", 1) + later
    marks = mark("ex02", source)
    assert {each.rule.name: float(each.points) for each in marks} == PLAIN


@pytest.mark.parametrize("name", REFUSED)
def test_what_it_is_is_said(mark, name):
    exercise, source, reason = REFUSED[name]
    blank = read_reasons()[reason].blank
    marks = [
        each
        for each in mark(exercise, source)
        if blank or each.rule.name not in ("weights", "command")
    ]
    points = None if blank else 0
    assert {(each.points, each.reason) for each in marks} == {(points, reason)}


@pytest.mark.parametrize(
    ("validation", "reason"),
    [
        ("validation_data=(x_test, y_test)", "validation_is_test"),
        ("validation_data=(x_train[-500:], y_train[-500:])", "validation_is_train"),
        ("validation_data=(tf.constant(x_train[-500:]), y_train[-500:])", "validation_is_train"),
        (
            "validation_data=tf.keras.preprocessing.image.ImageDataGenerator().flow("
            "x_train[-500:], y_train[-500:])",
            "validation_is_train",
        ),
        ("batch_size=32", "no_validation"),
    ],
)
@pytest.mark.slow
def test_mistakes_are_still_seen(mark, validation, reason):
    wrong = FIT.replace("validation_split=0.1", validation)
    source = FASHION.replace(" / 255.0", "") + LAYERS + "model = Sequential(stack())\n" + wrong
    found = {each.rule.name: each.reason for each in mark("ex02", source)}
    assert found["evaluate"] == "class_names_missing"
    assert found["scaling"] == "scaling_forgotten" and found["train"] == reason


def test_an_undefined_validation_stops_the_program(mark):
    wrong = FIT.replace("validation_split=0.1", "validation_data=(x_valid, y_valid)")
    source = FASHION + LAYERS + "model = Sequential(stack())\n" + wrong
    found = {each.rule.name: each for each in mark("ex02", source)}
    assert found["train"].reason == found["evaluate"].reason == "program_stops"
    assert "x_valid" in str(found["train"])


@pytest.mark.parametrize(
    ("measure", "reason"),
    [
        (
            "model.fit(x_train, y_train, validation_data=(x_test / x_test.max(), y_test))",
            "measured_as_validation",
        ),
        ("model.evaluate(x_test * 255, y_test)", "measured_other_scale"),
        ("model.evaluate(x_test[0], y_test)", "no_measure"),
        ("model.evaluate(x_train, y_train)", "measured_on_train"),
        (
            "model.fit(x_train, y_train, validation_data=(x_test * 255, y_test))",
            "measured_as_validation",
        ),
    ],
)
@pytest.mark.slow
def test_a_wrong_measure_is_seen(mark, measure, reason):
    source = FASHION + LAYERS + MODEL + FIT.replace("model.evaluate(x_test, y_test)", measure)
    found = {each.rule.name: each.reason for each in mark("ex02", source)}
    assert found["evaluate"] == reason


def test_zero_epoch_teaches_nothing(mark):
    source = FASHION + LAYERS + MODEL + FIT.replace("epochs=5", "epochs=0")
    found = {each.rule.name: each for each in mark("ex02", source)}
    assert (found["train"].points, found["train"].reason) == (0, "no_epoch")


STOPS = {  # (ce qui est changé, par quoi, dans quelle partie) ; la ligne est dans la raison
    "lève": ("from keras", "raise ValueError('à finir')\nfrom keras", LAYERS),
    "couche_mal_écrite": ("layers.Flatten(", "layers.Flaten(", LAYERS),
    "perte_mal_écrite": ("sparse_categorical_crossentropy", "sparse_categorical_crossentropi", FIT),
    "argument_inconnu": ("validation_split=0.1", "validation_split=0.1, callback=[]", FIT),
}


def test_a_program_that_stops_is_told_where_it_would_stop_again(mark):
    source = (FASHION + LAYERS + MODEL + FIT).replace("layers.Flatten(", "layers.Flaten(", 1)
    source = source.replace("validation_split=0.1", "validation_split=0.1, callback=[]", 1)
    later = next(k for k, text in enumerate(source.splitlines(), 1) if "callback=" in text)
    architecture = next(each for each in mark("ex02", source) if each.rule.name == "architecture")
    assert f"une fois cette ligne corrigée, une autre l'arrêterait : ligne {later}" in str(
        architecture
    )


IN_FRENCH = {
    "perte_mal_écrite": "Could not interpret loss identifier",
    "argument_inconnu": "argument que Keras n'a jamais eu",
}


@pytest.mark.parametrize("name", STOPS)
def test_a_program_that_stops_is_told_its_line_and_its_cost(mark, name):
    old, new, part = STOPS[name]
    assert old in part
    source = (FASHION + LAYERS + MODEL + FIT).replace(old, new, 1)
    line = next(k for k, text in enumerate(source.splitlines(), 1) if new.split("\n")[0] in text)
    marks = {each.rule.name: each for each in mark("ex02", source)}
    whole = {rule.name: rule.points for rule in read_scale()["ex02"].rules}
    told = [each for each in marks.values() if each.reason == "program_stops"]
    assert told and all(f"ligne {line} de tp.py" in each.detail for each in told)
    assert all(IN_FRENCH.get(name, "") in each.detail for each in told)
    assert all(each.points <= whole[each.rule.name] / 2 for each in told)
    assert marks["train"].points <= whole["train"] / 2
