import { mkdtemp, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stream } from "../tensor/random.ts";
import { approximateIndex } from "./approximate-index.ts";
import { emptyBits, setBit } from "./bits.ts";
import { buildIndex } from "./build-index.ts";
import { exactIndex } from "./exact-index.ts";
import { int8Index } from "./int8-index.ts";
import { measureRecall } from "./recall.ts";
import { scanIndex } from "./scan-index.ts";
import type { IndexKind, Question, VectorIndex } from "./vector-index.ts";
import { createVectorTable, isLive, type VectorTable } from "./vector-table.ts";

const dim = 4;

async function indexOf(kind: IndexKind | "scanning", table: VectorTable): Promise<VectorIndex> {
  if (kind === "scanning") return scanIndex(table);
  if (kind === "int8") return int8Index(table);
  const exact = await exactIndex(table);
  return kind === "exact" ? exact : approximateIndex(table, exact);
}

/** Small whole numbers: their inner products are exact in any order of summation, and many tie. */
const vector = fc
  .array(fc.integer({ min: -3, max: 3 }), { minLength: dim, maxLength: dim })
  .map((values) => Float32Array.from(values));
const bitsOf = (rows: readonly number[], size: number) => {
  const bits = emptyBits(size);
  for (const row of rows) setBit(bits, row, true);
  return bits;
};

const world = fc.array(vector, { minLength: 1, maxLength: 40 }).chain((vectors) => {
  const row = fc.nat(vectors.length - 1);
  const rows = fc.array(row, { maxLength: 30 });
  return fc.record({
    vectors: fc.constant(vectors),
    removed: fc.array(row, { maxLength: 4 }),
    changes: fc.array(fc.record({ row: fc.nat(vectors.length + 3), vector }), { maxLength: 5 }),
    asked: fc.array(
      fc.record({
        query: vector,
        k: fc.oneof(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 30, max: 60 })),
        excluded: fc.oneof(rows, fc.constant([...vectors.keys()])),
        allowed: fc.option(rows),
      }),
      { minLength: 1, maxLength: 4 },
    ),
  });
});

/** The definition, row by row. */
function bruteForce(table: VectorTable, query: Float32Array, { k, excluded, allowed }: Question) {
  const rows = Array.from({ length: table.size }, (_, row) => row).filter(
    (row) =>
      isLive(table, row) && !excluded.has(row) && (!allowed || (allowed[row >>> 5]! >>> (row & 31)) & 1),
  );
  const hits = rows.map((row) => ({ row, score: Math.fround(table.dot(query, 0, row)) }));
  return hits.sort((a, b) => b.score - a.score || a.row - b.row).slice(0, k);
}

describe.each(["exact", "scanning", "int8", "approximate"] as const)("the %s index", (kind) => {
  it("finds what brute force over the allowed rows finds, whatever is added, changed and removed", async () => {
    await fc.assert(
      fc.asyncProperty(world, async ({ vectors, removed, changes, asked }) => {
        const table = createVectorTable({
          dim,
          vectors: Float32Array.from(vectors.flatMap((v) => [...v])),
          similarity: "dot",
        });
        const index = await indexOf(kind, table);
        for (const row of removed) {
          table.remove(row);
          index.remove(row);
        }
        for (const change of changes) {
          table.put(change.row, change.vector);
          index.put(change.row);
        }
        const questions = asked.map(({ k, excluded, allowed }) => ({
          k,
          excluded: new Set(excluded),
          allowed: allowed && bitsOf(allowed, table.size),
        }));
        const hits = await index.search(
          Float32Array.from(asked.flatMap(({ query }) => [...query])),
          questions,
        );
        questions.forEach((question, q) => {
          const right = bruteForce(table, asked[q]!.query, question);
          expect([...hits[q]!.rows]).toEqual(right.map(({ row }) => row));
          expect([...hits[q]!.scores]).toEqual(right.map(({ score }) => score));
        });
        await index.dispose();
      }),
      { numRuns: 60 },
    );
  });

  it.each(["dot", "cosine"] as const)(
    "finds nearly all of the best of 8,000 rows, %s",
    async (similarity) => {
      const [rows, width] = [8_000, 16];
      const vectors = new Float32Array(rows * width);
      stream(3, "rows").fillNormal(vectors, 1);
      const table = createVectorTable({ dim: width, vectors, similarity });
      const index = await indexOf(kind, table);
      const exact = await exactIndex(table);
      expect(await measureRecall(table, index, exact)).toBeGreaterThanOrEqual(
        kind === "approximate" ? 0.95 : 0.995,
      );
      // Half of the rows are filtered away: the list is as long, and holds only what may be found.
      const allowed = emptyBits(rows);
      for (let row = 0; row < rows; row += 2) setBit(allowed, row, true);
      const query = vectors.slice(0, width);
      const question = { k: 500, excluded: new Set([0, 2, 4]), allowed };
      const [hits] = await index.search(query, [question]);
      expect(hits!.rows).toHaveLength(500);
      expect(hits!.rows.every((row) => row % 2 === 0 && row > 4)).toBe(true);
      expect([...hits!.scores]).toEqual([...hits!.scores].sort((a, b) => b - a));
      await index.dispose();
    },
  );
});

describe("the approximate index in a file", () => {
  const messages: string[] = [];
  const [rows, width] = [2_000, 16];
  const vectors = new Float32Array(rows * width);
  stream(5, "rows").fillNormal(vectors, 1);
  const tableOf = (values: Float32Array) =>
    createVectorTable({ dim: width, vectors: values.slice(), similarity: "cosine" });
  const query = vectors.slice(0, width);
  const question = { k: 5, excluded: new Set<number>(), allowed: null };

  /** Where the index came from, and what it finds. */
  async function opened(values: Float32Array, cache: string) {
    const onMessage = (text: string) => void messages.push(text);
    const { index, report } = await buildIndex(tableOf(values), { index: "approximate", cache, onMessage });
    const [hits] = await index.search(query, [question]);
    await index.dispose();
    return { origin: report.origin, rows: [...hits!.rows] };
  }

  it("is read where rows and settings are the same, and built where they are not, or the file was altered", async () => {
    const folder = await mkdtemp(join(tmpdir(), "sequitur-index-"));
    const cache = join(folder, "run.index");
    const first = await opened(vectors, cache);
    expect(first.origin).toBe("built");
    expect(await opened(vectors, cache)).toEqual({ ...first, origin: "read" });

    const others = vectors.slice();
    others[0]! += 1;
    expect((await opened(others, cache)).origin).toBe("built");
    expect(await readdir(cache)).toHaveLength(4); // two indexes and their notes
    others[0]! += 1;
    await opened(others, cache);
    expect(await readdir(cache)).toHaveLength(4); // the oldest went

    const [name] = (await readdir(cache)).filter((file) => file.endsWith(".index"));
    await truncate(join(cache, name!), 1000);
    for (const values of [vectors, others]) await opened(values, cache);
    expect(await opened(vectors, cache)).toEqual({ ...first, origin: "read" });
    expect(messages).toEqual([]);
    await rm(folder, { recursive: true });
  });

  it("is built all the same where it cannot be kept, which is said", async () => {
    const folder = await mkdtemp(join(tmpdir(), "sequitur-index-"));
    await writeFile(join(folder, "file"), "");
    const { origin } = await opened(vectors, join(folder, "file", "run.index"));
    expect(origin).toBe("built");
    expect(messages.splice(0)).toEqual([
      expect.stringContaining("the index could not be kept for the next start"),
    ]);
    await rm(folder, { recursive: true });
  });
});

describe("a vector table", () => {
  it("gives back what was put there, while it grows past its blocks", () => {
    const table = createVectorTable({
      dim: 2,
      vectors: new Float32Array(2 * 65_530).fill(1),
      similarity: "cosine",
    });
    for (let row = 65_530; row < 65_700; row++) table.put(row, Float32Array.of(row, 1));
    expect(table.size).toBe(65_700);
    const into = new Float32Array(3);
    table.original(65_699, into, 1);
    expect(into[1]).toBeCloseTo(65_699, 1);
    expect(Math.hypot(...table.ready(65_540))).toBeCloseTo(1, 6);
    expect(table.dot(Float32Array.of(1, 0), 0, 0)).toBeCloseTo(Math.SQRT1_2, 6);
  });

  it.each([[[Number.NaN, 1]], [[1]], [[1, Number.POSITIVE_INFINITY]]])("refuses the vector %j", (vector) => {
    const table = createVectorTable({ dim: 2, vectors: Float32Array.of(1, 1), similarity: "dot" });
    expect(() => table.put(0, Float32Array.from(vector))).toThrow("2 finite ones are needed");
  });
});
