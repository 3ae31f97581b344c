"""Exercices corrigés du cours « Réseaux convolutifs, par la pratique »."""

import os

# TensorFlow raconte en anglais, à chaque démarrage, ce qu'il sait du processeur. Il en reste
# quelques lignes, écrites avant qu'il ne lise ce réglage.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
