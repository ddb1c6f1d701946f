import { afterAll, beforeAll, expect, test } from "vitest";
import { type Scratch, scratch, told } from "./testing/scratch.ts";

let at: Scratch;
beforeAll(async () => {
  at = await scratch();
});
afterAll(() => at.remove());

test("times: seconds, decimals, milliseconds and ISO 8601 are told apart, and the manifest says what was read", async () => {
  const read = async (...times: string[]) => {
    const text = times.map((time, index) => `u,i${index},${time}`).join("\n");
    const { dataset } = await at.imported(await at.file("t.csv", `user_id,item_id,timestamp\n${text}\n`));
    return { times: [...dataset.times!], ...dataset.manifest.time };
  };
  expect(await read("-5", "1e3", "1300000000.25")).toMatchObject({
    times: [-5, 1000, 1300000000.25],
    unit: "seconds",
  });
  expect(await read("1300000000250", "1")).toMatchObject({
    times: [0.001, 1300000000.25],
    unit: "milliseconds",
  });
  expect(await read("2011-03-13", "2011-03-13T07:06:40.5Z", "2011-03-13 09:06:41+02:00")).toMatchObject({
    times: [1299974400, 1300000000.5, 1300000001],
    unit: "iso-8601",
    first: 1299974400,
    last: 1300000001,
  });
});

test("ids of every kind are kept byte for byte", async () => {
  const ids = [
    "007",
    "7",
    "7.0",
    " 7 ",
    "a b",
    'say "hi"',
    "x,y",
    "two\nlines",
    "é中🙂",
    "NULL",
    "null",
    "nan",
    "'",
    "\\",
    "#1",
    "é".repeat(1000),
  ];
  const quoted = ids.map((id) => `"${id.replaceAll('"', '""')}"`);
  const text = `user_id,item_id,timestamp\n${quoted.map((id, index) => `${id},${id},${index}`).join("\n")}\n`;
  const { dataset } = await at.imported(await at.file("ids.csv", text));
  expect(dataset.users).toEqual(ids);
  expect(told(dataset)).toEqual(ids.map((id) => `${id}: ${id}`));
  const byBytes = [...ids].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  expect(dataset.items).toEqual(byBytes);
  const objects = [...ids, "a\tb"].map((id, index) =>
    JSON.stringify({ user_id: id, item_id: id, timestamp: index }),
  );
  expect((await at.imported(await at.file("ids.jsonl", objects.join("\n")))).dataset.users).toEqual([
    ...ids,
    "a\tb",
  ]);
  const numbers =
    '{"user_id":12345678901234567890,"item_id":1.50,"timestamp":1}\n{"user_id":"01","item_id":true,"timestamp":2}\n';
  const mixed = await at.imported(await at.file("numbers.jsonl", numbers));
  expect(mixed.dataset.users).toEqual(["12345678901234567890", "01"]);
  const quotes = await at.imported(await at.file("q.tsv", 'user_id\titem_id\n"u"\ta"b\n'));
  expect(told(quotes.dataset)).toEqual(['"u": a"b']);
  const typed = await at.parquet(
    "typed.parquet",
    "SELECT 12::UBIGINT AS user_id, DATE '2020-01-02' AS item_id, 5 AS timestamp",
  );
  expect(told((await at.imported(typed)).dataset)).toEqual(["12: 2020-01-02"]);
});

test("column names of any kind can be chosen", async () => {
  const text = 'rating,"who, when",Thing,thing,at\n9,u,A,a,2\n1,u,B,b,1\n';
  const { dataset } = await at.imported(await at.file("c.csv", text), {
    userColumn: "who, when",
    itemColumn: "thing",
    timeColumn: "at",
  });
  expect(told(dataset)).toEqual(["u: b a"]);
  expect(dataset.manifest.columns).toEqual({ user: "who, when", item: "thing" });
});
