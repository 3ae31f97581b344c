"""Les mots français des articles de boutique : un nom par type, et des couleurs qui s'accordent.

Seuls les types d'au moins 25 articles et les couleurs d'au moins 50 ont un mot ici ; un article qui
en a un autre est laissé de côté.
"""

from typing import NamedTuple

# Rang de la forme d'un adjectif : masculin, féminin, masculin pluriel, féminin pluriel.
MASCULINE, FEMININE, FEMININE_PLURAL = 0, 1, 3


class Name(NamedTuple):
    """Le nom d'un article, son déterminant compris, et la forme des adjectifs qui le suivent."""

    words: str
    form: int


def unchanging(words: str) -> tuple[str, ...]:
    """Rend les quatre formes d'une couleur qui ne s'accorde pas : « marron », « bleu marine »."""
    return (words,) * 4


KINDS = {
    "Tshirts": Name("un tee-shirt", MASCULINE),
    "Shirts": Name("une chemise", FEMININE),
    "Casual Shoes": Name("des chaussures de loisir", FEMININE_PLURAL),
    "Tops": Name("un haut", MASCULINE),
    "Kurtas": Name("une kurta", FEMININE),
    "Sports Shoes": Name("des chaussures de sport", FEMININE_PLURAL),
    "Watches": Name("une montre", FEMININE),
    "Handbags": Name("un sac à main", MASCULINE),
    "Heels": Name("des chaussures à talons", FEMININE_PLURAL),
    "Sunglasses": Name("des lunettes de soleil", FEMININE_PLURAL),
    "Sweaters": Name("un pull", MASCULINE),
    "Sandals": Name("des sandales", FEMININE_PLURAL),
    "Wallets": Name("un portefeuille", MASCULINE),
    "Flip Flops": Name("des tongs", FEMININE_PLURAL),
    "Sweatshirts": Name("un sweat-shirt", MASCULINE),
    "Belts": Name("une ceinture", FEMININE),
    "Trousers": Name("un pantalon", MASCULINE),
    "Formal Shoes": Name("des chaussures de ville", FEMININE_PLURAL),
    "Jeans": Name("un jean", MASCULINE),
    "Socks": Name("des chaussettes", FEMININE_PLURAL),
    "Jackets": Name("une veste", FEMININE),
    "Flats": Name("des chaussures plates", FEMININE_PLURAL),
    "Backpacks": Name("un sac à dos", MASCULINE),
    "Briefs": Name("un slip", MASCULINE),
    "Shorts": Name("un short", MASCULINE),
    "Innerwear Vests": Name("un maillot de corps", MASCULINE),
    "Caps": Name("une casquette", FEMININE),
    "Track Pants": Name("un pantalon de survêtement", MASCULINE),
    "Ties": Name("une cravate", FEMININE),
    "Kurtis": Name("une kurti", FEMININE),
    "Clutches": Name("une pochette", FEMININE),
    "Dresses": Name("une robe", FEMININE),
    "Mufflers": Name("une écharpe", FEMININE),
    "Accessory Gift Set": Name("un coffret d'accessoires", MASCULINE),
    "Skirts": Name("une jupe", FEMININE),
    "Trunk": Name("un boxer", MASCULINE),
    "Scarves": Name("un foulard", MASCULINE),
}
COLORS = {  # masculin, féminin, masculin pluriel, féminin pluriel
    "Black": ("noir", "noire", "noirs", "noires"),
    "Blue": ("bleu", "bleue", "bleus", "bleues"),
    "White": ("blanc", "blanche", "blancs", "blanches"),
    "Grey": ("gris", "grise", "gris", "grises"),
    "Brown": unchanging("marron"),
    "Red": ("rouge", "rouge", "rouges", "rouges"),
    "Green": ("vert", "verte", "verts", "vertes"),
    "Navy Blue": unchanging("bleu marine"),
    "Purple": ("violet", "violette", "violets", "violettes"),
    "Pink": ("rose", "rose", "roses", "roses"),
    "Beige": ("beige", "beige", "beiges", "beiges"),
    "Maroon": unchanging("bordeaux"),
    "Yellow": ("jaune", "jaune", "jaunes", "jaunes"),
    "Olive": unchanging("vert olive"),
    "Silver": ("argenté", "argentée", "argentés", "argentées"),
    "Steel": unchanging("gris acier"),
    "Orange": unchanging("orange"),
    "Cream": unchanging("crème"),
    "Gold": ("doré", "dorée", "dorés", "dorées"),
    "Tan": ("fauve", "fauve", "fauves", "fauves"),
}
