/** @file The exported page: try the model and look at items, without a service. */
import { render } from "preact";
import { answerBy } from "../src/api.ts";
import { useLoaded } from "../src/loaded.ts";
import { ItemPage } from "../src/pages/item.tsx";
import { TryPage } from "../src/pages/try.tsx";
import { Frame } from "../src/parts/frame.tsx";
import { route } from "../src/route.ts";
import { localApi } from "./local.ts";
import { home, openAt } from "./recommender.ts";
import "../src/style.css";

const pages = [{ page: "try", name: "Try it" }] as const;

async function open() {
  const opened = await openAt();
  answerBy(localApi(opened, home));
  return opened.recommender;
}

function Page() {
  const { page, id } = route.value;
  if (page === "item") return <ItemPage key={id} id={id} />;
  return page === "try" ? <TryPage /> : <p>There is no page “{page}”.</p>;
}

function App() {
  const model = useLoaded(open, []);
  return (
    <Frame pages={pages} model={model.state === "there" ? model.value.model : ""}>
      {model.state === "there" && (
        <>
          <Page />
          <p class="quiet">The model runs in this page: what you choose does not leave it.</p>
        </>
      )}
      {model.state === "loading" && <p class="quiet">Loading the model …</p>}
      {model.state === "failed" && (
        <p class="failure" role="alert">
          The model could not be loaded: {model.message}
        </p>
      )}
    </Frame>
  );
}

const place = document.getElementById("app")!;
place.replaceChildren();
render(<App />, place);
