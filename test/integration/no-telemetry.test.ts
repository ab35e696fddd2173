import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { packageRoot } from '../../services/core/infra/package-root.ts'
import { SAMPLES } from '../support/service.ts'

test('the model’s runtime keeps no identity of this machine, and so reports nothing', async () => {
  const home = await mkdtemp(path.join(os.tmpdir(), 'home-'))
  try {
    const cli = path.join(packageRoot, 'dist', 'services', 'cli', 'main.js')
    const env = { PATH: process.env.PATH ?? '', HOME: home, XDG_CACHE_HOME: path.join(home, 'cache') }
    await promisify(execFile)(process.execPath, [cli, 'scan', path.join(SAMPLES, 'coffee.jpg')], { env })
    expect(await readdir(home)).toEqual([])
  } finally {
    await rm(home, { recursive: true })
  }
})
