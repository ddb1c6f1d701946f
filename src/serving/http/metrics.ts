/** @file What Prometheus reads. No label ever holds an id. */

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Service } from "../service.ts";

/** One finished request. */
export interface Observed {
  readonly method: string;
  /** The path as it is declared, or "other". */
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
}

export interface Metrics {
  request(observed: Observed): void;
  fallback(name: string): void;
  /** The text that Prometheus reads. */
  text(): Promise<string>;
  readonly contentType: string;
}

const requestBuckets = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Counts what happens in a service; becomes its listener. */
export function metricsOf(service: Service, version: string): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: "sequitur_request_seconds",
    help: "Time to answer a request, by route",
    labelNames: ["method", "route", "status"],
    buckets: requestBuckets,
    registers,
  });
  const batches = new Histogram({
    name: "sequitur_batch_size",
    help: "Requests that the model answered together",
    buckets: [1, 2, 4, 8, 16, 32, 64, 128],
    registers,
  });
  const batchSeconds = new Histogram({
    name: "sequitur_batch_seconds",
    help: "Time the model took for a batch",
    buckets: requestBuckets,
    registers,
  });
  const counter = <L extends string>(name: string, help: string, label: L) =>
    new Counter({ name, help, labelNames: [label], registers });
  const fallbacks = counter("sequitur_fallbacks_total", "Answers that a fallback gave", "fallback");
  const events = counter("sequitur_events_total", "Events received", "result");
  const reloads = counter("sequitur_reloads_total", "Changes of the model", "result");
  const refused = new Map<string, number>(); // added up when asked for: refusals have to be cheap
  new Counter({
    name: "sequitur_refused_total",
    help: "Requests that were refused unread, because too many waited",
    labelNames: ["route"],
    registers,
    collect() {
      for (const [route, count] of refused) this.inc({ route }, count);
      refused.clear();
    },
  });
  new Gauge({
    name: "sequitur_queue_length",
    help: "Requests that wait for the model",
    registers,
    collect() {
      this.set(service.recommender.load.waiting + service.door.waiting);
    },
  });
  new Gauge({
    name: "sequitur_info",
    help: "The model that answers, the data it was trained on, and the version of the software",
    labelNames: ["model", "data", "version", "store"],
    registers,
    collect() {
      const { model, data = "unknown" } = service.recommender;
      this.reset();
      this.set({ model, data, version, store: service.store.kind }, 1);
    },
  });
  service.listener = {
    batch(size, ms) {
      batches.observe(size);
      batchSeconds.observe(ms / 1000);
    },
    events({ accepted, duplicates }) {
      events.inc({ result: "stored" }, accepted - duplicates);
      events.inc({ result: "duplicate" }, duplicates);
    },
    reload: (result) => reloads.inc({ result }),
    refused: ({ path }) => void refused.set(path, (refused.get(path) ?? 0) + 1),
  };
  return {
    request({ method, route, status, seconds }) {
      requests.observe({ method, route, status: String(status) }, seconds);
    },
    fallback: (fallback) => fallbacks.inc({ fallback }),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
