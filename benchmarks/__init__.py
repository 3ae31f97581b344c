"""Mesures qui justifient un choix ou une vitesse ; rien ici n'est importé par les exercices."""

from convnets.core.startup import prepare  # et non `startup` : un fichier d'ici a ce nom

prepare(cleans_up=True)
