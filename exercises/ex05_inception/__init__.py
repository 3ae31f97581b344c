"""InceptionV3 : reconnaître de nouvelles classes avec un réseau déjà entraîné.

Document : TD « keras & réseaux de neurones convolutionnels », question 2, et §1.4 ;
S3 « Fine-tuning approach » pour les deux études.

À lire dans cet ordre :
    statement.py    la réponse à l'énoncé, d'un trait : images, base figée, tête, `fit`
    features.py     les mêmes images sans les pièges du générateur, et la base figée
    head.py         la tête seule, apprise sur ce que la base a rendu
    cached.py       la suite : la base ne voit chaque image qu'une fois ; validation croisée
Puis deux études, où la fin de la base est réapprise aussi :
    fine_tuning.py  réapprendre la fin de la base
    layers.py       combien de couches garder, ou réapprendre ?
    forgetting.py   l'oubli catastrophique : ce qu'une seconde tâche fait perdre à la première

Commandes : python -m exercises.ex05_inception                    chats et chiens de CIFAR-10
            python -m exercises.ex05_inception --images DOSSIER   un dossier d'images par classe
            python -m exercises.ex05_inception --prepare          la base, pour ./predict
            python -m exercises.ex05_inception.cached
            python -m exercises.ex05_inception.layers
            python -m exercises.ex05_inception.forgetting
            ./predict --model ex05_inception photo.jpg            dit un nom de dossier
Résultats mesurés : docs/mesures/ex05_inception.json, ex05_layers.json et ex05_forgetting.json,
repris dans docs/resultats.md.
"""
