import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type HubRepo = {
  commit: string
  files: Record<string, Buffer>
  /** Answered with 403, as a model whose terms must be accepted. */
  gated?: boolean
}

/** What goes wrong with one request. */
export type Fault =
  | { kind: 'status'; status: number; headers?: Record<string, string> }
  /** The connection breaks after so many bytes. */
  | { kind: 'break'; after: number }
  /** The body ends after so many bytes, as if that were all. */
  | { kind: 'end'; after: number }
  | { kind: 'corrupt' }
  | { kind: 'ignore-range' }
  /** Nothing more comes after so many bytes. */
  | { kind: 'stall'; after: number }

export type HubRequest = { host: 'hub' | 'cdn'; path: string; headers: IncomingMessage['headers'] }

export type FakeHub = {
  endpoint: string
  /** In the order they came. */
  requests: HubRequest[]
  /** Those for one file, at the host that has its bytes. */
  requestsFor(file: string): HubRequest[]
  repos: Map<string, HubRepo>
  /** As some mirrors do, lists names only. */
  namesOnly: boolean
  /** Asked for each request, with how often that host was asked for that path before. */
  faults: (request: HubRequest, before: number) => Fault | undefined
  close(): Promise<void>
}

export const COMMIT = 'a'.repeat(40)

/**
 * Speaks the routes of the model hub: the listing of a revision, and files, of which large ones are redirected to another host as they are there.
 * Nothing of it comes from the hub but the names of routes and headers.
 */
export async function startHub(repos: Record<string, HubRepo>): Promise<FakeHub> {
  const seen = new Map<string, number>()
  const log = (host: 'hub' | 'cdn', request: IncomingMessage): Fault | undefined => {
    const asked = { host, path: decodeURIComponent(request.url ?? ''), headers: request.headers }
    const before = seen.get(`${host}${asked.path}`) ?? 0
    seen.set(`${host}${asked.path}`, before + 1)
    hub.requests.push(asked)
    return hub.faults(asked, before)
  }
  const cdn = await listen((request, response) => {
    const fault = log('cdn', request)
    const [, repo, file] = /^\/blobs\/([^/]+\/[^/]+)\/(.+)$/.exec(decodeURIComponent(request.url ?? '')) ?? []
    sendFile(request, response, hub.repos.get(repo ?? '')?.files[file ?? ''], `"${repo}/${file}"`, fault)
  })
  const front = await listen((request, response) => {
    const fault = log('hub', request)
    if (fault?.kind === 'status') return void response.writeHead(fault.status, fault.headers).end()
    const url = decodeURIComponent((request.url ?? '').replace(/\?.*/, ''))
    const [, listed, revision] = /^\/api\/models\/([^/]+\/[^/]+)\/revision\/(.+)$/.exec(url) ?? []
    const [, repo, at, file] = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(url) ?? []
    const found = hub.repos.get(listed ?? repo ?? '')
    if (!found) return refuse(response, 401, 'RepoNotFound')
    if (found.gated && request.headers.authorization !== 'Bearer hf_good') return refuse(response, 403, 'GatedRepo')
    if (![found.commit, 'main'].includes(revision ?? at ?? '')) return refuse(response, 404, 'RevisionNotFound')
    if (listed) return sendListing(response, found, hub.namesOnly)
    const bytes = found.files[file ?? '']
    if (!bytes) return refuse(response, 404, 'EntryNotFound')
    response.setHeader('x-repo-commit', found.commit)
    if (!isLarge(file ?? '')) return sendFile(request, response, bytes, `"${gitSha1(bytes)}"`, fault)
    response.writeHead(302, {
      location: `http://127.0.0.1:${portOf(cdn)}/blobs/${repo}/${file}`,
      'x-linked-size': bytes.length,
      'x-linked-etag': `"${sha256(bytes)}"`,
    })
    response.end()
  })
  const hub: FakeHub = {
    endpoint: `http://127.0.0.1:${portOf(front)}`,
    requests: [],
    requestsFor: (file) =>
      hub.requests.filter(({ host, path }) => path.endsWith(`/${file}`) && (host === 'cdn') === isLarge(file)),
    repos: new Map(Object.entries(repos)),
    namesOnly: false,
    faults: () => undefined,
    close: async () => {
      await Promise.all([stop(front), stop(cdn)])
    },
  }
  return hub
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function gitSha1(bytes: Buffer): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
}

function isLarge(file: string): boolean {
  return /\.onnx(_data)?$/.test(file)
}

function sendListing(response: ServerResponse, { commit, files }: HubRepo, namesOnly: boolean): void {
  const siblings = Object.entries(files).map(([rfilename, bytes]) => ({
    rfilename,
    ...(!namesOnly && { size: bytes.length, blobId: gitSha1(bytes) }),
    ...(!namesOnly && isLarge(rfilename) && { lfs: { sha256: sha256(bytes), size: bytes.length, pointerSize: 134 } }),
  }))
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ sha: commit, siblings }))
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'x-error-code': code, 'x-error-message': `${code}!` }).end()
}

function sendFile(
  { headers }: IncomingMessage,
  response: ServerResponse,
  bytes: Buffer | undefined,
  etag: string,
  fault: Fault | undefined,
): void {
  if (fault?.kind === 'status') return void response.writeHead(fault.status, fault.headers).end()
  if (!bytes) return void response.writeHead(404).end()
  const asked = fault?.kind === 'ignore-range' || (headers['if-range'] ?? etag) !== etag ? undefined : headers.range
  const from = Number(/^bytes=(\d+)-$/.exec(asked ?? '')?.[1] ?? 0)
  if (from >= bytes.length && asked !== undefined) return void response.writeHead(416).end()
  const rest = Buffer.from(bytes.subarray(from))
  if (fault?.kind === 'corrupt') rest[0] = 1 + (rest[0] ?? 0)
  const range = asked === undefined ? {} : { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }
  const length = fault?.kind === 'end' ? {} : { 'content-length': rest.length }
  response.writeHead(asked === undefined ? 200 : 206, { etag, ...range, ...length })
  if (fault?.kind !== 'break' && fault?.kind !== 'end' && fault?.kind !== 'stall') return void response.end(rest)
  const part = rest.subarray(0, fault.after)
  if (fault.kind === 'end') return void response.end(part)
  // Only what has left this process can arrive before the connection breaks.
  response.write(part, () => fault.kind === 'break' && setImmediate(() => response.destroy()))
}

async function listen(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}

async function stop(server: Server): Promise<void> {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
}
