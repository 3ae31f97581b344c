// Lire d'un fichier .tflite ce qu'il attend, et fixer à un son nombre d'images par passe.
//
// Un .tflite est un FlatBuffer : chaque table commence par l'écart qui mène à sa liste de champs.
// Source : « FlatBuffer Internals », flatbuffers.dev ; le schéma de TensorFlow Lite.

const SUBGRAPHS = 2, TENSORS = 0, INPUTS = 1, OUTPUTS = 2; // champs de Model et de SubGraph
const SHAPE = 0, TYPE = 1, SIGNATURE = 7; // champs de Tensor
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

/** @param {Uint8Array} bytes @param {number | undefined} side @param {number} type */
function fix(bytes, side, type) {
  const fixed = bytes.slice(), view = new DataView(fixed.buffer);
  const at = (/** @type {number} */ place) => place + view.getUint32(place, true);
  const fieldSlot = (/** @type {number} */ table, /** @type {number} */ id) => {
    const list = table - view.getInt32(table, true);
    const slot = list + 4 + 2 * id;
    return slot < list + view.getUint16(list, true) ? slot : 0;
  };
  const field = (/** @type {number} */ table, /** @type {number} */ id) => {
    const slot = fieldSlot(table, id), offset = slot && view.getUint16(slot, true);
    return offset ? at(table + offset) : 0;
  };
  const numbers = (/** @type {number} */ vector) =>
    vector ? Array.from({length: view.getUint32(vector, true)},
      (_, i) => view.getInt32(vector + 4 + 4 * i, true)) : [];
  const graph = at(field(at(0), SUBGRAPHS) + 4);
  const list = field(graph, TENSORS);
  const tensors = Array.from({length: view.getUint32(list, true)}, (_, i) => at(list + 4 + 4 * i));
  for (const tensor of tensors) {
    const slot = fieldSlot(tensor, SIGNATURE);
    if (slot) view.setUint16(slot, 0, true); // « champ absent »
  }
  const read = tensors[numbers(field(graph, INPUTS))[0]], typeSlot = fieldSlot(read, TYPE);
  const typePlace = typeSlot && view.getUint16(typeSlot, true);
  if ((typePlace ? view.getInt8(read + typePlace) : FLOAT32) !== type) { // FLOAT32, s'il n'est pas écrit
    throw new Error(type === UINT8 ? "Ce modèle ne lit pas des octets : les nôtres reçoivent des pixels de 0 à 255." :
      "Cette tête ne lit pas ce que rend une base : prenez les fichiers d'un même entraînement.");
  }
  const first = field(read, SHAPE);
  if (side) for (const axis of [1, 2]) view.setInt32(first + 4 + 4 * axis, side, true);
  const shape = (/** @type {number} */ index) => numbers(field(tensors[index], SHAPE));
  return {
    bytes: fixed,
    input: shape(numbers(field(graph, INPUTS))[0]),
    outputs: numbers(field(graph, OUTPUTS)).map(shape),
  };
}
