/** @file The run: how it learned, how good it is beside the baselines and by popularity, with which settings. */
import { duration, metric, number, share } from "../format.ts";
import { useLoaded } from "../loaded.ts";
import { Chart } from "../parts/chart.tsx";
import { ItemList, ItemPicture } from "../parts/item-list.tsx";
import { Loading } from "../parts/loading.tsx";
import { Table } from "../parts/table.tsx";
import { itemAddress } from "../route.ts";
import { service } from "../service.ts";

type Run = Awaited<ReturnType<typeof service.run>>;
type Evaluation = NonNullable<Run["evaluation"]>;

function Curves({ epochs, bestEpoch }: Pick<Run, "epochs" | "bestEpoch">) {
  if (epochs.length === 0) return <p class="quiet">A baseline is counted, not trained: it has no curves.</p>;
  const x = epochs.map(({ epoch }) => epoch);
  return (
    <div class="columns">
      <Chart
        title="Validation"
        about={`After each epoch; the weights of epoch ${bestEpoch} were kept.`}
        x={x}
        lines={["NDCG@10", "HR@10"].map((name) => ({
          name,
          values: epochs.map(({ validation }) => validation[name] ?? 0),
        }))}
      />
      <Chart
        title="Loss"
        about="Mean over the tokens of an epoch, in nats."
        x={x}
        lines={[{ name: "loss", values: epochs.map(({ loss }) => loss) }]}
      />
    </div>
  );
}

function Metrics({ recipe, evaluation }: { readonly recipe: string; readonly evaluation: Evaluation }) {
  const { users, metrics, baselines, groups = {}, fingerprint } = evaluation;
  const names = Object.keys(metrics);
  const named = [
    [recipe, metrics] as const,
    ...Object.entries(baselines),
    ...Object.entries(groups).map(
      ([group, part]) => [`${recipe}, ${group} items (${number(part.users)} users)`, part.metrics] as const,
    ),
  ];
  const cell = (value: number | undefined): string => (value === undefined ? "–" : metric(value));
  return (
    <section class="card" aria-labelledby="metrics-title">
      <h2 id="metrics-title">Test</h2>
      <p class="quiet">
        {number(users)} users, all items ranked, seen items left out; protocol {fingerprint}.
      </p>
      <Table
        label="Metrics on the test part"
        head={["model", ...names]}
        rows={named.map(([name, values]) => [name, ...names.map((each) => cell(values[each]))])}
      />
    </section>
  );
}

function ByPopularity({ byPopularity, users }: Evaluation) {
  return (
    <section class="card" aria-labelledby="popularity-title">
      <h2 id="popularity-title">By popularity of the target</h2>
      <Table
        label="Metrics by popularity of the target"
        head={["training interactions", "users", "HR@10", "NDCG@10"]}
        rows={byPopularity.map((group) => [
          group.to === null ? `${group.from} or more` : `${group.from}–${group.to}`,
          `${number(group.users)} (${share(group.users / users)})`,
          metric(group["HR@10"]),
          metric(group["NDCG@10"]),
        ])}
      />
    </section>
  );
}

type Health = NonNullable<Run["health"]>;

/** How many of the directions the item vectors use, how long they are, and who is near whom. */
function VectorHealth({ health }: { readonly health: Health }) {
  const { dim, effectiveRank, effectiveRankCentred, lengthsByPopularity, neighbours } = health;
  const rank = (value: number | null): string => (value === null ? "not measured" : value.toFixed(1));
  return (
    <section class="card" aria-labelledby="health-title">
      <h2 id="health-title">Item vectors</h2>
      <p class="quiet">
        Effective rank {rank(effectiveRank)} of {dim}, {rank(effectiveRankCentred)} without their mean. Mean
        length from the least to the most popular fifth:{" "}
        {lengthsByPopularity.map((length) => length.toFixed(2)).join(", ")}. Below, some items from the most
        to the least popular, each with those of the nearest direction.
      </p>
      <div class="columns">
        {neighbours.map(({ item, title, near }) => (
          <div key={item}>
            <h3 class="row">
              <ItemPicture id={item} title={title ?? item} />
              <a href={itemAddress(item)}>{title ?? item}</a>
            </h3>
            <ItemList
              items={near.map((other) => ({ id: other.item, title: other.title, score: other.cosine }))}
            />
          </div>
        ))}
      </div>
    </section>
  );
}

export function RunPage() {
  const run = useLoaded(service.run, []);
  return (
    <Loading of={run}>
      {(value) => (
        <>
          <h1>{value.recipe}</h1>
          <p class="quiet">
            {value.model} · seed {value.seed} · {number(value.items)} items, {number(value.users)} users ·
            data {value.data} · trained in {duration(value.seconds)}
          </p>
          <Curves {...value} />
          {value.evaluation ? (
            <div class="columns">
              <Metrics recipe={value.recipe} evaluation={value.evaluation} />
              <ByPopularity {...value.evaluation} />
            </div>
          ) : (
            <p class="card">Not evaluated yet: run “sequitur evaluate --run …” and come back.</p>
          )}
          {value.health && <VectorHealth health={value.health} />}
          <details class="card">
            <summary>Settings</summary>
            <pre>{JSON.stringify(value.config, null, 2)}</pre>
          </details>
        </>
      )}
    </Loading>
  );
}
