/** @file Try it: a history is put together by clicking, and what comes next changes with it. */
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../api.ts";
import { metric } from "../format.ts";
import { useLoaded } from "../loaded.ts";
import { Find, type FoundItem } from "../parts/find.tsx";
import { ItemList, ItemPicture, type Listed } from "../parts/item-list.tsx";
import { Loading } from "../parts/loading.tsx";
import { itemAddress } from "../route.ts";

type Answer = Awaited<ReturnType<typeof api.recommend>>;

/** Oldest first; kept while other pages are looked at. */
const history = signal<readonly FoundItem[]>([]);

const add = (item: FoundItem): void => {
  history.value = [...history.value, item];
};

/** A heading takes the focus where what had it is gone, so that the keyboard goes on from there. */
const focusOn = (heading: string): void => document.getElementById(heading)?.focus({ preventScroll: true });

function History() {
  const list = useRef<HTMLOListElement>(null);
  const removed = useRef<number | undefined>(undefined);
  const remove = (at: number): void => {
    removed.current = at;
    history.value = history.value.filter((_, k) => k !== at);
  };
  useEffect(() => {
    if (removed.current === undefined) return;
    const buttons = list.current?.querySelectorAll("button") ?? [];
    const next = buttons[Math.min(removed.current, buttons.length - 1)];
    removed.current = undefined;
    if (next) next.focus();
    else focusOn("history-title");
  }, [history.value]);
  if (history.value.length === 0)
    return <p class="quiet">Nothing yet: find an item above, or take one of those that many like.</p>;
  return (
    <ol class="items" ref={list}>
      {history.value.map((item, at) => (
        <li key={`${at}/${item.id}`}>
          <ItemPicture id={item.id} title={item.title ?? item.id} />
          <div>
            <a href={itemAddress(item.id)}>{item.title ?? item.id}</a>
          </div>
          <button type="button" aria-label={`Remove ${item.title ?? item.id}`} onClick={() => remove(at)}>
            ×
          </button>
        </li>
      ))}
    </ol>
  );
}

const sources: Readonly<Record<string, string>> = {
  "item-knn": "items that go together",
  popularity: "popular items",
};

/** What of the history speaks for an item. */
function Why({ item, answer }: { readonly item: Listed; readonly answer: Answer }) {
  const traced = answer.trace?.items.find(({ id }) => id === item.id);
  const titles = new Map(history.value.map(({ id, title }) => [id, title ?? id]));
  const near = traced?.history.filter(({ cosine }) => cosine !== null).slice(0, 3) ?? [];
  return (
    <details class="why">
      <summary>Why?</summary>
      {traced && traced.source !== "sequence" && <p>From {sources[traced.source]}.</p>}
      {near.length > 0 ? (
        <ul>
          {near.map(({ id, cosine, change }) => (
            <li key={id}>
              {titles.get(id) ?? id}: alike {metric(cosine!)}
              {change !== null && `, without it ${change >= 0 ? "−" : "+"}${metric(Math.abs(change))}`}
            </li>
          ))}
        </ul>
      ) : (
        <p>Nothing of the history is near it.</p>
      )}
    </details>
  );
}

function Next({ diversity }: { readonly diversity: number }) {
  const ids = history.value.map(({ id }) => id);
  const answer = useLoaded(
    () => api.recommend({ history: ids, k: 12, diversity, trace: ids.length > 0 }),
    [ids.join("\n"), diversity],
  );
  const button = (item: Listed) => (
    <button
      type="button"
      class="small"
      aria-label={`Add to the history: ${item.title ?? item.id}`}
      onClick={() => {
        add({ ...item, count: 0, image: false });
        focusOn("next-title");
      }}
    >
      Add to the history
    </button>
  );
  return (
    <Loading of={answer}>
      {(value) => (
        <div aria-live="polite">
          {value.reason && <p class="quiet">{value.reason}</p>}
          <ItemList
            items={value.items}
            more={(item) => (
              <div class="row">
                {button(item)}
                {value.trace && <Why item={item} answer={value} />}
              </div>
            )}
          />
        </div>
      )}
    </Loading>
  );
}

export function TryPage() {
  const [diversity, setDiversity] = useState(0);
  return (
    <>
      <h1>What comes next?</h1>
      <div class="columns">
        <section class="card" aria-labelledby="history-title">
          <h2 id="history-title" tabIndex={-1}>
            History
          </h2>
          <Find label="Find an item by its title" onChoose={add} />
          <History />
          {history.value.length > 0 && (
            <button
              type="button"
              class="small"
              onClick={() => {
                history.value = [];
                focusOn("history-title");
              }}
            >
              Start again
            </button>
          )}
        </section>
        <section class="card" aria-labelledby="next-title">
          <h2 id="next-title" tabIndex={-1}>
            Next
          </h2>
          <label class="row">
            Diversity
            <input
              type="range"
              min="0"
              max="1"
              step="0.1"
              value={diversity}
              onChange={(event) => setDiversity(Number(event.currentTarget.value))}
            />
            <output>{diversity.toFixed(1)}</output>
          </label>
          <Next diversity={diversity} />
        </section>
      </div>
    </>
  );
}
