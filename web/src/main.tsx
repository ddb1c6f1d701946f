/** @file The web app of a service: the page that the address names, in its frame. */
import { render } from "preact";
import { answerBy } from "./api.ts";
import { useLoaded } from "./loaded.ts";
import { DataPage } from "./pages/data.tsx";
import { ItemPage } from "./pages/item.tsx";
import { RunPage } from "./pages/run.tsx";
import { ServicePage } from "./pages/service.tsx";
import { TryPage } from "./pages/try.tsx";
import { Frame } from "./parts/frame.tsx";
import { route } from "./route.ts";
import { apiKey, locked, service } from "./service.ts";
import "uplot/dist/uPlot.min.css";
import "./style.css";

const pages = [
  { page: "try", name: "Try it", show: () => <TryPage /> },
  { page: "run", name: "Run", show: () => <RunPage /> },
  { page: "data", name: "Data", show: () => <DataPage /> },
  { page: "service", name: "Service", show: () => <ServicePage /> },
] as const;

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
  const health = useLoaded(service.health, [locked.value]);
  return (
    <Frame pages={pages} model={health.state === "there" ? health.value.model : ""}>
      {locked.value ? <KeyForm /> : <Page />}
    </Frame>
  );
}

answerBy(service);
render(<App />, document.getElementById("app")!);
