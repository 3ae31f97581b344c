// Ce qu'un modèle livré, ou le vôtre, répond à une image : les calculs de `./predict`.

import {Engine} from "./engine.js";
import {square, toGrey} from "./picture.js";

/** @typedef {import("./picture.js").Picture} Picture */

/**
 * @typedef {object} Card Ce qu'un compte rendu dit d'un modèle ; voir convnets/serving/card.py.
 * @property {string[]} classes noms français.
 * @property {string} framing comment une image est amenée à un carré.
 * @property {[string, number][]} views cadrage et zoom de chaque vue d'une photo.
 * @property {number} temperature qui divise les scores ; 1 : aucune.
 * @property {number | null} familiarity seuil sous lequel une image est étrangère.
 */

/**
 * @typedef {object} Answer
 * @property {number[]} probabilities une par classe.
 * @property {number} best numéro de la classe la plus probable.
 * @property {boolean} familiar faux : rien de ce qu'il a appris ne ressemble à cette image.
 */

/** Lit la fiche d'un compte rendu. @param {any} report @returns {Card} */
export function readCard(report) {
  const classes = report?.classes_fr ?? report?.classes;
  if (!Array.isArray(classes) || !classes.length) {
    throw new Error("Ce compte rendu ne nomme pas de classes : ce modèle ne nomme pas une image.");
  }
  if (report.base) {
    throw new Error("Ce modèle n'est qu'une tête : sa base n'est pas dans cette page.");
  }
  const framing = report.framing ?? "crop";
  return {
    classes,
    framing,
    views: report.views ?? [[framing, 1]],
    temperature: report.calibration?.temperature ?? 1,
    familiarity: report.familiarity?.threshold ?? null,
  };
}

/** Divise par une température les scores dont le softmax a donné ces probabilités.
 * @param {ArrayLike<number>} probabilities @param {number} temperature @returns {number[]} */
export function soften(probabilities, temperature) {
  const powers = Array.from(probabilities, (p) => (temperature === 1 ? p : p ** (1 / temperature)));
  const total = temperature === 1 ? 1 : powers.reduce((sum, p) => sum + p, 0);
  return powers.map((p) => p / total);
}

/** Un modèle et sa fiche. */
export class Classifier {
  /** @param {Engine} engine @param {Card} card */
  constructor(engine, card) {
    this.engine = engine;
    this.card = card;
    this.side = engine.input[1];
    this.isGrey = engine.input.length === 3;
  }

  /** @param {Uint8Array} content un `.tflite`. @param {any} report son compte rendu. */
  static async load(content, report) {
    const card = readCard(report), engine = await Engine.load(content);
    const count = engine.outputs[0].at(-1);
    if (count !== card.classes.length) {
      throw new Error(`Ce modèle rend ${count} nombres, son compte rendu nomme ` +
        `${card.classes.length} classes : prenez les fichiers d'un même entraînement.`);
    }
    return new Classifier(engine, card);
  }

  /** Rend les vues d'une image, telles que le réseau les lira. @param {Picture} image */
  viewsOf(image) {
    const isThumbnail = Math.min(image.width, image.height) < 64;
    const views = this.isGrey || isThumbnail ? this.card.views.slice(0, 1) : this.card.views;
    return views.map(([mode, zoom]) => square(image, this.side, mode, zoom));
  }

  /** Rend le modèle qui répond à une image : lui-même, voir `Router`. */
  choose() {
    return this;
  }

  /** Nomme une image. @param {Picture} image @returns {Promise<Answer>} */
  async answer(image) {
    /** @type {number[][]} */
    const rows = [];
    const views = this.viewsOf(image);
    let score = null;
    for (const [index, view] of views.entries()) {
      const [probabilities, scores] = await this.pass(view);
      rows.push(soften(probabilities, this.card.temperature));
      if (index === 0 && scores) score = scores[0]; // le seuil vient de l'image entière
    }
    const probabilities = rows[0].map((_, k) => rows.reduce((s, row) => s + row[k], 0) / rows.length);
    const known = this.card.familiarity === null || score === null || score >= this.card.familiarity;
    return {probabilities, best: probabilities.indexOf(Math.max(...probabilities)), familiar: known};
  }

  /** Calcule une passe sur une vue. @param {Picture} view */
  pass(view) {
    return this.engine.answer(this.isGrey ? toGrey(view) : Uint8Array.from(view.pixels));
  }
}
