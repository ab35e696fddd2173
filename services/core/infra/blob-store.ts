import type { Readable } from 'node:stream'

/** A blob that is there, and when it was written. */
export type StoredBlob = { key: string; modifiedAt: Date }

/** Where the bytes of uploads are kept: one blob per upload, by the key `tenant/upload-id`. */
export interface BlobStore {
  /**
   * Streams `source` into the blob and resolves when it is durable; a failure leaves nothing.
   * Throws AppError `storage-full` when there is no room, and whatever `source` throws.
   */
  put(key: string, source: AsyncIterable<Uint8Array>): Promise<void>
  /** Lends the blob as a file for as long as `use` runs. Whether the file is there is for `use` to find out: a look ahead would cost every upload. */
  withFile<T>(key: string, use: (path: string) => Promise<T>): Promise<T>
  /** The bytes, as a stream. Throws AppError `not-found`. */
  read(key: string): Promise<Readable>
  /** Removes the blob; nothing happens when it is gone already. */
  delete(key: string): Promise<void>
  /** What there is room for, as far as is known. */
  freeBytes(): Promise<number>
  /** Every blob, in no order, a few at a time: those that come or go meanwhile may or may not be among them. */
  list(): AsyncIterable<StoredBlob>
}
