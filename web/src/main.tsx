/** @file The web app: its frame, and the page that the address names. */
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { api, apiKey, locked } from "./api.ts";
import { useLoaded } from "./loaded.ts";
import { DataPage } from "./pages/data.tsx";
import { ItemPage } from "./pages/item.tsx";
import { RunPage } from "./pages/run.tsx";
import { ServicePage } from "./pages/service.tsx";
import { TryPage } from "./pages/try.tsx";
import { route } from "./route.ts";
import "uplot/dist/uPlot.min.css";
import "./style.css";

const pages = [
  { page: "try", name: "Try it", show: () => <TryPage /> },
  { page: "run", name: "Run", show: () => <RunPage /> },
  { page: "data", name: "Data", show: () => <DataPage /> },
  { page: "service", name: "Service", show: () => <ServicePage /> },
] as const;

function Model() {
  const health = useLoaded(api.health, [locked.value]);
  return <span class="model">{health.state === "there" ? health.value.model : ""}</span>;
}

/** Asks for the key of a service that wants one. */
function KeyForm() {
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    apiKey.set(String(new FormData(event.currentTarget as HTMLFormElement).get("key")));
  };
  return (
    <form class="card" onSubmit={submit}>
      <label>
        This service asks for an API key. <input name="key" type="password" autocomplete="off" required />
      </label>
      <button type="submit">Use it</button>
    </form>
  );
}

function Page() {
  const { page, id } = route.value;
  if (page === "item") return <ItemPage key={id} id={id} />;
  const known = pages.find((p) => p.page === page);
  return known ? known.show() : <p>There is no page “{page}”.</p>;
}

function App() {
  const { page } = route.value;
  const name = pages.find((p) => p.page === page)?.name ?? "Item";
  useEffect(() => {
    document.title = `${name} · Sequitur`;
  }, [name]);
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header>
        <a class="brand" href="#/try">
          Sequitur
        </a>
        <nav aria-label="Pages">
          {pages.map((p) => (
            <a key={p.page} href={`#/${p.page}`} aria-current={p.page === page ? "page" : undefined}>
              {p.name}
            </a>
          ))}
        </nav>
        <Model />
      </header>
      <main id="main" tabIndex={-1}>
        {locked.value ? <KeyForm /> : <Page />}
      </main>
    </>
  );
}

render(<App />, document.getElementById("app")!);
