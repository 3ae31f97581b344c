"""Exercices corrigés du cours « Réseaux convolutifs, par la pratique »."""
