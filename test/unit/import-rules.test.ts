import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../../services/core/infra/package-root.ts'

/** [folder of the importing file, what it imports]. */
type Import = readonly [from: string, specifier: string]

const refused: Record<string, Import[]> = {
  'the domain imports only itself and zod': [
    ['services/core/domain', '../infra/config.ts'],
    ['services/core/domain', '../../worker/judge.ts'],
    ['services/core/domain', 'node:fs'],
    ['services/core/domain', 'node:fs/promises'],
    ['services/core/domain', 'pg'],
    ['services/core/domain', '@huggingface/tokenizers'],
  ],
  'adapters import no process': [
    ['services/core/infra', '../../api/app.ts'],
    ['services/core/infra', '../../worker/judge.ts'],
    ['services/core/infra', '../../standalone/start.ts'],
    ['services/core/infra/database', '../../../cli/scan.ts'],
  ],
  'the api imports no other process': [
    ['services/api', '../worker/judge.ts'],
    ['services/api/routes', '../../worker/clip/batcher.ts'],
    ['services/api', '../standalone/start.ts'],
    ['services/api', '../cli/scan.ts'],
  ],
  'the dashboard imports the domain, and nothing that runs in no browser': [
    ['services/api/dashboard', '../../core/infra/config.ts'],
    ['services/api/dashboard/pages', '../../../core/infra/config.ts'],
    ['services/api/dashboard/pages', '../../../worker/judge.ts'],
    ['services/api/dashboard', 'node:fs'],
  ],
  'the worker imports no other process': [
    ['services/worker', '../api/app.ts'],
    ['services/worker/clip', '../../api/routes/uploads.ts'],
    ['services/worker', '../standalone/start.ts'],
    ['services/worker', '../cli/scan.ts'],
  ],
  'of the worker, the cli imports only how it decodes, embeds and judges': [
    ['services/cli', '../worker/process-upload.ts'],
    ['services/cli/commands', '../../worker/webhook/dispatch.ts'],
    ['services/cli', '../api/app.ts'],
    ['services/cli', '../standalone/start.ts'],
  ],
  'standalone imports none of the processes it starts': [
    ['services/standalone', '../api/app.ts'],
    ['services/standalone', '../worker/judge.ts'],
    ['services/standalone', '../cli/scan.ts'],
  ],
  'nothing imports a main': [
    ['services/core/infra', '../../api/main.ts'],
    ['services/api', './main.ts'],
    ['services/api/routes', '../main.ts'],
    ['services/worker', './main.ts'],
    ['services/cli', './main.ts'],
    ['services/standalone', './main.ts'],
    ['services/standalone', '../worker/main.ts'],
  ],
}

const allowed: Import[] = [
  ['services/core/domain', './policy.ts'],
  ['services/core/domain', 'zod'],
  ['services/core/infra', './logger.ts'],
  ['services/core/infra', '../domain/policy.ts'],
  ['services/core/infra/database', '../../domain/policy.ts'],
  ['services/core/infra', 'node:fs'],
  ['services/core/infra', 'pg'],
  ['services/api', '../core/infra/config.ts'],
  ['services/api/routes', '../app.ts'],
  ['services/api/dashboard', '../../core/domain/scopes.ts'],
  ['services/api/dashboard/pages', '../../../core/domain/scopes.ts'],
  ['services/api/dashboard/pages', '../parts/button.tsx'],
  ['services/api/dashboard/pages', '../strings.ts'],
  ['services/api/dashboard', './pages/queue.tsx'],
  ['services/api/dashboard', 'preact/hooks'],
  ['services/worker/clip', '../../core/domain/score.ts'],
  ['services/worker/clip', '../image/decode.ts'],
  ['services/cli', '../worker/image/decode.ts'],
  ['services/cli', '../worker/clip/batcher.ts'],
  ['services/cli', '../worker/judge.ts'],
  ['services/cli', '../core/infra/policy-loader.ts'],
  ['services/standalone', '../core/infra/config.ts'],
  ['test/unit', '../../services/api/main.ts'],
  ['test/bench', '../../services/worker/judge.ts'],
]

/** The four ways to say it. */
const statements: Record<string, (specifier: string) => string> = {
  import: (specifier) => `import { part } from '${specifier}'\npart()\n`,
  'import-type': (specifier) => `import type { Part } from '${specifier}'\nexport type Mine = Part[]\n`,
  export: (specifier) => `export { part } from '${specifier}'\n`,
  'import-call': (specifier) => `await import('${specifier}')\n`,
}

let tree: string
let complaints: Set<string>

beforeAll(async () => {
  tree = await mkdtemp(path.join(os.tmpdir(), 'import-rules-'))
  await copyFile(path.join(packageRoot, 'biome.json'), path.join(tree, 'biome.json'))
  for (const each of [...Object.values(refused).flat(), ...allowed])
    for (const [way, statement] of Object.entries(statements)) await put(fileOf(each, way), statement(each[1]))
  complaints = await lint()
}, 30_000)

afterAll(() => rm(tree, { recursive: true, force: true }))

for (const [rule, imports] of Object.entries(refused))
  describe(rule, () => {
    test.for(imports)('%s may not import %s', (each) => {
      for (const way of Object.keys(statements)) expect(complaints, way).toContain(fileOf(each, way))
    })
  })

describe('what the layers are for', () => {
  test.for(allowed)('%s may import %s', (each) => {
    for (const way of Object.keys(statements)) expect(complaints, way).not.toContain(fileOf(each, way))
  })
})

function fileOf([from, specifier]: Import, way: string): string {
  return `${from}/${specifier.replaceAll(/\W+/g, '-')}-by-${way}.ts`
}

async function put(file: string, text: string): Promise<void> {
  await mkdir(path.dirname(path.join(tree, file)), { recursive: true })
  await writeFile(path.join(tree, file), text)
}

/** The files of the tree that break an import rule. */
async function lint(): Promise<Set<string>> {
  const biome = path.join(packageRoot, 'node_modules/.bin/biome')
  const options = ['--only=style/noRestrictedImports', '--vcs-enabled=false', '--reporter=json', '--max-diagnostics=none']
  const stdout = await new Promise<string>((resolve) => {
    execFile(biome, ['lint', ...options, '.'], { cwd: tree, maxBuffer: 64e6 }, (_error, out) => resolve(out))
  })
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { location: { path: string } }[] }
  return new Set(diagnostics.map(({ location }) => location.path))
}
