"""Sac de mots visuels : classer des images comme on le faisait avant l'apprentissage profond.

Document : S3 « Avant le deep ».
Commande : python -m exercises.ex16_bag_of_words, puis
    … ex16_bag_of_words samples/avion.png
Résultat mesuré : docs/mesures/ex16_bag_of_words.json.

Trois étapes : un dictionnaire de petits motifs, chaque image résumée par les mots qu'elle
contient, un classifieur linéaire. Deux concurrents apprennent des mêmes images : le même
classifieur sur les pixels bruts, et un réseau de convolution.

À lire dans cet ordre :

- `dictionary.py` : des morceaux d'images aux mots ;
- `encoding.py` : d'une image à l'histogramme de ses mots, en couches de Keras ;
- `__main__.py` : la leçon, où un classifieur lit l'histogramme, face à ses concurrents ;
- `figures.py` : le dictionnaire, une image en mots, la comparaison.
"""
