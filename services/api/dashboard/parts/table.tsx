import type { ComponentChildren } from 'preact'
import { strings } from '../strings.ts'

export type Column<Row> = {
  key: string
  head: ComponentChildren
  cell(row: Row): ComponentChildren
  /** Digits are set to the right and of one width. */
  numeric?: boolean
  /** Names the row; one column of a table. */
  heads?: boolean
}

export type TableProps<Row> = {
  caption: string
  /** The caption is for those who do not see that the heading above says the same. */
  captionHidden?: boolean
  columns: Column<Row>[]
  rows: Row[]
  rowKey(row: Row): string
  rowClass?(row: Row): string | undefined
}

/** Scrolls sideways by itself where it does not fit. */
export function Table<Row>({ caption, captionHidden = true, columns, rows, rowKey, rowClass }: TableProps<Row>) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
    <section class="table-scroll" aria-label={strings.parts.scroll(caption)} tabIndex={0}>
      <table class="table">
        <caption class={captionHidden ? 'unseen' : undefined}>{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ key, head, numeric }) => (
              <th key={key} scope="col" class={numeric ? 'numeric' : undefined}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)} class={rowClass?.(row)}>
              {columns.map(({ key, cell, numeric, heads }) =>
                heads ? (
                  <th key={key} scope="row">
                    {cell(row)}
                  </th>
                ) : (
                  <td key={key} class={numeric ? 'numeric' : undefined}>
                    {cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
