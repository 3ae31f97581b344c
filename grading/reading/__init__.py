"""Lire ce qu'un élève a rendu : ouvrir, reconnaître, choisir. Rien n'y est exécuté."""
