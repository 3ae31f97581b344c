"""Dessiner une phrase, avec le réseau publié.

D'après : S3, figure (6), phrase → image.
Commande : python -m exercises.ex26_text_to_image --say "une bottine foncée" --output bottine.png
           puis ./predict --model garments bottine.png
"""

import numpy as np

from convnets.explaining.dreams import save_picture
from convnets.figures.style import output_file
from convnets.training import result, saving
from exercises.ex26_text_to_image import network, sentences
from exercises.ex26_text_to_image.subjects import Subject

ZOOM = 8  # chaque pixel en fait 8 × 8 dans le fichier : une vignette se verrait mal


# --- Question : une phrase, une image ------------------------------------------------


def say(options, subject: Subject) -> int:
    """Dessine la phrase de `--say` dans un PNG, et dit comment la faire nommer ; rend 0."""
    words = sentences.encode(subject, [options.say])
    name = "-".join(sentences.split(options.say)).replace("'", "") or "sans-phrase"
    path = output_file(options, f"{name}.png")
    model = saving.load_model(options.module, models_dir=options.models_dir)
    noise = network.draw_noise(subject, 1, seed=options.noise)
    image = network.draw_path(model, words, noise, guidance=options.guidance)[-1, 0]
    large = image.repeat(ZOOM, axis=0).repeat(ZOOM, axis=1)
    save_picture(np.broadcast_to(large, (*large.shape[:2], 3)), path)
    print(f"« {options.say} » : {result.display(path)}")
    print(f"Pour la faire nommer : ./predict --model {subject.judge} {result.display(path)}")
    return 0
