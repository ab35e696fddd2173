import type { CompiledRule, ScoringModel } from './compile-policy.ts'
import { type Box, evidenceOf, type HeatMap } from './explain.ts'

type Size = { width: number; height: number }
export type Window = Size & { left: number; top: number }

/** Unit embeddings, shape [dim], of a view as it is, of nothing but its mean colour, and of it with each of `occlusionWindows` hidden, and shown alone. */
export type Occluded = { whole: Float32Array; blank: Float32Array; hidden: Float32Array[]; alone: Float32Array[] }

/** Cells of a heat map in each direction. */
const CELLS = 8
/** A window is of 3 × 3 cells, and the next begins one further: each place is hidden with different neighbours. */
const ACROSS = 3
const PLACES = CELLS - ACROSS + 1

/** The parts of a view that are hidden, or shown alone, one after the other to see what a score stands on: row by row, in pixels. */
export function occlusionWindows({ width, height }: Size): Window[] {
  const edge = (cell: number, length: number) => Math.round((cell * length) / CELLS)
  return Array.from({ length: PLACES * PLACES }, (_, index) => {
    const [row, column] = [Math.floor(index / PLACES), index % PLACES]
    const [left, top] = [edge(column, width), edge(row, height)]
    return { left, top, width: edge(column + ACROSS, width) - left, height: edge(row + ACROSS, height) - top }
  })
}

/**
 * Where in a view a rule's evidence lies; `box` is the part of the picture that the view shows. A window's worth is the mean of what is lost when it is hidden
 * (Zeiler and Fergus 2014, section 4.2) and what is gained when it alone is shown; a cell's value is the mean over its windows.
 *
 * Both, because what is left of a large subject is enough for a score: on 19 halves of composed sample photos under the embedded model, a cell of the right half
 * was above one of the wrong half with a probability of 0.70 by hiding alone, in windows of 2 × 2 cells, and of 0.95 by this.
 */
export function heatMap(rule: CompiledRule, occluded: Occluded, box: Box, model: ScoringModel): HeatMap {
  const evidence = (embedding: Float32Array) => evidenceOf(rule, embedding, model)
  const [all, nothing] = [evidence(occluded.whole), evidence(occluded.blank)]
  const worths = occluded.hidden.map((hidden, index) => {
    const alone = occluded.alone[index] as Float32Array
    return (all - evidence(hidden) + (evidence(alone) - nothing)) / 2
  })
  const values = Array.from({ length: CELLS * CELLS }, (_, cell) => rounded(meanOver(cell, worths)))
  return { columns: CELLS, rows: CELLS, values, box }
}

function meanOver(cell: number, worths: number[]): number {
  const [row, column] = [Math.floor(cell / CELLS), cell % CELLS]
  const isIn = (offset: number) => offset >= 0 && offset < ACROSS
  const over = worths.filter((_, index) => isIn(row - Math.floor(index / PLACES)) && isIn(column - (index % PLACES)))
  return over.reduce((sum, worth) => sum + worth, 0) / over.length
}

function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4
}
