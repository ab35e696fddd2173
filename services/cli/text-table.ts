import { printable } from './printable.ts'

/** Lays rows out in columns as wide as their widest cell; the last column is not padded. */
export function textTable(header: string[], rows: string[][]): string {
  const cells = [header, ...rows.map((row) => row.map(printable))]
  const widths = header.map((_, column) => cells.reduce((widest, row) => Math.max(widest, lengthOf(row[column])), 0))
  return cells
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell + padding(cell, widths[column]))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

function padding(cell: string, width = 0): string {
  return ' '.repeat(width - lengthOf(cell))
}

function lengthOf(cell = ''): number {
  return [...cell].length
}
