// Le modèle qui répond à chaque image, comme convnets/serving/router.py.

import {misfit} from "./misfit.js";

/** @typedef {import("./picture.js").Picture} Picture */
/** @typedef {import("./classifier.js").Classifier} Classifier */

export const THUMBNAILS = "thumbnails", PHOTOS = "photos";
const THUMBNAIL_PX = 64; // petit côté sous lequel une image n'est pas une photo
const MIN_MISFIT = 0.75; // des vignettes agrandies en ont moins

/** Choisit un modèle, chargé à la première image qui le demande. */
export class Router {
  /** @param {(slug: string) => Promise<Classifier>} load */
  constructor(load) {
    this.load = load;
    this.decoded = undefined; // petit côté auquel décoder : celui de toutes les photos
    /** @type {Record<string, Promise<Classifier>>} */
    this.loaded = {};
  }

  /** @param {Picture} image @returns {Promise<Classifier>} */
  choose(image) {
    const slug = slugFor(image);
    this.loaded[slug] ??= this.load(slug).catch((error) => {
      delete this.loaded[slug]; // à redemander : le réseau peut revenir
      throw error;
    });
    return this.loaded[slug];
  }
}

/** Rend le nom du modèle qui va à une image. @param {Picture} image */
export function slugFor(image) {
  const photo = Math.min(image.width, image.height) >= THUMBNAIL_PX && misfit(image) >= MIN_MISFIT;
  return photo ? PHOTOS : THUMBNAILS;
}
