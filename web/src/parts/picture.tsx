/** @file The picture of an item, or the first letter of its title. */
import { api } from "../api.ts";
import { useLoaded } from "../loaded.ts";

interface Props {
  readonly id: string;
  readonly title: string;
  readonly image: boolean;
}

const pictures = new Map<string, Promise<string>>();

function pictureOf(id: string): Promise<string> {
  const known = pictures.get(id) ?? api.image(id);
  pictures.set(id, known);
  return known;
}

/** Decoration: the title stands beside it. */
export function Picture({ id, title, image }: Props) {
  const picture = useLoaded(() => (image ? pictureOf(id) : Promise.reject(new Error("none"))), [id, image]);
  if (picture.state === "there") return <img class="picture" src={picture.value} alt="" />;
  return (
    <span class="picture letter" aria-hidden="true">
      {title.trim().charAt(0).toUpperCase() || "?"}
    </span>
  );
}
