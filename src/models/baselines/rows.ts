/** @file Products with the rows of a matrix, four rows at a time: so much of them can be in flight at once. */

/** sums[j] += vector · row j, for rows [N, D] laid end to end. */
export function addProducts(vector: Float32Array, rows: Float32Array, sums: Float32Array): void {
  const [width, count] = [vector.length, sums.length];
  let row = 0;
  for (; row + 4 <= count; row += 4) {
    const at = row * width;
    let a = sums[row]!;
    let b = sums[row + 1]!;
    let c = sums[row + 2]!;
    let d = sums[row + 3]!;
    for (let k = 0; k < width; k++) {
      const value = vector[k]!;
      a += value * rows[at + k]!;
      b += value * rows[at + width + k]!;
      c += value * rows[at + 2 * width + k]!;
      d += value * rows[at + 3 * width + k]!;
    }
    sums[row] = a;
    sums[row + 1] = b;
    sums[row + 2] = c;
    sums[row + 3] = d;
  }
  for (; row < count; row++) {
    let sum = sums[row]!;
    for (let k = 0; k < width; k++) sum += vector[k]! * rows[row * width + k]!;
    sums[row] = sum;
  }
}

/** sum += Σ weight · row, for rows [N, D] laid end to end. */
export function addRows(sum: Float32Array, rows: Float32Array, weights: Float64Array): void {
  const [width, count] = [sum.length, weights.length];
  let row = 0;
  for (; row + 4 <= count; row += 4) {
    const at = row * width;
    const a = weights[row]!;
    const b = weights[row + 1]!;
    const c = weights[row + 2]!;
    const d = weights[row + 3]!;
    for (let k = 0; k < width; k++)
      sum[k]! +=
        a * rows[at + k]! +
        b * rows[at + width + k]! +
        c * rows[at + 2 * width + k]! +
        d * rows[at + 3 * width + k]!;
  }
  for (; row < count; row++) {
    const weight = weights[row]!;
    for (let k = 0; k < width; k++) sum[k]! += weight * rows[row * width + k]!;
  }
}
