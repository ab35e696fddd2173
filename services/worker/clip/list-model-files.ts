import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { AppError } from '../../core/domain/errors.ts'
import {
  type Dtype,
  dtypesOf,
  graphOf,
  type ModelFiles,
  type ModelLayout,
  pathsOf,
  withGraphs,
} from '../../core/domain/model-files.ts'

const FOLDERS = ['', 'onnx/', 'visual/', 'textual/']

/**
 * The files of the model in a folder, in either layout. The graphs of a side are those without a suffix, else those of the only dtype that is
 * there. Throws AppError `invalid-model` for what is missing, or for several dtypes and none plain.
 */
export async function listModelFiles(dir: string): Promise<ModelFiles> {
  const paths = (await Promise.all(FOLDERS.map((folder) => list(dir, folder)))).flat()
  const layout: ModelLayout = paths.some((each) => each.startsWith('visual/')) ? 'immich' : 'transformers.js'
  const graph = (side: 'vision' | 'text') => graphOf(layout, side, dtypeOf(dir, layout, side, paths))
  const files = withGraphs(layout, { vision: graph('vision'), text: graph('text') }, paths)
  const missing = pathsOf(files).filter((each) => !paths.includes(each))
  if (missing.length > 0) throw new AppError('invalid-model', `${dir} has no ${missing.join(', no ')}`)
  return files
}

function dtypeOf(dir: string, layout: ModelLayout, side: 'vision' | 'text', paths: string[]): Dtype {
  const dtypes = dtypesOf(layout, side, paths)
  if (dtypes.includes('fp32') || dtypes.length === 0) return 'fp32'
  const [only, ...others] = dtypes as [Dtype, ...Dtype[]]
  if (others.length === 0) return only
  throw new AppError(
    'invalid-model',
    `${dir} has its ${side} side as ${dtypes.join(', ')}, and none without a suffix: keep one of them`,
  )
}

async function list(dir: string, folder: string): Promise<string[]> {
  const names = await readdir(path.join(dir, folder)).catch(() => [])
  return names.map((name) => `${folder}${name}`)
}
