import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import type { Review } from '../api-types.ts'
import { errorText } from '../parts/error-note.tsx'
import type { Preference } from '../preferences.ts'
import { strings } from '../strings.ts'
import { CanvasPicture } from './canvas-picture.tsx'
import type { Picture } from './pictures.ts'

export type StageProps = {
  upload: Review['upload']
  picture: Picture | undefined
  revealed: boolean
  look: Pick<Preference, 'blur' | 'greyscale'>
  /** A file that may move, played because somebody asked for it. */
  original: string | undefined
  /** Pressed and held, or let go. */
  onHold(held: boolean): void
  /** Lies over the picture, and is as large as that. */
  children?: ComponentChildren
}

/** The picture, blurred until somebody wants to see it. */
export function Stage({ upload, picture, revealed, look, original, onHold, children }: StageProps) {
  const frame = useRef<HTMLDivElement>(null)
  const sharp = picture?.display.value
  const blurred = picture?.blurred.value
  const bitmap = revealed ? (sharp ?? blurred) : blurred
  const ratio = ratioOf(upload.image, sharp ?? blurred)

  useLayoutEffect(() => {
    frame.current?.style.setProperty('--ratio', String(ratio))
    frame.current?.style.setProperty('--natural', String(sharp?.width ?? upload.image.width ?? 640))
  })

  const shown = bitmap === undefined ? 'nothing' : bitmap === sharp ? 'display' : 'blurred'
  const classes = ['picture', look.greyscale && 'greyscale', shown === 'blurred' && look.blur === 'strong' && 'more-blur']
  return (
    <div class="stage" tabIndex={-1}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: Space and V do the same, and so does a button */}
      <div
        ref={frame}
        class={classes.filter(Boolean).join(' ')}
        data-upload={upload.id}
        data-shown={original && revealed ? 'original' : shown}
        onPointerDown={(event) => {
          if (event.button === 0) onHold(true)
        }}
        onPointerUp={() => onHold(false)}
        onPointerLeave={() => onHold(false)}
        onPointerCancel={() => onHold(false)}
        onContextMenu={(event) => event.preventDefault()}
      >
        {original && revealed ? (
          <img src={original} alt={strings.review.pictureRevealed} draggable={false} />
        ) : (
          bitmap && (
            <CanvasPicture bitmap={bitmap} label={revealed ? strings.review.pictureRevealed : strings.review.pictureBlurred} />
          )
        )}
        {bitmap && children}
        {(!bitmap || (revealed && !sharp && !original)) && <Missing upload={upload} picture={picture} />}
      </div>
    </div>
  )
}

function Missing({ upload, picture }: Pick<StageProps, 'upload' | 'picture'>) {
  const problem = picture?.problem.value
  if (!upload.has_image) return <p class="missing">{strings.review.imageGone}</p>
  if (problem) return <p class="missing">{`${strings.review.imageFailed} ${errorText(problem)}`}</p>
  return <SlowText />
}

/** Nothing flickers where a picture is there in a moment. */
function SlowText() {
  const slow = useSignal(false)
  useEffect(() => {
    const timer = setTimeout(() => {
      slow.value = true
    }, 300)
    return () => clearTimeout(timer)
  }, [slow])
  return <p class="missing">{slow.value ? strings.review.imageLoading : ''}</p>
}

/** Width by height. A header tells these before the picture is turned upright; the bitmap knows better, but a small one only roughly. */
function ratioOf({ width, height }: Review['upload']['image'], bitmap: ImageBitmap | undefined): number {
  const drawn = bitmap && bitmap.height > 0 ? bitmap.width / bitmap.height : undefined
  if (!width || !height) return drawn ?? 4 / 3
  const told = width / height
  return drawn !== undefined && drawn > 1 !== told > 1 && Math.abs(drawn - told) > 0.1 ? height / width : told
}
