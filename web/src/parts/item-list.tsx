/** @file A list of recommended or similar items, with their scores and what speaks for them. */
import type { ComponentChildren } from "preact";
import { useLoaded } from "../loaded.ts";
import { itemAddress } from "../route.ts";
import { itemOf } from "../titles.ts";
import { Picture } from "./picture.tsx";

export interface Listed {
  readonly id: string;
  readonly title?: string | undefined;
  readonly score: number;
}

interface Props {
  readonly items: readonly Listed[];
  readonly more?: (item: Listed) => ComponentChildren;
}

export function ItemPicture({ id, title }: { readonly id: string; readonly title: string }) {
  const item = useLoaded(() => itemOf(id), [id]);
  return <Picture id={id} title={title} image={item.state === "there" && item.value.image} />;
}

export function ItemList({ items, more }: Props) {
  return (
    <ol class="items">
      {items.map((item) => (
        <li key={item.id}>
          <ItemPicture id={item.id} title={item.title ?? item.id} />
          <div>
            <a href={itemAddress(item.id)}>{item.title ?? item.id}</a>
            {more?.(item)}
          </div>
          <data value={item.score} title="score">
            {item.score.toFixed(3)}
          </data>
        </li>
      ))}
    </ol>
  );
}
