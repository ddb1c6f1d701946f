/** @file The history that a request asks about: the one that it gives, or what is known of its user. */

import type { History } from "../retrieval/histories.ts";
import { ConfigError, DataError } from "../tensor/errors.ts";
import type { HistoryOf, RecommendRequest, UserHistory } from "./recommendation.ts";

export interface AskedHistory {
  /** Of the items that the catalogue has or had. */
  readonly known: History;
  /** Ids that it never had. */
  readonly unknown: readonly string[];
  readonly whose: "user" | "history";
}

export interface KnownIds {
  readonly rowOf: (id: string) => number | undefined;
  readonly historyOf: HistoryOf | undefined;
}

/** @throws ConfigError for an impossible request, DataError for an unknown user */
export async function askedHistory(request: RecommendRequest, ids: KnownIds): Promise<AskedHistory> {
  const { history, times, user, at } = request;
  if ((history === undefined) === (user === undefined)) {
    const message = "recommend: give either a history or a user, not both and not neither";
    throw new ConfigError("history-or-user", message);
  }
  refuseTimes(request);
  if (user !== undefined) {
    const { known } = inRows(await userHistory(user, ids.historyOf), at, ids.rowOf);
    return { known, unknown: [], whose: "user" };
  }
  return { ...inRows({ items: history!, times }, at, ids.rowOf), whose: "history" };
}

function refuseTimes({ history, times, at }: RecommendRequest): void {
  const refuse = (message: string): never => {
    throw new ConfigError("bad-times", message);
  };
  if (times && !history) refuse("times: they belong to a history; those of a user are known");
  if (times && times.length !== history!.length)
    refuse(`times: there are ${times.length} for a history of ${history!.length} items; give one for each`);
  if (times?.some((time) => !Number.isFinite(time)))
    refuse("times: each must be a number of seconds since 1970");
  if (at !== undefined && !Number.isFinite(at)) refuse("at: it must be a number of seconds since 1970");
  if (at !== undefined && history && !times)
    refuse("at: a history without times is taken as of one moment; give its times, too");
}

/** Items as rows, with the times of those that have one; the question is asked after the last of them, now by default. */
function inRows({ items, times }: UserHistory, at = Date.now() / 1000, rowOf: KnownIds["rowOf"]) {
  const found = items.map(rowOf);
  const rows = Int32Array.from(found.filter((row) => row !== undefined));
  const unknown = [...new Set(items.filter((_, place) => found[place] === undefined))];
  if (!times || rows.length === 0) return { known: { rows }, unknown };
  const met = Float64Array.from(times).filter((_, place) => found[place] !== undefined);
  return { known: { rows, times: { met, asked: Math.max(at, met.at(-1)!) } }, unknown };
}

async function userHistory(user: string, historyOf: HistoryOf | undefined): Promise<UserHistory> {
  if (historyOf === undefined) {
    const message = `user "${user}": no dataset is loaded, so no user is known; give a history of item ids instead`;
    throw new DataError("no-users", message, { user });
  }
  const known = await historyOf(user);
  if (known !== undefined) return known;
  const message = `there is no user "${user}" in the dataset; check the id or give a history of item ids instead`;
  throw new DataError("unknown-user", message, { user });
}
