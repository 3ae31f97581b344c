// Un modèle .tflite, calculé par LiteRT (WebAssembly) à côté de la page, sans rien envoyer.

import {loadAndCompile, loadLiteRt, supportsFeature, Tensor} from "@litertjs/core";
import {ask} from "./ask.js";
import {fixBatch} from "./tflite.js";

const TOLD = /^(INFO|WARNING): /;

/** @type {Promise<any> | undefined} */
let loading;

const ADVICE = "fermez d'autres onglets, et rechargez la page.";

/** Charge LiteRT, la première fois seulement : d'un texte et d'octets, comme tout fichier du site. */
function runtime() {
  loading ??= begin().catch(() => {
    loading = undefined; // à redemander : le réseau peut revenir
    throw new Error(`Le moteur de calcul ne démarre pas : la mémoire manque, ou la connexion ; ${ADVICE}`);
  });
  return loading;
}

async function begin() {
  const kind = await supportsFeature("relaxedSimd") ? "" : "compat_", path = `litert/litert_wasm_${kind}internal`;
  const [text, wasmBinary] = await Promise.all([ask(`${path}.js`), ask(`${path}.wasm`)]);
  const report = console.error; // LiteRT y raconte, en anglais, tout ce qu'il fait
  console.error = (...words) => TOLD.test(String(words[0])) || report(...words);
  Object.assign(globalThis, {Module: {wasmBinary}});
  try {
    await loadLiteRt(`${URL.createObjectURL(new Blob([text], {type: "text/javascript"}))}#.js`); // il lit la fin du nom
  } finally {
    console.error = report;
  }
}

/** Un modèle chargé. */
export class Engine {
  /** @param {any} model @param {number[]} input @param {number[][]} outputs */
  constructor(model, input, outputs) {
    this.model = model;
    this.input = input; // (1, h, w, 3), (1, h, w), ou (1, c) pour une tête
    this.outputs = outputs;
  }

  /**
   * Charge un modèle.
   *
   * @param {Uint8Array} content contenu du fichier, tel que `./predict` le lit.
   * @param {number} [side] autre côté d'image à lui faire lire.
   * @param {number} [type] ce qu'il doit lire, voir `fixBatch`.
   * @returns {Promise<Engine>}
   */
  static async load(content, side, type) {
    const {bytes, input, outputs} = fixBatch(content, side, type);
    await runtime();
    try {
      return new Engine(await loadAndCompile(bytes, {accelerator: "wasm"}), input, outputs);
    } catch {
      throw new Error(`Ce modèle ne se charge pas : il est abîmé, ou la mémoire manque ; ${ADVICE}`);
    }
  }

  /**
   * Calcule une passe.
   *
   * @param {Uint8Array | Float32Array} pixels l'entrée, ligne par ligne.
   * @returns {Promise<Float32Array[]>} une par sortie du modèle.
   */
  async answer(pixels) {
    let tensor;
    try {
      tensor = new Tensor(pixels, this.input);
      const results = await this.model.run(tensor);
      return results.map((/** @type {any} */ each) => {
        const values = Float32Array.from(each.toTypedArray());
        each.delete();
        return values;
      });
    } catch {
      throw new Error(`Le calcul s'est arrêté : la mémoire manque ; ${ADVICE}`);
    } finally {
      tensor?.delete();
    }
  }
}
