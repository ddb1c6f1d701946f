/** @file What stands around every page: a way to skip it, the pages by name, and the model that answers. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { route } from "../route.ts";

interface Props {
  readonly pages: readonly { readonly page: string; readonly name: string }[];
  readonly model: string;
  readonly children: ComponentChildren;
}

export function Frame({ pages, model, children }: Props) {
  const { page, id } = route.value;
  const main = useRef<HTMLElement>(null);
  const shown = useRef(`${page}/${id}`);
  const name = pages.find((p) => p.page === page)?.name ?? "Item";
  useEffect(() => {
    document.title = `${name} · Sequitur`;
  }, [name]);
  useEffect(() => {
    if (shown.current === `${page}/${id}`) return;
    shown.current = `${page}/${id}`;
    main.current?.focus({ preventScroll: true }); // where a link that was followed is gone, the keyboard starts again
    scrollTo(0, 0);
  }, [page, id]);
  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
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
      <main id="main" tabIndex={-1} ref={main}>
        {children}
      </main>
    </>
  );
}
