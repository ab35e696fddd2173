import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { validate } from 'dockerfile-utils'
import { beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { readConfig } from '../../services/core/infra/config.ts'
import { HUGE_PAGES } from '../../services/core/infra/huge-pages.ts'
import { packageRoot } from '../../services/core/infra/package-root.ts'
import { type Deployment, deployDir, PROCESSES, readDeployment } from '../support/deployment.ts'
import { promtool, promtoolMissing } from '../support/promtool.ts'

let deployment: Deployment

beforeAll(async () => {
  deployment = await readDeployment()
})

describe('the image', () => {
  test('has a Dockerfile without faults', () => {
    expect(validate(deployment.dockerfile)).toEqual([])
  })

  test('has a CUDA variant without faults', async () => {
    expect(validate(await readFile(path.join(deployDir, 'Dockerfile.cuda'), 'utf8'))).toEqual([])
  })

  test.each(['Dockerfile', 'Dockerfile.cuda'])('runs models in huge pages: %s', async (name) => {
    const dockerfile = await readFile(path.join(deployDir, name), 'utf8')
    const [setting = []] = Object.entries(HUGE_PAGES)
    expect(dockerfile).toContain(`ENV ${setting.join('=')}\n`)
  })

  test('starts an entry point that exists, as another user than root', () => {
    const [command] = deployment.instructions('CMD').map((text): string[] => JSON.parse(text)) as [string[]]
    expect(command[0]).toBe('node')
    expect(sourceOf(command[1])).toSatisfy(existsSync)
    expect(deployment.instructions('USER')).toEqual(['1000:1000'])
  })

  test('contains every folder that it copies', () => {
    const copied = deployment
      .instructions('COPY')
      .filter((text) => !text.startsWith('--from'))
      .flatMap((text) => text.split(' ').slice(0, -1))
    expect(copied).toContain('models')
    expect(copied.filter((name) => !existsSync(path.join(packageRoot, name)))).toEqual([])
  })
})

describe('compose.yaml', () => {
  test('passes dclint with every rule on', async () => {
    expect(await dclint()).toBe('')
    expect(deployment.compose).not.toMatch(/dclint disable/)
  })

  test.for(PROCESSES)('%s runs an entry point that exists', (name) => {
    const [program, script] = deployment.service(name).command as string[]
    expect(program).toBe('node')
    expect(sourceOf(script)).toSatisfy(existsSync)
  })

  test.for(PROCESSES)('%s has a configuration that it accepts', (name) => {
    const config = readConfig(deployment.environmentOf(name))
    expect(config).toMatchObject({
      databaseUrl: 'postgres://pixwarden:secret@postgres:5432/pixwarden',
      redisUrl: 'redis://:secret@redis:6379/0',
      host: '0.0.0.0',
      dataDir: '/data',
      metricsPort: 9464,
    })
  })

  test('no password is in it: each must be given', () => {
    const passwords = deployment.compose.match(/\$\{\w*PASSWORD[^}]*\}/g) ?? []
    expect(passwords.length).toBeGreaterThan(3)
    for (const password of passwords) expect(password).toMatch(/^\$\{\w+:\?/)
    expect(deployment.compose).not.toMatch(/PASSWORD: (?!\$\{)/)
  })

  test('every service is confined, limited, restarted and checked', () => {
    for (const [name, each] of Object.entries(deployment.services)) {
      expect(each, name).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        restart: 'unless-stopped',
        deploy: { resources: { limits: { cpus: expect.any(String), memory: expect.any(String) } } },
      })
      expect(deployment.healthcheckOf(name), name).not.toEqual([])
    }
  })

  test('there are two workers, and time to drain them', () => {
    expect(deployment.service('worker').deploy.replicas).toBe(2)
    for (const name of PROCESSES) expect(deployment.service(name).stop_grace_period).toBe('20s')
  })

  test('Redis keeps its jobs: a log on disk, and no eviction', () => {
    expect(deployment.service('redis').command).toMatch(/--appendonly yes/)
    expect(deployment.service('redis').command).toMatch(/--maxmemory-policy noeviction/)
  })

  test('the databases are on the inner network only', () => {
    const inner = Object.keys(deployment.networks).filter((name) => deployment.networks[name]?.internal)
    for (const name of ['postgres', 'redis']) expect(deployment.service(name).networks).toEqual(inner)
  })
})

describe('Prometheus', () => {
  test('scrapes each process at the port where it serves metrics', async () => {
    const text = await readFile(path.join(deployDir, 'prometheus.yml'), 'utf8')
    const { scrape_configs: jobs } = parse(text) as { scrape_configs: { dns_sd_configs?: { names: string[]; port: number }[] }[] }
    const found = jobs.flatMap(({ dns_sd_configs = [] }) => dns_sd_configs).map(({ names, port }) => [names[0], port])
    expect(found).toEqual(PROCESSES.map((name) => [name, readConfig(deployment.environmentOf(name)).metricsPort]))
  })

  test.skipIf(promtoolMissing())(
    'has a configuration and alerts without faults, and each alert is set off by what it is for',
    async () => {
      for (const args of [
        ['check', 'config', path.join(deployDir, 'prometheus.yml')],
        ['check', 'rules', path.join(deployDir, 'alerts.yaml')],
        ['test', 'rules', path.join(deployDir, 'alerts.test.yaml')],
      ])
        expect(await promtool(args), args.join(' ')).toMatchObject({ code: 0 })
    },
  )
})

/** The TypeScript that `dist/….js` is built from. */
function sourceOf(script = ''): string {
  return path.join(packageRoot, script.replace(/^dist\//, '').replace(/\.js$/, '.ts'))
}

/** What dclint has to say, warnings included; nothing when all is well. */
function dclint(): Promise<string> {
  const command = path.join(packageRoot, 'node_modules/.bin/dclint')
  return new Promise((resolve) => {
    execFile(command, [path.join(deployDir, 'compose.yaml'), '--max-warnings', '0'], (error, stdout, stderr) =>
      resolve(error ? `${stdout}${stderr}` : stdout.trim()),
    )
  })
}
