// Une image, et sa réduction : les mêmes calculs que Pillow, au bit près.
//
// `./predict` réduit ses images avec Pillow ; un autre lissage changerait des réponses.
// Source : la documentation de Pillow, « Concepts: Filters » ; Keys, IEEE ASSP 29(6), 1981.

/**
 * @typedef {object} Picture Une image en couleurs.
 * @property {number} width
 * @property {number} height
 * @property {Uint8ClampedArray | Uint8Array} pixels rouge, vert, bleu, ligne par ligne.
 * @property {{width: number, height: number, values: Uint8Array | Uint8ClampedArray}} [alpha] ce qu'elle a d'opaque, de 0 à 255, en petit.
 */

/** @typedef {[number, number, number, number]} Box gauche, haut, droite, bas, en pixels. */

const REDUCING_GAP = 3; // une grande réduction moyenne d'abord des blocs entiers
const MIN_LONG = 2, MAX_LONG = 5; // rapport des côtés d'une image longue ; au-delà, c'est une bande
export const THUMBNAIL_PX = 64; // petit côté sous lequel une image n'est pas une photo
const ONE = 2 ** 22; // Pillow compte en entiers : un poids de 1

/** @typedef {{support: number, at: (x: number) => number}} Filter Sa portée, en pixels, et ses poids. */

/** Ceux de Pillow. @type {Record<"bilinear" | "bicubic" | "lanczos", Filter>} */
export const FILTERS = {
  bilinear: {support: 1, at: (x) => Math.max(0, 1 - Math.abs(x))},
  bicubic: {support: 2, at: (x) => {
    const a = -0.5, d = Math.abs(x);
    if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
    return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
  }},
  lanczos: {support: 3, at: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0)},
};
const SUPPORT = FILTERS.bicubic.support;

/** Arrondit comme Python : à égale distance, à l'entier pair. @param {number} value */
export function roundHalfEven(value) {
  const low = Math.floor(value), rest = value - low;
  return rest === 0.5 ? low + low % 2 : Math.round(value);
}

/** @param {number} x */
function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/**
 * Poids de chaque pixel d'arrivée, le long d'un axe, en entiers dont `ONE` vaut 1.
 *
 * @param {number} start début de ce qui est lu. @param {number} end
 * @param {number} length pixels disponibles. @param {number} size pixels d'arrivée.
 * @param {Filter} [filter] @param {boolean} [isExact] les poids, et non des entiers.
 * @returns {{first: number, weights: number[]}[]}
 */
export function axisWeights(start, end, length, size, filter = FILTERS.bicubic, isExact = false) {
  const scale = Math.fround(end - start) / size, stretch = Math.max(scale, 1), support = filter.support * stretch;
  return Array.from({length: size}, (_, index) => {
    const centre = start + (index + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const last = Math.min(length, Math.trunc(centre + support + 0.5));
    const weights = [];
    for (let i = first; i < last; i++) weights.push(filter.at((i - centre + 0.5) / stretch));
    const total = weights.reduce((sum, each) => sum + each, 0);
    return {first, weights: weights.map((each) => (isExact ? each / total : Math.trunc(ONE * each / total + 0.5 * Math.sign(each))))};
  });
}

/** Somme des pixels d'une ligne ou d'une colonne, chacun par son poids, arrondie à un octet.
 * @param {ArrayLike<number>} pixels @param {number} start @param {number} step d'un pixel au suivant.
 * @param {number[]} weights */
export function weigh(pixels, start, step, weights) {
  let sum = ONE / 2;
  for (let i = 0, k = start; i < weights.length; i++, k += step) sum += weights[i] * pixels[k];
  return Math.min(255, Math.max(0, Math.floor(sum / ONE)));
}

/** Moyenne des blocs entiers d'une partie de l'image. @param {Picture} image
 * @param {number} fx @param {number} fy côtés d'un bloc. @param {Box} box
 * @returns {Picture} */
export function reduce(image, fx, fy, [left, top, right, bottom]) {
  const width = Math.ceil((right - left) / fx), height = Math.ceil((bottom - top) / fy);
  const pixels = new Uint8ClampedArray(3 * width * height);
  for (let y = 0, k = 0; y < height; y++) {
    const y0 = top + y * fy, y1 = Math.min(bottom, y0 + fy);
    for (let x = 0; x < width; x++) {
      const x0 = left + x * fx, x1 = Math.min(right, x0 + fx), count = (x1 - x0) * (y1 - y0);
      let r = 0, g = 0, b = 0;
      for (let v = y0; v < y1; v++) {
        for (let i = 3 * (v * image.width + x0), u = x0; u < x1; u++, i += 3) {
          r += image.pixels[i]; g += image.pixels[i + 1]; b += image.pixels[i + 2];
        }
      }
      const share = Math.floor(2 ** 24 / count); // la division, en entiers
      for (const sum of [r, g, b]) pixels[k++] = Math.floor((sum + Math.floor(count / 2)) * share / 2 ** 24);
    }
  }
  return {width, height, pixels};
}

/**
 * Ramène une partie d'une image à une taille, par un filtre bicubique qui lisse ce qu'il réduit.
 *
 * @param {Picture} image
 * @param {number} width @param {number} height taille d'arrivée, en pixels.
 * @param {Box} [box] partie lue ; toute l'image par défaut.
 * @param {number} [gap] réduction au-delà de laquelle des blocs sont moyennés ; `Infinity` : jamais.
 * @returns {Picture}
 */
export function resize(image, width, height, box = [0, 0, image.width, image.height], gap = REDUCING_GAP) {
  let source = image;
  const fx = Math.trunc((box[2] - box[0]) / width / gap) || 1;
  const fy = Math.trunc((box[3] - box[1]) / height / gap) || 1;
  if (fx > 1 || fy > 1) {
    const sx = (SUPPORT - 0.5) * (box[2] - box[0]) / width;
    const sy = (SUPPORT - 0.5) * (box[3] - box[1]) / height;
    /** @type {Box} */
    const safe = [
      Math.max(0, Math.trunc(box[0] - sx)), Math.max(0, Math.trunc(box[1] - sy)),
      Math.min(image.width, Math.ceil(box[2] + sx)), Math.min(image.height, Math.ceil(box[3] + sy)),
    ];
    source = reduce(image, fx, fy, safe);
    box = [(box[0] - safe[0]) / fx, (box[1] - safe[1]) / fy,
      (box[2] - safe[0]) / fx, (box[3] - safe[1]) / fy];
  }
  box = /** @type {Box} */ (box.map(Math.fround));
  const columns = axisWeights(box[0], box[2], source.width, width);
  const rows = axisWeights(box[1], box[3], source.height, height);
  // Comme Pillow : d'abord chaque ligne, arrondie à des octets, puis chaque colonne.
  const top = rows[0].first, last = rows[height - 1], bottom = last.first + last.weights.length;
  const same = box[0] === 0 && box[2] === source.width && source.width === width;
  const wide = new Uint8ClampedArray(3 * width * (bottom - top));
  for (let y = top, k = 0; y < bottom; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++, k++) {
        const start = 3 * y * source.width + c;
        if (same) { wide[k] = source.pixels[start + 3 * x]; continue; }
        const {first, weights} = columns[x];
        wide[k] = weigh(source.pixels, start + 3 * first, 3, weights);
      }
    }
  }
  const pixels = new Uint8ClampedArray(3 * width * height), line = 3 * width;
  const flat = box[1] === 0 && box[3] === source.height && source.height === height;
  for (let y = 0, k = 0; y < height; y++) {
    const {first, weights} = rows[y];
    for (let j = 0; j < line; j++, k++) {
      if (flat) { pixels[k] = wide[(y - top) * line + j]; continue; }
      pixels[k] = weigh(wide, (first - top) * line + j, line, weights);
    }
  }
  return {width, height, pixels};
}

/**
 * Ramène une image à un carré.
 *
 * @param {Picture} image
 * @param {number} side côté, en pixels.
 * @param {string} [mode] `"crop"` garde le carré central, `"squash"` tout, en déformant.
 * @param {number} [zoom] part du côté du carré central à garder, dans ]0, 1].
 * @returns {Picture}
 */
export function square(image, side, mode = "crop", zoom = 1) {
  /** @type {Box} */
  let box = [0, 0, image.width, image.height];
  if (mode === "crop") {
    const kept = zoom * Math.min(image.width, image.height);
    const left = (image.width - kept) / 2, top = (image.height - kept) / 2;
    box = [left, top, left + kept, top + kept];
  }
  const whole = box[0] === 0 && box[1] === 0 && box[2] === image.width && box[3] === image.height;
  if (whole && image.width === side && image.height === side) return image;
  return resize(image, side, side, box);
}

/** Rend un morceau d'une image. @param {Picture} image @param {Box} box de coins entiers. @returns {Picture} */
export function crop({width, pixels}, [left, top, right, bottom]) {
  const kept = new Uint8ClampedArray(3 * (right - left) * (bottom - top));
  for (let y = top; y < bottom; y++) {
    kept.set(pixels.subarray(3 * (y * width + left), 3 * (y * width + right)), 3 * (y - top) * (right - left));
  }
  return {width: right - left, height: bottom - top, pixels: kept};
}

/** Rend les carrés qui couvrent une image longue, d'un bout à l'autre ; rien d'une autre image : voir `long_squares` de
 * convnets/serving/images.py. @param {Picture} image @returns {Picture[]} */
export function longSquares(image) {
  const {width, height} = image, side = Math.min(width, height), ratio = Math.max(width, height) / side;
  if (ratio < MIN_LONG || ratio > MAX_LONG || side < THUMBNAIL_PX) return [];
  const count = Math.ceil(ratio);
  return Array.from({length: count}, (_, k) => {
    const start = roundHalfEven(k * (Math.max(width, height) - side) / (count - 1));
    const [left, top] = width > height ? [start, 0] : [0, start];
    return crop(image, [left, top, left + side, top + side]);
  });
}

/** Rend les niveaux de gris d'une image, comme Pillow. @param {{pixels: ArrayLike<number>}} image */
export function toGrey({pixels}) {
  return Uint8Array.from({length: pixels.length / 3}, (_, i) =>
    (pixels[3 * i] * 19595 + pixels[3 * i + 1] * 38470 + pixels[3 * i + 2] * 7471 + 32768) >> 16);
}

/** Rend une image grise, ses trois couleurs égales. @param {ArrayLike<number>} values de 0 à 255.
 * @param {number} width @param {number} height @returns {Picture} */
export function grey(values, width, height) {
  const pixels = new Uint8ClampedArray(3 * values.length);
  for (let i = 0; i < values.length; i++) pixels.fill(values[i], 3 * i, 3 * i + 3);
  return {width, height, pixels};
}

/**
 * Rend une image grise claire sur fond noir, comme MNIST et Fashion-MNIST : un fond clair est inversé.
 *
 * @param {Uint8Array} grey carré, ligne par ligne.
 */
export function lightOnDark(grey) {
  const side = Math.sqrt(grey.length), ends = Array.from({length: side}, (_, i) =>
    [grey[i], grey[grey.length - 1 - i], grey[i * side], grey[(i + 1) * side - 1]]).flat();
  const middle = ends.sort((a, b) => a - b)[ends.length / 2];
  return middle > 127 ? grey.map((value) => 255 - value) : grey;
}
