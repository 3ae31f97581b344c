"""Comparer les explications : effacer, ou faire apparaître, ce qu'elles disent important.

Document : S3 « Introspection d'un CNN ».

À lire dans cet ordre :
    curves.py      effacer ou révéler les pixels dans l'ordre d'une carte ; l'aire des deux courbes
    methods.py     les méthodes des exercices 07 à 10, CAM, et deux témoins
    comparison.py  les deux aires de chaque méthode sur 200 images de test au plus
    ranking.py     leur classement : tableau et figure
    settings.py    régler SmoothGrad et Grad-CAM, sur des images de validation

Commandes : python -m exercises.ex11_curves
            python -m exercises.ex11_curves --limit 20
            python -m exercises.ex11_curves.settings
Résultat mesuré : docs/mesures/ex11_curves.json, repris dans docs/laboratoire/resultats.md.
"""
