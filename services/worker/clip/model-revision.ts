import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type ModelFiles, pathsOf } from '../../core/domain/model-files.ts'
import { MANIFEST } from '../../core/infra/hub/model-manifest.ts'

/** Beside the model's own files, and ours: both change what a score is. */
const OPTIONAL = ['calibration.json', MANIFEST]

/**
 * SHA-256, in hex, over the name, size and bytes of every file that changes what a model answers: its settings, its graphs and the weights that large
 * graphs keep beside them (`vision_model.onnx_data`).
 */
export async function modelRevision(dir: string, files: ModelFiles): Promise<string> {
  const hash = createHash('sha256')
  const optional = OPTIONAL.filter((name) => existsSync(path.join(dir, name)))
  for (const name of [...pathsOf(files), ...optional].sort()) {
    const file = path.join(dir, name)
    hash.update(`${name}\n${(await stat(file)).size}\n`)
    await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), async (chunks) => {
      for await (const chunk of chunks) hash.update(chunk)
    })
  }
  return hash.digest('hex')
}
