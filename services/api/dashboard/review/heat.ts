import type { HeatMapGrid } from '../api-types.ts'

const ROWS = ['top', 'middle', 'bottom'] as const
const COLUMNS = ['left', 'centre', 'right'] as const
export type Region = { row: (typeof ROWS)[number]; column: (typeof COLUMNS)[number] }

/** Each place's part in the match, 0 to 1 of the strongest, row by row. What speaks against the match is 0. */
export function heatOf({ values }: HeatMapGrid): number[] {
  const strongest = Math.max(...values, 0)
  return values.map((value) => (strongest > 0 ? Math.max(value, 0) / strongest : 0))
}

/** Where in the picture the match mostly lies; undefined when hiding no place lowers the score. */
export function strongestRegion(map: HeatMapGrid): Region | undefined {
  const heat = heatOf(map)
  const strongest = heat.indexOf(Math.max(...heat))
  if ((heat[strongest] ?? 0) === 0) return undefined
  const across = map.box.left + ((strongest % map.columns) + 0.5) * (map.box.width / map.columns)
  const down = map.box.top + (Math.floor(strongest / map.columns) + 0.5) * (map.box.height / map.rows)
  return { row: ROWS[third(down)] ?? 'middle', column: COLUMNS[third(across)] ?? 'centre' }
}

function third(share: number): number {
  return Math.min(Math.max(Math.floor(share * 3), 0), 2)
}
