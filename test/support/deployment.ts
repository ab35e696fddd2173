import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { parse } from 'yaml'
import { packageRoot } from '../../services/core/infra/package-root.ts'

export const deployDir = path.join(packageRoot, 'deploy')
export const PROCESSES = ['api', 'worker'] as const

export type ComposeService = {
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
  healthcheck?: { test: string[] }
  deploy: { replicas?: number; resources: { limits: { cpus: string; memory: string } } }
}

export type Deployment = Awaited<ReturnType<typeof readDeployment>>

/** What deploy/ says, so that tests start what a deployment starts. */
export async function readDeployment() {
  const dockerfile = await readFile(path.join(deployDir, 'Dockerfile'), 'utf8')
  const compose = await readFile(path.join(deployDir, 'compose.yaml'), 'utf8')
  const { services, networks } = parse(compose, { merge: true }) as {
    services: Record<string, ComposeService>
    networks: Record<string, { internal?: boolean } | null>
  }

  /** The arguments of every instruction of a kind, continued lines joined. */
  const instructions = (name: string): string[] => {
    const lines = dockerfile.replaceAll(/\\\n\s*/g, '').split('\n')
    return lines.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1))
  }
  const service = (name: string): ComposeService => {
    const found = services[name]
    if (!found) throw new Error(`compose.yaml has no service ${name}`)
    return found
  }

  return {
    dockerfile,
    compose,
    services,
    networks,
    instructions,
    service,
    /** What a process of ours finds in its environment: the image's, then the service's, each password `secret`. */
    environmentOf(name: string): Record<string, string> {
      const ofImage = instructions('ENV').flatMap((text) => text.split(' ').map((each) => each.split('=') as [string, string]))
      const ofService = Object.entries(service(name).environment ?? {}).map(([key, value]) => [key, interpolate(String(value))])
      return Object.fromEntries([...ofImage, ...ofService])
    },
    /** The program and arguments that tell whether a process of ours is healthy. */
    healthcheckOf(name: string): string[] {
      const [, ...own] = service(name).healthcheck?.test ?? []
      if (own.length > 0) return own
      return JSON.parse(/CMD (\[.*\])/.exec(instructions('HEALTHCHECK')[0] ?? '')?.[1] ?? '[]')
    },
  }
}

function interpolate(text: string): string {
  return text.replaceAll(/\$\{\w+:\?[^}]*\}/g, 'secret').replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1')
}
