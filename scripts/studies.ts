/** @file Writes docs/leaderboard.md and the pages of the searches, from the records of the runs. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { writeContent } from "../study/content.ts";
import { writeLeaderboard } from "../study/leaderboard.ts";
import { readSearch, searchName, writeSearch } from "../study/search.ts";
import { writeTransfer } from "../study/transfer.ts";
import { root } from "./report.ts";

await writeLeaderboard(join(root, "docs"));
await writeContent(join(root, "docs"));
await writeTransfer(join(root, "docs"));
const searches = join(root, "study", "searches");
for (const file of readdirSync(searches).filter((name) => name.endsWith(".json")))
  await writeSearch(join(root, "docs"), searchName(file), readSearch(join(searches, file)));
