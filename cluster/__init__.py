"""Prédire sur plusieurs machines, avec Ray."""

from convnets.core import startup

startup.prepare(cleans_up=True)
