import type { CompiledRule, ScoringModel } from './compile-policy.ts'
import { type Box, evidenceOf, type HeatMap } from './explain.ts'

type Size = { width: number; height: number }
export type Window = Size & { left: number; top: number }

/** Cells of a heat map in each direction. */
const CELLS = 8
/** A window hides 2 × 2 cells, and the next begins one further: each place is hidden with different neighbours. */
const PLACES = CELLS - 1

/** The parts of a view that are hidden one after the other to see what a score stands on (Zeiler and Fergus 2014, section 4.2), row by row, in pixels. */
export function occlusionWindows({ width, height }: Size): Window[] {
  const edge = (cell: number, length: number) => Math.round((cell * length) / CELLS)
  return Array.from({ length: PLACES * PLACES }, (_, index) => {
    const [row, column] = [Math.floor(index / PLACES), index % PLACES]
    const [left, top] = [edge(column, width), edge(row, height)]
    return { left, top, width: edge(column + 2, width) - left, height: edge(row + 2, height) - top }
  })
}

/**
 * Where in a view a rule's evidence lies. `whole` is the view's unit embedding, `hidden` are those with each of `occlusionWindows` hidden, `box` is the part of the
 * picture that the view shows. A cell's value is the mean over the windows that hide it.
 */
export function heatMap(
  rule: CompiledRule,
  { whole, hidden, box }: { whole: Float32Array; hidden: Float32Array[]; box: Box },
  model: ScoringModel,
): HeatMap {
  const before = evidenceOf(rule, whole, model)
  const falls = hidden.map((embedding) => before - evidenceOf(rule, embedding, model))
  const values = Array.from({ length: CELLS * CELLS }, (_, cell) => rounded(meanOver(cell, falls)))
  return { columns: CELLS, rows: CELLS, values, box }
}

function meanOver(cell: number, falls: number[]): number {
  const [row, column] = [Math.floor(cell / CELLS), cell % CELLS]
  const over = falls.filter((_, index) => {
    const [down, along] = [row - Math.floor(index / PLACES), column - (index % PLACES)]
    return (down === 0 || down === 1) && (along === 0 || along === 1)
  })
  return over.reduce((sum, fall) => sum + fall, 0) / over.length
}

function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4
}
