const WIDTH = 96
const HEIGHT = 24

/** A line without axes, beside the number that it leads up to. It says nothing that the number's neighbours do not, so that it is silent to screen readers. */
export function Sparkline({ values }: { values: number[] }) {
  const max = Math.max(1, ...values)
  const step = (WIDTH - 4) / Math.max(1, values.length - 1)
  const points = values.map((value, index) => [2 + index * step, HEIGHT - 3 - (value / max) * (HEIGHT - 6)] as const)
  const [x, y] = points.at(-1) ?? [0, 0]
  return (
    <svg class="sparkline" aria-hidden="true" width={WIDTH} height={HEIGHT} viewBox={`0 0 ${WIDTH} ${HEIGHT}`}>
      <polyline points={points.map(([px, py]) => `${px.toFixed(1)},${py.toFixed(1)}`).join(' ')} />
      {points.length > 0 && <circle cx={x} cy={y} r="2" />}
    </svg>
  )
}
