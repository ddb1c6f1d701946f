/** @file docs/transfer.md, from the runs of the study. */
import { short, spreadText, table } from "../scripts/report.ts";
import { pairs, rows, type TransferRun } from "./transfer.ts";

/** The page. */
export function transferPage(runs: readonly TransferRun[]): string {
  const parts = pairs.flatMap(({ source, target, fitted }) => {
    const own = runs.filter((run) => run.source === source && run.target === target && run.fitted === fitted);
    if (own.length === 0) return [];
    const lines = rows.flatMap(({ name, title }) => {
      const each = own.filter(({ row }) => row === name);
      const metric = (key: string): string => spreadText(each.map(({ metrics }) => metrics[key]!));
      return each.length === 0 ? [] : [[title, metric("HR@10"), metric("NDCG@10"), String(each.length)]];
    });
    const { popularity } = own[0]!;
    const first = ["popularity, all users", short(popularity["HR@10"]!), short(popularity["NDCG@10"]!), ""];
    return [
      `## ${source} → ${target}, texts in the space of ${fitted}`,
      `${own[0]!.users.toLocaleString("en-US")} users; protocol ${own[0]!.fingerprint}.`,
      table(["", "HR@10", "NDCG@10", "seeds"], [first, ...lines]),
    ];
  });
  const head = [
    "# Transfer",
    "A model of texts alone (`sasrec-text` without its id table) is trained on the source, and its weights go to the target by `train --init`, as in NineRec (Zhang et al. 2023, arXiv:2309.07705). Leave-one-out, all items ranked; mean (lowest–highest) over seeds. Scores are those of what was learned, without a Markov chain and, but for one row, without neighbours by text; an untrained linear head is a random projection, which keeps angles between texts whichever words they have. Over such a head the source is trained for two epochs and at a temperature of .3: at the recipe's .07 a network as it starts is far too sure of items like the last one, and unlearns that before all else. With a tenth of the users, a tenth trains and validates and all are tested.",
    "Written by `npm run tables` from `results/transfer.json`, which `npm run study -- transfer` measures.",
  ];
  return `${[...head, ...parts].join("\n\n")}\n`;
}
