// Écrire un réseau en .tflite, pour `./predict` et la page « Nommer ».
//
// Source : le schéma de TensorFlow Lite (schema.fbs) ; FlatBuffers est écrit par sa propre bibliothèque.

import {Builder} from "flatbuffers";

/** Un champ d'une table : son numéro dans le schéma, sa sorte, sa valeur.
 * @typedef {{id: number, kind: "Int8" | "Int32" | "Float32" | "Offset", value: number}} Field */
/** Une opération du schéma : son numéro, celui de ses réglages, et eux. @typedef {{code: number, options: number, fields: Field[]}} Kind */

const VERSION = 3; // du schéma
const FLOAT32 = 0, INT32 = 2, UINT8 = 3; // types d'un tenseur
const SAME = 0, VALID = 1, RELU = 1;
const ALIGNMENT = 16; // octets, d'un tenseur constant

/** @param {number} id @param {number} value @returns {Field} */
const int8 = (id, value) => ({id, kind: "Int8", value});
/** @param {number} id @param {number} value @returns {Field} */
const int32 = (id, value) => ({id, kind: "Int32", value});
/** @param {number} id @param {number} value @returns {Field} */
const offset = (id, value) => ({id, kind: "Offset", value});

/** @type {Kind} */
export const CAST = {code: 53, options: 37, fields: []};
/** @type {Kind} */
export const MULTIPLY = {code: 18, options: 21, fields: []};
/** @type {Kind} */
export const PAD = {code: 34, options: 22, fields: []};
/** @type {Kind} */
export const RESHAPE = {code: 22, options: 17, fields: []};
/** @type {Kind} */
export const DENSE = {code: 9, options: 8, fields: []};
/** @type {Kind} */
export const SOFTMAX = {code: 25, options: 9, fields: [{id: 0, kind: "Float32", value: 1}]};

/** Convolution, sa ReLU comprise. @param {number} stride @param {boolean} isSame @returns {Kind} */
export function convolution(stride, isSame) {
  return {code: 3, options: 1, fields: [int8(0, isSame ? SAME : VALID), int32(1, stride), int32(2, stride), int8(3, RELU), int32(4, 1), int32(5, 1)]};
}

/** Maximum ou moyenne d'une fenêtre carrée. @param {"max" | "mean"} what @param {number} window @param {number} stride @returns {Kind} */
export function pooling(what, window, stride) {
  return {code: what === "max" ? 17 : 1, options: 5,
    fields: [int8(0, VALID), int32(1, stride), int32(2, stride), int32(3, window), int32(4, window)]};
}

/** Un réseau qui s'écrit, opération après opération ; un tenseur y est désigné par son numéro. */
export class TfliteWriter {
  constructor() {
    this.builder = new Builder(1024);
    /** @type {number[]} */
    this.tensors = [];
    this.buffers = [this.table([])]; // le premier est vide : celui de tout ce qui se calcule
    /** @type {number[]} */
    this.operators = [];
    /** @type {number[]} */
    this.codes = []; // numéros des opérations déjà rencontrées
  }

  /** Écrit une table. @param {Field[]} fields */
  table(fields) {
    this.builder.startObject(fields.reduce((most, {id}) => Math.max(most, id + 1), 0));
    for (const {id, kind, value} of fields) this.builder[`addField${kind}`](id, value, 0);
    return this.builder.endObject();
  }

  /** Écrit une liste d'entiers, ou de tables. @param {number[]} values @param {"Int32" | "Offset"} [kind] */
  list(values, kind = "Int32") {
    this.builder.startVector(4, values.length, 4);
    for (const value of [...values].reverse()) this.builder[`add${kind}`](value); // un FlatBuffer s'écrit de la fin au début
    return this.builder.endVector();
  }

  /** Ajoute l'image d'entrée, en octets. @param {number[]} shape d'une image, sans son lot. */
  input(shape) {
    return this.tensor([1, ...shape], UINT8, "image", [-1, ...shape]);
  }

  /** Ajoute ce qu'une opération rend. @param {number[]} shape @param {string} [name] */
  result(shape, name = "") {
    return this.tensor(shape, FLOAT32, name);
  }

  /** Ajoute des nombres appris, ou des réglages entiers. @param {number[]} shape @param {Float32Array | Int32Array} values */
  constant(shape, values) {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    this.builder.startVector(1, bytes.length, ALIGNMENT);
    for (const byte of bytes.slice().reverse()) this.builder.addInt8(byte);
    this.buffers.push(this.table([offset(0, this.builder.endVector())]));
    return this.tensor(shape, values instanceof Float32Array ? FLOAT32 : INT32, "", [], this.buffers.length - 1);
  }

  /** @param {number[]} shape @param {number} type @param {string} name @param {number[]} [signature] sa forme, -1 pour un lot quelconque.
   * @param {number} [buffer] @returns {number} son numéro. */
  tensor(shape, type, name, signature = [], buffer = 0) {
    const fields = [offset(0, this.list(shape)), int8(1, type), int32(2, buffer),
      offset(3, this.builder.createString(name || `t${this.tensors.length}`))];
    if (signature.length) fields.push(offset(7, this.list(signature)));
    return this.tensors.push(this.table(fields)) - 1;
  }

  /** Ajoute une opération. @param {Kind} kind @param {number[]} inputs @param {number} output @returns {number} `output`. */
  add({code, options, fields}, inputs, output) {
    if (!this.codes.includes(code)) this.codes.push(code);
    this.operators.push(this.table([int32(0, this.codes.indexOf(code)), offset(1, this.list(inputs)), offset(2, this.list([output])),
      int8(3, options), offset(4, this.table(fields))]));
    return output;
  }

  /** Termine le fichier. @param {number} input @param {number} output @returns {Uint8Array} */
  finish(input, output) {
    const tables = (/** @type {number[]} */ all) => this.list(all, "Offset");
    const codes = tables(this.codes.map((code) => this.table([int8(0, code), int32(2, 1), int32(3, code)])));
    const graph = this.table([offset(0, tables(this.tensors)), offset(1, this.list([input])), offset(2, this.list([output])),
      offset(3, tables(this.operators))]);
    this.builder.finish(this.table([int32(0, VERSION), offset(1, codes), offset(2, tables([graph])), offset(4, tables(this.buffers))]), "TFL3");
    return this.builder.asUint8Array().slice();
  }
}
