/** @file Plain text tables. */

/** Text that stays on its line: control characters (line ends, terminal codes) become spaces. */
const inLine = (text: string): string => text.replaceAll(/\p{Cc}+/gu, " ");

/** Columns under their headings, the first aligned left and the others right, two spaces between. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, ...rows].map((line) => line.map(inLine));
  const widths = header.map((_, column) =>
    Math.max(...lines.map((line) => [...(line[column] ?? "")].length)),
  );
  const pad = (text: string, column: number) => {
    const space = " ".repeat(widths[column]! - [...text].length);
    return column === 0 ? text + space : space + text;
  };
  return lines.map((line) => line.map(pad).join("  ").trimEnd()).join("\n");
}
