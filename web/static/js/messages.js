// Passer des messages sur un graphe : chaque nœud devient une somme de ses voisins (exercice 21).
//
// Source : S3, « Message Passing » ; Gilmer et al., arXiv 1704.01212, équation 1.

/** @typedef {{from: number, to: number, weight: number}} Arc Un arc : qui envoie, qui reçoit. */

/**
 * @typedef {object} Graph
 * @property {number} count nombre de nœuds, numérotés à partir de zéro.
 * @property {Arc[]} arcs
 * @property {boolean} mean diviser la somme par celle des poids.
 * @property {number[]} fixed nœuds qui ne changent pas.
 */

/** Fait de chaque lien deux arcs. @param {number} count @param {[number, number, number][]} pairs
 * @param {number[]} fixed @returns {Graph} */
export function linkGraph(count, pairs, fixed) {
  const arcs = pairs.flatMap(([a, b, weight]) => [{from: a, to: b, weight}, {from: b, to: a, weight}]);
  return {count, arcs, mean: true, fixed};
}

/**
 * Relie chaque pixel à ceux que couvre un noyau posé sur lui ; un poids nul ne relie rien.
 *
 * @param {number} height @param {number} width @param {number[][]} kernel 3 × 3. @returns {Graph}
 */
export function gridGraph(height, width, kernel) {
  const arcs = [];
  for (let to = 0; to < height * width; to++) {
    const row = Math.floor(to / width), column = to % width;
    for (const [i, line] of kernel.entries()) {
      for (const [j, weight] of line.entries()) {
        const y = row + i - 1, x = column + j - 1;
        if (weight && y >= 0 && y < height && x >= 0 && x < width) arcs.push({from: y * width + x, to, weight});
      }
    }
  }
  return {count: height * width, arcs, mean: false, fixed: []};
}

/**
 * Rend ce que reçoit un nœud, et ce qu'il devient.
 *
 * @param {Graph} graph @param {number[]} values une par nœud. @param {number} node
 * @returns {{terms: (Arc & {value: number})[], divisor: number, value: number}}
 */
export function receive(graph, values, node) {
  const terms = graph.arcs.filter(({to}) => to === node).map((arc) => ({...arc, value: values[arc.from]}));
  const sum = terms.reduce((total, {weight, value}) => total + weight * value, 0);
  const divisor = graph.mean ? terms.reduce((total, {weight}) => total + weight, 0) || 1 : 1;
  return {terms, divisor, value: graph.fixed.includes(node) ? values[node] : sum / divisor};
}

/** Fait recevoir tous les nœuds à la fois. @param {Graph} graph @param {number[]} values */
export function pass(graph, values) {
  return values.map((_, node) => receive(graph, values, node).value);
}
