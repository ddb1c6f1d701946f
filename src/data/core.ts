/** @file The k-core: the largest part of the data in which every user and every item has enough interactions. */

/** Interaction `i` is between user `users[i]` and item `items[i]`; both are codes below the given counts. */
export interface CoreInput {
  readonly users: Int32Array;
  readonly items: Int32Array;
  readonly userCount: number;
  readonly itemCount: number;
  /** The fewest interactions that a user keeps with kept items, 1 or more. */
  readonly minUser: number;
  /** The fewest interactions that an item keeps with kept users, 1 or more. */
  readonly minItem: number;
}

/** Which users and items are kept (1) or not (0), how many interactions are left, and after how many rounds. */
export interface Core {
  readonly users: Uint8Array;
  readonly items: Uint8Array;
  readonly interactions: number;
  readonly rounds: number;
}

/**
 * The k-core, a fixed point: removing users and items below the thresholds is repeated until nothing changes. Every
 * interaction counts, repeated ones too. The largest such part is unique, so the order of removal does not matter.
 */
export function kCore({ minUser, minItem, userCount, itemCount, ...input }: CoreInput): Core {
  let users = input.users;
  let items = input.items;
  let kept = users.length;
  for (let rounds = 1; ; rounds++) {
    const ofUser = tally(users, kept, userCount);
    const ofItem = tally(items, kept, itemCount);
    const nextUsers = rounds === 1 ? new Int32Array(kept) : users;
    const nextItems = rounds === 1 ? new Int32Array(kept) : items;
    let left = 0;
    for (let i = 0; i < kept; i++) {
      const user = users[i]!;
      const item = items[i]!;
      if (ofUser[user]! < minUser || ofItem[item]! < minItem) continue;
      nextUsers[left] = user;
      nextItems[left++] = item;
    }
    if (left === kept) {
      return { users: flags(ofUser), items: flags(ofItem), interactions: kept, rounds };
    }
    [users, items, kept] = [nextUsers, nextItems, left];
  }
}

/** The most interactions that one user (or item) has: a threshold above it empties the data by itself. */
export function largestCount(codes: Int32Array, count: number): number {
  return tally(codes, codes.length, count).reduce((most, value) => Math.max(most, value), 0);
}

function tally(codes: Int32Array, length: number, count: number): Int32Array {
  const counts = new Int32Array(count);
  for (let i = 0; i < length; i++) counts[codes[i]!]!++;
  return counts;
}

function flags(counts: Int32Array): Uint8Array {
  return Uint8Array.from(counts, (count) => Number(count > 0));
}
