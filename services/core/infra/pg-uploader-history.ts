import type { UploaderHistory, UploaderTotals } from '../domain/past-upload.ts'
import type { Database, Statement } from './database.ts'
import { MOST_UPLOADS } from './insight-store.ts'
import { PAST_UPLOAD, type PastUploadRow, RESOLUTION, toPastUpload, UPHELD } from './past-upload-rows.ts'

/** All but $3, newest first. */
const OTHERS = 'uploads.tenant = $1 AND uploads.uploader = $2 AND uploads.id <> $3'

const TOTALS: Statement = {
  name: 'uploader-totals',
  text: `
    SELECT count(*)::int AS uploads, count(*) FILTER (WHERE action = 'approve')::int AS approve,
      count(*) FILTER (WHERE action = 'flag')::int AS flag, count(*) FILTER (WHERE action = 'reject')::int AS reject,
      count(*) FILTER (WHERE upheld)::int AS upheld, count(*) FILTER (WHERE NOT upheld)::int AS overturned
    FROM (
      SELECT uploads.action, ${UPHELD} AS upheld FROM uploads ${RESOLUTION}
      WHERE ${OTHERS} ORDER BY uploads.id DESC LIMIT ${MOST_UPLOADS}
    ) AS newest`,
}

const NEWEST: Statement = {
  name: 'uploader-newest',
  text: `
    SELECT ${PAST_UPLOAD}, uploads.received_at FROM uploads ${RESOLUTION}
    WHERE ${OTHERS} AND uploads.status = 'decided' ORDER BY uploads.id DESC LIMIT $4`,
}

/** See `InsightStore.history`. */
export async function uploaderHistory(
  { run }: Database,
  tenant: string,
  { id, uploader }: { id: string; uploader: string },
  limit: number,
): Promise<Omit<UploaderHistory, 'uploader'>> {
  const [totals] = (await run<UploaderTotals>(TOTALS, [tenant, uploader, id])).rows
  const { rows } = await run<PastUploadRow & { received_at: Date }>(NEWEST, [tenant, uploader, id, limit])
  if (!totals) throw new Error('a count gives a row')
  return {
    totals,
    sampled: totals.uploads === MOST_UPLOADS,
    items: rows.map((row) => ({ ...toPastUpload(row), received_at: row.received_at.toISOString() })),
  }
}
