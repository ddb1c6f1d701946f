import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { print } from "../graph/graph.ts";
import { f32 } from "../tensor/spec.ts";
import { checkModel } from "../testing/check-model.ts";
import { bytesOf, feeds, node, read } from "./edited.fixture.ts";
import { readOnnx } from "./read.ts";
import {
  FunctionProtoSchema,
  AttributeProto_AttributeType as Kind,
  type ModelProto,
  ModelProtoSchema,
} from "./schema/onnx_pb.ts";

describe("readOnnx and functions of the file", () => {
  const own = {
    domain: "own",
    opsetImport: [
      { domain: "", version: 17n },
      { domain: "own", version: 1n },
    ],
  };
  const call = (name: string, output: string) => ({
    opType: name,
    domain: "own",
    input: ["a"],
    output: [output],
  });

  /** twice(a) = join(join(a)), where join(c; along = 0) puts c and −c one after the other. */
  function withFunctions(model: ModelProto): void {
    model.opsetImport.push({ $typeName: "onnx.OperatorSetIdProto", domain: "own", version: 1n });
    model.functions = [
      create(FunctionProtoSchema, {
        ...own,
        name: "twice",
        input: ["a"],
        output: ["c"],
        node: [call("join", "b"), { ...call("join", "c"), input: ["b"] }],
      }),
      create(FunctionProtoSchema, {
        ...own,
        name: "join",
        input: ["c"],
        output: ["d"],
        attributeProto: [{ name: "along", type: Kind.INT, i: 0n }],
        node: [
          { opType: "Neg", input: ["c"], output: ["a"] },
          {
            opType: "Concat",
            input: ["c", "a"],
            output: ["d"],
            attribute: [{ name: "axis", refAttrName: "along", type: Kind.INT }],
          },
        ],
      }),
    ];
  }
  const fields = { nodes: [node("twice", "x", "h", { domain: "own" }), node("Exp", "h", "y")] };

  it("puts their nodes in the place of calls", async () => {
    expect(await checkModel(bytesOf(fields, withFunctions), feeds)).toBeLessThan(1e-6);
  });

  it("refuses calls without end", () => {
    const endless = (model: ModelProto): void => {
      withFunctions(model);
      model.functions[1]!.node[1]!.opType = "twice";
      model.functions[1]!.node[1]!.domain = "own";
    };
    expect(() => read(fields, endless)).toThrow(/function "\w+" calls itself, or calls nest too deeply/);
    const bomb = (model: ModelProto): void => {
      withFunctions(model);
      const doubled = (i: number) => [call(`f${i + 1}`, "b"), call(`f${i + 1}`, "c")];
      model.functions = Array.from({ length: 30 }, (_, i) =>
        create(FunctionProtoSchema, {
          ...own,
          name: `f${i}`,
          input: ["a"],
          output: ["c"],
          node: i < 29 ? doubled(i) : [{ opType: "Neg", input: ["a"], output: ["c"] }],
        }),
      );
      model.graph!.node[0]!.opType = "f0";
    };
    expect(() => read(fields, bomb)).toThrow("its functions unfold to more than 100,000 nodes");
  });
});

describe("readOnnx and conditions", () => {
  const branch = (name: string, type: string) => ({
    name,
    type: Kind.GRAPH,
    g: {
      name,
      node: [{ opType: type, name: `${type}_inside`, input: ["x", "k"], output: ["z"] }],
      initializer: [{ name: "k", dataType: 1, dims: [2n], floatData: [3, 4] }],
      output: [{ name: "z" }],
    },
  });
  const choose = (model: ModelProto): void => {
    const given = [branch("then_branch", "Add"), branch("else_branch", "Mul")];
    model.graph!.node.find(({ opType }) => opType === "If")!.attribute = create(ModelProtoSchema, {
      graph: { node: [{ attribute: given }] },
    }).graph!.node[0]!.attribute;
  };

  it.each([
    [1, "add"],
    [0, "mul"],
  ])("takes the branch of a condition that is known: %s", async (value, op) => {
    const condition = { dtype: "bool" as const, shape: [], values: [value] };
    const fields = { initializers: { c: condition }, nodes: [node("If", "c", "y")] };
    const graph = read(fields, choose);
    expect(print(graph)).toContain(`${op}(x, If_0/k)`);
    expect(await checkModel(bytesOf(fields, choose), feeds)).toBeLessThan(1e-6);
  });

  it("lists conditions that are not known with all else that is not supported", () => {
    const nodes = [
      node("If", "c", "a"),
      node("Frobnicate", "x", "b"),
      node("Frobnicate", "b", "d"),
      node("Add", "half half", "e"),
      node("Cast", "x", "f", { attributes: { to: 10 } }),
      node("Gelu", "a", "y", { domain: "com.acme" }),
    ];
    const model = bytesOf(
      {
        nodes,
        outputs: ["y", "d", "e", "f"],
        inputs: { x: f32(2), c: { dtype: "bool", shape: [] }, half: f32(1) },
      },
      (m) => {
        choose(m);
        const { type } = m.graph!.input[2]!;
        if (type!.value.case === "tensorType") type!.value.value.elemType = 10;
      },
    );
    expect(() => readOnnx(model)).toThrow(
      'readOnnx: not supported: operators: Frobnicate ×2 ("Frobnicate_1", "Frobnicate_2"), com.acme.Gelu ×1 ("Gelu_5"); ' +
        'control flow that depends on what is fed: If ×1 ("If_0"); types: FLOAT16 ×2 ("half", "Cast_4")',
    );
  });
});
