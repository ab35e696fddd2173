import { useSignal } from '@preact/signals'
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
  const { router } = useShell()
  return (
    <ul class="upload-tiles">
      {tiles.map(({ id, hasImage, text, label }) => (
        <li key={id}>
          <a href={router.href(`/uploads/${id}`)} aria-label={label}>
            <BlurredPicture id={id} hasImage={hasImage} />
            <span>{text}</span>
          </a>
        </li>
      ))}
    </ul>
  )
}

function BlurredPicture({ id, hasImage }: { id: string; hasImage: boolean }) {
  const { preferences } = useShell()
  const gone = useSignal(!hasImage)
  if (gone.value) return <span class="tile-gone">{strings.uploads.imageGone}</span>
  return (
    <img
      class={preferences.current.value.greyscale ? 'grey' : undefined}
      src={`/v1/uploads/${id}/image?variant=blurred`}
      alt=""
      loading="lazy"
      decoding="async"
      width="96"
      height="96"
      onError={() => (gone.value = true)}
    />
  )
}
