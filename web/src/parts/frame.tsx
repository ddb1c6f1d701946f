/** @file What stands around every page: a way to skip it, the pages by name, and the model that answers. */
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { route } from "../route.ts";

interface Props {
  readonly pages: readonly { readonly page: string; readonly name: string }[];
  readonly model: string;
  readonly children: ComponentChildren;
}

export function Frame({ pages, model, children }: Props) {
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
        <span class="model">{model}</span>
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}
