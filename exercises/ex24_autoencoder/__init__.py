"""Auto-encodeurs : passer par un goulot, avec ou sans raccourcis ; puis compresser pour de bon.

Document : S3 « Different problems, models & metrics » (« Specificities wrt auto-encoders? » ;
figure (7) : image → bits → image).
Commande : python -m exercises.ex24_autoencoder
           python -m exercises.ex24_autoencoder --compress image.png --output code.bin
           python -m exercises.ex24_autoencoder --decompress code.bin --output relue.png
Résultat mesuré : docs/laboratoire/resultats.md, sur cinq graines (`python -m recipes.seeds`).

Un auto-encodeur doit tout faire passer par son goulot ; un U-Net a des raccourcis qui l'évitent.
Quand il faut recopier une image, ou la débruiter, le U-Net se sert à peine de son goulot, qui ne
résume donc pas l'image. Un auto-encodeur résume : ses codes, arrondis puis compressés, font un
format d'image.

À lire dans cet ordre :

- `measures.py` : juger une image rendue, le PSNR et le SSIM ; lire une courbe à un débit ;
- `shortcuts.py` : le U-Net et l'auto-encodeur, les deux mêmes tâches, le goulot coupé ;
- `codec.py` : image → codes → entiers → octets, et retour ; le fichier ;
- `network.py` : l'auto-encodeur qui compresse, et la perte qui compte les bits ;
- `baselines.py` : ACP des carrés et des images entières, moyennes non locales, JPEG, WebP ;
- `__main__.py` : la leçon, pour une graine ;
- `figures.py` : les figures ;
- `command.py` : compresser une image dans un fichier, et la relire.
"""
