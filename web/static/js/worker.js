// Ce qui calcule à côté de la page : décoder une image, faire répondre un réseau, chercher ce qui l'a décidé.

import {ARCHIVE} from "./archive.js";
import {ask, askJson, receive} from "./ask.js";
import {Classifier} from "./classifier.js";
import {readPixels} from "./decode.js";
import {DIGITS} from "./digits.js";
import {Engine} from "./engine.js";
import {EPOCHS} from "./epochs.js";
import {toPng} from "./heif.js";
import {readMaps} from "./maps.js";
import {drops} from "./occlusion.js";
import {square, toGrey} from "./picture.js";
import {Router} from "./router.js";
import {SOURCES} from "./sources.js";
import {answerBy} from "./tflite.js";
import {TRANSFER} from "./transfer.js";

/** @typedef {import("./calculator.js").Report} Report */

const CAM_PX = 32; // ce que lit le réseau de CAM
/** @type {Router | Classifier} */
let model = new Router(load);
/** @type {{view: import("./picture.js").Picture, classifier: Classifier, best: number} | null} */
let last = null;
/** Le réseau où l'on est entré. @type {{classifier: Classifier, steps: import("./inside.js").Step[], engine: Engine} | null} */
let inner = null;
/** @type {Record<string, Promise<Engine>>} */
const engines = {};
/** @type {Report} */
let tell = () => {};
let turn = 0, isStopped = false;

/** Charge un modèle du site. @param {string} slug */
async function load(slug) {
  tell(null, "Téléchargement du réseau, la première fois…");
  const [content, report] = await Promise.all([ask(`models/${slug}.tflite`), askJson(`models/${slug}.json`)]);
  tell(null, "Préparation du réseau, la première fois…");
  return Classifier.load(content, report);
}

/** Prépare un modèle qui répond par ses cartes. @param {Uint8Array} content */
async function openMaps(content) {
  const {steps, tensors} = readMaps(content);
  return {steps, engine: await Engine.load(answerBy(content, tensors))};
}

/** @type {Record<string, (args: any, report: Report) => Promise<any>>} */
const TASKS = {
  ...TRANSFER,
  ...SOURCES,
  ...DIGITS,
  ...EPOCHS,
  ...ARCHIVE,

  /** Nomme une image, que `check` a acceptée. */
  async name({blob}, report) {
    const mine = ++turn;
    isStopped = true; // ce qui durait portait sur une autre image
    tell = report;
    const image = model.frame(await readPixels(blob, model.decoded));
    const {classifier, answer, view, duration} = await model.answer(image), {classes, garments} = classifier.card;
    if (mine === turn) last = {view, classifier, best: answer.best};
    return {answer, view, small: square(image, CAM_PX), classes, duration, size: [image.width, image.height],
      isCut: model instanceof Router && classifier.isGrey, isGarment: garments !== null && answer.best >= garments.first};
  },

  /** Cherche ce qui a décidé de la dernière réponse ; `stop` l'arrête. */
  async explain(_, report) {
    if (!last) return null;
    const {view, classifier, best} = last;
    isStopped = false;
    return drops(async (each) => (await classifier.pass(each))[0][best], view, async (part) => {
      report(part);
      await new Promise((resolve) => setTimeout(resolve)); // de quoi entendre `stop`
      if (isStopped) throw new Error("Arrêté.");
    });
  },

  /** Rend les couches à cartes du réseau qui a répondu, et leurs cartes pour la dernière image. */
  async enter() {
    if (!last) return null;
    const {view, classifier} = last;
    if (inner?.classifier !== classifier) inner = {classifier, ...await openMaps(classifier.content)};
    const maps = await inner.engine.answer(classifier.isGrey ? toGrey(view) : Uint8Array.from(view.pixels));
    return inner.steps.map((step, i) => ({...step, output: {...step.output, values: maps[i]}}));
  },

  /** Convertit une photo que le navigateur ne lit pas. */
  async convert({blob}) {
    return toPng(blob);
  },

  /** Prend le modèle de quelqu'un. */
  async own({content, report, base}) {
    model = await Classifier.load(content, report, base);
    last = null;
  },

  /** Fait répondre un modèle du site à une image de sa taille. */
  async run({slug, pixels}) {
    engines[slug] ??= ask(`models/${slug}.tflite`).then((content) => Engine.load(content));
    engines[slug].catch(() => { delete engines[slug]; });
    const engine = await engines[slug];
    return {values: await engine.answer(pixels), shapes: engine.outputs};
  },
};

self.onmessage = async ({data}) => {
  const {id, task, args, stop} = data;
  if (stop) isStopped = true;
  if (!task) return receive(data);
  try {
    const result = await TASKS[task](args, (part, text) => self.postMessage({id, part, text}));
    self.postMessage({id, result});
  } catch (error) {
    self.postMessage({id, error: /** @type {Error} */ (error).message});
  }
};
