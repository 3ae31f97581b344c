"""Les programmes de départ : chaque énoncé, écrit avec Keras et NumPy seuls.

Chacun se copie dans un dossier vide et s'y exécute, sans rien d'autre de ce dépôt. L'exercice du
même nom part de lui et le change, une chose à la fois.
"""
