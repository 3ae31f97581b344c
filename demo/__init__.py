"""Une page pour jouer avec les exercices, dans un navigateur : `python -m demo`.

Elle se sert des fonctions des exercices et n'en refait aucune ; eux ne savent rien d'elle.
`app` la réunit, `__main__` l'ouvre, chaque onglet a son fichier.
"""
