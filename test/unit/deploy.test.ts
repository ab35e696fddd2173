import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { validate } from 'dockerfile-utils'
import { beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { readConfig } from '../../services/core/infra/config.ts'
import { packageRoot } from '../../services/core/infra/package-root.ts'
import { promtool, promtoolMissing } from '../support/promtool.ts'

type Service = {
  image: string
  user?: string
  command?: string | string[]
  environment?: Record<string, string | number>
  networks: string[]
  restart: string
  read_only: boolean
  cap_drop: string[]
  security_opt: string[]
  stop_grace_period?: string
  healthcheck?: object
  deploy: { replicas?: number; resources: { limits: { cpus: string; memory: string } } }
}
type Compose = { services: Record<string, Service>; networks: Record<string, { internal?: boolean } | null> }

const deploy = path.join(packageRoot, 'deploy')
const OURS = ['api', 'worker'] as const

let dockerfile: string
let composeText: string
let services: Record<string, Service>

beforeAll(async () => {
  dockerfile = await readFile(path.join(deploy, 'Dockerfile'), 'utf8')
  composeText = await readFile(path.join(deploy, 'compose.yaml'), 'utf8')
  services = (parse(composeText, { merge: true }) as Compose).services
})

describe('the image', () => {
  test('has a Dockerfile without faults', () => {
    expect(validate(dockerfile)).toEqual([])
  })

  test('starts an entry point that exists, as another user than root', () => {
    const [command] = instructions('CMD').map((text): string[] => JSON.parse(text)) as [string[]]
    expect(command[0]).toBe('node')
    expect(sourceOf(command[1])).toSatisfy(existsSync)
    expect(instructions('USER')).toEqual(['1000:1000'])
  })

  test('contains every folder that it copies', () => {
    const copied = instructions('COPY')
      .filter((text) => !text.startsWith('--from'))
      .flatMap((text) => text.split(' ').slice(0, -1))
    expect(copied).toContain('models')
    expect(copied.filter((name) => !existsSync(path.join(packageRoot, name)))).toEqual([])
  })
})

describe('compose.yaml', () => {
  test('passes dclint with every rule on', async () => {
    expect(await dclint()).toBe('')
    expect(composeText).not.toMatch(/dclint disable/)
  })

  test.for(OURS)('%s runs an entry point that exists', (name) => {
    const [program, script] = service(name).command as string[]
    expect(program).toBe('node')
    expect(sourceOf(script)).toSatisfy(existsSync)
  })

  test.for(OURS)('%s has a configuration that it accepts', (name) => {
    const config = readConfig(environmentOf(name))
    expect(config).toMatchObject({
      databaseUrl: 'postgres://pixwarden:secret@postgres:5432/pixwarden',
      redisUrl: 'redis://:secret@redis:6379/0',
      host: '0.0.0.0',
      dataDir: '/data',
      metricsPort: 9464,
    })
  })

  test('no password is in it: each must be given', () => {
    const passwords = composeText.match(/\$\{\w*PASSWORD[^}]*\}/g) ?? []
    expect(passwords.length).toBeGreaterThan(3)
    for (const password of passwords) expect(password).toMatch(/^\$\{\w+:\?/)
    expect(composeText).not.toMatch(/PASSWORD: (?!\$\{)/)
  })

  test('every service is confined, limited, restarted and checked', () => {
    for (const [name, each] of Object.entries(services)) {
      expect(each, name).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        restart: 'unless-stopped',
        deploy: { resources: { limits: { cpus: expect.any(String), memory: expect.any(String) } } },
      })
      expect(each.healthcheck ?? instructions('HEALTHCHECK')[0], name).toBeDefined()
    }
  })

  test('there are two workers, and time to drain them', () => {
    expect(service('worker').deploy.replicas).toBe(2)
    for (const name of OURS) expect(service(name).stop_grace_period).toBe('20s')
  })

  test('Redis keeps its jobs: a log on disk, and no eviction', () => {
    expect(service('redis').command).toMatch(/--appendonly yes/)
    expect(service('redis').command).toMatch(/--maxmemory-policy noeviction/)
  })

  test('the databases are on the inner network only', () => {
    const { networks } = parse(composeText) as Compose
    const inner = Object.keys(networks).filter((name) => networks[name]?.internal)
    for (const name of ['postgres', 'redis']) expect(service(name).networks).toEqual(inner)
  })
})

describe('Prometheus', () => {
  test('scrapes each process at the port where it serves metrics', async () => {
    const text = await readFile(path.join(deploy, 'prometheus.yml'), 'utf8')
    const { scrape_configs: jobs } = parse(text) as { scrape_configs: { dns_sd_configs?: { names: string[]; port: number }[] }[] }
    const found = jobs.flatMap(({ dns_sd_configs = [] }) => dns_sd_configs).map(({ names, port }) => [names[0], port])
    expect(found).toEqual(OURS.map((name) => [name, readConfig(environmentOf(name)).metricsPort]))
  })

  test.skipIf(promtoolMissing())(
    'has a configuration and alerts without faults, and each alert is set off by what it is for',
    async () => {
      for (const args of [
        ['check', 'config', path.join(deploy, 'prometheus.yml')],
        ['check', 'rules', path.join(deploy, 'alerts.yaml')],
        ['test', 'rules', path.join(deploy, 'alerts.test.yaml')],
      ])
        expect(await promtool(args), args.join(' ')).toMatchObject({ code: 0 })
    },
  )
})

function service(name: string): Service {
  const found = services[name]
  if (!found) throw new Error(`compose.yaml has no service ${name}`)
  return found
}

/** The arguments of every instruction of a kind, continued lines joined. */
function instructions(name: string): string[] {
  const lines = dockerfile.replaceAll(/\\\n\s*/g, '').split('\n')
  return lines.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1))
}

/** The TypeScript that `dist/….js` is built from. */
function sourceOf(script = ''): string {
  return path.join(packageRoot, script.replace(/^dist\//, '').replace(/\.js$/, '.ts'))
}

/** What a process of ours finds in its environment: the image's, then the service's, with the passwords filled in. */
function environmentOf(name: string): Record<string, string> {
  const ofImage = instructions('ENV').flatMap((text) => text.split(' ').map((each) => each.split('=') as [string, string]))
  const ofService = Object.entries(service(name).environment ?? {}).map(([key, value]) => [key, interpolate(String(value))])
  return Object.fromEntries([...ofImage, ...ofService])
}

function interpolate(text: string): string {
  return text.replaceAll(/\$\{\w+:\?[^}]*\}/g, 'secret').replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1')
}

/** What dclint has to say, warnings included; nothing when all is well. */
function dclint(): Promise<string> {
  const command = path.join(packageRoot, 'node_modules/.bin/dclint')
  return new Promise((resolve) => {
    execFile(command, [path.join(deploy, 'compose.yaml'), '--max-warnings', '0'], (error, stdout, stderr) =>
      resolve(error ? `${stdout}${stderr}` : stdout.trim()),
    )
  })
}
