import { describe, expect, it } from "vitest";
import { chosenUsers, withSomeUsers } from "./some-users.ts";
import { leaveOneOut } from "./split.ts";

const users = 40;
const input = {
  offsets: Int32Array.from({ length: users + 1 }, (_, user) => 4 * user),
  sequence: Int32Array.from({ length: 4 * users }, (_, at) => at),
};

describe("a share of the users", () => {
  it("is as large as asked for, the same for a seed and another for another", () => {
    const [a, b, c] = [1, 1, 2].map((seed) => chosenUsers(users, { share: 0.3, seed }));
    expect(a!.reduce((sum, mark) => sum + mark, 0)).toBe(12);
    expect(a).toEqual(b);
    expect(a).not.toEqual(c);
    expect(chosenUsers(users, { share: 1e-6, seed: 1 }).filter((mark) => mark === 1)).toHaveLength(1);
  });

  it("is all that is trained and validated on, and everybody is tested", () => {
    const whole = leaveOneOut(input);
    const marks = chosenUsers(users, { share: 0.25, seed: 7 });
    const { training, validation, test } = withSomeUsers(whole, { share: 0.25, seed: 7 });
    expect(test).toBe(whole.test);
    expect([...validation.users]).toEqual([...marks.keys()].filter((user) => marks[user] === 1));
    for (let user = 0; user < users; user++) {
      const own = [...training.sequence.subarray(training.offsets[user], training.offsets[user + 1])];
      expect(own).toEqual(marks[user] === 1 ? [4 * user, 4 * user + 1] : []);
    }
    expect(withSomeUsers(whole, { share: 1, seed: 7 })).toBe(whole);
  });
});
