"""Une commande à soi : le modèle du cours, lu par LiteRT."""

import sys
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

NAMES = "Avion Voiture Oiseau Chat Cerf Chien Grenouille Cheval Bateau Camion".split()


def main(path):
    folder = Path(__file__).resolve().parents[1] / "models"
    engine = Interpreter(model_content=(folder / "ex03_cifar10.tflite").read_bytes(), num_threads=1)
    pixels = np.asarray(Image.open(path).convert("RGB").resize((32, 32)), np.uint8)
    engine.allocate_tensors()
    engine.set_tensor(engine.get_input_details()[0]["index"], pixels[None])
    engine.invoke()
    scores = engine.get_tensor(engine.get_output_details()[0]["index"])[0]
    print(f"Prédiction: {NAMES[int(scores.argmax())]}")


main(sys.argv[1])
