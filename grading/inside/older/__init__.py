"""Lire aujourd'hui un programme écrit pour un Keras plus ancien.

`names` récrit le texte du programme ; `keras` et `numpy` rendent aux bibliothèques ce qu'elles ont
retiré ou déplacé.
"""
