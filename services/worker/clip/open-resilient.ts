import { AppError } from '../../core/domain/errors.ts'
import type { ExecutionProvider, ProviderNotice } from '../../core/infra/execution-providers.ts'
import type { VisionSession } from './vision-session.ts'

export type ResilientOptions = {
  /** In the order in which they are wished for. */
  providers: readonly ExecutionProvider[]
  open(provider: ExecutionProvider): Promise<VisionSession>
  onOpened?: (notice: ProviderNotice) => void
  now?: () => number
}

/** After which a provider that failed is tried again. */
const RETRY_AFTER_MS = 60_000

/**
 * A session on the first provider that can be had. The runtime itself refuses a list with a provider that is missing, and a device may run out of memory or be
 * lost while it works: then a batch is halved until it fits, what fails alone goes to the next provider, and a minute later the better one is tried again.
 * Throws AppError `invalid-model` when there is none that opens the model.
 */
export async function openResilient({
  providers,
  open,
  onOpened = () => {},
  now = () => performance.now(),
}: ResilientOptions): Promise<VisionSession> {
  const brokenAt = new Map<ExecutionProvider, number>()
  let current = await openFirst(providers)

  async function openFirst(
    wanted: readonly ExecutionProvider[],
  ): Promise<{ provider: ExecutionProvider; session: VisionSession }> {
    const failed: ProviderNotice['failed'] = []
    for (const provider of wanted) {
      try {
        const session = await open(provider)
        onOpened({ provider, failed })
        return { provider, session }
      } catch (error) {
        failed.push({ provider, message: (error as Error).message })
        brokenAt.set(provider, now())
      }
    }
    throw new AppError('invalid-model', failed.map(({ provider, message }) => `${provider}: ${message}`).join('; '))
  }

  /** Goes to the first of these that opens, and stays where it is when none does. */
  async function moveTo(wanted: readonly ExecutionProvider[]): Promise<boolean> {
    const next = wanted.length === 0 ? undefined : await openFirst(wanted).catch(() => undefined)
    if (!next) return false
    const { session } = current
    current = next
    await session.release().catch(() => {})
    return true
  }

  function better(): ExecutionProvider[] {
    const ahead = providers.slice(0, providers.indexOf(current.provider))
    return ahead.filter((provider) => now() - (brokenAt.get(provider) ?? 0) > RETRY_AFTER_MS)
  }

  async function embed(views: Uint8Array[]): Promise<Float32Array[]> {
    try {
      return await current.session.embed(views)
    } catch (error) {
      if (views.length > 1) {
        const half = Math.ceil(views.length / 2)
        return [...(await embed(views.slice(0, half))), ...(await embed(views.slice(half)))]
      }
      brokenAt.set(current.provider, now())
      if (await moveTo(providers.slice(providers.indexOf(current.provider) + 1))) return embed(views)
      throw error
    }
  }

  return {
    async embed(views) {
      await moveTo(better())
      return embed(views)
    },
    release: () => current.session.release(),
  }
}
