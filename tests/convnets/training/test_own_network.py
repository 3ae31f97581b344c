"""Un réseau appris ailleurs : ce qu'il dit de ses pixels, et ce qui n'est pas chargé."""

import json

import h5py
import keras
import pytest
from keras import layers

from convnets.training import own_network


@pytest.mark.parametrize(
    ("body", "scales"),
    [
        ([layers.Rescaling(1 / 255), layers.Conv2D(2, 3)], True),
        ([layers.Conv2D(2, 3), layers.Rescaling(1 / 255)], False),  # après : ce ne sont plus eux
        ([layers.MaxPooling2D()], False),
    ],
)
def test_a_network_that_scales_its_pixels_is_recognised(body, scales):
    inside = keras.Sequential([keras.Input((8, 8, 3)), *body])
    network = keras.Sequential([keras.Input((8, 8, 3)), inside, layers.GlobalMaxPooling2D()])
    assert own_network.scales_itself(network) == scales
    assert [*own_network.flat_layers(network)] == [*inside.layers, network.layers[-1]]


def test_a_description_of_keras_2_is_made_that_of_keras_3():
    depthwise = {"class_name": "DepthwiseConv2D", "config": {"groups": 1, "name": "d"}}
    plain = {"class_name": "Conv2D", "config": {"groups": 2}}
    ends = {"input_layers": [["a", 0, 0]], "output_layers": [["b", 0, 0], ["c", 0, 0]]}
    whole = {"class_name": "Functional", "config": {"layers": [depthwise, plain], **ends}}
    found = json.loads(json.dumps(whole), object_hook=own_network._modern_layer)["config"]
    assert [each["config"] for each in found["layers"]] == [{"name": "d"}, {"groups": 2}]
    assert found["input_layers"] == ["a", 0, 0]  # une seule : elle, et non une liste
    assert found["output_layers"] == ends["output_layers"]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (None, "il ne contient que des poids"),
        ('{"class_name": "Sequential", "config": {"layers": ["Lambda"]}}', "du code"),
        ('{"class_name": "Nouveau", "config": {}}', "Keras ne sait pas le lire"),
    ],
)
def test_what_is_not_loaded_is_said(tmp_path, config, said):
    with h5py.File(tmp_path / "modele", "w") as file:  # HDF5, sous n'importe quel nom
        if config:
            file.attrs["model_config"] = config
    with pytest.raises(ValueError, match=said):
        own_network.load(tmp_path / "modele")
