import { useEffect, useMemo } from 'preact/hooks'
import { CanvasPicture } from '../review/canvas-picture.tsx'
import { createPictures, type Picture } from '../review/pictures.ts'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'

export type UploadTile = {
  id: string
  hasImage: boolean
  /** What is printed below the picture. */
  text: string
  /** What the link is called. */
  label: string
}

/** Uploads as small blurred pictures that lead to their pages. Nothing is revealed here. */
export function UploadTiles({ tiles }: { tiles: UploadTile[] }) {
  const { api, router } = useShell()
  const pictures = useMemo(() => createPictures(api, ['blurred']), [api])
  useEffect(() => pictures.keep(tiles.map(({ id }) => id)), [pictures, tiles])
  useEffect(() => () => pictures.keep([]), [pictures])
  return (
    <ul class="upload-tiles">
      {tiles.map(({ id, hasImage, text, label }) => (
        <li key={id}>
          <a href={router.href(`/uploads/${id}`)} aria-label={label}>
            <BlurredPicture picture={hasImage ? pictures.of(id) : undefined} />
            <span>{text}</span>
          </a>
        </li>
      ))}
    </ul>
  )
}

function BlurredPicture({ picture }: { picture: Picture | undefined }) {
  const { preferences } = useShell()
  const bitmap = picture?.blurred.value
  if (!picture || picture.problem.value !== undefined) return <span class="tile-gone">{strings.uploads.imageGone}</span>
  const look = preferences.current.value.greyscale ? 'tile-picture grey' : 'tile-picture'
  return (
    <span class={look} aria-hidden="true">
      {bitmap && <CanvasPicture bitmap={bitmap} label="" />}
    </span>
  )
}
