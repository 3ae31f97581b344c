"""Au-delà d'une machine, sur des moteurs qui existent : Ray pour prédire, Keras pour entraîner."""

from convnets.core import startup

startup.prepare(cleans_up=True)
