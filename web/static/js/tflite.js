// Lire d'un fichier .tflite ce qu'il attend, et fixer à un son nombre d'images par passe.
//
// Un .tflite est un FlatBuffer : chaque table commence par l'écart qui mène à sa liste de champs.
// La bibliothèque FlatBuffers, qui sert à en écrire un (`tflite_writer.js`), ne remplacerait pas ces lignes : son paquet n'a pas le schéma
// de TensorFlow Lite, vingt mille lignes engendrées dans celui de Python, et d'un fichier tronqué elle lit des zéros, qu'un DataView refuse.
// Source : « FlatBuffer Internals », flatbuffers.dev ; le schéma de TensorFlow Lite.

const SUBGRAPHS = 2, SIGNATURES = 7, TENSORS = 0, INPUTS = 1, OUTPUTS = 2; // champs de Model et de SubGraph
const SHAPE = 0, TYPE = 1, NAME = 3, SIGNATURE = 7; // champs de Tensor
/** Ce que lit un modèle : valeurs de TYPE. */
export const FLOAT32 = 0, UINT8 = 3;

/** Dit si un fichier commence comme un .tflite. @param {Uint8Array} bytes */
export function isTflite(bytes) {
  return bytes.length > 8 && String.fromCharCode(...bytes.subarray(4, 8)) === "TFL3";
}

/**
 * Rend le modèle qui lit une image par passe, et les formes de son entrée et de ses sorties.
 *
 * Le navigateur refuse un lot variable, `-1` dans la signature d'un tenseur : sans la signature,
 * il lit la forme, où le lot vaut un.
 *
 * @param {Uint8Array} bytes contenu du fichier ; n'est pas modifié.
 * @param {number} [side] autre côté d'image à lui faire lire ; le sien par défaut.
 * @param {number} [type] ce qu'il doit lire : des pixels, ou, pour une tête, `FLOAT32`.
 * @returns {{bytes: Uint8Array, input: number[], outputs: number[][]}}
 * @throws {Error} ce n'est pas un .tflite, ou il ne lit pas ce qu'il doit.
 */
export function fixBatch(bytes, side, type = UINT8) {
  if (!isTflite(bytes)) throw new Error("Ce fichier n'est pas un modèle .tflite.");
  try {
    return fix(bytes, side, type);
  } catch (error) {
    throw error instanceof RangeError ? new Error("Ce modèle .tflite est abîmé ou incomplet.") : error;
  }
}

/** De quoi suivre les tables d'un FlatBuffer, par leurs places. @param {DataView} view */
export function tables(view) {
  const at = (/** @type {number} */ place) => place + view.getUint32(place, true);
  const slot = (/** @type {number} */ table, /** @type {number} */ id) => {
    const list = table - view.getInt32(table, true), found = list + 4 + 2 * id;
    return found < list + view.getUint16(list, true) ? found : 0;
  };
  /** Place d'un champ dans sa table ; 0, s'il manque, ou sa table. @param {number} table @param {number} id */
  const place = (table, id) => {
    const found = table && slot(table, id), offset = found && view.getUint16(found, true);
    return offset ? table + offset : 0;
  };
  /** Place de ce qu'un champ désigne : une table ou un vecteur ; 0, s'il manque. @param {number} table @param {number} id */
  const field = (table, id) => {
    const found = place(table, id);
    return found ? at(found) : 0;
  };
  const size = (/** @type {number} */ vector) => (vector ? view.getUint32(vector, true) : 0);
  const each = (/** @type {number} */ vector, /** @type {(place: number) => number} */ read) =>
    Array.from({length: size(vector)}, (_, i) => read(vector + 4 + 4 * i));
  return {slot, place, field, size, numbers: (/** @type {number} */ vector) => each(vector, (where) => view.getInt32(where, true)),
    list: (/** @type {number} */ vector) => each(vector, at), graph: at(field(at(0), SUBGRAPHS) + 4), model: at(0)};
}

/** @param {Uint8Array} bytes @param {number | undefined} side @param {number} type */
function fix(bytes, side, type) {
  const fixed = bytes.slice(), view = new DataView(fixed.buffer), {slot, place, field, numbers, list, graph} = tables(view);
  const tensors = list(field(graph, TENSORS));
  for (const tensor of tensors) {
    const found = slot(tensor, SIGNATURE);
    if (found) view.setUint16(found, 0, true); // « champ absent »
  }
  const [first] = numbers(field(graph, INPUTS)), typed = place(tensors[first], TYPE);
  if ((typed ? view.getInt8(typed) : FLOAT32) !== type) { // FLOAT32, s'il n'est pas écrit
    throw new Error(type === UINT8 ? "Ce modèle ne lit pas des octets : les nôtres reçoivent des pixels de 0 à 255." :
      "Cette tête ne lit pas ce que rend une base : prenez les fichiers d'un même entraînement.");
  }
  const shape = (/** @type {number} */ index) => numbers(field(tensors[index], SHAPE));
  if (side) for (const axis of [1, 2]) view.setInt32(field(tensors[first], SHAPE) + 4 + 4 * axis, side, true);
  return {bytes: fixed, input: shape(first), outputs: numbers(field(graph, OUTPUTS)).map(shape)};
}

/** Rend le modèle qui répond par d'autres de ses tenseurs. @param {Uint8Array} bytes @param {number[]} tensors leurs numéros. */
export function answerBy(bytes, tensors) {
  const start = bytes.length + (-bytes.length & 3), names = start + 4 + 4 * tensors.length;
  const longer = new Uint8Array(names + 12 * tensors.length); // à la fin : leur liste, et un nom de sept lettres pour chacun
  longer.set(bytes);
  const view = new DataView(longer.buffer), {place, field, list, graph, model} = tables(view), all = list(field(graph, TENSORS));
  const point = (/** @type {number} */ from, /** @type {number} */ to) => { if (from) view.setUint32(from, to - from, true); };
  point(place(graph, OUTPUTS), start);
  [tensors.length, ...tensors].forEach((value, i) => view.setUint32(start + 4 * i, value, true));
  tensors.forEach((tensor, i) => { // LiteRT distingue ses sorties par leurs noms, que le fichier ne garde pas
    view.setUint32(names + 12 * i, 7, true);
    longer.set(new TextEncoder().encode(`t${tensor}`.padEnd(7)), names + 12 * i + 4);
    point(place(all[tensor], NAME), names + 12 * i);
  });
  const signatures = field(model, SIGNATURES);
  if (signatures) view.setUint32(signatures, 0, true); // elles nomment les sorties d'avant
  return longer;
}
