import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDataset, readItems } from "./dataset.ts";
import { type ImportOptions, importInteractions } from "./import.ts";

/** One user's items in order, as a text. */
const histories = async (directory: string): Promise<Record<string, string>> => {
  const { users, items, offsets, sequence } = await openDataset(directory);
  return Object.fromEntries(
    users.map((user, u) => [
      user,
      [...sequence.subarray(offsets[u]!, offsets[u + 1]!)].map((item) => items[item]).join(" "),
    ]),
  );
};

describe("published data sets", () => {
  let root = "";
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "sequitur-published-"));
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  /** A folder of files, where a folder is named by a slash at the end of one of its files' names. */
  async function folder(name: string, files: Readonly<Record<string, string>>): Promise<string> {
    for (const [file, text] of Object.entries(files)) {
      const path = join(root, name, file);
      await mkdir(join(path, ".."), { recursive: true });
      await writeFile(path, text);
    }
    return join(root, name);
  }
  const imported = (interactions: string, options: Partial<ImportOptions> = {}) =>
    importInteractions({ interactions, out: join(root, "out"), threads: 2, ...options });

  // The example of NineRec's description: a sequence for each user, and texts in Chinese and English, no header.
  const items =
    'v17551,韩国电影，《女教师》,"Korean Movie, The Governess"\nv165612,第二,Second\nv14633,第三,\n';
  const sequences = "u14500\tv17551 v165612 v14633\nu2\tv14633\n";

  it("of NineRec without times are read as sequences, with texts in two languages and pictures", async () => {
    const qb = await folder("qb", {
      "QB_behaviour.tsv": sequences,
      "QB_pair.csv": "u14500,v17551\nu14500,v165612\nu14500,v14633\nu2,v14633\n",
      "QB_item.csv": items,
      "QB_cover/v17551.jpg": "",
    });
    const { manifest, directory } = await imported(qb);
    expect(await histories(directory)).toEqual({ u14500: "v17551 v165612 v14633", u2: "v14633" });
    expect(manifest.time.kind).toBe("position");
    expect(manifest.sources).toEqual({ interactions: "QB_behaviour.tsv", items: "QB_item.csv" });
    expect(manifest.images).toEqual({ directory: join(qb, "QB_cover"), items: 1 });
    const [last, , first] = await readItems(await openDataset(directory));
    expect(first).toEqual({
      id: "v17551",
      title: "韩国电影，《女教师》",
      fields: { title_en: "Korean Movie, The Governess" },
    });
    expect(last).toMatchObject({ id: "v14633", title: "第三" });
  });

  it.each([
    ["as they are described", "u14500,v165612,1600000002\nu14500,v17551,1600000001\nu2,v14633,1600000003\n"],
    [
      "as their code reads them",
      "v165612,u14500,1600000002\nv17551,u14500,1600000001\nv14633,u2,1600000003\n",
    ],
  ])("of NineRec with times are put in order, pairs %s", async (name, pairs) => {
    const food = await folder(name.replaceAll(" ", "-"), { "Food_pair.csv": pairs, "Food_item.csv": items });
    const { manifest, directory } = await imported(food);
    expect(await histories(directory)).toEqual({ u14500: "v17551 v165612", u2: "v14633" });
    expect(manifest.time).toMatchObject({ kind: "timestamp", unit: "seconds" });
    expect(manifest.columns).toEqual({ user: "user_id", item: "item_id" });
  });

  it.each([
    ["MicroLens-50k", "user,item,timestamp", "MicroLens-50k_titles.csv", "item,title\n"],
    ["MicroLens-100k", "userID,videoID,timestamp", "MicroLens-100k_title_en.csv", ""],
  ])("of %s are read with titles, likes and views, and covers", async (stem, header, titles, heading) => {
    const lens = await folder(stem, {
      [`${stem}_pairs.csv`]: `${header}\n7,12,1662984066000\n7,3,1662984000000\n8,12,1662984067000\n`,
      [`${stem}_pairs.tsv`]: "7\t3 12\n8\t12\n",
      [titles]: `${heading}3,"Three, or more"\n12,Twelve\n`,
      [`${stem}_likes_and_views.txt`]: "3\t10\t200\n12\t5\t60\n",
      [`${stem}_covers/3.jpg`]: "",
    });
    const { manifest, directory, notes } = await imported(lens);
    expect(await histories(directory)).toEqual({ 7: "3 12", 8: "12" });
    expect(manifest.time).toMatchObject({ kind: "timestamp", unit: "milliseconds" });
    expect(notes).toContain("items with a picture: 1 of 2");
    const [twelve, three] = await readItems(await openDataset(directory));
    expect(three).toEqual({ id: "3", title: "Three, or more", fields: { likes: 10, views: 200 } });
    expect(twelve).toMatchObject({ id: "12", title: "Twelve", fields: { likes: 5, views: 60 } });
    const only = await imported(join(lens, `${stem}_pairs.tsv`), { format: "microlens" });
    expect(only.manifest.sources.interactions).toBe(`${stem}_pairs.tsv`);
    expect(await histories(only.directory)).toEqual({ 7: "3 12", 8: "12" });
  });

  it("are refused where files are missing or not such as they should be", async () => {
    const empty = await folder("empty", { "readme.txt": "nothing" });
    await expect(imported(empty)).rejects.toThrow(
      `${empty}: this is a folder, not a file; name a file in it`,
    );
    await expect(imported(empty, { format: "ninerec" })).rejects.toThrow(
      "there is no file of interactions as ninerec calls them (NAME_pair.csv or NAME_behaviour.tsv)",
    );
    const two = await folder("two", { "A_pair.csv": "u,v,1\n", "B_pair.csv": "u,v,1\n" });
    await expect(imported(two)).rejects.toThrow(
      "holds several data sets (A, B); name one file of interactions",
    );
    const one = await imported(join(two, "B_pair.csv"), { format: "ninerec" });
    expect(one.manifest.sources.interactions).toBe("B_pair.csv");
    const narrow = await folder("narrow", { "C_behaviour.tsv": "u14500 v17551\n" });
    await expect(imported(narrow)).rejects.toThrow(
      "C_behaviour.tsv:1: the line has 1 fields where at least 2 are wanted, with a tab between",
    );
    const times = await folder("times", { "D_pairs.csv": "user,item,timestamp\n1,2,3\n1,4,soon\n" });
    await expect(imported(times)).rejects.toThrow('D_pairs.csv:3: the timestamp is "soon"');
    const bare = await folder("bare", { "E_pair.csv": "u1,v1,5\nu1,,6\n" });
    await expect(imported(bare)).rejects.toThrow("E_pair.csv:2: the item_id is empty; every row needs one");
    const twice = await folder("twice", { "F_pair.csv": "u1,v1,5\n", "F_item.csv": "v1,a,b\nv1,c,d\n" });
    await expect(imported(twice)).rejects.toThrow('F_item.csv:2: the item "v1" is here and at');
    await expect(imported(join(root, "none"))).rejects.toThrow("not a known file type");
    await expect(imported(join(root, "none"), { format: "ninerec" })).rejects.toThrow(
      "there is no such file",
    );
  });
});
