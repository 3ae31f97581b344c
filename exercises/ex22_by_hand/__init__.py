"""Un CNN à la main : aller, retour et boucle d'apprentissage en NumPy, vérifiés.

Document : S4 « backpropagation pour CNN ? » et « training loop » ; S0, où les filtres sont appris
par rétropropagation.
Commandes : python -m exercises.ex22_by_hand
            python -m exercises.ex22_by_hand --check   vérifier, sans apprendre
Résultat mesuré : docs/laboratoire/resultats.md.

Le billet demande comment le gradient traverse une convolution, et laisse à écrire la boucle
d'apprentissage. Ici, rien n'est caché : chaque couche tient en dix lignes de NumPy, chaque gradient
est comparé à des différences finies, et la même boucle se lit en NumPy, en TensorFlow, en PyTorch,
puis dans `fit`.

À lire dans cet ordre :

- `convolution.py` : lire des fenêtres, les additionner, et les trois gradients d'une convolution ;
- `pooling.py` : le maximum, la moyenne ;
- `dense.py` : ReLU, mise à plat, couche dense ;
- `loss.py` : softmax et entropie croisée, d'où part le retour ;
- `network.py` : le réseau, tout l'aller, tout le retour, un pas ; ses jumeaux Keras et PyTorch ;
- `gradients.py` : vérifier, par différences finies ;
- `loops.py` : la boucle d'apprentissage, écrite quatre fois, et les mêmes pertes ;
- `__main__.py` : apprendre MNIST, et ce qu'y gagnent des filtres appris.
"""
