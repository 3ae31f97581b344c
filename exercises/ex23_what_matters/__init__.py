"""Qu'est-ce qui compte dans un CNN ? Une pièce changée à la fois, et des intervalles.

Document : S1, exercice 2 : « Vous devez determiner la taille des kernels, les strides, la quantité
de filtres […] ce qui fonctionne le mieux », et son rappel de « l'exercice 6 du jour 3 », un réseau
dense ; S3 « Dropout et data-augmentation » ; S4, la batch-normalization.
Commande : python -m exercises.ex23_what_matters
Résultat mesuré : docs/mesures/ex23_what_matters.json.

S1 impose un ordre de couches et laisse libre le reste. On part d'un réseau qui le respecte, et l'on
n'y change qu'une pièce à la fois : mêmes images, dans les mêmes lots, autant de fois, au même taux
d'apprentissage. Une exactitude plus haute ne suffit pas : un autre tirage en donne une autre, et
d'autres images de test aussi. Chaque différence a donc son intervalle ; quand il contient zéro, on
n'a rien montré, et la figure le dit.

À lire dans cet ordre :

- `networks.py` : la référence, ses pièces, et ce que change chaque variante ;
- `intervals.py` : la différence de deux réseaux sur les mêmes images, et son intervalle ;
- `__main__.py` : la leçon, qui apprend toutes les variantes au même budget, et les compare ;
- `figures.py` : ce que disent les mesures, en tableau et en figure.
"""
