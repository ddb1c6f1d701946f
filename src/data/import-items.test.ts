import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readItems } from "./dataset.ts";
import { type Scratch, scratch } from "./testing/scratch.ts";

let at: Scratch;
beforeAll(async () => {
  at = await scratch();
});
afterAll(() => at.remove());

const csv = "user_id,item_id,timestamp\nu2,b,30\nu1,a,20\nu2,a,10\nu1,c,20\n";

test("items: title and fields are kept as JSON, only items with interactions are in the catalogue, both gaps counted", async () => {
  const interactions = await at.file("a.csv", csv);
  const objects = [
    {
      item_id: "c",
      title: "Cé",
      tags: ["x", "y"],
      empty: [],
      price: 1.5,
      nothing: null,
      nested: { deep: [1] },
    },
    { item_id: "z", title: "unused" },
    { item_id: "a", title: "", year: 1999 },
  ];
  const jsonl = await at.file("items.jsonl", objects.map((object) => JSON.stringify(object)).join("\n"));
  const { dataset, report } = await at.imported(interactions, { items: jsonl });
  expect(await readItems(dataset)).toEqual([
    { id: "a", fields: { year: 1999 } },
    { id: "b", fields: {} },
    { id: "c", title: "Cé", fields: { tags: ["x", "y"], empty: [], price: 1.5, nested: { deep: [1] } } },
  ]);
  const columns = ["empty", "nested", "nothing", "price", "tags", "year"];
  expect(report.manifest.metadata).toEqual({ items: 2, itemsWithout: 1, unused: 1, columns });
  expect(report.notes).toContain("items with interactions but no row in items.jsonl: 1");
  expect(report.notes).toContain("items of items.jsonl without interactions, left out of the catalogue: 1");
});

test("items come from every file type", async () => {
  const interactions = await at.file("a.csv", csv);
  const items = async (path: string) => {
    const read = await readItems((await at.imported(interactions, { items: path })).dataset);
    return read.find((item) => item.id === "b");
  };
  const text = 'item_id,title,Tag,tag\nb,"A ""b"", quoted",x,\n';
  const expected = { id: "b", title: 'A "b", quoted', fields: { Tag: "x" } };
  expect(await items(await at.file("i.csv", text))).toEqual(expected);
  expect(await items(await at.file("i.csv.gz", gzipSync(text)))).toEqual(expected);
  expect(await items(await at.file("i.tsv", "tag\titem_id\n007\tb\n"))).toEqual({
    id: "b",
    fields: { tag: "007" },
  });
  const atomic =
    "item_id:token\ttitle:token_seq\tprice:float\tgenres:token_seq\tv:float_seq\nb\tA title\t2.50\tx  y\t1 .5\nc\t\t\t\t\n";
  const fields = { price: 2.5, genres: ["x", "y"], v: [1, 0.5] };
  expect(await items(await at.file("i.item", atomic))).toEqual({ id: "b", title: "A title", fields });
  const table = await at.parquet(
    "i.parquet",
    "SELECT 'b' AS item_id, 'T' AS title, [1, 2] AS list, DATE '2020-01-02' AS day",
  );
  expect(await items(table)).toEqual({ id: "b", title: "T", fields: { list: [1, 2], day: "2020-01-02" } });
  expect(await items(await at.parquet("j.parquet", "SELECT 'b' AS item_id"))).toEqual({
    id: "b",
    fields: {},
  });
});
