/** @file Trigonometric and hyperbolic functions and their inverses. */
import { applied, type Elementwise, type None, type Slope, unary } from "./elementwise.ts";
import { add, div, mul, neg, sqrt, square, sub } from "./pointwise.ts";

type Derivative = (slope: Slope<None>) => Slope<None>["y"];

/** An operator by its derivative, which the arriving gradient is multiplied with. */
const known = (
  name: string,
  f: (x: number) => number,
  derivative: Derivative,
  options: Partial<Elementwise<None>> = { kernels: ["float32"] },
) => unary(name, f, { ...options, gradient: (slope) => [mul(slope.g, derivative(slope))] });
/** The same by what the arriving gradient is divided by. */
const knownInverse = (
  name: string,
  f: (x: number) => number,
  inverse: Derivative,
  draw: Elementwise<None>["draw"] = {},
) => unary(name, f, { kernels: ["float32"], draw, gradient: (slope) => [div(slope.g, inverse(slope))] });

const inside = { within: [-0.9, 0.9] as const };

const sinOp = known("sin", Math.sin, ({ x }) => cos(x[0]!), {});
const cosOp = known("cos", Math.cos, ({ x }) => neg(sin(x[0]!)), {});
const tanOp = known("tan", Math.tan, ({ y }) => add(square(y), 1), {
  kernels: ["float32"],
  draw: { within: [-1.2, 1.2] },
});
const asinOp = knownInverse("asin", Math.asin, ({ x }) => sqrt(sub(1, square(x[0]!))), inside);
const acosOp = knownInverse("acos", Math.acos, ({ x }) => neg(sqrt(sub(1, square(x[0]!)))), inside);
const atanOp = knownInverse("atan", Math.atan, ({ x }) => add(square(x[0]!), 1));
const sinhOp = known("sinh", Math.sinh, ({ x }) => cosh(x[0]!));
const coshOp = known("cosh", Math.cosh, ({ x }) => sinh(x[0]!));
const asinhOp = knownInverse("asinh", Math.asinh, ({ x }) => sqrt(add(square(x[0]!), 1)));
const acoshOp = knownInverse("acosh", Math.acosh, ({ x }) => sqrt(sub(square(x[0]!), 1)), {
  within: [1.5, 4],
});
const atanhOp = knownInverse("atanh", Math.atanh, ({ x }) => sub(1, square(x[0]!)), inside);

export const sin = applied(sinOp);
export const cos = applied(cosOp);
export const tan = applied(tanOp);
export const asin = applied(asinOp);
export const acos = applied(acosOp);
export const atan = applied(atanOp);
export const sinh = applied(sinhOp);
export const cosh = applied(coshOp);
export const asinh = applied(asinhOp);
export const acosh = applied(acoshOp);
export const atanh = applied(atanhOp);

export const trigonometryOps = [
  sinOp,
  cosOp,
  tanOp,
  asinOp,
  acosOp,
  atanOp,
  sinhOp,
  coshOp,
  asinhOp,
  acoshOp,
  atanhOp,
];
