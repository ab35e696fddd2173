import type { Decision, UploadView } from '../../../core/domain/decision.ts'
import { byteText } from '../parts/format.ts'
import { latencyText } from '../parts/format-figures.ts'
import { RelativeTime } from '../parts/relative-time.tsx'
import { strings } from '../strings.ts'

/** The upload as the platform told of it, all of it somebody else's text, and how it was decided. */
export function UploadFacts({ upload }: { upload: UploadView }) {
  const { image, external_id, source, metadata = {}, received_at } = upload
  const text = strings.uploads
  const size = image.width !== undefined && image.height !== undefined ? `${image.width} × ${image.height}, ` : ''
  return (
    <section class="panel">
      <h2>{text.facts}</h2>
      <dl class="pairs">
        <Pair name={text.id} value={upload.id} />
        <Pair name={text.externalId} value={external_id} />
        <Pair name={text.source} value={source} />
        <Pair name={text.uploader} value={upload.uploader} />
        {Object.entries(metadata).map(([name, value]) => (
          <Pair key={name} name={name} value={typeof value === 'string' ? value : JSON.stringify(value)} />
        ))}
        <Pair name={text.file} value={`${image.mime}, ${size}${byteText(image.byte_size)}`} />
        <Pair name="SHA-256" value={image.sha256} />
        <dt>{text.received}</dt>
        <dd>
          <RelativeTime at={received_at} />
        </dd>
        {upload.status === 'decided' && <HowDecided decision={upload} />}
      </dl>
    </section>
  )
}

function HowDecided({ decision: { model, timings_ms } }: { decision: Decision }) {
  const text = strings.uploads
  const stages = Object.entries(timings_ms) as [keyof typeof text.stages, number][]
  return (
    <>
      {model && <Pair name={text.model} value={`${model.id} ${model.revision.slice(0, 10)}`} />}
      <Pair name={text.timings} value={stages.map(([stage, ms]) => `${text.stages[stage]} ${latencyText(ms)}`).join(', ')} />
    </>
  )
}

function Pair({ name, value }: { name: string; value: string | undefined }) {
  if (value === undefined || value === '') return null
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  )
}
