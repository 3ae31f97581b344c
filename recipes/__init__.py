"""Les records : comment refaire, de rien, chaque modèle publié dont la leçon n'est pas la recette.

| commande | modèle | sur deux cœurs, environ |
|---|---|---|
| `python -m recipes.garments` | garments | 47 min par graine |
| `python -m recipes.thumbnails` | thumbnails | 56 min par graine |
| `python -m recipes.digits` | digits | 25 min par graine |
| `python -m recipes.photos` | photos | 20 min, trois graines |
| `python -m recipes.clothes` | photos, vêtements compris | 10 min |
| `python -m recipes.ten_minutes` | aucun n'est livré | 10 min |
| `python -m recipes.comparison` | ex04_comparison | une minute |

Une recette ne part que des données et, pour `photos`, de poids que d'autres ont publiés. Celle qui
a un maître l'apprend elle-même, pour première étape. `--resume` reprend à l'étape et à l'époque où
l'on en était ; le compte rendu dit la durée et le coût de chacune.

`python -m recipes.steps ex02` mesure, un changement à la fois, ce qui sépare le programme de
l'énoncé de la leçon : de sept à onze minutes par étape et par graine, sur un cœur.
`python -m recipes.seeds` mesure une leçon sur plusieurs graines, et
`python -m recipes.garment_choices` essaie d'autres tailles que celles de l'exercice 02.
`python -m recipes.ex15_architectures` choisit le taux d'apprentissage de chaque réseau de la leçon
15, sur des images de validation. `python -m recipes.seeds ex25_pretrained` mesure la leçon 25 à
côté d'une base déjà apprise.
`python -m recipes.familiarity` donne aux réseaux de `./predict` de quoi douter d'une image
étrangère. `python -m recipes.export` exporte pour lui un modèle appris sans TensorFlow.
"""

from convnets.core import startup

startup.prepare()
