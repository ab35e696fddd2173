import { useId } from 'preact/hooks'

const WIDTH = 240
const HEIGHT = 10

/** How a whole splits into a part and its rest, as one bar; `label` says it in words. */
export function ShareMeter({ part, whole, label }: { part: number; whole: number; label: string }) {
  const id = useId()
  const filled = whole > 0 ? Math.round((part / whole) * WIDTH) : 0
  return (
    <svg class="share-meter" role="img" aria-label={label} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none">
      <clipPath id={id}>
        <rect width={WIDTH} height={HEIGHT} rx="5" />
      </clipPath>
      <g clip-path={`url(#${id})`}>
        <rect class="track" width={WIDTH} height={HEIGHT} />
        <rect class="part" width={filled} height={HEIGHT} />
        {filled > 0 && filled < WIDTH && <rect class="gap" x={filled - 1} width="2" height={HEIGHT} />}
      </g>
    </svg>
  )
}
