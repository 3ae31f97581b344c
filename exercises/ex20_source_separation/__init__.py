"""Séparer deux sources : un CNN lit le spectrogramme d'un mélange et en rend le masque.

Document : S3 « CNN & Time-Frequency representation ».
Commande : python -m exercises.ex20_source_separation     puis     … ex20_source_separation son.wav
Résultat mesuré : models/ex20_source_separation.json.

La diapositive en fait un problème de classification : à laquelle des deux sources, une mélodie
et des percussions, appartient chaque case temps-fréquence ? Le réseau l'apprend de mélanges de
synthèse ; on l'écoute sur des timbres qu'il n'a jamais entendus.

À lire dans cet ordre :

- `spectrograms.py` : du son au spectrogramme et retour, le masque, et le SI-SDR qui juge ;
- `network.py` : un petit U-Net, et sa perte ;
- `training.py` : l'apprendre sur des mélanges toujours nouveaux ;
- `baselines.py` : sans apprendre : filtres médians, masque aux sources connues, deux micros (ACI) ;
- `factorisation.py` : une somme de parties, signées (SVD) ou positives (NMF), d'un seul micro ;
- `comparison.py` : ce que gagne chaque méthode, en décibels ;
- `listening.py` : lire et écrire des WAV, séparer celui qu'on donne ;
- `figures.py` : voir un son, un masque, la comparaison ;
- `timbres.py` et `sounds.py` : d'où viennent les sons, note par note et coup par coup.
"""
