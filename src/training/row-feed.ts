/** @file The rows of item tables that a step reads: fed instead of whole tables, and often the only ones that it updates. */
import { hiddenItem } from "../data/masks.ts";
import type { FedRows } from "../models/train-step.ts";
import type { Tensor, TensorData } from "../tensor/spec.ts";

/** Item numbers of a step's inputs, or `hiddenItem`; where `real` is given, places at which it is 0 are padding. */
export interface StepItems {
  readonly items: Int32Array;
  readonly real?: Int32Array | Float32Array;
}

export interface RowFeed {
  readonly tables: ReadonlySet<string>;
  /**
   * Replaces the items of a step by the numbers of their rows in the feeds: each item has one, in the order in which the
   * items appear. Returns how many there are.
   */
  number(inputs: readonly StepItems[]): number;
  /** The feeds of `count` rows, as many as were numbered or more; filled anew by each call. */
  feeds(tables: Readonly<Record<string, Tensor>>, count: number): Record<string, Tensor>;
  /** Copies of the rows that were read last. */
  copy(table: Tensor): Float32Array;
  /** Puts such rows back to their places. */
  put(rows: Float32Array, table: Tensor): void;
  /** Such rows in their places of an array of the table's size that is zero elsewhere. */
  spread(rows: Float32Array, table: Tensor): Float32Array;
}

/** The feed of a step for tables of `items` rows. */
export function createRowFeed({ tables, count }: FedRows, items: number): RowFeed {
  const rowOf = new Int32Array(items).fill(-1);
  const read = new Int32Array(count);
  let size = 0;
  const buffers: Record<string, Tensor> = {};

  const number = ({ items: values, real }: StepItems): void => {
    for (let k = 0; k < values.length; k++) {
      const item = values[k]!;
      if (real?.[k] === 0)
        values[k] = 0; // any row: what is read there counts nothing
      else if (item !== hiddenItem) {
        if (rowOf[item] === -1) {
          rowOf[item] = size;
          read[size++] = item;
        }
        values[k] = rowOf[item]!;
      }
    }
  };
  const copyInto = (rows: TensorData, table: Tensor): void => {
    const [data, width] = [table.data as Float32Array, widthOf(table)];
    for (let r = 0; r < size; r++) {
      const from = read[r]! * width;
      (rows as Float32Array).set(data.subarray(from, from + width), r * width);
    }
  };
  const put = (rows: Float32Array, data: Float32Array, width: number): void => {
    for (let r = 0; r < size; r++) data.set(rows.subarray(r * width, (r + 1) * width), read[r]! * width);
  };
  return {
    tables: new Set(tables),
    number(inputs) {
      for (let r = 0; r < size; r++) rowOf[read[r]!] = -1;
      size = 0;
      for (const input of inputs) number(input);
      return size;
    },
    feeds(params, fed) {
      const each = tables.map((name) => {
        const table = params[name]!;
        buffers[name] ??= emptyRows(count, table);
        const { data, shape } = buffers[name];
        copyInto(data, table);
        const part = data.subarray(0, fed * widthOf(table)) as Float32Array;
        return [name, { data: part, shape: [fed, ...shape.slice(1)] }] as const;
      });
      return Object.fromEntries(each);
    },
    copy(table) {
      const rows = new Float32Array(size * widthOf(table));
      copyInto(rows, table);
      return rows;
    },
    put: (rows, table) => put(rows, table.data as Float32Array, widthOf(table)),
    spread(rows, table) {
      const whole = new Float32Array(table.data.length);
      put(rows, whole, widthOf(table));
      return whole;
    },
  };
}

const widthOf = ({ data, shape }: Tensor): number => data.length / shape[0]!;

function emptyRows(count: number, table: Tensor): Tensor {
  const type = table.data.constructor as Float32ArrayConstructor;
  const data = new type(new SharedArrayBuffer(type.BYTES_PER_ELEMENT * count * widthOf(table)));
  return { data, shape: [count, ...table.shape.slice(1)] };
}
