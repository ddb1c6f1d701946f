/** @file A chart of one or more lines or of bars, with the same figures as a table for those who do not see it. */
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { Table } from "./table.tsx";

export interface Line {
  readonly name: string;
  readonly values: readonly number[];
}

interface Props {
  readonly title: string;
  /** Says what the picture shows. */
  readonly about: string;
  readonly x: readonly number[];
  readonly lines: readonly Line[];
  readonly bars?: boolean;
  /** How a place on the horizontal axis is written in the table; below bars where there is no `tick`. */
  readonly label?: (x: number) => string;
  /** What stands below a bar. */
  readonly tick?: (x: number) => string;
  readonly time?: boolean;
}

const height = 220;

const colour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function options({ x, lines, bars, label, tick = label, time }: Props, width: number): uPlot.Options {
  const [text, grid] = [colour("--text"), colour("--line")];
  const axis = { stroke: text, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
  const places = bars && tick && { splits: () => [...x], values: (_: uPlot, at: number[]) => at.map(tick) };
  return {
    width,
    height,
    legend: { show: lines.length > 1, live: false },
    cursor: { y: false },
    scales: {
      x: { time: time ?? false, ...(bars && { range: [-0.5, x.length - 0.5] as [number, number] }) },
    },
    axes: [
      { ...axis, ...places },
      { ...axis, size: 60 },
    ],
    series: [
      {},
      ...lines.map(({ name }, k) => ({
        label: name,
        stroke: colour(`--series-${k + 1}`),
        width: 2,
        ...(bars && {
          points: { show: false },
          paths: uPlot.paths.bars!({ size: [0.7] }),
          fill: colour(`--series-${k + 1}`),
        }),
      })),
    ],
  };
}

export function Chart(props: Props) {
  const { title, about, x, lines, label = String } = props;
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = place.current!;
    let plot: uPlot | undefined;
    const draw = (): void => {
      plot?.destroy();
      const data: uPlot.AlignedData = [[...x], ...lines.map(({ values }) => [...values])];
      plot = new uPlot(options(props, element.clientWidth), data, element);
    };
    draw();
    const resized = new ResizeObserver(() => plot?.setSize({ width: element.clientWidth, height }));
    resized.observe(element);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", draw);
    return () => {
      scheme.removeEventListener("change", draw);
      resized.disconnect();
      plot?.destroy();
    };
  }, [x, lines]);
  return (
    <figure class="card">
      <figcaption>
        <h3>{title}</h3>
        <p class="quiet">{about}</p>
      </figcaption>
      <div ref={place} aria-hidden="true" />
      <details>
        <summary>The figures as a table</summary>
        <Table
          label={title}
          head={["at", ...lines.map(({ name }) => name)]}
          rows={x.map((at, k) => [label(at), ...lines.map(({ values }) => String(values[k]))])}
        />
      </details>
    </figure>
  );
}
