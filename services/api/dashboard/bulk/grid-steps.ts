import type { RefObject } from 'preact'

/** Where an arrow leads from a tile of a grid that wraps as wide as it is. */
export function stepOf(key: string, columns: number): number | undefined {
  return { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[key]
}

/** How many tiles stand side by side right now. */
export function columnsOf(list: RefObject<HTMLElement | null>): number {
  const tiles = [...(list.current?.children ?? [])] as HTMLElement[]
  const top = tiles[0]?.offsetTop
  return Math.max(1, tiles.filter(({ offsetTop }) => offsetTop === top).length)
}
