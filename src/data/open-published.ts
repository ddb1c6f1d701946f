/** @file The published files of NineRec and MicroLens as sources of an import: columns by place, sequences laid out. */
import { allRows, type Database, firstRow } from "./database.ts";
import { reading } from "./faults.ts";
import type { PublishedFiles } from "./published.ts";
import { type Column, openPlain, type PlainFile, relation, type Source } from "./source.ts";

/** The sources of an import. */
export interface PublishedSources {
  readonly source: Source;
  readonly items: Source | undefined;
}

/** What a first line says where it names columns; ids are not called so. */
const headings = /^(user|item|video|v|u)?[ _-]?ids?$|^(user|item|video)$/i;

const text = (name: string, at: number): Column => ({ name, sql: `c${at}` });
const number = (name: string, at: number): Column => ({ name, sql: `c${at}`, type: "float" });

/** Opens what was found. @throws DataError where a file is missing, empty or not such as its format says */
export async function openPublished(database: Database, files: PublishedFiles): Promise<PublishedSources> {
  const items = files.items === undefined ? undefined : await openItems(database, files, files.items);
  return { source: await openInteractions(database, files, items), items };
}

async function openInteractions(
  database: Database,
  { interactions, sequences }: PublishedFiles,
  items: Source | undefined,
): Promise<Source> {
  if (interactions === sequences) return openSequences(interactions);
  const plain = await openPlain(interactions, { kind: "csv", least: 2 });
  const timed = plain.width > 2;
  if (!timed && sequences !== undefined) return openSequences(sequences); // which are in order
  const names = (await itemsFirst(database, plain, items)) ? ["item_id", "user_id"] : ["user_id", "item_id"];
  const columns = [...names.map(text), ...(timed ? [text("timestamp", 2)] : [])];
  return table(plain, [...columns, ...others(plain, columns.length)]);
}

/** Columns that nothing is known of. */
const others = ({ width }: PlainFile, from: number): Column[] =>
  Array.from({ length: width - from }, (_, k) => text(`column ${from + k + 1}`, from + k));

const table = (plain: PlainFile, columns: readonly Column[]): Source => ({
  path: plain.path,
  kind: plain.kind,
  plain: plain.plain,
  columns,
  headless: !isHeading(plain),
});

const isHeading = ({ first }: PlainFile): boolean => headings.test(first[0]!.trim());

/** Rows that are looked at to tell items from users. */
const LOOKED_AT = 1000;

/** Whether the first column of pairs holds the items: NineRec's own code reads them so, its description does not. */
async function itemsFirst(database: Database, plain: PlainFile, items: Source | undefined): Promise<boolean> {
  if (items === undefined) return false;
  const pairs = table(plain, [text("a", 0), text("b", 1), ...others(plain, 2)]);
  const known = `(SELECT CAST(c0 AS VARCHAR) AS id FROM ${relation(items)})`;
  const sample = `(SELECT c0, c1 FROM ${relation(pairs)} LIMIT ${LOOKED_AT})`;
  const sql = `SELECT CAST(count(*) FILTER (c0 IN ${known}) AS DOUBLE) AS first,
    CAST(count(*) FILTER (c1 IN ${known}) AS DOUBLE) AS second FROM ${sample}`;
  const { first, second } = await reading(pairs, () =>
    firstRow<{ first: number; second: number }>(database, sql),
  );
  return first > second;
}

/** USER, a tab, and the items that the user met, first to last, with a space between. */
async function openSequences(path: string): Promise<Source> {
  const plain = await openPlain(path, { kind: "tsv", least: 2 });
  const list = "string_split(trim(c1), ' ')";
  const each = `SELECT c0, unnest(${list}) AS c1, generate_subscripts(${list}, 1) AS place FROM ${relation(table(plain, [text("user_id", 0), text("items", 1)]))}`;
  return {
    path,
    kind: "tsv",
    plain: plain.plain,
    columns: [text("user_id", 0), text("item_id", 1), text("position", 2)],
    headless: true,
    rows: `(SELECT c0, c1, CAST(place AS VARCHAR) AS c2 FROM (${each}) WHERE c1 <> '')`,
  };
}

async function openItems(
  database: Database,
  { format, likes }: PublishedFiles,
  path: string,
): Promise<Source> {
  const plain = await openPlain(path, { kind: "csv", least: 2 });
  const names = format === "ninerec" ? ["item_id", "title", "title_en"] : ["item_id", "title"];
  const known = names.slice(0, plain.width).map(text);
  const titles = table(plain, [...known, ...others(plain, known.length)]);
  return likes === undefined ? titles : withLikes(database, titles, likes);
}

/** Titles with the likes and views of their items. */
async function withLikes(database: Database, titles: Source, likes: string): Promise<Source> {
  const plain = await openPlain(likes, { kind: "tsv", least: 3 });
  const counts = table(plain, [text("item_id", 0), text("likes", 1), text("views", 2), ...others(plain, 3)]);
  await reading(counts, () => allRows(database, `SELECT c0 FROM ${relation(counts)} LIMIT 1`));
  const width = titles.columns.length;
  const own = titles.columns.map(({ sql }) => `t.${sql} AS ${sql}`).join(", ");
  const each = `SELECT c0 AS id, any_value(c1) AS likes, any_value(c2) AS views FROM ${relation(counts)} GROUP BY c0`;
  return {
    ...titles,
    columns: [...titles.columns, number("likes", width), number("views", width + 1)],
    rows: `(SELECT ${own}, l.likes AS c${width}, l.views AS c${width + 1}
      FROM (SELECT *, row_number() OVER () AS n FROM ${relation(titles)}) t LEFT JOIN (${each}) l ON t.c0 = l.id ORDER BY n)`,
  };
}
