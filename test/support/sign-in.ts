import type { TestApi } from './api.ts'

/** What a browser has after it signed in. */
export type SignedIn = {
  session: { tenant: string; name: string; scopes: string[]; csrf_token: string; expires_at: string }
  /** As the browser sends it. */
  cookie: string
  /** The whole header that set it. */
  setCookie: string
  /** A request as the dashboard makes it. */
  call(route: string, init?: RequestInit): Promise<Response>
}

/** Asks to be signed in. */
export function postSession(api: Pick<TestApi, 'url'>, body: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${api.url}/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
}

/** Signs in, by default by a new key with the scope review. */
export async function signIn(
  api: TestApi,
  { key, ...body }: { key?: string; name?: string; link?: string } = {},
  headers: Record<string, string> = {},
): Promise<SignedIn> {
  const by = body.link === undefined ? { key: key ?? (await api.createKey(['review'])), ...body } : body
  const response = await postSession(api, by, headers)
  if (response.status !== 200) throw new Error(await response.text())
  const session = (await response.json()) as SignedIn['session']
  const [setCookie = ''] = response.headers.getSetCookie()
  const [cookie = ''] = setCookie.split(';')
  return {
    session,
    cookie,
    setCookie,
    call: (route, init = {}) =>
      fetch(`${api.url}${route}`, { ...init, headers: { cookie, 'x-csrf-token': session.csrf_token, ...init.headers } }),
  }
}
