// Le modèle qui répond à chaque image, comme convnets/serving/router.py.

import {garmentSquare} from "./garments.js";
import {insideFigure, isEnlarged, isGreyThumbnail, isSmall} from "./look.js";
import {grey} from "./picture.js";

/** @typedef {import("./picture.js").Picture} Picture */
/** @typedef {import("./classifier.js").Classifier} Classifier */
/** @typedef {import("./classifier.js").Found} Found */

const THUMBNAILS = "thumbnails", PHOTOS = "photos", GARMENTS = "garments";
const GARMENT_PX = 28; // côté d'une image de Fashion-MNIST
const MIN_SURE = 0.9; // du réseau des vêtements ; moins sûr, il laisse répondre celui des photos
/** Les noms du réseau des vêtements pour chaque vêtement de celui des photos ; rien pour ceux que Fashion-MNIST n'a pas.
 * @type {Record<string, string[]>} */
const NAMES = {
  "Robe": ["Robe"],
  "Haut à manches longues": ["Pull", "T-shirt ou haut"],
  "Veste ou manteau": ["Manteau"],
  "Pantalon": ["Pantalon"],
  "Chemise": ["Chemise"],
  "Chaussures": ["Basket", "Bottine", "Sandale"],
  "T-shirt": ["T-shirt ou haut"],
  "Sac": ["Sac"],
  "Chapeau": [],
  "Short": [],
  "Jupe": [],
};

/** Dit si, de tous les vêtements, le réseau des photos voit plutôt celui que l'autre nomme ainsi.
 * @param {string[]} classes @param {number[]} probabilities @param {string} name */
function sees(classes, probabilities, name) {
  let agreed = 0, whole = 0;
  classes.forEach((known, k) => {
    if (!(known in NAMES)) return;
    whole += probabilities[k];
    if (NAMES[known].includes(name)) agreed += probabilities[k];
  });
  return agreed >= 0.5 * whole;
}

/** Choisit un modèle, chargé à la première image qui le demande. */
export class Router {
  /** @param {(slug: string) => Promise<Classifier>} load */
  constructor(load) {
    this.load = load;
    this.decoded = undefined; // petit côté auquel décoder : celui de toutes les photos
    /** @type {Record<string, Promise<Classifier>>} */
    this.loaded = {};
  }

  /** Rend un modèle. @param {string} slug @returns {Promise<Classifier>} */
  get(slug) {
    this.loaded[slug] ??= this.load(slug).catch((error) => {
      delete this.loaded[slug]; // à redemander : le réseau peut revenir
      throw error;
    });
    return this.loaded[slug];
  }

  /** Rend ce qui est à nommer d'une image : sans la marge d'une figure de notebook. @param {Picture} image @returns {Picture} */
  frame(image) {
    return insideFigure(image);
  }

  /** Nomme une image. @param {Picture} image que `frame` a rendue. @returns {Promise<Found>} */
  async answer(image) {
    const classifier = await this.get(await this.slugFor(image));
    return classifier.answer(image, (first) => this.reconsider(image, first, classifier));
  }

  /** Rend le nom du modèle qui va à une image. @param {Picture} image */
  async slugFor(image) {
    if (isSmall(image) || isGreyThumbnail(image)) return THUMBNAILS;
    if (!isEnlarged(image)) return PHOTOS;
    if (!garmentSquare(image, GARMENT_PX)) return THUMBNAILS;
    const photos = await this.get(PHOTOS), first = await photos.glanceAt(image); // un vêtement que l'on sait découper ?
    return first && photos.showsGarment(first.probabilities) ? PHOTOS : THUMBNAILS;
  }

  /** Donne au réseau des vêtements celui que l'on sait découper ; null s'il n'y en a pas, ou s'il n'est pas sûr.
   * @param {Picture} image @param {{probabilities: number[], score: number | null}} first le coup d'œil du réseau des photos ; s'il la
   * trouve étrangère, la réponse l'est. @param {Classifier} photos ce réseau. @returns {Promise<Found | null>} */
  async reconsider(image, {probabilities: glanced, score}, photos) {
    if (!photos.showsGarment(glanced)) return null;
    const start = performance.now(), square = garmentSquare(image, GARMENT_PX);
    if (!square) return null;
    const classifier = await this.get(GARMENTS), view = grey(square, GARMENT_PX, GARMENT_PX);
    const answer = classifier.conclude([await classifier.look(view)]);
    if (answer.probabilities[answer.best] < MIN_SURE) return null;
    if (!sees(photos.card.classes, glanced, classifier.card.classes[answer.best])) return null;
    answer.familiar &&= photos.isFamiliar(score);
    return {classifier, answer, view, duration: performance.now() - start};
  }
}
