"""Ce qu'un réseau a appris : ses filtres, ses cartes de caractéristiques, ses images préférées.

Document : TD « keras & réseaux de neurones convolutionnels », §1.2 ; S3, « Introspection ».

À lire dans cet ordre :
    maps.py          les filtres de la première convolution, et les cartes de chaque couche
    lenet.py         les mêmes pour LeNet : filtres 5×5, cartes, morceaux de chiffres préférés
    maximisation.py  l'image que chaque filtre préfère, fabriquée par montée de gradient
    importance.py    quels filtres comptent : les faire taire un à un, et mesurer

Commandes : python -m exercises.ex06_feature_maps samples/chat.png
            python -m exercises.ex06_feature_maps.lenet chiffre.jpg
            python -m exercises.ex06_feature_maps.maximisation samples/chat.png
            python -m exercises.ex06_feature_maps.importance
Rien n'est appris ici : les réseaux sont `thumbnails` et `digits`, deux modèles livrés. Les figures
sont dans docs/galerie.md.
"""
