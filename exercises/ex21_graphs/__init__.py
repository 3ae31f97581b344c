"""Réseaux de graphes : des messages le long des arcs, et une perte sur nœuds, arcs ou graphe.

Document : S3 (diapositives), « Graph Neural Networks ».
Commande : python -m exercises.ex21_graphs
Résultat mesuré : docs/laboratoire/resultats.md.

La convolution pèse les voisins d'un pixel ; un réseau de graphes pèse les voisins d'un nœud,
quels qu'ils soient : `n_i' = Σ ψ(n_i, n_j, e_ji)`.

À lire dans cet ordre :

- `messages.py` : passer des messages, y retrouver la convolution du cours, voir jusqu'où voit un
  nœud ;
- `images.py` : une image devient un graphe de 49 nœuds, dont on devine la classe ;
- `__main__.py` : la leçon entière, au même budget pour tous les réseaux ;
- `real_graphs.py` : le club de karaté, « Les Misérables » : classer des nœuds, retrouver des arcs
  cachés, et les témoins ;
- `citations.py` : Cora et Citeseer, classer des articles par leurs mots et leurs citations ;
- `figures.py` : le club, les mesures, le champ récepteur.
"""
