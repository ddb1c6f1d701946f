/** @file A field that finds items by title as one types: arrow keys choose, Enter takes, Escape closes. */
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { api } from "../api.ts";
import { number } from "../format.ts";

export interface FoundItem {
  readonly id: string;
  readonly title?: string | undefined;
  readonly count: number;
  readonly image: boolean;
}

interface Props {
  readonly label: string;
  readonly onChoose: (item: FoundItem) => void;
}

/** Milliseconds without a key before the service is asked. */
const pause = 120;

/** What was found last, and for which words. */
interface Found {
  readonly query: string;
  readonly items: readonly FoundItem[];
}

function useFound(query: string, open: boolean): Found {
  const [found, setFound] = useState<Found>({ query: "", items: [] });
  useEffect(() => {
    if (!open) return;
    const asked = new AbortController();
    const timer = setTimeout(() => {
      api.find(query, 10, asked.signal).then(
        ({ items }) => asked.signal.aborted || setFound({ query, items }),
        () => asked.signal.aborted || setFound({ query, items: [] }),
      );
    }, pause);
    return () => {
      clearTimeout(timer);
      asked.abort();
    };
  }, [query, open]);
  return found;
}

export function Find({ label, onChoose }: Props) {
  const [query, setQuery] = useState("");
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const { query: answered, items: found } = useFound(query, open);
  const id = useId();
  const shown = open && found.length > 0;
  const choose = (item: FoundItem | undefined): void => {
    if (!item) return;
    onChoose(item);
    setQuery("");
    setAt(0);
    setOpen(false);
  };
  const hasty = useRef(false); // Enter came before what is found
  useEffect(() => {
    if (hasty.current && answered === query) choose(found[0]);
    if (answered === query || !open) hasty.current = false;
  }, [found, open]);
  const keys: Readonly<Record<string, () => void>> = {
    ArrowDown: () => (open ? setAt(Math.max(0, Math.min(at + 1, found.length - 1))) : setOpen(true)),
    ArrowUp: () => setAt(Math.max(at - 1, 0)),
    Enter: () => {
      if (!open) return; // what is not to be seen is not taken
      if (answered === query) choose(found[at]);
      else hasty.current = true;
    },
    Escape: () => setOpen(false),
  };
  return (
    <div class="find">
      <label for={`${id}-field`}>{label}</label>
      <input
        id={`${id}-field`}
        type="text"
        role="combobox"
        autocomplete="off"
        aria-expanded={shown}
        aria-controls={`${id}-list`}
        aria-activedescendant={shown ? `${id}-${at}` : undefined}
        value={query}
        placeholder="A title …"
        onFocus={() => setOpen(true)}
        onClick={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onInput={(event) => {
          setQuery(event.currentTarget.value);
          setAt(0);
          setOpen(true);
          hasty.current = false;
        }}
        onKeyDown={(event) => {
          const act = keys[event.key];
          if (!act) return;
          event.preventDefault();
          act();
        }}
      />
      <div id={`${id}-list`} role="listbox" aria-label={label} hidden={!shown}>
        {found.map((item, k) => (
          <div
            key={item.id}
            id={`${id}-${k}`}
            role="option"
            tabIndex={-1}
            aria-selected={k === at}
            onMouseDown={(event) => {
              event.preventDefault(); // the field keeps the focus
              choose(item);
            }}
          >
            <span>{item.title ?? item.id}</span> <small>{number(item.count)}×</small>
          </div>
        ))}
      </div>
    </div>
  );
}
