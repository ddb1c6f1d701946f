import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { serve } from "../serve.ts";
import { Service } from "../service.ts";
import { cycleRecommender } from "../testing/cycle-recommender.ts";
import { createDoor, type Door } from "./door.ts";
import { parseKeys } from "./keys.ts";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Lets numbered people in; writes down who was. */
function visitors(door: Door) {
  const inside: number[] = [];
  return { inside, enter: (who: number) => door.enter(() => void inside.push(who)) };
}

describe("a door", () => {
  test("lets in as many as there is room for, the others in their order as room is made", async () => {
    const door = createDoor({ room: 2 });
    const { inside, enter } = visitors(door);
    expect([1, 2, 3, 4].map(enter)).toEqual([true, true, true, true]);
    expect(inside).toEqual([1, 2]);
    expect(door.waiting).toBe(2);
    door.leave();
    enter(5);
    await turn();
    expect(inside).toEqual([1, 2, 3]);
    door.leave();
    door.leave();
    await turn();
    expect(inside).toEqual([1, 2, 3, 4, 5]);
    expect(door.waiting).toBe(0);
  });

  test("refuses beyond its queue, and lets in again afterwards", async () => {
    const door = createDoor({ room: 1, queue: 1 });
    const { inside, enter } = visitors(door);
    expect([1, 2, 3].map(enter)).toEqual([true, true, false]);
    door.leave();
    await turn();
    expect(enter(4)).toBe(true);
    expect(inside).toEqual([1, 2]);
  });

  test("counts the places that what is inside takes besides its own", async () => {
    const door = createDoor({ room: 3 });
    const { inside, enter } = visitors(door);
    enter(1);
    door.hold(2);
    enter(2);
    enter(3);
    expect(inside).toEqual([1]);
    door.leave({ places: 2, requests: 10 });
    await turn();
    expect(inside).toEqual([1, 2, 3]);
    expect(door.waiting).toBe(0);
  });

  test("refuses who would wait too long, once it is known how long a request takes", async () => {
    const door = createDoor({ room: 1, maxWaitMs: 50 });
    const { enter } = visitors(door);
    for (let who = 0; who < 40; who++) expect(enter(who)).toBe(true);
    for (let gone = 0; gone < 20; gone++) {
      await pause(5);
      door.leave();
    }
    expect(enter(99)).toBe(false);
    for (let gone = 0; gone < 19; gone++) {
      await turn();
      door.leave();
    }
    await turn();
    expect(door.waiting).toBe(0);
    expect(enter(99)).toBe(true);
  });
});

describe("the door of a server", () => {
  const ask = (address: string, headers: Record<string, string> = {}) =>
    fetch(`${address}/v1/recommend`, { method: "POST", body: '{"history":["a"],"k":1}', headers });

  /** A server whose door lets nobody in. */
  async function shut(options: Parameters<typeof serve>[1] = {}) {
    const { recommender } = cycleRecommender();
    const service = Service.of(recommender);
    const door = { enter: () => false, leave: () => {}, waiting: 0 };
    Object.defineProperty(service, "door", { value: door });
    return serve(service, { port: 0, ...options });
  }

  test("a refusal is a problem document with the time to wait, counted and logged", async () => {
    const entries: unknown[] = [];
    const server = await shut({ log: (entry) => void entries.push(entry) });
    const answer = await ask(server.address);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ status: 503, code: "busy" });
    expect(answer.headers.get("retry-after")).toBe("1");
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(entries).toMatchObject([
      { route: "/v1/recommend", status: 503, request: answer.headers.get("x-request-id") },
    ]);
    const metrics = await (await fetch(`${server.address}/metrics`)).text();
    expect(metrics).toContain('sequitur_refused_total{route="/v1/recommend"} 1');
    await server.close();
  });

  test("a refusal comes before the body has, and before keys, rates and names are looked at", async () => {
    const keys = parseKeys("read a-key-that-only-reads", "keys");
    const { address, port, close } = await shut({ keys, rate: 1 });
    for (let time = 0; time < 3; time++) expect((await ask(address)).status).toBe(503);
    const socket = connect({ port, host: "127.0.0.1" });
    socket.setEncoding("latin1");
    socket.write(
      "POST /v1/recommend HTTP/1.1\r\nhost: elsewhere\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n",
    );
    const [answer] = (await once(socket, "data")) as [string];
    expect(answer).toMatch(/^HTTP\/1\.1 503 /);
    socket.destroy();
    await close();
  });

  test("only what the model answers passes it", async () => {
    const server = await shut();
    expect((await fetch(`${server.address}/healthz`)).status).toBe(200);
    expect((await fetch(`${server.address}/v1/items`)).status).toBe(200);
    expect((await fetch(`${server.address}/v1/items/a/similar?k=2`)).status).toBe(503);
    expect((await fetch(`${server.address}/v1/recommend`)).status).toBe(405);
    await server.close();
  });

  test("pages of named origins may read the refusal, others may not", async () => {
    const keys = parseKeys("read a-key-that-only-reads", "keys");
    const server = await shut({ keys, cors: ["https://shop.example"] });
    const allowed = (origin: string) =>
      ask(server.address, { origin }).then(({ headers }) => headers.get("access-control-allow-origin"));
    expect(await allowed("https://shop.example")).toBe("https://shop.example");
    expect(await allowed("https://other.example")).toBeNull();
    await server.close();
  });
});
