// Ce que le Worker fait de vos images : les faire lire par le réseau des photos, puis apprendre une tête qui les nomme.

import {ask} from "./ask.js";
import {readPixels} from "./decode.js";
import {Engine} from "./engine.js";
import {answer, learnHead} from "./head.js";
import {packModel} from "./learned.js";
import {square} from "./picture.js";
import {headOf, replaceHead} from "./tflite_head.js";
import {answerBy} from "./tflite.js";

const BASE = "models/photos.tflite"; // sa dernière couche est remplacée ; tout le reste est gardé tel quel
const FRAMING = "crop"; // le carré central, comme `./predict` le lira

/** @type {Promise<{content: Uint8Array, engine: Engine}> | undefined} */
let loading;
/** @type {import("./head.js").Head | null} */
let head = null;

/** Charge le réseau, la première fois : il répond par ce que lit sa dernière couche. @param {import("./calculator.js").Report} report */
function base(report) {
  loading ??= (async () => {
    report(null, "Téléchargement du réseau des photos, la première fois…");
    const content = await ask(BASE);
    report(null, "Préparation du réseau des photos, la première fois…");
    return {content, engine: await Engine.load(answerBy(content, [headOf(content).features]))};
  })().catch((error) => {
    loading = undefined; // à redemander : le réseau peut revenir
    throw error;
  });
  return loading;
}

/** @type {Record<string, (args: any, report: import("./calculator.js").Report) => Promise<any>>} */
export const TRANSFER = {
  /** Rend ce que la base dit d'une image, la vue qu'elle en a lue, et ce que la tête en conclut, s'il y en a une. */
  async look({blob, frame}, report) {
    const {engine} = await base(report), side = engine.input[1];
    const view = square(blob ? await readPixels(blob) : fromFrame(frame), side, FRAMING);
    const [values] = await engine.answer(Uint8Array.from(view.pixels));
    return {values, view, probabilities: head && answer(head, values)};
  },

  /** Apprend une tête, et rend ce qu'elle répond aux images gardées de côté. */
  async learn({examples, held, classes}) {
    const learned = head = learnHead(examples, classes);
    return held.map((/** @type {import("./head.js").Example} */ {values}) => answer(learned, values));
  },

  /** Oublie la tête : ses sortes ont changé. */
  async forget() {
    head = null;
  },

  /** Rend l'archive du réseau entier, sa dernière couche remplacée. */
  async pack({name, classes}, report) {
    const {content, engine} = await base(report);
    if (!head) throw new Error("Apprenez d'abord : il n'y a pas encore de réseau à donner.");
    return packModel(name, replaceHead(content, head.weights, head.biases), {classes, input: engine.input.slice(1), framing: FRAMING});
  },
};

/** Rend une image sans sa transparence. @param {ImageData} frame @returns {import("./picture.js").Picture} */
function fromFrame({width, height, data}) {
  const pixels = new Uint8ClampedArray(3 * width * height);
  for (let i = 0, k = 0; i < data.length; i += 4) {
    pixels[k++] = data[i]; pixels[k++] = data[i + 1]; pixels[k++] = data[i + 2];
  }
  return {width, height, pixels};
}
