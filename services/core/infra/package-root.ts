import { existsSync } from 'node:fs'
import path from 'node:path'

/** The folder of package.json: models, policies and migrations are found from it, in the sources and in dist alike. */
export const packageRoot = findUp(import.meta.dirname, 'package.json')

function findUp(from: string, name: string): string {
  if (existsSync(path.join(from, name))) return from
  const parent = path.dirname(from)
  if (parent === from) throw new Error(`${name} is nowhere above ${import.meta.dirname}`)
  return findUp(parent, name)
}
