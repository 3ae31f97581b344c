"""Un transformeur pour images : morceaux, positions, attention, face à un réseau de convolution.

Document : S3 « The Transformer Wave ».
Commandes : python -m exercises.ex19_vision_transformer
            … ex19_vision_transformer figures/ex19_vision_transformer/vetement.png
Résultat mesuré : docs/laboratoire/resultats.md.

Le document demande en quoi un transformeur diffère d'un réseau de convolution, et ce que chacun
apporte. On compare quatre réseaux, mêmes images et même budget : le transformeur, le même sans
positions, un réseau de convolution d'autant de paramètres, et un réseau, de même taille encore, où
des convolutions préparent ce que l'attention lit. Puis on mélange les morceaux des images de test.

À lire dans cet ordre :

- `networks.py` : des morceaux, des places, l'attention ; la convolution en face, puis devant ;
- `__main__.py` : la leçon entière, et ce que vaut chaque réseau, morceaux en place et mélangés ;
- `attention.py` : où regarde le transformeur, ce que disent les positions apprises ;
- `figures.py` : la comparaison et l'attention dessinées.
"""
