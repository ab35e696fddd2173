import type { HeatMap } from '../../../core/domain/explain.ts'

const ROWS = ['top', 'middle', 'bottom'] as const
const COLUMNS = ['left', 'centre', 'right'] as const
export type Region = { row: (typeof ROWS)[number]; column: (typeof COLUMNS)[number] }

/** Less of a difference than this part of the most is none. */
const DIFFUSE = 0.05

/** How much more of the evidence lies in each place than where there is least of it: 0 to 1, row by row. All 0 when nothing speaks for a match, or everything does alike. */
export function heatOf({ values }: HeatMap): number[] {
  const most = Math.max(...values)
  const least = Math.max(Math.min(...values), 0)
  if (most <= 0 || most - least < DIFFUSE * most) return values.map(() => 0)
  return values.map((value) => Math.max(value - least, 0) / (most - least))
}

/** Where in the picture the match mostly lies; undefined when no place stands out. */
export function strongestRegion(map: HeatMap): Region | undefined {
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
