import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { packageRoot } from '../../../services/core/infra/package-root.ts'

const home = path.join(packageRoot, 'test/bench')

/** Of the packages that test/bench/package.json lists. */
export const requirePeer = createRequire(path.join(home, 'package.json'))

/** The interpreter of test/bench/requirements.txt. */
export const python = path.join(home, '.venv/bin/python')

export function isInstalled(peer: string): boolean {
  return existsSync(path.join(home, 'node_modules', peer))
}
