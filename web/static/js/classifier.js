// Ce qu'un modèle livré, ou le vôtre, répond à une image : les calculs de `./predict`.

import {readCard} from "./card.js";
import {SIDE} from "./digit.js";
import {Engine} from "./engine.js";
import {garmentSquare} from "./garments.js";
import {DECODED, digitSquare} from "./ink.js";
import {isGreyOnBlack, isGreyThumbnail, isSmall} from "./look.js";
import {grey, lightOnDark, longSquares, square, toGrey} from "./picture.js";
import {FLOAT32} from "./tflite.js";

const MIN_POOLED = 1e-9; // d'une probabilité, pour qu'aucune moyenne géométrique ne soit nulle

/** @typedef {import("./picture.js").Picture} Picture */
/** @typedef {import("./card.js").Card} Card */

/**
 * @typedef {object} Answer
 * @property {number[]} probabilities une par classe.
 * @property {number} best numéro de la classe la plus probable.
 * @property {boolean} familiar faux : rien de ce qu'il a appris ne ressemble à cette image.
 * @property {"" | "grey" | "unfamiliar" | "divided" | "low"} doubt pourquoi la réponse n'est pas sûre : l'image est petite et grise, et
 *     ce réseau en a surtout appris en couleur ; elle n'est pas familière ; elle est longue, et ailleurs il est sûr d'autre chose ; la probabilité est basse. "" : rien n'en fait douter.
 */

/** @typedef {{classifier: Classifier, answer: Answer, view: Picture, duration: number}} Found Qui a répondu, quoi, à quelle vue, en
 * combien de millisecondes. */

/** Divise par une température les scores dont le softmax a donné ces probabilités.
 * @param {ArrayLike<number>} probabilities @param {number} temperature @returns {number[]} */
export function soften(probabilities, temperature) {
  const powers = Array.from(probabilities, (p) => (temperature === 1 ? p : p ** (1 / temperature)));
  const total = temperature === 1 ? 1 : powers.reduce((sum, p) => sum + p, 0);
  return powers.map((p) => p / total);
}

/** Un modèle et sa fiche. */
export class Classifier {
  /** @param {Engine} engine @param {Card} card @param {Uint8Array} content du .tflite @param {{glancing?: Engine | null, base?: Engine | null}} [others]
   * le premier regard, et la base dont `engine` est la tête. */
  constructor(engine, card, content, {glancing = null, base = null} = {}) {
    this.engine = engine;
    this.card = card;
    this.content = content;
    this.glancing = glancing;
    this.base = base;
    const {input} = base ?? engine;
    this.side = input[1];
    this.isGrey = input.length === 3;
    this.decoded = card.framing === "digit" ? DECODED : undefined; // petit côté à décoder, s'il en faut un autre
  }

  /** @param {Uint8Array} content un `.tflite`. @param {any} report son compte rendu.
   * @param {Uint8Array | null} [baseContent] le `.tflite` de sa base, si c'est une tête. */
  static async load(content, report, baseContent = null) {
    const card = readCard(report);
    if (card.base && !baseContent) {
      throw new Error(`Ce modèle n'est qu'une tête : déposez avec lui sa base, ${card.base}, que ` +
        `python -m exercises.${report.exercise} --prepare écrit dans .keras/models.`);
    }
    const base = card.base && baseContent ? await Engine.load(baseContent) : null;
    const engine = await (base ? Engine.load(content, undefined, FLOAT32) : Engine.load(content));
    const {input} = base ?? engine, [, height, width, channels = 3] = input, shape = input.slice(1).join(" × ");
    if (height !== width || input.length > 4 || channels !== 3) {
      throw new Error(`Ce modèle lit des entrées ${shape}, et non des images carrées.`);
    }
    if (card.framing === "digit" && (width !== SIDE || input.length !== 3)) {
      throw new Error(`Ce modèle lit des entrées ${shape}, et non des chiffres gris de ${SIDE} × ${SIDE}.`);
    }
    if (base && base.outputs[0].join() !== engine.input.join()) {
      throw new Error(`Cette tête ne se pose pas sur ${card.base} : préparez de nouveau la base.`);
    }
    const count = engine.outputs[0].at(-1);
    if (engine.outputs[0].length !== 2) throw new Error("Ce modèle ne répond pas par une classe.");
    if (count !== card.classes.length) {
      throw new Error(`Ce modèle rend ${count} nombres, son compte rendu nomme ` +
        `${card.classes.length} classes : prenez les fichiers d'un même entraînement.`);
    }
    const glancing = card.glance && !base ? await Engine.load(content, card.glance.side_px) : null;
    return new Classifier(engine, card, baseContent ?? content, {glancing, base});
  }

  /** Rend les vues d'une image, telles que le réseau les lira. @param {Picture} image @returns {Picture[]} */
  viewsOf(image) {
    if (this.card.framing === "digit") return [grey(digitSquare(image), SIDE, SIDE)];
    const {framing, views} = this.card;
    if (this.isGrey) {
      const isReady = Math.min(image.width, image.height) <= this.side || isGreyOnBlack(image);
      const garment = isReady ? null : garmentSquare(image, this.side);
      return [grey(garment ?? lightOnDark(toGrey(square(image, this.side, framing))), this.side, this.side)];
    }
    return (isSmall(image) ? [/** @type {[string, number]} */ ([views[0][0], 1])] : views).map(([mode, zoom]) => square(image, this.side, mode, zoom));
  }

  /** Rend ce qui est à nommer d'une image : elle-même. @param {Picture} image @returns {Picture} */
  frame(image) {
    return image;
  }

  /** Nomme une image. @param {Picture} image
   * @param {(first: {probabilities: number[], score: number | null}) => Promise<Found | null>} [reconsider] rend un autre modèle, et sa réponse, qui convient mieux.
   * @returns {Promise<Found>} */
  async answer(image, reconsider = async () => null) {
    const start = performance.now(), {glance} = this.card, seen = [];
    const first = await this.glanceAt(image), sure = first !== null && glance !== null && Math.max(...first.probabilities) >= glance.sure;
    const other = first && await reconsider(first);
    if (other) return other;
    const views = this.viewsOf(first ? first.square : image);
    /** @type {{probabilities: number[], score: number | null} | null} */
    let settled = first && this.suffices(first) ? first : null; // sinon, il regarde encore
    for (const view of settled ? [] : views) {
      seen.push(await this.look(view));
      if (!first || seen.length > 1) continue;
      if (first.score !== null && seen[0].score !== null) seen[0].score = (first.score + seen[0].score) / 2;
      if (this.suffices(seen[0])) {
        [settled] = seen;
        break;
      }
    }
    const isDivided = first?.isDivided, isGrey = !this.isGrey && isGreyThumbnail(image);
    const answer = settled ? this.conclude([settled], {isDivided, isGrey}) : this.conclude(seen, {glanced: first, sure, isDivided, isGrey});
    return {classifier: this, answer, view: views[0], duration: performance.now() - start};
  }

  /** Jette un premier regard ; null si ce modèle n'en a pas. D'une image longue, c'est le plus sûr de ceux aux carrés qui la couvrent,
   * qu'il rend avec lui ; un objet l'emporte sur un vêtement, à quoi un morceau d'objet ressemble souvent. Il dit aussi si deux de ces
   * carrés montrent sûrement deux objets. @param {Picture} image */
  async glanceAt(image) {
    const {glance, framing} = this.card, long = longSquares(image), seen = [];
    if (!glance || !this.glancing) return null;
    for (const each of long.length ? long : [image]) {
      seen.push({...await this.look(square(each, glance.side_px, framing), this.glancing), square: each});
    }
    const objects = seen.filter((each) => !this.namesGarment(each.probabilities));
    const sureness = (/** @type {{probabilities: number[]}} */ {probabilities}) => Math.max(...probabilities);
    const named = objects.filter((each) => sureness(each) >= glance.sure).map(({probabilities}) => probabilities.indexOf(Math.max(...probabilities)));
    const found = (objects.length ? objects : seen).reduce((most, each) => (sureness(each) > sureness(most) ? each : most));
    return {...found, isDivided: new Set(named).size > 1};
  }

  /** Dit si un regard suffit : il est sûr, et ne voit pas un vêtement. @param {{probabilities: number[]}} seen */
  suffices({probabilities}) {
    return this.card.glance !== null && Math.max(...probabilities) >= this.card.glance.sure && !this.namesGarment(probabilities);
  }

  /** Dit si la réponse est un vêtement. @param {number[]} probabilities */
  namesGarment(probabilities) {
    return this.card.garments !== null && probabilities.indexOf(Math.max(...probabilities)) >= this.card.garments.first;
  }

  /** Dit si une image est plutôt un vêtement. @param {number[]} probabilities */
  showsGarment(probabilities) {
    return this.card.garments !== null && probabilities.slice(this.card.garments.first).reduce((sum, each) => sum + each, 0) >= 0.5;
  }

  /** Dit si une image ressemble à ce qu'il a appris, ou s'il ne le mesure pas. @param {number | null} score */
  isFamiliar(score) {
    return this.card.familiarity === null || score === null || score >= this.card.familiarity;
  }

  /** Regarde une vue. @param {Picture} view @param {Engine} [engine] */
  async look(view, engine = this.engine) {
    const [probabilities, scores] = await this.pass(view, engine);
    return {probabilities: soften(probabilities, this.card.temperature), score: scores?.[0] ?? null};
  }

  /** Moyenne ce que des vues ont donné ; la première, l'image entière, dit si elle est familière. Un vêtement compte aussi le
   * premier regard, et par une moyenne géométrique ; si aucun regard n'est sûr, il n'est pas familier : voir `_conclude` de
   * convnets/serving/say.py.
   * @param {{probabilities: number[], score: number | null}[]} seen
   * @param {{glanced?: {probabilities: number[]} | null, sure?: boolean, isDivided?: boolean, isGrey?: boolean}} [known] le
   * premier regard, s'il n'a pas suffi ; s'il était sûr de ce vêtement ; s'il a vu plusieurs choses ; si l'image est petite et grise, pour
   * un réseau de couleurs. @returns {Answer} */
  conclude(seen, {glanced = null, sure = false, isDivided = false, isGrey = false} = {}) {
    const average = (/** @type {{probabilities: number[]}[]} */ rows) => this.card.classes.map((_, k) =>
      rows.reduce((sum, each) => sum + each.probabilities[k], 0) / rows.length);
    let probabilities = average(seen);
    const {garments} = this.card, [{score}] = seen, all = glanced ? [...seen, glanced] : seen;
    const isGarment = glanced !== null && garments !== null && (sure || this.namesGarment(probabilities));
    if (isGarment) {
      const means = probabilities.map((_, k) =>
        Math.exp(all.reduce((sum, each) => sum + Math.log(Math.max(each.probabilities[k], MIN_POOLED)), 0) / all.length));
      const total = means.reduce((sum, each) => sum + each, 0);
      probabilities = means.map((each) => each / total);
    }
    const most = Math.max(...probabilities), best = probabilities.indexOf(most);
    const isUnlike = isGrey && this.card.familiarity !== null; // un réseau qui ne mesure pas cela n'en dit rien
    const isHesitant = isGarment && Math.max(...all.flatMap((each) => each.probabilities)) < garments.sure;
    const familiar = !isUnlike && this.isFamiliar(score) && !isHesitant &&
      !(garments && best >= garments.first && most < garments.sure) &&
      !(glanced && !isGarment && this.showsGarment(average(all)));
    const doubt = isUnlike ? "grey" : !familiar ? "unfamiliar" : isDivided ? "divided" : most < this.card.least ? "low" : "";
    return {probabilities, best, familiar, doubt};
  }

  /** Calcule une passe sur une vue. @param {Picture} view @param {Engine} [engine] */
  async pass(view, engine = this.engine) {
    const pixels = this.isGrey ? toGrey(view) : Uint8Array.from(view.pixels);
    return engine.answer(this.base ? (await this.base.answer(pixels))[0] : pixels);
  }
}
