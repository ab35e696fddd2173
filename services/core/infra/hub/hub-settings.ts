import { AppError } from '../../domain/errors.ts'

/** How the hub is reached, by the variables that its own clients read. */
export type HubSettings = {
  /** Without a slash at its end. */
  endpoint: string
  /** For the endpoint only, never for a host that it redirects to. */
  token: string | undefined
  /** Nothing may be fetched. */
  offline: boolean
  proxy: { http: string | undefined; https: string | undefined; none: string | undefined }
}

const HUB = 'https://huggingface.co'

/** Reads HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE, HTTP_PROXY, HTTPS_PROXY and NO_PROXY. Throws AppError `invalid-config` for an endpoint that is no URL. */
export function readHubSettings(env: Record<string, string | undefined>): HubSettings {
  const given = (...names: string[]) => names.map((name) => env[name]).find((value) => value !== undefined && value !== '')
  const endpoint = given('HF_ENDPOINT') ?? HUB
  if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol))
    throw new AppError('invalid-config', 'HF_ENDPOINT: a URL that begins with https:// or http:// is needed')
  return {
    endpoint: endpoint.replace(/\/+$/, ''),
    token: given('HF_TOKEN')?.trim(),
    offline: /^(1|on|yes|true)$/i.test(given('HF_HUB_OFFLINE') ?? ''),
    proxy: {
      http: given('http_proxy', 'HTTP_PROXY'),
      https: given('https_proxy', 'HTTPS_PROXY'),
      none: given('no_proxy', 'NO_PROXY'),
    },
  }
}
