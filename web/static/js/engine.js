// Un modèle .tflite, calculé dans la page par LiteRT (WebAssembly, sans rien envoyer).

import {fixBatch} from "./tflite.js";

const TOLD = /^(INFO|WARNING): /;

/** @type {Promise<any> | undefined} */
let loading;

const ADVICE = "fermez d'autres onglets, et rechargez la page.";

/** Charge LiteRT, la première fois seulement. */
function runtime() {
  if (typeof WebAssembly === "undefined") {
    throw new Error("Ce navigateur n'a pas WebAssembly, dont ce calcul a besoin : essayez-en un autre.");
  }
  loading ??= import(new URL("../../litert/index.js", import.meta.url).href).then(async (litert) => {
    const report = console.error; // LiteRT y raconte, en anglais, tout ce qu'il fait
    console.error = (...words) => TOLD.test(String(words[0])) || report(...words);
    try {
      await litert.loadLiteRt(new URL("../../litert/wasm/", import.meta.url).href);
    } finally {
      console.error = report;
    }
    return litert;
  }).catch(() => {
    loading = undefined; // à redemander : le réseau peut revenir
    throw new Error(`Le moteur de calcul ne démarre pas : la mémoire manque, ou la connexion ; ${ADVICE}`);
  });
  return loading;
}

/** Un modèle chargé. */
export class Engine {
  /** @param {any} litert @param {any} model @param {number[]} input @param {number[][]} outputs */
  constructor(litert, model, input, outputs) {
    this.litert = litert;
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
    const litert = await runtime();
    try {
      const model = await litert.loadAndCompile(bytes, {accelerator: "wasm"});
      return new Engine(litert, model, input, outputs);
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
      tensor = new this.litert.Tensor(pixels, this.input);
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
