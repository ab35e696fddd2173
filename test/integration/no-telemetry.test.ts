import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { packageRoot } from '../../services/core/infra/package-root.ts'
import { SAMPLES } from '../support/service.ts'

test.each([
  { command: 'scan', args: ['scan', path.join(SAMPLES, 'coffee.jpg')] },
  { command: 'model quantise', args: ['model', 'quantise', 'embedded', '--images', SAMPLES] },
])('the model’s runtime keeps no identity of this machine, and so reports nothing: $command', async ({ args }) => {
  const [home = '', dataDir = ''] = await Promise.all(['home-', 'data-'].map((name) => mkdtemp(path.join(os.tmpdir(), name))))
  try {
    const cli = path.join(packageRoot, 'dist', 'services', 'cli', 'main.js')
    const env = {
      PATH: process.env.PATH ?? '',
      HOME: home,
      XDG_CACHE_HOME: path.join(home, 'cache'),
      PIXWARDEN_DATA_DIR: dataDir,
    }
    await promisify(execFile)(process.execPath, [cli, ...args], { env })
    expect(await readdir(home)).toEqual([])
  } finally {
    await Promise.all([home, dataDir].map((dir) => rm(dir, { recursive: true })))
  }
})
