// Relire les masques d'un réseau qui répond à chaque pixel, comme l'exercice 18.

/**
 * Rend la classe la plus probable de chaque pixel.
 *
 * @param {Float32Array} values une probabilité par pixel et par classe. @param {number} classes
 */
export function readMask(values, classes) {
  return Uint8Array.from({length: values.length / classes}, (_, i) => {
    const row = values.subarray(i * classes, (i + 1) * classes);
    return row.indexOf(Math.max(...row));
  });
}

/**
 * Compare deux masques.
 *
 * @param {Uint8Array} found @param {Uint8Array} truth une classe par pixel ; 0 : le fond.
 * @returns {{accuracy: number, ious: Map<number, number>}} part des pixels justes, et l'IoU de
 *     chaque classe que l'un ou l'autre contient.
 */
export function compare(found, truth) {
  const ious = new Map(), classes = new Set([...found, ...truth]);
  for (const label of [...classes].sort((a, b) => a - b)) {
    let common = 0, union = 0;
    for (let i = 0; i < truth.length; i++) {
      common += Number(found[i] === label && truth[i] === label);
      union += Number(found[i] === label || truth[i] === label);
    }
    ious.set(label, common / union);
  }
  const right = truth.reduce((sum, label, i) => sum + Number(found[i] === label), 0);
  return {accuracy: right / truth.length, ious};
}
