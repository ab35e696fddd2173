import type { ExecutionProvider } from '../../../services/core/infra/execution-providers.ts'
import { contest } from '../contest.ts'

/** Those on which the embedded model runs; of the others it says why not. Each is tried in a process of its own: a driver may take its process down. */
export async function workingProviders(providers: readonly ExecutionProvider[], graphDir: string): Promise<ExecutionProvider[]> {
  const working: ExecutionProvider[] = []
  for (const provider of providers) {
    const args = { dir: 'embedded', graphDir, provider, threads: 1, batch: 1 }
    try {
      await contest([{ name: provider, entry: 'providers/model-on-provider', args }], { rounds: 0, seconds: 0, pinned: false })
      working.push(provider)
    } catch (error) {
      console.log(`${provider} does not work here: ${(error as Error).message}`)
    }
  }
  return working
}
