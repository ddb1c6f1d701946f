/** @file What an Einstein summation says: the labels of each operand's axes, and those of the result. */
import { ShapeError } from "../../tensor/errors.ts";
import { formatShape, type Shape } from "../../tensor/spec.ts";

/** Letters of the equation; "0", "1", … count the axes of an ellipsis from the last. */
export type Label = string;

export interface Equation {
  readonly operands: readonly (readonly Label[])[];
  readonly output: readonly Label[];
}

/** Reads "...ij,...jk->...ik" for operands of these shapes. @throws ShapeError */
export function parseEquation(equation: string, shapes: readonly Shape[]): Equation {
  const fail = (what: string): never => {
    throw new ShapeError("einsum", `einsum: "${equation}" ${what}`, { equation });
  };
  const [left, right, ...rest] = equation.replaceAll(" ", "").split("->");
  const terms = left!.split(",");
  if (rest.length > 0) fail("has more than one arrow");
  if (terms.length !== shapes.length) fail(`has ${terms.length} terms for ${shapes.length} operands`);
  const letters = terms.map((term) => lettersOf(term, fail));
  const hidden = letters.map((own, i) => {
    const shape = shapes[i]!;
    const dots = own.includes("...");
    const more = shape.length - own.length + Number(dots);
    if (dots ? more < 0 : more !== 0)
      fail(`does not name the axes of operand ${i}, which is ${formatShape(shape)}`);
    return more;
  });
  const operands = letters.map((own, i) => spelled(own, hidden[i]!));
  const most = Math.max(...hidden);
  if (most > 0 && right !== undefined && !right.includes("...")) fail("drops the axes of the ellipsis");
  const output = right === undefined ? implied(operands, most) : spelled(lettersOf(right, fail), most);
  const unknown = output.find((label) => !operands.some((labels) => labels.includes(label)));
  if (unknown !== undefined) fail(`asks for "${unknown}", which no operand has`);
  if (new Set(output).size < output.length) fail("repeats a letter in the result");
  return { operands, output };
}

function lettersOf(term: string, fail: (what: string) => never): string[] {
  const letters = term.match(/\.\.\.|./gs) ?? [];
  const bad = letters.find((letter) => !/^(\.\.\.|[A-Za-z])$/.test(letter));
  if (bad !== undefined) fail(`holds "${bad}"; letters, "...", "," and "->" are known`);
  if (letters.filter((letter) => letter === "...").length > 1) fail(`has two ellipses in "${term}"`);
  return letters;
}

/** An ellipsis written out for the number of axes it stands for. */
const spelled = (letters: readonly string[], hidden: number): Label[] =>
  letters.flatMap((letter) =>
    letter === "..." ? Array.from({ length: hidden }, (_, k) => String(hidden - 1 - k)) : [letter],
  );

/** Without an arrow: the ellipsis, then letters that occur once, in the order of the alphabet. */
function implied(operands: readonly (readonly Label[])[], hidden: number): Label[] {
  const all = operands.flat().filter((label) => label >= "A");
  const once = all.filter((label) => all.indexOf(label) === all.lastIndexOf(label));
  return [...spelled(["..."], hidden), ...once.sort()];
}
