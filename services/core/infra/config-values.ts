import { z } from 'zod'
import { EXECUTION_PROVIDERS, type ExecutionProvider } from './execution-providers.ts'
import { parseAllowList } from './parse-allow-list.ts'
import { parseTrustedProxies } from './parse-trusted-proxies.ts'

// The kinds of values that variables of the environment have: schemas of their text.

const MOST_RETRIES = 50
const LONGEST_RETRY_SECONDS = 7 * 24 * 3600

export const integer = (least: number, most: number) => {
  const error = `a whole number from ${least} to ${most} is needed`
  return z.coerce.number(error).int(error).min(least, error).max(most, error)
}
export const choice = <const T extends readonly string[]>(...values: T) => z.enum(values, `one of ${values.join(', ')} is needed`)
export const toggle = choice('on', 'off').transform((value) => value === 'on')
export const url = (...protocols: string[]) =>
  z.string().refine((value) => URL.canParse(value) && protocols.includes(new URL(value).protocol), {
    message: `a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')} is needed`,
  })

export const allowList = z.string().transform((text, context) => {
  const { allow, problems } = parseAllowList(text)
  for (const message of problems) context.addIssue({ code: 'custom', message })
  return allow
})

export const trustedProxies = z.string().transform((text, context) => {
  const { trusted, problems } = parseTrustedProxies(text)
  for (const message of problems) context.addIssue({ code: 'custom', message })
  return trusted
})

export const executionProviders = z.string().transform((text, context) => {
  const names = [...new Set(text.split(',').map((part) => part.trim()))]
  const known = names.filter((name): name is ExecutionProvider => (EXECUTION_PROVIDERS as readonly string[]).includes(name))
  if (known.length < names.length)
    context.addIssue({
      code: 'custom',
      message: `some of ${EXECUTION_PROVIDERS.join(', ')} are needed, best first, with commas between`,
    })
  return known
})

export const ports = z.string().transform((text, context) => {
  const list = text.split(',').map((part) => (/^ *\d+ *$/.test(part) ? Number(part) : 0))
  if (list.some((port) => port < 1 || port > 65_535))
    context.addIssue({ code: 'custom', message: 'ports from 1 to 65535 are needed, with commas between' })
  return list
})

export const seconds = z.string().transform((text, context) => {
  const list = text.split(',').map((part) => (/^ *\d+(\.\d+)? *$/.test(part) ? Number(part) : Number.NaN))
  if (list.length > MOST_RETRIES || !list.every((each) => each <= LONGEST_RETRY_SECONDS))
    context.addIssue({ code: 'custom', message: `up to ${MOST_RETRIES} numbers of seconds are needed, with commas between` })
  return list
})

/** Never repeated in a message. */
export const secretKeys = z.string().transform((text, context) => {
  const keys = text.split(',').map((part) => Buffer.from(part, 'base64'))
  if (keys.some(({ length }) => length !== 32))
    context.addIssue({
      code: 'custom',
      message: '32 bytes in base64 are needed, as `openssl rand -base64 32` prints them; older keys after commas',
    })
  return keys
})
