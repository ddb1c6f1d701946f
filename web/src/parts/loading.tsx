/** @file What stands in the place of a value that is not there yet, or could not be had. */
import type { ComponentChildren } from "preact";
import type { Loaded } from "../loaded.ts";

interface Props<T> {
  readonly of: Loaded<T>;
  readonly children: (value: T) => ComponentChildren;
}

export function Loading<T>({ of, children }: Props<T>) {
  if (of.state === "loading") return <p class="quiet">Loading …</p>;
  if (of.state === "failed")
    return (
      <p class="failure" role="alert">
        {of.message}
      </p>
    );
  return <>{children(of.value)}</>;
}
