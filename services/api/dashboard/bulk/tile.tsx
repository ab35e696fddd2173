import { rulesOf, tellingRule } from '../../../core/domain/telling-rule.ts'
import { CanvasPicture } from '../review/canvas-picture.tsx'
import type { Pictures } from '../review/pictures.ts'
import { strings } from '../strings.ts'
import type { Tile as TileState } from './batch.ts'

export type TileProps = {
  tile: TileState
  position: number
  selected: boolean
  focused: boolean
  greyscale: boolean
  blurred: Pictures
  /** Set while this one is seen. */
  sharp: Pictures | undefined
  onPress(event: MouseEvent): void
}

/** A blurred picture that can be chosen, and what became of it. */
export function Tile({ tile, position, selected, focused, greyscale, blurred, sharp, onPress }: TileProps) {
  const { review, status } = tile
  const { upload } = review
  const bitmap = upload.has_image ? (sharp?.of(upload.id).display.value ?? blurred.of(upload.id).blurred.value) : undefined
  const rule = review.decision && tellingRule(rulesOf(review.decision.policies))
  const score = rule?.score?.toFixed(2) ?? ''
  const outcome = outcomeText(tile)
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list answers keys for all of its options
    <div
      role="option"
      class="tile"
      tabIndex={focused ? 0 : -1}
      aria-selected={selected}
      aria-disabled={status !== 'open'}
      data-review={review.id}
      data-status={status}
      data-ruling={status === 'done' ? tile.ruling?.action : undefined}
      onClick={onPress}
    >
      <span class={greyscale ? 'tile-picture greyscale' : 'tile-picture'}>
        {bitmap ? (
          <CanvasPicture bitmap={bitmap} />
        ) : (
          <span class="small dim">{upload.has_image ? '' : strings.review.imageGone}</span>
        )}
      </span>
      <span class="tile-text">
        <span class="unseen">{strings.bulk.tile(position)}</span>
        <span>{review.reason_codes.join(', ')}</span>
        <b>{score}</b>
      </span>
      {outcome && <span class="tile-outcome">{outcome}</span>}
      <span class="tile-mark" aria-hidden="true" />
    </div>
  )
}

function outcomeText({ status, ruling, code }: TileState): string | undefined {
  if (status === 'done' && ruling) return strings.bulk.results[ruling.action]
  if (status === 'failed' && code) return strings.bulk.failures[code] ?? strings.bulk.failed(code)
  return undefined
}
