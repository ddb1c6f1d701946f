/** @file Nodes in an order of execution: those that the outputs depend on, each after what it uses. */
import { malformed, quoted, someOf } from "./faults.ts";
import { type SourceNode, usedBy } from "./source.ts";

export interface Names {
  /** Inputs and stored tensors of the graph itself. */
  readonly own: ReadonlySet<string>;
  /** Names of the graphs around it. */
  outer(name: string): boolean;
}

/**
 * The nodes that `outputs` depend on, in the order of the file where that is an order of execution.
 *
 * @throws DataError for a name given twice, a name that nothing gives, and nodes in a cycle
 */
export function ordered(
  nodes: readonly SourceNode[],
  names: Names,
  outputs: readonly string[],
): readonly SourceNode[] {
  const makers = makersOf(nodes, names);
  const uses = new Map<SourceNode, readonly SourceNode[]>();
  const makerOf = (name: string, where: string): SourceNode[] => {
    const maker = makers.get(name);
    if (maker) return [maker];
    if (names.own.has(name) || names.outer(name)) return [];
    return malformed(`${where}: there is no value ${quoted(name)}`, { name });
  };
  const waiting = outputs.flatMap((name) => makerOf(name, "the outputs"));
  while (waiting.length > 0) {
    const node = waiting.pop()!;
    if (uses.has(node)) continue;
    const used = usedBy(node.proto).flatMap((name) =>
      makerOf(name, `node ${quoted(node.name)} (${node.type})`),
    );
    uses.set(node, used);
    waiting.push(...used);
  }
  return depthFirst(
    nodes.filter((node) => uses.has(node)),
    uses,
  );
}

function makersOf(nodes: readonly SourceNode[], { own }: Names): ReadonlyMap<string, SourceNode> {
  const makers = new Map<string, SourceNode>();
  for (const node of nodes) {
    for (const name of node.proto.output) {
      if (name === "") continue;
      const before = makers.get(name);
      const other = before
        ? `node ${quoted(before.name)}`
        : own.has(name)
          ? "the inputs or stored tensors"
          : "";
      if (other)
        malformed(`the name ${quoted(name)} is given twice, by ${other} and by node ${quoted(node.name)}`, {
          name,
        });
      makers.set(name, node);
    }
  }
  return makers;
}

/** What is used comes first; else the given order stays. Deep graphs do not deepen the call stack. */
function depthFirst(
  nodes: readonly SourceNode[],
  uses: ReadonlyMap<SourceNode, readonly SourceNode[]>,
): SourceNode[] {
  const done = new Set<SourceNode>();
  const open = new Map<SourceNode, Iterator<SourceNode>>();
  const order: SourceNode[] = [];
  for (const start of nodes) {
    if (!done.has(start)) open.set(start, uses.get(start)!.values());
    const path = done.has(start) ? [] : [start];
    while (path.length > 0) {
      const node = path.at(-1)!;
      const { value: next, done: all } = open.get(node)!.next();
      if (all) {
        path.pop();
        open.delete(node);
        done.add(node);
        order.push(node);
      } else if (open.has(next)) {
        const cycle = path.slice(path.indexOf(next)).map(({ name }) => name);
        malformed(`nodes wait for each other in a circle: ${someOf(cycle)}`, { nodes: cycle });
      } else if (!done.has(next)) {
        open.set(next, uses.get(next)!.values());
        path.push(next);
      }
    }
  }
  return order;
}
