// Donner ce qu'une page a appris : un dossier que `./predict --model` lit, et ses deux fichiers, la page « Nommer ».

import {sha256} from "@noble/hashes/sha2.js";
import {bytesToHex} from "@noble/hashes/utils.js";
import {strToU8, zipSync} from "fflate";
import {SIDE} from "./learning.js";
import {CAST, DENSE, MULTIPLY, PAD, RESHAPE, SOFTMAX, TfliteWriter, convolution, pooling} from "./tflite_writer.js";

/** Rend l'archive d'un modèle : le dossier `name`, avec le .tflite, son compte rendu et de quoi s'en servir.
 *
 * @param {string} name @param {Uint8Array} content le .tflite.
 * @param {{classes: string[], input: number[], framing: string}} card noms des classes, forme d'une image, et comment elle est cadrée :
 *     voir convnets/serving/card.py.
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function packModel(name, content, {classes, input, framing}) {
  const report = {exercise: name, classes_fr: classes, input_shape: input, framing, files: {[`${name}.tflite`]: bytesToHex(sha256(content))}};
  const advice = `Ce réseau a été appris dans une page du cours. Dans le dossier du cours :\n\n./predict --model ${name} image.png\n\n` +
    `où ${name} est le chemin de ce dossier. La page « Nommer » le lit aussi : déposez-y ensemble ${name}.tflite et ${name}.json.\n`;
  return zipSync({[name]: {
    [`${name}.tflite`]: content, [`${name}.json`]: strToU8(JSON.stringify(report, null, 1)), "LISEZMOI.txt": strToU8(advice)}});
}

/** Écrit en .tflite le réseau de la page « Apprendre », voir `learning.forward`. @param {import("./learning.js").Weights} weights */
export function writeSigns([kernel1, bias1, kernel2, bias2, matrix, bias]) {
  const writer = new TfliteWriter(), first = kernel1.shape[3], second = kernel2.shape[3], flat = matrix.shape[0], classes = bias.shape[0];
  const list = (/** @type {number[]} */ values) => writer.constant([values.length], Int32Array.from(values));
  const image = writer.input([SIDE, SIDE]);
  const floats = writer.add(CAST, [image], writer.result([1, SIDE, SIDE]));
  const scaled = writer.add(MULTIPLY, [floats, writer.constant([], Float32Array.of(1 / 255))], writer.result([1, SIDE, SIDE]));
  const square = writer.add(RESHAPE, [scaled, list([-1, SIDE, SIDE, 1])], writer.result([1, SIDE, SIDE, 1]));
  // Deux pixels avant et un après : c'est tout ce que lit une fenêtre de 5, de pas 2 ; « same » en mettrait un avant et deux après.
  const around = writer.constant([4, 2], Int32Array.of(0, 0, 2, 1, 2, 1, 0, 0));
  const padded = writer.add(PAD, [square, around], writer.result([1, SIDE + 3, SIDE + 3, 1]));
  const maps = writer.add(convolution(2, false), [padded, ...convolved(writer, kernel1, bias1)], writer.result([1, 14, 14, first]));
  const pooled = writer.add(pooling("max", 2, 2), [maps], writer.result([1, 7, 7, first]));
  const maps2 = writer.add(convolution(1, true), [pooled, ...convolved(writer, kernel2, bias2)], writer.result([1, 7, 7, second]));
  const means = writer.add(pooling("mean", 3, 2), [maps2], writer.result([1, 3, 3, second]));
  const vector = writer.add(RESHAPE, [means, list([-1, flat])], writer.result([1, flat]));
  const columns = writer.constant([classes, flat], transposed(matrix));
  const scores = writer.add(DENSE, [vector, columns, writer.constant([classes], bias.values)], writer.result([1, classes]));
  return writer.finish(image, writer.add(SOFTMAX, [scores], writer.result([1, classes], "probabilites")));
}

/** Ajoute un noyau et son biais ; un .tflite range un filtre après l'autre. @param {TfliteWriter} writer
 * @param {import("./learning.js").Tensor} kernel @param {import("./learning.js").Tensor} bias */
function convolved(writer, kernel, bias) {
  const [rows, columns, channels, filters] = kernel.shape;
  return [writer.constant([filters, rows, columns, channels], transposed(kernel)), writer.constant([filters], bias.values)];
}

/** Met le dernier axe le premier. @param {import("./learning.js").Tensor} tensor */
export function transposed({shape, values}) {
  const last = shape[shape.length - 1], rest = values.length / last;
  return Float32Array.from(values, (_, i) => values[i % rest * last + Math.floor(i / rest)]);
}
