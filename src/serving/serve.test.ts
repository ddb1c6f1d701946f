import { expect, test } from "vitest";
import { isLoopback } from "./http/access.ts";
import { parseKeys } from "./http/keys.ts";
import { serve } from "./serve.ts";
import { cycleRecommender } from "./testing/cycle-recommender.ts";

test("a real socket answers, and closing frees the model", async () => {
  const { recommender, scorer } = cycleRecommender();
  const server = await serve(recommender, { port: 0 });
  const body = '{"history":["a"],"k":1}';
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => fetch(`${server.address}/v1/recommend`, { method: "POST", body })),
  );
  for (const answer of answers) expect(await answer.json()).toMatchObject({ items: [{ id: "b" }] });
  expect(scorer.calls.length).toBeLessThan(20);
  const large = await fetch(`${server.address}/v1/recommend`, { method: "POST", body: "x".repeat(2 << 20) });
  expect(large.status).toBe(413);
  await server.close();
  expect(scorer.disposed).toBe(true);
  await expect(fetch(`${server.address}/healthz`)).rejects.toThrow();
});

test("a running request is answered before the server closes", async () => {
  const { recommender, scorer } = cycleRecommender();
  const server = await serve(recommender, { port: 0 });
  const request = fetch(`${server.address}/v1/recommend`, { method: "POST", body: '{"history":["a"]}' });
  while (scorer.calls.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const [answer] = await Promise.all([request, server.close()]);
  expect(answer.status).toBe(200);
});

test("a port in use is one sentence", async () => {
  const first = await serve(cycleRecommender().recommender, { port: 0 });
  const second = serve(cycleRecommender().recommender, { port: first.port });
  await expect(second).rejects.toThrow(
    `port ${first.port} on 127.0.0.1 is already in use; stop what listens there or choose another --port`,
  );
  await first.close();
});

test("other machines are let in with keys only", async () => {
  const { recommender } = cycleRecommender();
  await expect(serve(recommender, { port: 0, host: "0.0.0.0" })).rejects.toThrow(
    "host 0.0.0.0 can be reached from other machines, so API keys are needed: name a file with --keys, or set SEQUITUR_KEYS; or listen on 127.0.0.1",
  );
  const keys = parseKeys("read a-key-that-only-reads\nwrite a-key-that-also-writes", "keys");
  const server = await serve(recommender, { port: 0, host: "0.0.0.0", keys });
  const ask = (key: string | undefined) =>
    fetch(`http://127.0.0.1:${server.port}/v1/recommend`, {
      method: "POST",
      body: '{"history":["a"]}',
      headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
    });
  expect((await ask(undefined)).status).toBe(401);
  expect((await ask("a-key-that-only-read")).status).toBe(401);
  expect((await ask("a-key-that-only-reads")).status).toBe(200);
  await server.close();
});

test("the names of this machine", () => {
  expect(["localhost", "127.0.0.1", "::1", "127.1.2.3"].map(isLoopback)).toEqual([true, true, true, true]);
  expect(["0.0.0.0", "::", "192.168.0.1", "127.evil.com"].map(isLoopback)).toEqual([
    false,
    false,
    false,
    false,
  ]);
});
