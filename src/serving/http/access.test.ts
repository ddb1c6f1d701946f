import { describe, expect, onTestFinished, test, vi } from "vitest";
import { app } from "../app.ts";
import { Problem } from "../schemas.ts";
import { cycleRecommender } from "../testing/cycle-recommender.ts";
import { parseKeys, readKeys } from "./keys.ts";
import type { LogEntry } from "./observe.ts";
import { rateLimit } from "./rate-limit.ts";

const [reader, writer] = ["reader-0123456789", "writer-0123456789"];
const keys = parseKeys(`# keys of the shop\nread ${reader} # the page\n\nwrite ${writer}`, "keys");
const body = '{"history":["a"]}';
const { recommender } = cycleRecommender();

const code = async (answer: Response): Promise<string> => Problem.parse(await answer.json()).code;

describe("keys", () => {
  const server = app(recommender, { keys });
  const send = (method: string, path: string, key?: string, text?: string) =>
    server.request(path, {
      method,
      ...(text === undefined ? {} : { body: text }),
      headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
    });

  test("decide who may read and who may write", async () => {
    expect((await send("POST", "/v1/recommend", reader, body)).status).toBe(200);
    expect((await send("POST", "/v1/recommend", writer, body)).status).toBe(200);
    const events = '{"events":[{"user":"u","item":"a"}]}';
    expect((await send("POST", "/v1/events", writer, events)).status).toBe(200);
    const refused = await send("POST", "/v1/events", reader, events);
    expect(refused.status).toBe(403);
    expect(await code(refused)).toBe("wrong-scope");
  });

  test.each([
    ["POST", "/v1/recommend"],
    ["POST", "/v1/events"],
    ["PUT", "/v1/items/a"],
    ["DELETE", "/v1/items/a"],
    ["DELETE", "/v1/users/a"],
    ["POST", "/v1/admin/reload"],
    ["GET", "/v1/items/a/image"],
    ["GET", "/metrics"],
  ])("%s %s needs one", async (method, path) => {
    for (const key of [undefined, "wrong", reader.slice(1), `${reader}x`]) {
      const answer = await send(
        method,
        path,
        key,
        method === "GET" || method === "DELETE" ? undefined : body,
      );
      expect(answer.status).toBe(401);
      expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    }
  });

  test("are not needed to see whether the service lives, and how to talk to it", async () => {
    expect((await send("GET", "/healthz")).status).toBe(200);
    expect((await send("GET", "/openapi.json")).status).toBe(200);
  });

  test.each([
    ["reed abcdefghijklmnop", 'keys:1: this is not "read KEY" or "write KEY"'],
    ["\nread short", "keys:2: a key has at least 16 characters"],
    ["# nothing", "keys: there is no key"],
  ])("in the text %j are refused", (text, expected) => {
    expect(() => parseKeys(text, "keys")).toThrow(expected);
    expect(() => parseKeys(text, "keys")).not.toThrow("abcdefghijklmnop");
  });

  test("come from a file or from the environment", async () => {
    expect(await readKeys(undefined, {})).toBeUndefined();
    const both = await readKeys(undefined, { SEQUITUR_KEYS: `read:${reader},write:${writer}` });
    expect(both?.scopeOf(writer)).toBe("write");
    await expect(readKeys("/nowhere/keys", {})).rejects.toThrow("/nowhere/keys");
  });
});

describe("web pages", () => {
  const send = (headers: Record<string, string>, options = {}) =>
    app(recommender, options).request("http://localhost:8787/v1/recommend", {
      method: "POST",
      body,
      headers,
    });

  test("of other origins may not call, and are told so by no header", async () => {
    const answer = await send({ origin: "https://evil.example" });
    expect(answer.status).toBe(403);
    expect(await code(answer)).toBe("other-origin");
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    expect((await send({ origin: "null" })).status).toBe(403);
    expect((await send({ origin: "http://localhost:8787", host: "localhost:8787" })).status).toBe(200);
  });

  test("cannot use a name that is made to point here", async () => {
    const answer = await app(recommender).request("http://rebound.example:8787/healthz");
    expect(answer.status).toBe(403);
    for (const host of ["127.0.0.1:8787", "[::1]:8787", "localhost"])
      expect((await app(recommender).request(`http://${host}/healthz`)).status).toBe(200);
  });

  test("of named origins may call", async () => {
    const cors = ["https://shop.example"];
    const answer = await send({ origin: "https://shop.example" }, { cors });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("access-control-allow-origin")).toBe("https://shop.example");
    const asked = await app(recommender, { cors, keys }).request("http://localhost/v1/events", {
      method: "OPTIONS",
      headers: { origin: "https://shop.example", "access-control-request-method": "POST" },
    });
    expect(asked.status).toBe(204);
    expect(asked.headers.get("access-control-allow-headers")).toContain("authorization");
    const other = await send({ origin: "https://evil.example" }, { cors });
    expect(other.headers.get("access-control-allow-origin")).toBeNull();
  });
});

describe("rates", () => {
  test("give tokens back in time", () => {
    const limit = rateLimit(2);
    const take = (client: string, now: number) => limit.take(client, undefined, now);
    expect([take("a", 0), take("a", 0), take("a", 0), take("b", 0)]).toEqual([0, 0, 0.5, 0]);
    expect(take("a", 500)).toBe(0);
  });

  test("take several tokens for several requests that come as one", () => {
    const limit = rateLimit(10);
    const take = (count: number, now: number, taken = 0) => limit.take("a", { count, taken }, now);
    expect(take(6, 0)).toBe(0);
    expect(take(6, 0)).toBeCloseTo(0.2); // four are left, and stay
    expect(take(4, 0)).toBe(0);
    expect(take(6, 600)).toBe(0);
    expect([take(1, 1000), take(4, 1000, 1)]).toEqual([0, 0]); // the first of them has its own already
    expect(take(1, 1000)).toBeCloseTo(0.1);
  });

  test("let in what is more than a second's worth, and have it paid for afterwards: the rate holds over time", () => {
    const limit = rateLimit(10);
    let [now, sent] = [0, 0];
    for (; now < 100_000; now += 50) if (limit.take("a", { count: 35, taken: 0 }, now) === 0) sent += 35;
    expect(sent).toBeLessThanOrEqual(10 * 100 + 35);
    expect(sent).toBeGreaterThan(10 * 100 - 2 * 35);
    expect(limit.take("b", { count: 35, taken: 0 }, now)).toBe(0);
    expect(limit.take("b", undefined, now)).toBeCloseTo(2.6); // 25 are owed, and one
  });

  test("count each request of a batch", async () => {
    const server = app(recommender, { rate: 1 });
    const batch = (count: number) => {
      const body = JSON.stringify({ requests: Array(count).fill({ history: ["a"], k: 1 }) });
      return server.request("/v1/recommend/batch", { method: "POST", body });
    };
    expect((await batch(100)).status).toBe(200); // a client that was silent
    const refused = await batch(2);
    expect([refused.status, await code(refused)]).toEqual([429, "too-many-requests"]);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(50); // 99 are owed
  });

  test("refuse a batch for which too few tokens are left, after requests that had their own", async () => {
    const clock = vi.spyOn(performance, "now").mockReturnValue(0);
    onTestFinished(() => clock.mockRestore());
    const server = app(recommender, { rate: 8 });
    const body = JSON.stringify({ requests: Array(8).fill({ history: ["a"], k: 1 }) });
    expect((await server.request("/healthz")).status).toBe(200);
    expect((await server.request("/healthz")).status).toBe(200);
    const refused = await server.request("/v1/recommend/batch", { method: "POST", body });
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
  });

  test("refuse with the time to wait", async () => {
    const server = app(recommender, { rate: 3 });
    const answers = await Promise.all(Array.from({ length: 6 }, () => server.request("/healthz")));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThanOrEqual(2);
    expect(refused[0]!.headers.get("retry-after")).toBe("1");
  });
});

describe("the log", () => {
  test("has a line for every request, with its id and without the ids of people", async () => {
    const entries: LogEntry[] = [];
    const server = app(recommender, { log: (entry) => entries.push(entry) });
    const answer = await server.request("/v1/users/somebody", {
      method: "DELETE",
      headers: { "x-request-id": "mine-1" },
    });
    expect(answer.headers.get("x-request-id")).toBe("mine-1");
    expect(entries).toMatchObject([
      { level: "info", request: "mine-1", method: "DELETE", route: "/v1/users/:id", status: 204 },
    ]);
    expect(JSON.stringify(entries)).not.toContain("somebody");
    const forged = await server.request("/healthz", { headers: { "x-request-id": 'x" "y' } });
    const wrong = await server.request("/v1/items?nope=1", { headers: { "x-request-id": "mine-2" } });
    expect(wrong.headers.get("x-request-id")).toBe("mine-2");
    expect(await wrong.json()).toMatchObject({ errors: [{ field: "query" }] });
    expect(forged.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });
});
