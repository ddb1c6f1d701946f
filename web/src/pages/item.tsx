/** @file One item: its content, items like it, how often it was met over time. */
import { api } from "../api.ts";
import { date, number } from "../format.ts";
import { useLoaded } from "../loaded.ts";
import { Chart } from "../parts/chart.tsx";
import { ItemList } from "../parts/item-list.tsx";
import { Loading } from "../parts/loading.tsx";
import { Picture } from "../parts/picture.tsx";

type Item = Awaited<ReturnType<typeof api.item>>;

const text = (value: unknown): string =>
  Array.isArray(value)
    ? value.map(text).join(", ")
    : typeof value === "object"
      ? JSON.stringify(value)
      : String(value);

function Fields({ fields }: Pick<Item, "fields">) {
  const known = Object.entries(fields);
  if (known.length === 0) return <p class="quiet">Nothing but its id is known.</p>;
  return (
    <dl>
      {known.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{text(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

function Popularity({ popularity }: { readonly popularity: NonNullable<Item["popularity"]> }) {
  return (
    <Chart
      title="Interactions over time"
      about="How often it was met, in equal spans of time of the data."
      x={popularity.map(({ from }) => from)}
      lines={[{ name: "interactions", values: popularity.map(({ count }) => count) }]}
      label={date}
      time
    />
  );
}

export function ItemPage({ id }: { readonly id: string }) {
  const item = useLoaded(() => api.item(id), [id]);
  const similar = useLoaded(() => api.similar(id), [id]);
  return (
    <Loading of={item}>
      {(value) => (
        <>
          <h1 class="row">
            <Picture id={id} title={value.title ?? id} image={value.image} /> {value.title ?? id}
          </h1>
          <p class="quiet">
            {id} · {number(value.count)} training interactions
            {value.recommendable && " · the model can recommend it"}
          </p>
          {!value.recommendable && (
            <p role="note">The model does not recommend it{value.reason && <>: {value.reason}</>}.</p>
          )}
          <div class="columns">
            <section class="card" aria-labelledby="content-title">
              <h2 id="content-title">Content</h2>
              <Fields fields={value.fields} />
            </section>
            <section class="card" aria-labelledby="similar-title">
              <h2 id="similar-title">Similar items</h2>
              <Loading of={similar}>{({ items }) => <ItemList items={items} />}</Loading>
            </section>
          </div>
          {value.popularity && <Popularity popularity={value.popularity} />}
        </>
      )}
    </Loading>
  );
}
