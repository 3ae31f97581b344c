"""Convolution : refaire les exemples des cinq documents, et vérifier chaque résultat.

Documents : S0 (diapositives « X ou O »), S1 (Jour 04), S2 (TD), S3 (diapositives), S4 (billet).

Un exemple dont le document imprime le résultat lui est comparé (11 sur 23). Les douze autres sont
comparés à un second calcul.

À lire dans cet ordre :
    geometry.py         la fenêtre qui glisse : padding, taille de la sortie, champ récepteur
    operations.py       la convolution d'un signal (`conv1d`) et celle d'une image (`conv2d`)
    pooling.py          pooling et ReLU
    x_or_o.py           X ou O ? Toute la chaîne de S0, filtres posés à la main
    matrices.py         la convolution comme produit de matrices ; le gradient du noyau
    networks.py         compter les paramètres des réseaux des documents
    learned_filters.py  X ou O ? Les mêmes filtres, appris
    position.py         réseau dense et CNN devant des chiffres déplacés
Puis, ce qui vérifie et montre :
    examples.py         les exemples N1 à N23 ; examples.json, où ils sont et les nombres attendus
    replay.py           comparer, au chiffre près, ce qui sort à ce qui est attendu
    figures.py          les animations ; les couches de LeNet-5

Commandes : python -m exercises.ex00_convolution                    tous les exemples
            python -m exercises.ex00_convolution --example N6       un seul, en entier
            python -m exercises.ex00_convolution --figures figures  images et animations
            python -m exercises.ex00_convolution.learned_filters    apprendre les filtres
            python -m exercises.ex00_convolution.position           dense contre CNN
Résultats mesurés : models/ex00_learned_filters.json et docs/mesures/ex00_position.json.
"""
