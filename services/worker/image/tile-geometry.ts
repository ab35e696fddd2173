import type { Preprocessing } from '../clip/preprocessing.ts'
import type { Rectangle, Size } from './resize-geometry.ts'

/** The size to which a picture is resized once for all of its tiles, in pixels, and which parts of that they are: each is as large as a view. */
export type TileGeometry = { resized: Size; tiles: (Rectangle & { view: string })[] }

const MOST_TILES = 9
/** In tiles: what lies on the edge of one is whole in its neighbour, when it is no larger. */
const OVERLAP = 0.2
/** Once tiles fit into the picture, more are taken only if they are so much smaller. */
const FINER = 0.9

type Grid = { rows: number; columns: number }

/**
 * Overlapping squares, `tile-ROW-COLUMN` from 1, that cover all of a picture, also what the crop of the whole view leaves out. As many as cut it finer, at most
 * nine and none smaller than a view. undefined for a picture whose short edge is less than two views: it has no detail that the whole view loses by much.
 * Only of strips of more than seven to one are tiles no squares, but squashed.
 */
export function tileGeometry(picture: Size, view: Pick<Preprocessing, 'width' | 'height'>): TileGeometry | undefined {
  const edge = Math.max(view.width, view.height)
  const short = Math.min(picture.width, picture.height)
  if (short < 2 * edge) return undefined
  const grid = bestGrid(picture, edge)
  const side = Math.min(short, sideOf(grid, picture))
  const length = (whole: number, tile: number, count: number) =>
    Math.min(Math.round((whole * tile) / side), Math.floor(span(count) * tile))
  const resized = {
    width: length(picture.width, view.width, grid.columns),
    height: length(picture.height, view.height, grid.rows),
  }
  const tiles = Array.from({ length: grid.rows * grid.columns }, (_, index) => {
    const [row, column] = [Math.floor(index / grid.columns), index % grid.columns]
    const left = offset(column, grid.columns, resized.width - view.width)
    const top = offset(row, grid.rows, resized.height - view.height)
    return { view: `tile-${row + 1}-${column + 1}`, left, top, width: view.width, height: view.height }
  })
  return { resized, tiles }
}

function bestGrid(picture: Size, edge: number): Grid {
  const short = Math.min(picture.width, picture.height)
  const [first, ...larger] = GRIDS as [Grid, ...Grid[]]
  return larger.reduce((best, grid) => {
    const [side, bestSide] = [sideOf(grid, picture), sideOf(best, picture)]
    return side >= edge && side < bestSide * (bestSide > short ? 1 : FINER) ? grid : best
  }, first)
}

/** Every grid, the one of fewest tiles first. */
const GRIDS = Array.from({ length: MOST_TILES ** 2 }, (_, i) => ({
  rows: 1 + Math.floor(i / MOST_TILES),
  columns: 1 + (i % MOST_TILES),
}))
  .filter(({ rows, columns }) => rows * columns <= MOST_TILES)
  .sort((a, b) => a.rows * a.columns - b.rows * b.columns)

/** How long the side of square tiles must be to cover a picture. */
function sideOf({ rows, columns }: Grid, { width, height }: Size): number {
  return Math.max(width / span(columns), height / span(rows))
}

/** How far so many tiles reach, in tiles. */
function span(count: number): number {
  return count - (count - 1) * OVERLAP
}

function offset(index: number, count: number, room: number): number {
  return count === 1 ? Math.round(room / 2) : Math.round((index * room) / (count - 1))
}
