import { createCpuBudget } from './cpu-budget.ts'
import { type DecodedImage, decodeImage } from './decode-image.ts'
import type { ChildSettings, Reply, Request } from './decode-messages.ts'
import { explainDecodeError, isOutOfMemory } from './explain-decode-error.ts'
import { restrictSharp } from './open-picture.ts'
import { renderImage } from './render-image.ts'

const settings = JSON.parse(process.argv[2] as string) as ChildSettings

/** An orderly exit would wait for a decode in progress. */
function die(): void {
  process.kill(process.pid, 'SIGKILL')
}

function reply(message: Reply): void {
  process.send?.(message, undefined, undefined, (error) => error && die())
}

async function answer({ path, asked, rendition }: Request): Promise<Reply> {
  try {
    if (rendition)
      return { type: 'rendered', image: await renderImage(path, rendition, settings), rssBytes: process.memoryUsage.rss() }
    const unsent = createUnsent()
    const image = await decodeImage(path, settings, {
      asked,
      onSoFar: (soFar) => reply({ type: 'so-far', image: unsent(soFar) }),
      mayGoOn: createCpuBudget(settings.cpuMs),
    })
    return { type: 'decoded', image: unsent(image), rssBytes: process.memoryUsage.rss() }
  } catch (error) {
    if (isOutOfMemory(error)) return { type: 'out-of-memory' }
    return { type: 'undecodable', message: explainDecodeError(error, path), rssBytes: process.memoryUsage.rss() }
  }
}

/** Leaves of a picture's views those that it was not called with before. */
function createUnsent(): (image: DecodedImage) => DecodedImage {
  let sent = 0
  return ({ views, ...image }) => {
    const unsent = views.slice(sent)
    sent = views.length
    return { ...image, views: unsent }
  }
}

restrictSharp(settings)
process.on('disconnect', die)
process.on('message', (request: Request) => {
  void answer(request).then(reply)
})
reply({ type: 'ready' })
