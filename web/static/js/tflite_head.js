// La tête d'un .tflite, sa dernière couche dense : la trouver, et la remplacer par une autre.
//
// Source : le schéma de TensorFlow Lite (schema.fbs).

import {tables} from "./tflite.js";

const OUTPUTS = 2, OPERATORS = 3, SIGNATURES = 7; // champs de SubGraph et de Model
const SHAPE = 0, TYPE = 1, BUFFER = 2, QUANTIZATION = 4, SIGNATURE = 7; // champs de Tensor
const DENSE = 9, SOFTMAX = 25; // numéros d'opérations
const ALIGNMENT = 16; // octets, d'un tenseur constant

/** @typedef {{features: number, kernel: number, bias: number, scores: number, probabilities: number}} Place Des numéros de tenseurs. */

/** Lit les opérations d'un modèle, dans l'ordre où elles sont calculées. @param {DataView} view */
function operatorsOf(view) {
  const {place, field, numbers, list, graph, model} = tables(view);
  const int = (/** @type {number} */ table, /** @type {number} */ id) => (place(table, id) ? view.getInt32(place(table, id), true) : 0);
  const codes = list(field(model, 1)).map((each) => Math.max(int(each, 3), place(each, 0) ? view.getInt8(place(each, 0)) : 0));
  return list(field(graph, OPERATORS)).map((table) => (
    {table, code: codes[int(table, 0)], inputs: numbers(field(table, 1)), outputs: numbers(field(table, 2))}));
}

/** Trouve la tête d'un modèle : la dernière couche dense que suit un softmax. Une autre couche dense peut mesurer la familiarité.
 * @param {Uint8Array} bytes @returns {Place} */
export function headOf(bytes) {
  const operators = operatorsOf(new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
  const softmaxOf = (/** @type {number} */ scores) => operators.find(({code, inputs}) => code === SOFTMAX && inputs[0] === scores);
  const dense = operators.findLast(({code, outputs}) => code === DENSE && softmaxOf(outputs[0]));
  if (!dense) throw new Error("Ce modèle ne finit pas par une couche dense et un softmax.");
  const [features, kernel, bias] = dense.inputs, [scores] = dense.outputs;
  const [probabilities] = /** @type {{outputs: number[]}} */ (softmaxOf(scores)).outputs;
  return {features, kernel, bias, scores, probabilities};
}

/** Ne garde d'un modèle que les opérations qu'une sortie demande : les autres, qui mesurent la familiarité, attendraient les anciennes
 * classes. Leur liste est raccourcie sur place. @param {DataView} view @param {number} output numéro de son tenseur */
function keepOnly(view, output) {
  const {field, graph} = tables(view), needed = new Set([output]);
  const kept = operatorsOf(view).reverse().filter(({inputs, outputs}) => {
    const isNeeded = outputs.some((each) => needed.has(each));
    if (isNeeded) inputs.forEach((each) => needed.add(each));
    return isNeeded;
  }).reverse();
  const vector = field(graph, OPERATORS);
  view.setUint32(vector, kept.length, true);
  kept.forEach(({table}, i) => view.setUint32(vector + 4 + 4 * i, table - (vector + 4 + 4 * i), true));
}

/** Remplace la tête d'un modèle, qui ne rend plus que ses probabilités.
 *
 * Rien n'est déplacé : les nombres nouveaux sont mis à la fin du fichier, et les tables qui désignaient les anciens les désignent.
 *
 * @param {Uint8Array} bytes @param {Float32Array} weights une ligne par classe. @param {Float32Array} biases @returns {Uint8Array} */
export function replaceHead(bytes, weights, biases) {
  const head = headOf(bytes), classes = biases.length, size = weights.length / classes;
  const added = 4 * (weights.length + biases.length) + 512; // leurs octets, les formes, et de quoi les aligner
  const longer = new Uint8Array(bytes.length + added), view = new DataView(longer.buffer);
  longer.set(bytes);
  keepOnly(view, head.probabilities);
  const {place, field, list, graph, model} = tables(view);
  const tensors = list(field(graph, 0)), buffers = list(field(model, 4));
  let end = bytes.length;
  /** Écrit un vecteur à la fin, ses nombres alignés ; rend sa place. @param {number[] | Float32Array} values @param {number} count ce qu'il dit contenir */
  const append = (values, count) => {
    const data = Math.ceil((end + 4) / ALIGNMENT) * ALIGNMENT, isFloat = values instanceof Float32Array;
    view.setUint32(data - 4, count, true);
    values.forEach((/** @type {number} */ value, /** @type {number} */ i) => (isFloat ? view.setFloat32(data + 4 * i, value, true) : view.setInt32(data + 4 * i, value, true)));
    end = data + 4 * values.length;
    return data - 4;
  };
  const point = (/** @type {number} */ from, /** @type {number} */ to) => { if (from) view.setUint32(from, to - from, true); };
  const list32 = (/** @type {number[]} */ values) => append(values, values.length);
  const bufferOf = (/** @type {number} */ tensor) => buffers[view.getUint32(place(tensors[tensor], BUFFER), true)];
  for (const [tensor, shape, values] of /** @type {[number, number[], Float32Array][]} */ ([
    [head.kernel, [classes, size], weights], [head.bias, [classes], biases]])) {
    point(place(tensors[tensor], SHAPE), list32(shape));
    point(place(bufferOf(tensor), 0), append(values, 4 * values.length));
  }
  view.setInt8(place(tensors[head.kernel], TYPE), 0); // des réels : ceux d'avant étaient des octets, et une échelle par ligne
  const nothing = list32([4 | 4 << 16, 4]) + 8; // une table sans champ, après la liste de ses champs
  point(place(tensors[head.kernel], QUANTIZATION), nothing);
  for (const tensor of [head.scores, head.probabilities]) {
    point(place(tensors[tensor], SHAPE), list32([1, classes]));
    point(place(tensors[tensor], SIGNATURE), list32([-1, classes]));
  }
  point(place(graph, OUTPUTS), list32([head.probabilities]));
  const signatures = field(model, SIGNATURES);
  if (signatures) view.setUint32(signatures, 0, true); // elles nomment les sorties d'avant
  return longer.slice(0, Math.ceil(end / 4) * 4);
}
