/** @file The service: load, latency by route, memory, as it reports them to Prometheus; read again every few seconds. */
import { useEffect, useState } from "preact/hooks";
import { bytes, duration, number } from "../format.ts";
import type { Loaded } from "../loaded.ts";
import { Chart } from "../parts/chart.tsx";
import { Loading } from "../parts/loading.tsx";
import { Table } from "../parts/table.tsx";
import { bucketsOf, quantile, type Sample, samplesOf } from "../prometheus.ts";
import { service } from "../service.ts";

/** Milliseconds between two readings, and how many are kept. */
const pause = 3000;
const kept = 100;

interface Reading {
  readonly at: number;
  readonly samples: readonly Sample[];
}

/** The readings so far, oldest first. */
function useReadings(): Loaded<readonly Reading[]> {
  const [loaded, setLoaded] = useState<Loaded<readonly Reading[]>>({ state: "loading" });
  useEffect(() => {
    let readings: readonly Reading[] = [];
    const read = async (): Promise<void> => {
      try {
        readings = [
          ...readings,
          { at: Date.now() / 1000, samples: samplesOf(await service.metrics()) },
        ].slice(-kept);
        setLoaded({ state: "there", value: readings });
      } catch (error) {
        setLoaded({ state: "failed", message: (error as Error).message });
      }
    };
    void read();
    const timer = setInterval(read, pause);
    return () => clearInterval(timer);
  }, []);
  return loaded;
}

const total = (samples: readonly Sample[], name: string): number =>
  samples.filter((sample) => sample.name === name).reduce((sum, { value }) => sum + value, 0);

/** Requests a second between readings. */
function rates(readings: readonly Reading[]): number[] {
  const name = "sequitur_request_seconds_count";
  return readings.map(({ at, samples }, k) => {
    const before = readings[k - 1];
    return before ? (total(samples, name) - total(before.samples, name)) / (at - before.at) : 0;
  });
}

const upTo = (bound: number | null): string =>
  bound === null ? "–" : Number.isFinite(bound) ? `≤ ${duration(bound)}` : "longer";

function Routes({ samples }: Reading) {
  const routes = [...new Set(samples.flatMap(({ labels }) => (labels.route ? [labels.route] : [])))].sort();
  return (
    <section class="card" aria-labelledby="routes-title">
      <h2 id="routes-title">Latency</h2>
      <p class="quiet">Since the service started.</p>
      <Table
        label="Latency by route"
        head={["route", "requests", "half", "95 %", "99 %"]}
        rows={routes.map((route) => {
          const buckets = bucketsOf(samples, "sequitur_request_seconds", { route });
          const requests = number(buckets.get(Number.POSITIVE_INFINITY) ?? 0);
          return [route, requests, ...[0.5, 0.95, 0.99].map((part) => upTo(quantile(buckets, part)))];
        })}
      />
    </section>
  );
}

function Facts({ samples }: Reading) {
  const info = samples.find(({ name }) => name === "sequitur_info")?.labels ?? {};
  const facts = {
    model: info.model ?? "?",
    data: info.data ?? "?",
    store: info.store ?? "?",
    version: info.version ?? "?",
    memory: bytes(total(samples, "process_resident_memory_bytes")),
    "waiting for the model": number(total(samples, "sequitur_queue_length")),
    "events received": number(total(samples, "sequitur_events_total")),
    "answers of a fallback": number(total(samples, "sequitur_fallbacks_total")),
  };
  return (
    <section class="card" aria-labelledby="facts-title">
      <h2 id="facts-title">Now</h2>
      <dl>
        {Object.entries(facts).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

export function ServicePage() {
  const readings = useReadings();
  return (
    <>
      <h1>Service</h1>
      <Loading of={readings}>
        {(value) => {
          const last = value.at(-1)!;
          const x = value.map(({ at }) => at);
          return (
            <>
              <div class="columns">
                <Facts {...last} />
                <Routes {...last} />
              </div>
              <div class="columns">
                <Chart
                  title="Load"
                  about="Requests a second, this page's own included."
                  x={x}
                  lines={[{ name: "requests a second", values: rates(value) }]}
                  label={(at) => new Date(1000 * at).toLocaleTimeString()}
                  time
                />
                <Chart
                  title="Memory"
                  about="Of the process, in MB."
                  x={x}
                  lines={[
                    {
                      name: "MB",
                      values: value.map(
                        ({ samples }) => total(samples, "process_resident_memory_bytes") / 2 ** 20,
                      ),
                    },
                  ]}
                  label={(at) => new Date(1000 * at).toLocaleTimeString()}
                  time
                />
              </div>
            </>
          );
        }}
      </Loading>
    </>
  );
}
