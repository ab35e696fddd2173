import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { AppError } from '../../core/domain/errors.ts'

const GRAPHS = ['vision_model.onnx', 'text_model.onnx']
const REQUIRED = [
  'config.json',
  'preprocessor_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  ...GRAPHS.map((name) => `onnx/${name}`),
]

/**
 * SHA-256, in hex, over the name, size and bytes of every file that changes what a model answers: its settings, its graphs and the weights that large
 * graphs keep beside them (`vision_model.onnx_data`). Throws AppError `invalid-model` for a file that is missing.
 */
export async function modelRevision(dir: string): Promise<string> {
  const hash = createHash('sha256')
  for (const name of await modelFiles(dir)) {
    const file = path.join(dir, name)
    hash.update(`${name}\n${(await stat(file)).size}\n`)
    await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), async (chunks) => {
      for await (const chunk of chunks) hash.update(chunk)
    })
  }
  return hash.digest('hex')
}

async function modelFiles(dir: string): Promise<string[]> {
  const present = [...(await list(dir, '')), ...(await list(dir, 'onnx/'))]
  const missing = REQUIRED.filter((name) => !present.includes(name))
  if (missing.length > 0) throw new AppError('invalid-model', `${dir} has no ${missing.join(', no ')}`)
  const weights = present.filter((name) => GRAPHS.some((graph) => name.startsWith(`onnx/${graph}_data`)))
  const optional = present.filter((name) => name === 'calibration.json')
  return [...REQUIRED, ...optional, ...weights].sort()
}

async function list(dir: string, folder: string): Promise<string[]> {
  const names = await readdir(path.join(dir, folder)).catch(() => [])
  return names.map((name) => `${folder}${name}`)
}
