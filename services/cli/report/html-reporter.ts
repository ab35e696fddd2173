import { rename, rm, writeFile } from 'node:fs/promises'
import type { LoadedPolicy } from '../../core/domain/policy.ts'
import { rulesOf, tellingRule } from '../../core/domain/telling-rule.ts'
import type { Model } from '../../worker/clip/open-model.ts'
import type { Finished } from '../scan/judge-found.ts'
import type { Reporter } from '../scan/reporter.ts'
import { summaryOf } from '../scan/tally.ts'
import { writeOutput } from '../write-output.ts'
import { failedCard, GROUPS, type Group, judgedCard, type Thumbnail } from './card.ts'
import type { Html } from './html.ts'
import { PAGE_END, pageHead } from './page.ts'
import { openSpool } from './spool.ts'
import { thumbnail } from './thumbnail.ts'

/** Writes `file`, one page with everything inside, what was rejected or flagged first. It is there only when it is whole. Throws when it cannot be written. */
export async function createHtmlReporter(file: string, model: Model, policies: LoadedPolicy[]): Promise<Reporter> {
  const part = `${file}.part`
  await writeFile(part, '')
  const spool = await openSpool(GROUPS)
  const active = policies.filter(({ mode }) => mode !== 'off').map(({ id }) => id)

  return {
    streams: false,
    async add(finished) {
      await spool.append(groupOf(finished), (await cardOf(finished, model)).text)
    },
    async finish(tally, { interrupted }) {
      const head = pageHead({ tally, interrupted, madeAt: new Date(), model, policies: active })
      await writeFile(part, page(head, spool.read()))
      await rename(part, file)
      await writeOutput(`${summaryOf(tally)}\nreport: ${file}\n`)
    },
    async close() {
      await spool.close()
      await rm(part, { force: true })
    },
  }
}

async function* page(head: Html, cards: AsyncIterable<Uint8Array>): AsyncGenerator<string | Uint8Array> {
  yield head.text
  yield* cards
  yield PAGE_END
}

function groupOf(finished: Finished): Group {
  return finished.kind === 'failed' ? 'error' : finished.result.action
}

async function cardOf(finished: Finished, model: Model): Promise<Html> {
  if (finished.kind === 'failed') return failedCard(finished.result)
  return judgedCard(finished.result, await pictureOf(finished, model))
}

/** The view that decided, or the whole picture. */
async function pictureOf(
  { result, judgement }: Finished & { kind: 'judged' },
  { preprocessing }: Model,
): Promise<Thumbnail | undefined> {
  const decisive = tellingRule(rulesOf(result.policies))?.view
  const views = judgement.views ?? []
  const view = views.find(({ view }) => view === decisive) ?? views[0]
  return view && thumbnail(view, preprocessing, result.image)
}
