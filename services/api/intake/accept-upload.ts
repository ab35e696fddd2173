import { createHash } from 'node:crypto'
import { AppError } from '../../core/domain/errors.ts'
import type { BlobStore } from '../../core/infra/blob-store.ts'
import type { Logger } from '../../core/infra/logger.ts'
import { mayBeDone } from '../../core/infra/store-error.ts'
import type { IdempotencyStore, UploadStore } from '../../core/infra/upload-store.ts'
import type { ApiContext } from '../context.ts'
import { type ReceivedImage, receiveImage, type Sink } from './receive-image.ts'
import type { UploadFields } from './upload-fields.ts'

export type Submission = {
  /** The id that the upload gets, unless it repeats an earlier one. */
  id: string
  tenant: string
  idempotencyKey?: string | undefined
  /** What the request asks (`hashRequest`), when that is known before the image is read: a request that is repeated is not read again then. */
  requestHash?: string | undefined
  /** Reads the request to its end and hands the image's bytes to `receive` on the way. */
  read(receive: (bytes: AsyncIterable<Uint8Array>) => Promise<ReceivedImage>): Promise<ReadSubmission>
  log: Pick<Logger, 'error'>
}

type ReadSubmission = { image: ReceivedImage; fields: UploadFields }

export type Accepted = { id: string; repeated: boolean }

type Stores = Pick<ApiContext, 'config'> & {
  blobs: Pick<BlobStore, 'put' | 'delete'>
  uploads: Pick<UploadStore, 'insert' | 'find'>
  idempotency: IdempotencyStore
}

/**
 * Makes a submission durable: its bytes, then its row. What is refused, for whatever reason, leaves nothing behind, and frees its idempotency key; only where
 * the database may have taken the row before it fell silent do the bytes stay.
 * A key that has its upload already gives that upload again. Throws AppError `idempotency-key-in-use` or `idempotency-key-reused`, and what reading and storing throw.
 */
export async function acceptUpload(stores: Stores, submission: Submission): Promise<Accepted> {
  const { tenant, idempotencyKey: key, log } = submission
  if (key === undefined) return storeUpload(stores, submission)
  const reservation = await stores.idempotency.reserve(tenant, key)
  if (reservation.state === 'running')
    throw new AppError('idempotency-key-in-use', 'a request with this key has not ended yet: try again in a moment')
  if (reservation.state === 'done') return repeatUpload(stores, submission, reservation)
  try {
    return await storeUpload(stores, submission)
  } catch (error) {
    await stores.idempotency
      .release(tenant, key)
      .catch((failure: unknown) => log.error({ err: failure }, 'an idempotency key was not freed; it lapses by itself'))
    throw error
  }
}

async function storeUpload(stores: Stores, submission: Submission): Promise<Accepted> {
  const { id, tenant, log } = submission
  const blobKey = `${tenant}/${id}`
  try {
    const read = await readInto(stores, submission, (bytes) => stores.blobs.put(blobKey, bytes))
    await insert(stores, submission, { ...read, blobKey })
  } catch (error) {
    // A row that may be there, or come yet, needs its bytes; without a row they are swept up later.
    if (!mayBeDone(error))
      await stores.blobs
        .delete(blobKey)
        .catch((failure: unknown) => log.error({ err: failure, blobKey }, 'the bytes of a refused upload were not deleted'))
    throw error
  }
  return { id, repeated: false }
}

/** When the answer of the database got lost, it may have committed all the same: then the upload is in. */
async function insert(
  { uploads }: Stores,
  { id, tenant, idempotencyKey: key, requestHash }: Submission,
  { image, fields, blobKey }: ReadSubmission & { blobKey: string },
): Promise<void> {
  const { source, external_id: externalId, uploader, metadata, store: keepImage } = fields
  const idempotency = key === undefined ? undefined : { key, requestHash: requestHash ?? hashRequest(image.sha256, fields) }
  try {
    await uploads.insert({ id, tenant, source, externalId, uploader, metadata, ...image, blobKey, keepImage }, idempotency)
  } catch (error) {
    if (!mayBeDone(error)) throw error
    const found = await uploads.find(tenant, id).catch(() => undefined)
    if (!found) throw error
  }
}

async function repeatUpload(
  stores: Stores,
  submission: Submission,
  first: { uploadId: string; requestHash: string },
): Promise<Accepted> {
  const requestHash = submission.requestHash ?? (await hashOfRead(stores, submission))
  if (requestHash !== first.requestHash)
    throw new AppError('idempotency-key-reused', 'this key belongs to a request with another image or other fields')
  return { id: first.uploadId, repeated: true }
}

function readInto({ config }: Stores, { read }: Submission, sink: Sink): Promise<ReadSubmission> {
  return read((bytes) => receiveImage(bytes, sink, config))
}

async function discard(bytes: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of bytes);
}

async function hashOfRead(stores: Stores, submission: Submission): Promise<string> {
  const { image, fields } = await readInto(stores, submission, discard)
  return hashRequest(image.sha256, fields)
}

/** Stands for what a request asks: the image, by the hash of its bytes or by its URL, and its fields, however they were sent. */
export function hashRequest(image: string, { external_id, source, uploader, metadata, store }: UploadFields): string {
  const asked: unknown[] = [image, external_id, source, metadata]
  if (store === false) asked.push({ store })
  if (uploader !== undefined) asked.push({ uploader })
  return createHash('sha256').update(JSON.stringify(asked)).digest('hex')
}
