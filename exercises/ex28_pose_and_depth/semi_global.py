"""Apparier sans apprendre, comme le ferait un praticien : SGM, et ce que l'autre image confirme.

D'après : S3 « 3D Reconstruction ».

Une fenêtre décide seule. La méthode semi-globale (SGM) demande en plus que des pixels voisins aient
des disparités voisines : changer d'un pixel coûte peu, sauter coûte cher. Le plus court chemin
n'est cherché que le long de huit directions, l'une après l'autre, et les huit coûts sont
additionnés. Puis l'image de droite est appariée à son tour : là où les deux ne sont pas d'accord,
un objet cache ce qui est derrière lui, et c'est le fond voisin qui répond.
"""

import numpy as np

from exercises.ex28_pose_and_depth.pairs import MAX_DISPARITY

CENSUS_PX = 5  # côté de la fenêtre qui compare un pixel à ses voisins
# Ce que coûtent un pas d'un pixel, et un saut, en comparaisons de `census` : le couple qui se
# trompait le moins, de quatre, de (5, 20) à (16, 60), sur vingt-quatre paires composées d'images
# d'apprentissage. Les écarts entre ces couples n'ont pas d'intervalle.
SMALL_STEP, JUMP = 16.0, 60.0
DIRECTIONS = [(0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)]
AGREED_PX = 1.0  # les deux images sont d'accord à un pixel près


# --- Question : à quel point deux pixels se ressemblent-ils ? ------------------------


def census(images: np.ndarray) -> np.ndarray:
    """Dit, pour chaque voisin d'un pixel, s'il est plus sombre que lui.

    Ni la luminosité ni le contraste n'y changent rien.

    Args:
        images: `(n, h, w)`.

    Returns:
        Booléens `(n, h, w, CENSUS_PX² - 1)`.

    Source : Zabih et Woodfill, « Non-parametric local transforms for computing visual
    correspondence », ECCV 1994.
    """
    reach, (height, width) = CENSUS_PX // 2, images.shape[1:]
    padded = np.pad(images, ((0, 0), (reach, reach), (reach, reach)), mode="edge")
    darker = [
        padded[:, row : row + height, column : column + width] < images
        for row, column in np.ndindex(CENSUS_PX, CENSUS_PX)
        if (row, column) != (reach, reach)
    ]
    return np.stack(darker, axis=-1)


def census_costs(images: np.ndarray) -> np.ndarray:
    """Compte, à chaque disparité, les comparaisons où les deux images diffèrent.

    Args:
        images: paires `(n, 2, h, w)` : gauche, droite.

    Returns:
        `(n, h, w, 32)` float32 ; là où la droite n'a pas de pixel, son bord est répété.
    """
    left, right = census(images[:, 0]), census(images[:, 1])
    columns = np.arange(images.shape[-1])
    costs = [
        (left != right[:, :, np.maximum(columns - disparity, 0)]).sum(axis=-1)
        for disparity in range(MAX_DISPARITY)
    ]
    return np.stack(costs, axis=-1).astype(np.float32)


# --- Question : et si des voisins devaient s'accorder ? ------------------------------


def aggregate(costs: np.ndarray) -> np.ndarray:
    """Additionne, sur huit directions, le coût du meilleur chemin qui arrive à chaque pixel.

    Args:
        costs: `(n, h, w, 32)`.

    Returns:
        De même forme.

    Source : Hirschmüller, « Stereo Processing by Semiglobal Matching and Mutual Information »,
    IEEE PAMI 30(2), 2008, équations 13 et 14.
    """
    return sum(along(costs, down, right) for down, right in DIRECTIONS)


def along(costs: np.ndarray, down: int, right: int) -> np.ndarray:
    """Rend le coût du meilleur chemin qui arrive à chaque pixel en suivant une direction.

    Args:
        costs: `(n, h, w, 32)`.
        down: lignes descendues à chaque pas, -1, 0 ou 1.
        right: colonnes, de même ; pas zéro toutes les deux.
    """
    if down == 0:  # avancer de colonne en colonne, c'est avancer de ligne en ligne, image tournée
        return along(costs.swapaxes(1, 2), right, 0).swapaxes(1, 2)
    found = costs.copy()
    rows = range(costs.shape[1])[::down]
    for before, row in zip(rows, rows[1:], strict=False):
        found[:, row] += cheapest(shifted(found[:, before], right))
    return found


def shifted(costs: np.ndarray, right: int) -> np.ndarray:
    """Décale d'une colonne, ou pas, une ligne de coûts `(n, w, 32)` ; des zéros entrent au bord."""
    if right == 0:
        return costs
    moved = np.zeros_like(costs)
    if right > 0:
        moved[:, 1:] = costs[:, :-1]
    else:
        moved[:, :-1] = costs[:, 1:]
    return moved


def cheapest(before: np.ndarray) -> np.ndarray:
    """Rend ce qu'ajoute au coût d'un pixel le meilleur chemin qui y mène.

    Args:
        before: coûts `(n, w, 32)` du pixel d'avant, à chaque disparité.

    Returns:
        `(n, w, 32)` : rester à la même disparité ne coûte rien, changer d'un pixel coûte
        `SMALL_STEP`, sauter coûte `JUMP` ; le plus petit coût d'avant est retranché, pour que les
        nombres ne grandissent pas le long du chemin.
    """
    least = before.min(axis=-1, keepdims=True)
    one_more = np.pad(before, ((0, 0), (0, 0), (1, 0)), constant_values=np.inf)[..., :-1]
    one_less = np.pad(before, ((0, 0), (0, 0), (0, 1)), constant_values=np.inf)[..., 1:]
    step = np.minimum(one_more, one_less) + SMALL_STEP
    return np.minimum(np.minimum(before, step), least + JUMP) - least


# --- Question : que faire de ce que la caméra de droite ne voit pas ? ----------------


def seen_from_right(costs: np.ndarray) -> np.ndarray:
    """Range les mêmes coûts `(n, h, w, 32)` par pixel de droite ; infinis là où la gauche finit."""
    found = np.full_like(costs, np.inf)
    width = costs.shape[2]
    for disparity in range(MAX_DISPARITY):
        found[:, :, : width - disparity, disparity] = costs[:, :, disparity:, disparity]
    return found


def confirmed(disparity: np.ndarray, costs: np.ndarray) -> np.ndarray:
    """Dit où l'image de droite, appariée à son tour, est d'accord.

    Args:
        disparity: celle de la gauche `(n, h, w)`.
        costs: `(n, h, w, 32)`, dont elle est tirée.

    Returns:
        Booléens `(n, h, w)`.
    """
    from_right = seen_from_right(costs).argmin(axis=-1)
    landing = np.rint(np.arange(disparity.shape[-1]) - disparity).astype(int)
    there = np.take_along_axis(from_right, np.maximum(landing, 0), axis=-1)
    return (landing >= 0) & (np.abs(disparity - there) <= AGREED_PX)


def fill_with_ground(disparity: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Donne à un pixel inconnu la plus petite des disparités connues à sa gauche et à sa droite.

    Ce que la caméra de droite ne voit pas est derrière un objet : c'est le plus lointain des deux
    voisins qui se prolonge.

    Args:
        disparity: `(n, h, w)`.
        known: booléens, de même forme ; une ligne où rien n'est connu reste telle quelle.
    """
    columns = np.arange(disparity.shape[-1])
    before = np.maximum.accumulate(np.where(known, columns, -1), axis=-1)
    after = np.minimum.accumulate(np.where(known, columns, len(columns))[..., ::-1], axis=-1)
    after = after[..., ::-1]
    far = np.full(disparity.shape, np.inf)
    for nearest, exists in ((before, before >= 0), (after, after < len(columns))):
        value = np.take_along_axis(disparity, nearest.clip(0, len(columns) - 1), axis=-1)
        far = np.minimum(far, np.where(exists, value, np.inf))
    return np.where(known | np.isinf(far), disparity, far)
