"""Poser les questions à un rendu : ateliers et enfants, réponses, comparaisons, crédits."""
