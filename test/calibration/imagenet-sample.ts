import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { normalise } from '../../services/core/domain/vector.ts'

/** A class's sample image: its unit embedding, shape [dim]. */
export type Sample = { name: string; embedding: Float32Array }

const CLASSES = 1000

const description = z.object({
  shape: z.tuple([z.literal(CLASSES), z.int().positive()]),
  rows: z.array(z.object({ wnid: z.string(), class: z.string() })).length(CLASSES),
})

/**
 * Reads one embedding a class from `imagenet-sample.f32` (little-endian float32, shape [1000, dim], of any length) and the rows' WordNet ids and names
 * from `imagenet-sample.json`. Returned by ImageNet class index, whatever the order of the rows. Throws when the files do not fit together.
 */
export async function readImageNetSample(dir: string): Promise<Sample[]> {
  const { shape, rows } = description.parse(JSON.parse(await readFile(path.join(dir, 'imagenet-sample.json'), 'utf8')))
  const bytes = await readFile(path.join(dir, 'imagenet-sample.f32'))
  const dim = shape[1]
  if (bytes.length !== CLASSES * dim * 4)
    throw new Error(`${dir}: ${bytes.length} bytes are not ${CLASSES} rows of ${dim} float32`)
  const values = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return rows
    .map(({ wnid, class: name }, row) => {
      const embedding = Float32Array.from({ length: dim }, (_, i) => values.getFloat32((row * dim + i) * 4, true))
      return { wnid, name, embedding: normalise(embedding) }
    })
    .sort((a, b) => (a.wnid < b.wnid ? -1 : 1))
}
