"""Un rendu juste de l'exercice 05, seul dans son fichier."""

from keras import Model, layers
from keras.applications.inception_v3 import InceptionV3, preprocess_input
from keras.preprocessing.image import ImageDataGenerator

source = ImageDataGenerator(preprocessing_function=preprocess_input, validation_split=0.2)
train, validation = (
    source.flow_from_directory("images", target_size=(150, 150), subset=part)
    for part in ("training", "validation")
)
base = InceptionV3(include_top=False, weights="imagenet", input_shape=(150, 150, 3))
base.trainable = False
answer = layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling2D()(base.output))
model = Model(base.input, answer)
model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
model.fit(train, epochs=5, validation_data=validation)
