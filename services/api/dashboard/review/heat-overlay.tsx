import { useLayoutEffect, useRef } from 'preact/hooks'
import type { HeatMap } from '../../../core/domain/explain.ts'
import { strings } from '../strings.ts'
import { heatOf, strongestRegion } from './heat.ts'

/** Where the match lies, over the part of the picture that the model saw. Dark blue to yellow, by lightness too, so that it can be told apart without colours. */
export function HeatOverlay({ map }: { map: HeatMap }) {
  const canvas = useRef<HTMLCanvasElement>(null)

  useLayoutEffect(() => {
    const target = canvas.current
    const context = target?.getContext('2d')
    if (!target || !context) return
    target.width = map.columns
    target.height = map.rows
    const pixels = context.createImageData(map.columns, map.rows)
    for (const [place, heat] of heatOf(map).entries()) pixels.data.set(colourOf(heat), place * 4)
    context.putImageData(pixels, 0, 0)
    for (const [side, share] of Object.entries(map.box)) target.style.setProperty(`--${side}`, `${share * 100}%`)
  }, [map])

  const region = strongestRegion(map)
  const text = region ? strings.review.heatAt(region.row, region.column) : strings.review.heatNowhere
  return <canvas ref={canvas} class="heat" role="img" aria-label={text} />
}

/** Red, green, blue, alpha, each 0 to 255. */
function colourOf(heat: number): [number, number, number, number] {
  return [
    Math.round(40 + 215 * heat),
    Math.round(20 + 200 * heat ** 1.6),
    Math.round(120 * (1 - heat)),
    Math.round(170 * heat ** 0.8),
  ]
}
