"""Séparer deux sources : un CNN lit le spectrogramme d'un mélange et en rend le masque.

Document : S3 « CNN & Time-Frequency representation ».
Commandes : python -m exercises.ex20_source_separation
            python -m exercises.ex20_source_separation son.wav
Résultat mesuré : docs/laboratoire/resultats.md.

La diapositive en fait un problème de classification : à laquelle des deux sources, une mélodie
et des percussions, appartient chaque case temps-fréquence ? Le réseau l'apprend de mélanges
d'instruments enregistrés ; on l'écoute sur des instruments, puis des percussions, jamais entendus.

À lire dans cet ordre :

- `spectrograms.py` : du son au spectrogramme et retour, le masque, et le SI-SDR qui juge ;
- `network.py` : un petit U-Net, et sa perte ;
- `baselines.py` : sans apprendre : filtres médians, masque aux sources connues, deux micros (ACI) ;
- `factorisation.py` : une somme de parties, signées (SVD) ou positives (NMF), d'un seul micro ;
- `__main__.py` : la leçon : apprendre, et ce que gagne chaque méthode, en décibels ;
- `figures.py` : voir un son, un masque ;
- `wavs.py` : lire et écrire des WAV ;
- `timbres.py` et `sounds.py` : jouer une note, puis des mélodies et des percussions.
"""
