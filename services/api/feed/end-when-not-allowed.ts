import { hasCode } from '../../core/domain/errors.ts'

/** An answer about a key is remembered for some seconds more. */
const EVERY_MS = 20_000

export type Lasting = { gone: AbortSignal; end(): void }

/** Asks now and then whether whoever reads a stream may still do so, and else ends it. That the database cannot be asked at the moment changes nothing. */
export function endWhenNotAllowed(stream: Lasting, isStillAllowed: () => Promise<boolean>): void {
  if (stream.gone.aborted) return
  const ask = async () => {
    const allowed = await isStillAllowed().catch((error: unknown) => hasCode(error, 'store-unavailable'))
    if (!allowed) stream.end()
  }
  const timer = setInterval(() => void ask(), EVERY_MS)
  stream.gone.addEventListener('abort', () => clearInterval(timer), { once: true })
}
