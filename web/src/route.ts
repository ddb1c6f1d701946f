/** @file The page that is shown, kept in the address: #/item/ID. */
import { signal } from "@preact/signals";

export interface Route {
  readonly page: string;
  readonly id: string;
}

function read(): Route {
  const [page = "", ...rest] = location.hash.replace(/^#\/?/, "").split("/");
  return { page: page || "try", id: decodeURIComponent(rest.join("/")) };
}

export const route = signal(read());
addEventListener("hashchange", () => {
  route.value = read();
});

export const itemAddress = (id: string): string => `#/item/${encodeURIComponent(id)}`;
