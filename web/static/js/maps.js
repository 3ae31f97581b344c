// Les couches à cartes d'un .tflite : ce que chacune lit, et de quoi refaire son calcul.
//
// Source : le schéma de TensorFlow Lite (schema.fbs).

import {tables} from "./tflite.js";

/** @typedef {import("./inside.js").Step} Step */
/** @typedef {{code: number, inputs: number[], output: number, options: number}} Operator */

const FLOAT32 = 0, INT8 = 9; // types d'un tenseur
const ADD = 0, MEAN_POOL = 1, CONCATENATION = 2, CONV = 3, MAX_POOL = 17, RESHAPE = 22, PAD = 34; // numéros d'opérations
/** @type {Record<number, string>} */
const KINDS = {[MEAN_POOL]: "AveragePooling2D", [CONCATENATION]: "Concatenation", [CONV]: "Conv2D", [MAX_POOL]: "MaxPooling2D",
  [PAD]: "ZeroPadding2D"};
/** Celles qui changent chaque case sans regarder les autres, et ce qu'elles font. @type {Record<number, string>} */
const POINTWISE = {0: "une normalisation", 14: "une sigmoïde", 18: "une normalisation", 19: "une ReLU", 21: "une ReLU6",
  28: "une tangente", 41: "une normalisation", 53: "", 98: "une ReLU qui fuit", 111: "une ELU", 117: "une hard-swish", 150: "une GELU"};
const THEN = ", puis ";
const UNSEEN = [92, 99]; // des carrés, qui ne servent qu'à mesurer si une image est familière
/** @type {Record<string, string>} */
const NAMES = {Conv2D: "convolution", MaxPooling2D: "maximum", AveragePooling2D: "moyenne", Concatenation: "mise bout à bout",
  Add: "addition", Pointwise: "case par case", ZeroPadding2D: "bord de zéros", Other: "autre couche"};

/** De quoi lire les opérations d'un modèle, et ses nombres. @param {Uint8Array} bytes un .tflite. */
function open(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length), {place, field, numbers, list, graph, model} = tables(view);
  const read = (/** @type {number} */ found, /** @type {(place: number) => number} */ how, missing = 0) => (found ? how(found) : missing);
  const int = (/** @type {number} */ table, /** @type {number} */ id, missing = 0) => read(place(table, id), (at) => view.getInt32(at, true), missing);
  const byte = (/** @type {number} */ table, /** @type {number} */ id) => read(place(table, id), (at) => view.getInt8(at));
  const codes = list(field(model, 1)).map((each) => Math.max(int(each, 3), byte(each, 0)));
  const tensors = list(field(graph, 0)), buffers = list(field(model, 4));
  /** Les octets d'un tenseur constant, ou null. @param {number} tensor */
  const constant = (tensor) => {
    const data = tensor >= 0 ? field(buffers[int(tensors[tensor], 2)], 0) : 0, length = data && view.getUint32(data, true);
    return length ? bytes.slice(data + 4, data + 4 + length) : null;
  };
  return {
    int, byte,
    first: numbers(field(graph, 1))[0],
    operators: list(field(graph, 3)).map((each) => ({code: codes[int(each, 0)], inputs: numbers(field(each, 1)),
      output: numbers(field(each, 2))[0], options: field(each, 4)})),
    /** La forme d'un tenseur, pour une image. @param {number} tensor */
    shape: (tensor) => numbers(field(tensors[tensor], 0)).slice(1),
    /** Ce qu'un bord ajoute au-dessus et à gauche. @param {number} tensor ses réglages, un début et une fin par axe, du lot aux canaux. */
    before(tensor) {
      const data = constant(tensor), sides = data && new Int32Array(data.buffer);
      return sides ? [sides[2], sides[4]] : [0, 0];
    },
    /** Le noyau d'une convolution, ou null s'il est écrit autrement. @param {number} tensor @param {number} bias
     * @returns {import("./layers.js").Kernel | null} */
    kernel(tensor, bias) {
      const data = constant(tensor), biases = constant(bias), type = byte(tensors[tensor], 1);
      if (!data || (type !== FLOAT32 && type !== INT8)) return null;
      const [filters, ...rest] = numbers(field(tensors[tensor], 0)), known = field(field(tensors[tensor], 4), 2);
      const count = read(known, (at) => view.getUint32(at, true)); // une échelle par filtre, une pour tous, ou aucune
      return {shape: [...rest, filters], values: type === INT8 ? new Int8Array(data.buffer) : new Float32Array(data.buffer),
        scales: Float32Array.from({length: filters}, (_, k) => (count ? view.getFloat32(known + 4 + 4 * (count > 1 ? k : 0), true) : 1)),
        biases: biases ? new Float32Array(biases.buffer) : new Float32Array(filters)};
    },
  };
}

/** Rend une couche, sans son nom. @param {ReturnType<typeof open>} model @param {Operator} operator @param {number} count couches qu'elle lit
 * @returns {import("./layers.js").Layer} */
function layerOf({int, byte, kernel, before}, {code, inputs, options}, count) {
  const kind = KINDS[code] ?? (code === ADD && count === 2 ? "Add" : code in POINTWISE && count === 1 ? "Pointwise" : "Other");
  const fused = {[MEAN_POOL]: 5, [MAX_POOL]: 5, [CONV]: 3, [CONCATENATION]: 1}[code] ?? 0; // où est son activation
  const activation = byte(options, fused) === 1 ? "relu" : "linear";
  const layer = {kind, name: "", weights: [], activation, padding: byte(options, 0) ? "valid" : "same", strides: [int(options, 2, 1), int(options, 1, 1)]};
  if (kind === "Pointwise") return {...layer, activation: "linear", done: [POINTWISE[code], activation === "relu" ? "une ReLU" : ""].filter(Boolean).join(THEN)};
  if (kind.endsWith("Pooling2D")) return {...layer, window: [int(options, 4, 1), int(options, 3, 1)]};
  if (kind === "ZeroPadding2D") return {...layer, activation: "linear", before: before(inputs[1])};
  if (kind !== "Conv2D") return layer;
  const found = int(options, 4, 1) > 1 ? null : kernel(inputs[1], inputs[2]); // dilaté, son calcul ne s'écrit pas ici
  return found ? {...layer, kernel: found} : {...layer, kind: "Other"};
}

/**
 * Lit les couches à cartes d'un modèle, dans l'ordre du calcul ; la première est l'image.
 *
 * @param {Uint8Array} bytes un .tflite.
 * @returns {{steps: Step[], tensors: number[]}} les couches, leurs cartes encore vides, et le tenseur de chacune.
 */
export function readMaps(bytes) {
  const model = open(bytes), {first, operators, shape} = model, [height, width, channels = 1] = shape(first);
  const empty = new Float32Array(), readers = new Map(); // combien d'opérations lisent un tenseur
  for (const {inputs} of operators) for (const each of inputs) readers.set(each, (readers.get(each) ?? 0) + 1);
  /** @type {Step[]} */
  const steps = [{layer: {kind: "InputLayer", name: "l'image", weights: []}, output: {shape: [height, width, channels], values: empty}, from: []}];
  const places = new Map([[first, 0]]), tensors = [first]; // la couche qui rend un tenseur
  for (const operator of operators) {
    const {code, inputs, output} = operator, read = inputs.filter((each) => places.has(each)), from = read.map((each) => places.get(each) ?? 0);
    const [h, w, c = 1] = shape(output);
    if (!from.length || !w || UNSEEN.includes(code)) continue;
    const before = steps[from[0]], layer = layerOf(model, operator, from.length);
    if (code === RESHAPE && String([h, w, c]) === String(before.output.shape)) {
      places.set(output, from[0]); // un axe de plus : les mêmes nombres, que LiteRT ne rend pas toujours
      continue;
    }
    if (layer.kind === "Pointwise" && h * w * c !== before.output.shape.reduce((a, b) => a * b)) continue;
    if (layer.kind === "Pointwise" && (from[0] === 0 || (before.layer.kind === "Pointwise" && readers.get(read[0]) === 1))) {
      places.set(output, from[0]); // plusieurs de suite n'en font qu'une
      tensors[from[0]] = output;
      const done = [before.layer.done, layer.done].flatMap((each) => (each ? each.split(THEN) : []));
      before.layer.done = [...new Set(done)].join(THEN);
      continue;
    }
    const window = layer.kernel?.shape ?? layer.window;
    layer.name = `${steps.length}. ${NAMES[layer.kind]}${window ? ` ${window[0]} × ${window[1]}` : ""}`;
    places.set(output, steps.length);
    steps.push({layer, output: {shape: [h, w, c], values: empty}, from});
    tensors.push(output);
  }
  return {steps, tensors};
}
