"""Mesures qui justifient un choix ou une vitesse ; rien ici n'est importé par les exercices."""

from convnets.core import startup

startup.prepare(cleans_up=True)
