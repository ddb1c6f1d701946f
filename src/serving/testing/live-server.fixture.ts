/** @file A server of the cycle world in a process of its own, which tests may kill: node live-server.fixture.js DIRECTORY [STORE]. */

import { Recommender } from "../recommender.ts";
import { serve } from "../serve.ts";
import { Service } from "../service.ts";
import { liveHistories } from "../state/live-histories.ts";
import { openStore } from "../state/open-store.ts";
import { cycleRecommender } from "./cycle-recommender.ts";

const [directory, named] = process.argv.slice(2);
try {
  const service = await Service.open({
    store: await openStore(named, directory!),
    async open({ events, queue }) {
      const { recommender, retriever } = cycleRecommender({ batch: 64 });
      const { items } = recommender;
      return new Recommender({ retriever, items, model: "cycle", historyOf: liveHistories(events), queue });
    },
  });
  const onError = (error: unknown) => process.send!({ error: String(error) });
  const server = await serve(service, { port: 0, onError });
  process.once("SIGTERM", () => void server.close().then(() => process.disconnect()));
  process.send!({ address: server.address });
} catch (error) {
  process.send!({ failure: (error as Error).message });
  process.disconnect();
}
