import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { strings } from '../strings.ts'

export type ChartTable = { columns: string[]; rows: () => (string | number)[][] }

/** A drawing with its name, and the same numbers as a table for whoever does not see it, or wants to read them. */
export function ChartFigure({
  title,
  legend,
  table,
  children,
}: {
  title: string
  legend?: ComponentChildren
  table: ChartTable
  children: ComponentChildren
}) {
  const [open, setOpen] = useState(false)
  return (
    <figure class="chart">
      <figcaption>{title}</figcaption>
      {legend}
      {children}
      <details class="chart-table" onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>{strings.charts.asTable}</summary>
        {open && (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
          <section class="scroll" aria-label={title} tabIndex={0}>
            <table>
              <thead>
                <tr>
                  {table.columns.map((column) => (
                    <th key={column} scope="col">
                      {column}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {table.rows().map(([first, ...rest]) => (
                  <tr key={first}>
                    <th scope="row">{first}</th>
                    {rest.map((cell, index) => (
                      <td key={table.columns[index + 1]}>{cell}</td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
        )}
      </details>
    </figure>
  )
}
