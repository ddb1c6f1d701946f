import { expect, it } from "vitest";
import { stream } from "../tensor/random.ts";
import { denseProducts } from "./dense.ts";
import { orthonormal } from "./orthonormal.ts";

it("orthonormal columns span the same, and dependent ones become zero", async () => {
  const [rows, width] = [5000, 6]; // more rows than go through the engine at once
  const x = stream(1, "tall").fillNormal(new Float32Array(rows * width));
  for (let row = 0; row < rows; row++) x[row * width + 3] = x[row * width]! - 2 * x[row * width + 1]!;
  const dense = await denseProducts(width, 1);
  const q = await orthonormal(x, width, dense);
  const inner = await dense.across(q, q);
  for (let i = 0; i < width; i++)
    for (let j = 0; j < width; j++) expect(inner[i * width + j]).toBeCloseTo(i === j && i !== 3 ? 1 : 0, 5);
  const shares = await dense.across(q, x);
  for (let row = 0; row < rows; row += 99) {
    for (let c = 0; c < width; c++) {
      let sum = 0;
      for (let i = 0; i < width; i++) sum += q[row * width + i]! * shares[i * width + c]!;
      expect(sum).toBeCloseTo(x[row * width + c]!, 4);
    }
  }
  await dense.dispose();
});
