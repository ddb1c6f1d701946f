/** @file A value that is being asked for, is there, or could not be had. */
import { useEffect, useState } from "preact/hooks";

export type Loaded<T> =
  | { readonly state: "loading" }
  | { readonly state: "there"; readonly value: T }
  | { readonly state: "failed"; readonly message: string };

/** Asks anew whenever `keys` change; an answer that comes too late is dropped. */
export function useLoaded<T>(load: () => Promise<T>, keys: readonly unknown[]): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T>>({ state: "loading" });
  useEffect(() => {
    let late = false;
    load().then(
      (value) => late || setLoaded({ state: "there", value }),
      (error: Error) => late || setLoaded({ state: "failed", message: error.message }),
    );
    return () => {
      late = true;
    };
  }, keys);
  return loaded;
}
