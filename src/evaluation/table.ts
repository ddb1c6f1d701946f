/** @file Plain text tables. */

/** Columns under their headings, the first aligned left and the others right, two spaces between. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, ...rows];
  const widths = header.map((_, column) =>
    Math.max(...lines.map((line) => [...(line[column] ?? "")].length)),
  );
  const pad = (text: string, column: number) => {
    const space = " ".repeat(widths[column]! - [...text].length);
    return column === 0 ? text + space : space + text;
  };
  return lines.map((line) => line.map(pad).join("  ").trimEnd()).join("\n");
}
