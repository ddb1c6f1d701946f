import { describe, expect, test } from "vitest";
import { RuntimeFailure } from "../tensor/errors.ts";
import { app } from "./app.ts";
import { honoPath } from "./http/route.ts";
import { openApiDocument } from "./openapi.ts";
import { Recommender } from "./recommender.ts";
import { Problem, RecommendAnswer, RecommendBatchAnswer, SimilarAnswer } from "./schemas.ts";
import { cycleRecommender } from "./testing/cycle-recommender.ts";

const { recommender } = cycleRecommender();
const server = app(recommender, { version: "1.2.3", bodyLimitBytes: 1000 });
const post = (body: string, headers: Record<string, string> = {}) =>
  server.request("/v1/recommend", { method: "POST", body, headers });

/** Asserts a problem of a status and returns its detail. */
async function problem(answer: Response, status: number, code: string): Promise<string> {
  expect(answer.status).toBe(status);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  const body = Problem.parse(await answer.json());
  expect(body).toMatchObject({ type: "about:blank", status, code });
  return body.detail;
}

const ended = () => Promise.reject(new RuntimeFailure("worker", "the model thread has ended"));

describe("POST /v1/recommend", () => {
  test("answers a history", async () => {
    const answer = await post('{"history":["a","nope"],"k":1}');
    expect(answer.status).toBe(200);
    const body = RecommendAnswer.strict().parse(await answer.json());
    expect(body).toEqual({
      items: [{ id: "b", score: -1, title: "Title b" }],
      model: "cycle@0",
      unknown: ["nope"],
    });
  });

  test("answers a user, without what is excluded", async () => {
    const answer = await post('{"user":"ann","k":2,"exclude":["c","not there"]}');
    expect(RecommendAnswer.parse(await answer.json()).items.map(({ id }) => id)).toEqual(["d", "e"]);
  });

  test("names an unknown user", async () => {
    expect(await problem(await post('{"user":"bob"}'), 404, "unknown-user")).toContain('no user "bob"');
  });

  test("a body that is not JSON", async () => {
    expect(await problem(await post("{history"), 400, "not-json")).toMatch(/^the body is not JSON: /);
    expect(await problem(await post(""), 400, "not-json")).toBe("the body is empty; send a JSON object");
  });

  test("a body that is too large, announced or not", async () => {
    const large = JSON.stringify({ history: Array(500).fill("a") });
    expect(await problem(await post(large), 413, "too-large")).toContain("larger than 1000 bytes");
    const announced = post("{}", { "content-length": "2000000" });
    await problem(await announced, 413, "too-large");
  });

  test.each([
    ['{"history":"a"}', "history: Invalid input: expected array, received string"],
    ['{"history":[1]}', "history[0]: Invalid input: expected string, received number"],
    ['{"history":[""]}', "history[0]: Too small: expected string to have >=1 characters"],
    ['{"user":"ann","k":0}', "k: Too small: expected number to be >=1"],
    ['{"user":"ann","k":1e9}', "k: Too big: expected number to be <=1000"],
    ['{"user":"ann","k":"3"}', "k: Invalid input: expected number, received string"],
    ["{}", 'body: give either "history" or "user"'],
    ['{"user":"ann","history":["a"]}', 'body: give either "history" or "user"'],
    ["[]", "body: Invalid input: expected object, received array"],
    ['{"user":"ann","topk":3}', 'body: Unrecognized key: "topk"; the nearest is "k"'],
  ])("the wrong shape %s names field and rule", async (body, expected) => {
    expect(await problem(await post(body), 422, "wrong-shape")).toContain(expected);
  });

  test("a filter over a field that items do not have is named", async () => {
    const answer = await post('{"user":"ann","filter":{"genre":"x"}}');
    expect(await problem(answer, 422, "bad-filter")).toContain('items have no field "genre"');
  });

  test("a trace says why and why not", async () => {
    const answer = await post('{"user":"ann","k":2,"exclude":["f"],"trace":{"items":["a","e","f","zz"]}}');
    const { trace } = RecommendAnswer.strict().parse(await answer.json());
    expect(trace!.items.map(({ id, source, rank }) => [id, source, rank])).toEqual([
      ["c", "sequence", 1],
      ["d", "sequence", 2],
    ]);
    expect(trace!.items[0]!.history.map(({ id }) => id).sort()).toEqual(["a", "b"]);
    expect(trace!.asked.map(({ id, outcome, rank }) => [id, outcome, rank])).toEqual([
      ["a", "seen", undefined],
      ["e", "ranked-lower", 3],
      ["f", "excluded", undefined],
      ["zz", "unknown", undefined],
    ]);
  });

  test("a model that fails is a 500 that keeps its reason for the log", async () => {
    const { recommender: broken, scorer } = cycleRecommender();
    scorer.score = async () => {
      throw new Error("secret path");
    };
    const seen: unknown[] = [];
    const request = { method: "POST", body: '{"history":["a"]}' };
    const answer = await app(broken, { onError: (error) => seen.push(error) }).request(
      "/v1/recommend",
      request,
    );
    expect(await problem(answer, 500, "internal")).not.toContain("secret");
    expect(seen).toHaveLength(1);
  });
});

describe("POST /v1/recommend/batch", () => {
  const send = (requests: unknown, to = server) =>
    to.request("/v1/recommend/batch", { method: "POST", body: JSON.stringify({ requests }) });

  test("answers in the order of the requests, with the problem of each that has one", async () => {
    const answer = await send([
      { history: ["a"], k: 1 },
      { user: "bob" },
      { user: "ann", k: 1 },
      { history: ["a"], filter: { genre: "x" } },
      { history: [], k: 1 },
    ]);
    expect(answer.status).toBe(200);
    const { answers } = RecommendBatchAnswer.parse(await answer.json());
    expect(answers).toMatchObject([
      { items: [{ id: "b" }] },
      { status: 404, code: "unknown-user", detail: expect.stringContaining('"bob"') },
      { items: [{ id: "c" }] },
      { status: 422, code: "bad-filter" },
      { items: [{ id: "f" }], fallback: "popularity" },
    ]);
  });

  test("takes a hundred, each answered as it would be alone", async () => {
    const requests = Array.from({ length: 100 }, (_, at) => ({ history: ["abcdef"[at % 6]!], k: 1 }));
    const wide = app(recommender);
    const { answers } = RecommendBatchAnswer.parse(await (await send(requests, wide)).json());
    const next = requests.map((_, at) => "bcdefa"[at % 6]);
    expect(answers.map((one) => "items" in one && one.items[0]!.id)).toEqual(next);
    expect(await problem(await send([...requests, requests[0]], wide), 422, "wrong-shape")).toContain(
      "requests: Too big",
    );
  });

  test("of the wrong shape is refused as a whole, and the place is named", async () => {
    expect(await problem(await send([]), 422, "wrong-shape")).toContain("requests: Too small");
    const answer = await send([{ history: ["a"] }, { history: ["a"], k: 0 }]);
    expect(await problem(answer, 422, "wrong-shape")).toContain("requests[1].k: Too small");
  });

  test("fails as a whole where the model does", async () => {
    const { retriever } = cycleRecommender();
    const { items } = recommender;
    const dead = new Recommender({ retriever: { ...retriever, retrieve: ended }, items, model: "cycle@0" });
    await problem(await send([{ history: ["a"] }], app(dead)), 503, "model-gone");
  });
});

describe("other routes", () => {
  test("GET /healthz", async () => {
    const answer = await server.request("/healthz");
    expect(await answer.json()).toEqual({ status: "ok", model: "cycle@0", items: 6 });
  });

  test("GET /healthz says so when the model's thread has ended", async () => {
    const { recommender: dying, retriever } = cycleRecommender();
    const gone = app(
      new Recommender({ retriever: { ...retriever, retrieve: ended }, items: dying.items, model: "cycle@0" }),
    );
    expect((await gone.request("/healthz")).status).toBe(200);
    const body = '{"history":["a"]}';
    await problem(await gone.request("/v1/recommend", { method: "POST", body }), 503, "model-gone");
    const detail = await problem(await gone.request("/healthz"), 503, "model-gone");
    expect(detail).toContain("restart the service");
  });

  test("an unknown route names the nearest", async () => {
    const answer = await server.request("/v1/recomend", { method: "POST" });
    expect(await problem(answer, 404, "unknown-route")).toContain('the nearest is "/v1/recommend"');
  });

  test("a wrong method names the right one", async () => {
    const answer = await server.request("/v1/recommend");
    expect(answer.headers.get("allow")).toBe("POST");
    expect(await problem(answer, 405, "wrong-method")).toBe("/v1/recommend answers POST, not GET");
  });

  test("every answer has security headers", async () => {
    for (const path of ["/healthz", "/nowhere"]) {
      const { headers } = await server.request(path);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("content-security-policy")).toContain("default-src 'none'");
    }
  });
});

test("GET /openapi.json is an OpenAPI 3.1 document with the limits that are enforced", async () => {
  const document = (await (await server.request("/openapi.json")).json()) as {
    openapi: string;
    info: { version: string };
    paths: Record<string, object>;
    components: {
      schemas: Record<string, { properties: Record<string, object>; additionalProperties?: boolean }>;
    };
  };
  expect(document.openapi).toBe("3.1.0");
  expect(document.info.version).toBe("1.2.3");
  expect(Object.keys(document.paths)).toEqual(
    expect.arrayContaining(["/v1/recommend", "/v1/events", "/v1/items/{id}", "/v1/users/{id}", "/metrics"]),
  );
  const routes = server.routes.filter(({ method }) => method !== "ALL");
  const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${honoPath(path)}`),
  );
  expect(new Set(documented)).toEqual(new Set(routes.map(({ method, path }) => `${method} ${path}`)));
  expect(document.paths["/v1/items/{id}/image"]).toMatchObject({
    get: { responses: { 200: { content: { "image/*": {} } }, 404: {} } },
  });
  const body = document.components.schemas.RecommendBody!;
  expect(body.properties.k).toMatchObject({ type: "integer", minimum: 1, maximum: 1000, default: 10 });
  expect(body.additionalProperties).toBe(false);
  const references = JSON.stringify(document).matchAll(/#\/components\/schemas\/(\w+)/g);
  for (const [, name] of references) expect(document.components.schemas).toHaveProperty(name!);
});

describe("GET /v1/items/{id}/similar", () => {
  test("answers what is most like an item", async () => {
    const answer = await server.request("/v1/items/c/similar?k=2");
    const body = SimilarAnswer.strict().parse(await answer.json());
    expect(body.items.map(({ id }) => id)).toEqual(["d", "e"]);
  });

  test("leaves out what is excluded and what a filter removes", async () => {
    const { recommender: filled } = cycleRecommender();
    await filled.addItems([..."abcdef"].map((id, at) => ({ id, fields: { year: 1990 + at } })));
    const similar = async (query: Record<string, string>, more = "") => {
      const answer = await app(filled).request(`/v1/items/c/similar?${new URLSearchParams(query)}${more}`);
      return SimilarAnswer.parse(await answer.json()).items.map(({ id }) => id);
    };
    expect(await similar({ filter: '{"year":{"gte":1994}}' })).toEqual(["e", "f"]);
    expect(await similar({ exclude: "e", filter: '{"year":{"gte":1994}}' })).toEqual(["f"]);
    expect(await similar({ exclude: "d" }, "&exclude=e")).toEqual(["f", "a", "b"]);
  });

  test.each([
    ["filter=%7Byear", "filter: is not JSON"],
    ["filter=7", "filter: Invalid input: expected record"],
    ["diversity=2", "diversity: Too big"],
    ["exclude=", "exclude[0]: Too small"],
    ["k=1&k=2", "k: Invalid input"],
    ["topk=3", 'query: Unrecognized key: "topk"; the nearest is "k"'],
  ])("refuses the query %s", async (query, expected) => {
    const answer = await server.request(`/v1/items/c/similar?${query}`);
    expect(await problem(answer, 422, "wrong-shape")).toContain(expected);
  });

  test("is documented with every parameter", async () => {
    const document = openApiDocument("1") as { paths: Record<string, { get: { parameters: unknown } }> };
    expect(document.paths["/v1/items/{id}/similar"]!.get.parameters).toEqual([
      expect.objectContaining({ name: "id", in: "path" }),
      expect.objectContaining({ name: "k", schema: expect.objectContaining({ maximum: 1000 }) }),
      expect.objectContaining({ name: "exclude", schema: expect.objectContaining({ type: "array" }) }),
      expect.objectContaining({ name: "filter", schema: expect.objectContaining({ type: "string" }) }),
      expect.objectContaining({ name: "diversity", schema: expect.objectContaining({ type: "number" }) }),
    ]);
  });

  test("names an unknown item and a wrong k", async () => {
    expect(await problem(await server.request("/v1/items/zz/similar"), 404, "unknown-item")).toContain(
      '"zz"',
    );
    const wrong = await server.request("/v1/items/c/similar?k=many");
    expect(await problem(wrong, 422, "wrong-shape")).toContain("k: ");
  });
});
