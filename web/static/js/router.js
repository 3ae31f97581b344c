// Le modèle qui répond à chaque image, comme convnets/serving/router.py.

import {garmentSquare} from "./garments.js";
import {misfit} from "./misfit.js";
import {grey} from "./picture.js";

/** @typedef {import("./picture.js").Picture} Picture */
/** @typedef {import("./classifier.js").Classifier} Classifier */
/** @typedef {import("./classifier.js").Found} Found */

const THUMBNAILS = "thumbnails", PHOTOS = "photos", GARMENTS = "garments";
const THUMBNAIL_PX = 64; // petit côté sous lequel une image n'est pas une photo
const MIN_MISFIT = 0.75; // des vignettes agrandies en ont moins
const MIN_SURE = 0.7; // du réseau des vêtements ; moins sûr, il laisse répondre celui des photos

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

  /** Nomme une image. @param {Picture} image @returns {Promise<Found>} */
  async answer(image) {
    const classifier = await this.get(slugFor(image));
    return classifier.answer(image, (glanced) => this.reconsider(image, glanced, classifier.card.garments));
  }

  /** Donne au réseau des vêtements celui que l'on sait découper ; null s'il n'y en a pas, ou s'il n'est pas sûr.
   * @param {Picture} image @param {number[]} glanced ce que le réseau des photos en a dit d'un coup d'œil.
   * @param {import("./card.js").Card["garments"]} known @returns {Promise<Found | null>} */
  async reconsider(image, glanced, known) {
    if (!known || glanced.slice(known.first).reduce((sum, each) => sum + each, 0) < 0.5) return null;
    const classifier = await this.get(GARMENTS), {side} = classifier;
    const start = performance.now(), square = garmentSquare(image, side);
    if (!square) return null;
    const view = grey(square, side, side), answer = classifier.conclude([await classifier.look(view)]);
    return answer.probabilities[answer.best] >= MIN_SURE ? {classifier, answer, view, duration: performance.now() - start} : null;
  }
}

/** Rend le nom du modèle qui va à une image. @param {Picture} image */
function slugFor(image) {
  const photo = Math.min(image.width, image.height) >= THUMBNAIL_PX && misfit(image) >= MIN_MISFIT;
  return photo ? PHOTOS : THUMBNAILS;
}
