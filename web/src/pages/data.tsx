/** @file The data: counts, long tail, lengths of histories, time. */
import { date, number, share } from "../format.ts";
import { useLoaded } from "../loaded.ts";
import { Chart } from "../parts/chart.tsx";
import { Loading } from "../parts/loading.tsx";
import { Table } from "../parts/table.tsx";
import { service } from "../service.ts";

type Data = Awaited<ReturnType<typeof service.data>>;
type Bin = Data["historyLengths"][number];

const binName = ({ from, to }: Bin): string => (from === to ? String(from) : `${from}–${to}`);

interface BinsProps {
  readonly title: string;
  readonly about: string;
  readonly name: string;
  readonly bins: readonly Bin[];
}

function Bins({ title, about, name, bins }: BinsProps) {
  return (
    <Chart
      title={title}
      about={about}
      x={bins.map((_, k) => k)}
      lines={[{ name, values: bins.map(({ count }) => count) }]}
      label={(k) => (bins[k] ? binName(bins[k]) : "")}
      tick={(k) => (bins[k] ? `${bins[k].from}+` : "")}
      bars
    />
  );
}

function Counts({ steps }: Pick<Data, "steps">) {
  return (
    <section class="card" aria-labelledby="steps-title">
      <h2 id="steps-title">Import</h2>
      <Table
        label="Counts after each step of the import"
        head={["step", "interactions", "users", "items"]}
        rows={steps.map(({ step, interactions, users, items }) => [
          step,
          ...[interactions, users, items].map(number),
        ])}
      />
    </section>
  );
}

export function DataPage() {
  const data = useLoaded(service.data, []);
  return (
    <Loading of={data}>
      {(value) => {
        const fifth = value.longTail.find(({ items }) => items >= 0.2);
        return (
          <>
            <h1>Data</h1>
            <p class="quiet">
              {number(value.interactions)} interactions of {number(value.users)} users with{" "}
              {number(value.items)} items
              {value.time && `, ${date(value.time.first)} to ${date(value.time.last)}`} · fingerprint{" "}
              {value.fingerprint}
            </p>
            <div class="columns">
              <Chart
                title="Long tail"
                about={`The most popular fifth of the items has ${fifth ? share(fifth.interactions) : "?"} of all interactions.`}
                x={value.longTail.map(({ items }) => items)}
                lines={[
                  {
                    name: "share of interactions",
                    values: value.longTail.map(({ interactions }) => interactions),
                  },
                ]}
              />
              <Bins
                title="Lengths of histories"
                about="Users by their number of interactions."
                name="users"
                bins={value.historyLengths}
              />
              <Bins
                title="Popularity of items"
                about="Items by their number of interactions."
                name="items"
                bins={value.itemCounts}
              />
              {value.time && (
                <Chart
                  title="Interactions over time"
                  about="In equal spans of time."
                  x={value.time.periods.map(({ from }) => from)}
                  lines={[{ name: "interactions", values: value.time.periods.map(({ count }) => count) }]}
                  label={date}
                  time
                />
              )}
            </div>
            <Counts steps={value.steps} />
          </>
        );
      }}
    </Loading>
  );
}
