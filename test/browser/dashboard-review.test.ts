import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Decision } from '../../services/core/domain/decision.ts'
import type { ReviewView } from '../../services/core/domain/review-view.ts'
import { packageRoot } from '../../services/core/infra/package-root.ts'
import { browserMissing, openBrowser } from '../support/browser.ts'
import { inspectPage } from '../support/inspect-page.ts'
import { type Service, sample, startService } from '../support/service.ts'
import { waitFor } from '../support/wait-for.ts'

const HOSTILE = '<img src=x onerror="document.title=\'hacked\'">'
const QUOTED = `'${HOSTILE.replaceAll("'", "''")}'`
/** Finds everything, and is the most severe of the policies: reviews are about its texts. */
const HOSTILE_POLICY = `id: hostile
title: ${QUOTED}
limits: ${QUOTED}
mode: enforce
rules:
  - id: photo
    concepts: [${QUOTED}, a cat]
    contrast: [a rocket]
    score: cosine
    thresholds: { flag: -1 }
`
const VIEWPORT = { width: 1280, height: 800 }
const UPLOADS = 36
const ALL = UPLOADS + 1
const LONGEST_WAIT_MS = 100

/** Expressions for the page are text: the DOM's types are not those of the tests. */
const MEASURE_NEXT = `
  document.addEventListener('keydown', ({ key }) => {
    if (!'arz'.includes(key)) return
    const pressed = performance.now()
    const before = document.querySelector('.picture')?.dataset.upload
    const look = () => {
      const picture = document.querySelector('.picture')
      const canvas = picture?.querySelector('canvas')
      if (picture && picture.dataset.upload !== before && canvas && canvas.width > 0) window.waits.push(performance.now() - pressed)
      else requestAnimationFrame(look)
    }
    requestAnimationFrame(look)
  }, true)`

describe.skipIf(browserMissing('the pages for moderators'))('the dashboard, for whoever moderates', () => {
  let service: Service
  let browser: Browser
  let context: BrowserContext
  let page: Page
  const complaints: string[] = []
  /** Uploads whose pictures have come whole. */
  const loaded = new Set<string>()

  beforeAll(async () => {
    service = await startService()
    await writeFile(path.join(service.policies, 'hostile.yaml'), HOSTILE_POLICY)
    await waitFor(async () => (await service.call('/v1/policies/hostile')).ok, { what: 'the new policy in the api' })
    // The first that the worker judges by it is a review as well.
    const coffee = await sample('coffee.jpg')
    await waitFor(async () => ((await service.upload(coffee, '?wait=30&source=first')).body as Decision).action === 'flag', {
      what: 'the new policy in the worker',
    })
    const photo = await sample('cat.jpg')
    const metadata = encodeURIComponent(JSON.stringify({ [HOSTILE]: HOSTILE }))
    const upload = async (number: number) => {
      const picture = await sharp(photo)
        .modulate({ hue: number * 9 })
        .jpeg()
        .toBuffer()
      const names = `&external_id=${encodeURIComponent(`${HOSTILE}${number}`)}&uploader=${encodeURIComponent(HOSTILE)}&source=shop`
      await service.upload(picture, `?wait=30&metadata=${metadata}${names}`)
    }
    for (let number = 0; number < UPLOADS; number += 6)
      await Promise.all(Array.from({ length: 6 }, (_, index) => upload(number + index)))
    browser = await openBrowser()
    ;({ context, page } = await openWindow())
  })
  afterAll(async () => {
    await browser?.close()
    await service?.stop()
  })

  async function openWindow() {
    const context = await browser.newContext({ viewport: VIEWPORT })
    context.setDefaultTimeout(10_000)
    const page = await context.newPage()
    page.on('console', (message) => {
      if (message.type() === 'error' && !/status of 40[149]/.test(message.text())) complaints.push(message.text())
    })
    page.on('requestfinished', (request) => {
      const [, id] = /uploads\/([^/]+)\/image\?variant=display/.exec(request.url()) ?? []
      if (id) loaded.add(id)
    })
    page.on('pageerror', (error) => complaints.push(error.message))
    return { context, page }
  }

  async function signIn(page: Page, name: string) {
    await page.getByLabel('API key').fill(service.key)
    await page.getByLabel('Your name').fill(name)
    await page.keyboard.press('Enter')
  }

  const open = (route: string) => page.goto(`${service.url}/dashboard${route}`)
  const json = async <T>(route: string) => (await (await service.call(route)).json()) as T
  const reviews = async (state: string) => (await json<{ items: ReviewView[] }>(`/v1/reviews?state=${state}&limit=100`)).items
  const picture = (of = page) => of.locator('.picture')
  const shown = (of = page) => picture(of).getAttribute('data-shown')
  const uploadOf = async (of = page) => (await picture(of).getAttribute('data-upload')) ?? ''
  const reviewOf = async (uploadId: string) => {
    const all = [...(await reviews('open')), ...(await reviews('claimed')), ...(await reviews('resolved'))]
    return all.find(({ upload }) => upload.id === uploadId)
  }
  const inHand = async (name: string) => (await reviews('claimed')).filter(({ claim }) => claim?.by.name === name)
  /** The pictures of all that is in hand have come: the state that whoever looks at one for a moment leaves behind. */
  const prefetched = () =>
    waitFor(
      async () => {
        const ids = (await inHand('Ada')).map(({ upload }) => upload.id)
        return ids.length >= 4 && ids.every((id) => loaded.has(id))
      },
      { what: 'the next pictures' },
    )
  const filter = () => page.evaluate(`getComputedStyle(document.querySelector('.picture canvas')).filter`)
  /** How much neighbouring pixels of what is drawn differ: a blurred picture has little of it. */
  const detail = (of = page) =>
    of.evaluate<number>(`(() => {
      const canvas = document.querySelector('.picture canvas')
      const small = Object.assign(document.createElement('canvas'), { width: 200, height: 150 })
      const context = small.getContext('2d')
      context.drawImage(canvas, 0, 0, 200, 150)
      const { data } = context.getImageData(0, 0, 200, 150)
      let sum = 0
      for (let at = 4; at < data.length; at += 4) sum += Math.abs(data[at] - data[at - 4])
      return sum / (200 * 150)
    })()`)

  /** As the page counts it. */
  const reviewed = async () => Number(/Reviewed\s*(\d+)/.exec(await page.locator('.counters').innerText())?.[1])

  const inspect = (name: string) => inspectPage(page, { name, viewport: VIEWPORT })

  test('signing in needs a key that is known, and leads to where one wanted to go', async () => {
    await open('/settings')
    await page.getByRole('heading', { level: 1, name: 'pixwarden' }).waitFor()
    expect(await inspect('sign-in')).toEqual([])
    await page.getByLabel('API key').fill('pxw_wrong')
    await page.keyboard.press('Enter')
    await page.getByText('This key is not known, or was revoked.').waitFor()
    await signIn(page, 'Ada')
    await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor()
    expect(page.url()).toBe(`${service.url}/dashboard/settings`)
    expect(await page.evaluate('document.cookie')).toBe('')
    expect(await inspect('settings')).toEqual([])
  })

  test('the first load is less than 100 KB', async () => {
    const sizes = await page.evaluate<number>(
      `performance.getEntries().filter(({ entryType, name }) => entryType === 'navigation' || name.includes('/dashboard/'))
        .reduce((sum, { transferSize }) => sum + transferSize, 0)`,
    )
    expect(sizes).toBeGreaterThan(10_000)
    expect(sizes).toBeLessThan(100_000)
  })

  test('the queue lists what waits, by name and with filters', async () => {
    await page.getByRole('link', { name: 'Queue' }).click()
    await expect.poll(() => page.locator('.table tbody tr').count()).toBe(ALL)
    expect(await page.getByRole('navigation', { name: 'Queues' }).innerText()).toMatch(
      new RegExp(`Everything\\s*${ALL}[^]*live-animals`),
    )
    await page.getByLabel('State').selectOption('resolved')
    await page.getByText('Nothing waits here').waitFor()
    await page.getByLabel('State').selectOption('open')
    await expect.poll(() => page.locator('.table tbody tr').count()).toBe(ALL)
    expect(await inspect('queue')).toEqual([])
  })

  test('what another browser takes is seen at once, with whose name', async () => {
    await expect.poll(() => page.locator('.feed-status').getAttribute('data-status')).toBe('live')
    const other = await openWindow()
    await other.page.goto(`${service.url}/dashboard/review`)
    await signIn(other.page, 'Grace')
    await picture(other.page).waitFor()
    const taken = page.locator('.table tbody tr').filter({ hasText: 'with Grace' })
    await expect.poll(() => taken.count()).toBe(4)
    await taken.first().getByRole('link').click()
    await page.getByText('Grace is looking at this one.').waitFor()
    expect(await page.getByRole('button', { name: 'Approve' }).count()).toBe(0)
    await page.keyboard.press('n')
    await page.getByRole('button', { name: 'Approve' }).waitFor()
    expect(await uploadOf()).not.toBe(await uploadOf(other.page))
    await other.page.goto('about:blank')
    await expect.poll(async () => (await inHand('Grace')).length).toBe(0)
    await other.context.close()
  })

  test('a picture is blurred by the service and grey until it is wanted', async () => {
    await open('/review')
    await expect.poll(() => shown()).toBe('blurred')
    await prefetched()
    const blurred = await detail()
    expect(await filter()).toBe('grayscale(1)')

    await page.keyboard.down(' ')
    await expect.poll(() => shown()).toBe('display')
    expect(await detail()).toBeGreaterThan(2 * blurred)
    await page.keyboard.up(' ')
    await expect.poll(() => shown()).toBe('blurred')

    await picture().hover()
    await page.mouse.down()
    await expect.poll(() => shown()).toBe('display')
    await page.mouse.up()
    await expect.poll(() => shown()).toBe('blurred')

    await page.keyboard.press('g')
    await page.keyboard.press('v')
    await expect.poll(() => shown()).toBe('display')
    expect(await filter()).toBe('none')
    await page.keyboard.press('g')
  })

  test('the rule that matched is told with its score, threshold and prompts', async () => {
    const facts = page.locator('.telling-rule')
    expect(await facts.innerText()).toContain(HOSTILE)
    expect(await facts.getByRole('img', { name: /^score 0\.\d{3}, at or above the threshold -1\.000$/ }).isVisible()).toBe(true)
    expect(await page.getByText('live-animals/animal').isVisible()).toBe(true)
    await expect
      .poll(() => page.locator('.desk-facts').innerText())
      .toContain(`${UPLOADS - 1} uploads: 0 approved, ${UPLOADS - 1} flagged, 0 rejected`)
  })

  test('the explanation shows where the match lies, and which words made it', async () => {
    await page.keyboard.press('e')
    await page.locator('.heat').waitFor()
    await page.getByLabel('Rule', { exact: true }).selectOption('live-animals/animal')
    expect(await page.getByText(/^The match lies mostly at the /).isVisible()).toBe(true)
    expect(await page.getByRole('row', { name: /^a cat 0\.\d{3} \d+\.\d %$/ }).isVisible()).toBe(true)
    const [over, under] = await Promise.all([page.locator('.heat').boundingBox(), picture().boundingBox()])
    expect(over?.width).toBeLessThanOrEqual(under?.width ?? 0)
    expect(over?.height).toBeLessThanOrEqual((under?.height ?? 0) + 1)
    expect(await inspect('review')).toEqual([])
    await page.keyboard.press('e')
  })

  test('the sheet of keys opens and closes by keyboard', async () => {
    await page.keyboard.press('?')
    const sheet = page.getByRole('dialog', { name: 'Keys' })
    await sheet.waitFor()
    expect(await sheet.innerText()).toContain('Undo the last decision')
    expect(await inspect('review-keys')).toEqual([])
    const before = await uploadOf()
    await page.keyboard.press('a')
    await page.keyboard.press('Escape')
    await sheet.waitFor({ state: 'hidden' })
    expect(await uploadOf()).toBe(before)
  })

  test('keys are letters while somebody types', async () => {
    const before = await uploadOf()
    await page.getByLabel('Note').focus()
    await page.keyboard.type('a rat, 1 sad zebra')
    expect(await uploadOf()).toBe(before)
    expect(await page.getByLabel('Note').inputValue()).toBe('a rat, 1 sad zebra')
    await page.keyboard.press('Tab')
    await page.keyboard.press('2')
    await page.keyboard.press('r')
    await expect
      .poll(async () => (await reviewOf(before))?.resolution)
      .toMatchObject({
        action: 'reject',
        reason_code: 'live-animals',
        note: 'a rat, 1 sad zebra',
        by: { name: 'Ada' },
      })
  })

  test('a decision is taken back by a key while that can be done', async () => {
    const first = await uploadOf()
    await page.keyboard.press('a')
    await expect.poll(() => page.getByRole('button', { name: /^Undo \(\d+ s\)/ }).isVisible()).toBe(true)
    await expect.poll(async () => (await reviewOf(first))?.state).toBe('resolved')
    await page.keyboard.press('z')
    await expect.poll(() => uploadOf()).toBe(first)
    expect(await reviewOf(first)).toMatchObject({ state: 'claimed', claim: { by: { name: 'Ada' } } })
    expect(await shown()).toBe('blurred')
  })

  /** Resolves to the milliseconds from each decision to the next picture. */
  async function reviewTen(): Promise<number[]> {
    await page.evaluate('window.waits = []')
    const seen: string[] = []
    for (let turn = 0; turn < 10; turn++) {
      await prefetched()
      seen.push(await uploadOf())
      await page.keyboard.press(turn % 2 === 0 ? 'r' : 'a')
      await expect.poll(() => uploadOf()).not.toBe(seen[turn])
    }
    expect(new Set(seen).size).toBe(10)
    const unsaved = async () => {
      const saved = new Set((await reviews('resolved')).map(({ upload }) => upload.id))
      return seen.filter((id) => !saved.has(id))
    }
    await expect.poll(unsaved).toEqual([])
    return page.evaluate<number[]>('window.waits')
  }

  test('ten uploads are reviewed by keyboard alone, and the next picture is there within 100 ms', async () => {
    await page.evaluate(MEASURE_NEXT)
    const before = await reviewed()
    let waits = await reviewTen()
    // Other tests run beside this one: what they held up is told from what the page is slow at by doing it again.
    const held = Math.max(...waits) > LONGEST_WAIT_MS
    if (held) waits = await reviewTen()
    expect(waits).toHaveLength(10)
    expect(Math.max(...waits)).toBeLessThanOrEqual(LONGEST_WAIT_MS)
    expect(await reviewed()).toBe(before + (held ? 20 : 10))
  })

  test('whoever loses a picture to somebody else is told so, and goes on', async () => {
    const lost = await uploadOf()
    await service.database.query(
      `UPDATE pixwarden.reviews SET claimed_by = 'key:other', claimed_name = 'Linus' WHERE upload_id = $1`,
      [lost],
    )
    await page.keyboard.press('r')
    await page.locator('#page').getByText('This one is no longer with you. Linus has claimed the review').waitFor()
    expect(await uploadOf()).not.toBe(lost)
    expect((await reviewOf(lost))?.state).toBe('claimed')
  })

  test('what was skipped is for others, and the one before can be seen again', async () => {
    const skipped = await uploadOf()
    await page.keyboard.press('s')
    await expect.poll(() => uploadOf()).not.toBe(skipped)
    await page.keyboard.press('p')
    await page.getByText('Skipped. Somebody else may take it.').waitFor()
    await page.keyboard.press('n')
    await expect.poll(() => uploadOf()).not.toBe(skipped)
    await expect.poll(async () => (await reviewOf(skipped))?.state).toBe('open')
  })

  test('leaving the page gives back what was prefetched', async () => {
    await expect.poll(async () => (await inHand('Ada')).length).toBe(4)
    await page.getByRole('link', { name: 'Queue' }).click()
    await expect.poll(async () => (await inHand('Ada')).length).toBe(0)
  })

  test('a file that may move stays still until it is played', async () => {
    const gif = await readFile(path.join(packageRoot, 'test', 'fixtures', 'parity', 'images', 'animated-160x120.gif'))
    const { body } = await service.upload(gif, '?wait=30&source=moving')
    await open('/review?source=moving')
    await expect.poll(() => uploadOf()).toBe(body.id)
    await page.keyboard.press('v')
    await expect.poll(() => shown()).toBe('display')
    await page.getByRole('button', { name: 'Play original' }).click()
    await expect.poll(() => shown()).toBe('original')
    await expect.poll(() => page.evaluate(`document.querySelector('.picture img')?.naturalWidth`)).toBe(160)
    await page.getByRole('button', { name: 'Stop' }).click()
    await expect.poll(() => shown()).toBe('display')
    await page.keyboard.press('a')
    await page.getByText('The next review appears here by itself.').waitFor()
    await service.upload(await sharp(gif).jpeg().toBuffer(), '?wait=30&source=moving')
    await expect.poll(() => shown()).toBe('blurred')
    await page.keyboard.press('a')
  })

  test('an appeal is seen with what was decided before', async () => {
    const [rejected] = (await reviews('resolved')).filter(({ resolution }) => resolution?.action === 'reject')
    const response = await service.call(`/v1/uploads/${rejected?.upload.id}/appeal`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ reason: HOSTILE }),
    })
    expect(response.status).toBe(201)
    await open('/review?origin=appeal')
    await expect.poll(() => uploadOf()).toBe(rejected?.upload.id)
    const note = await page.locator('.desk-facts .note').innerText()
    expect(note).toContain(`Appeal ${HOSTILE}`)
    expect(note).toContain(`Rejected by Ada: ${rejected?.resolution?.reason_code}`)
  })

  test('many are chosen by keyboard and resolved at once, each with its own result', async () => {
    await open('/bulk?source=shop')
    const tiles = page.locator('.tile')
    await expect.poll(() => tiles.locator('canvas').count()).toBeGreaterThanOrEqual(8)
    const total = await tiles.count()
    await page.keyboard.press('x')
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press(' ')
    await page.keyboard.press('End')
    await page.keyboard.press('x')
    await expect.poll(() => page.locator('.bulk-bar').innerText()).toContain(`3 of ${total} selected`)
    expect(await inspect('bulk')).toEqual([])
    const stolen = await tiles.first().getAttribute('data-review')
    await service.database.query(`UPDATE pixwarden.reviews SET claimed_by = 'key:other', claimed_name = 'Linus' WHERE id = $1`, [
      stolen,
    ])
    await page.keyboard.press('r')
    await expect.poll(() => tiles.first().innerText()).toContain('Somebody else has it')
    await expect.poll(() => tiles.filter({ hasText: 'Rejected' }).count()).toBe(2)
    expect(await inspect('bulk-results')).toEqual([])
    await page.keyboard.press('z')
    await expect.poll(() => tiles.filter({ hasText: 'Rejected' }).count()).toBe(0)
    await page.keyboard.press('Control+a')
    await expect.poll(() => page.locator('.bulk-bar').innerText()).toContain(`${total - 1} of ${total - 1} selected`)
  })

  test('a break is proposed after as many pictures as were set', async () => {
    await open('/settings')
    await page.getByLabel('Propose a break after pictures').fill('10')
    await page.keyboard.press('Tab')
    await open('/review')
    const reminder = page.getByRole('dialog', { name: 'Time to look at something else' })
    await reminder.waitFor()
    expect(await inspect('break')).toEqual([])
    await reminder.getByRole('button', { name: 'Take a break' }).click()
    await page.getByText('You are on a break').waitFor()
    await expect.poll(async () => (await inHand('Ada')).length).toBe(0)
    await page.getByRole('button', { name: 'I am back' }).click()
    await expect.poll(() => shown()).toBe('blurred')
  })

  test('blur, theme and keys are as somebody set them', async () => {
    await open('/settings')
    await page.getByLabel('Blur').selectOption('off')
    await page.getByLabel('Theme').selectOption('dark')
    await page.getByLabel('Keys of a single letter').uncheck()
    await open('/review')
    await expect.poll(() => shown()).toBe('display')
    expect(await page.evaluate('getComputedStyle(document.body.parentElement).colorScheme')).toBe('dark')
    const before = await uploadOf()
    await page.keyboard.press('s')
    await page.getByRole('button', { name: 'Skip' }).click()
    await expect.poll(() => uploadOf()).not.toBe(before)
    await expect.poll(async () => (await reviews('open')).some(({ upload }) => upload.id === before)).toBe(true)
  })

  test('whoever signs out gives back what is in hand', async () => {
    await expect.poll(async () => (await inHand('Ada')).length).toBeGreaterThan(0)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('API key').waitFor()
    expect(await inHand('Ada')).toEqual([])
    await signIn(page, 'Ada')
    await picture().waitFor()
  })

  test('an ended session leads to signing in, and back to where one was', async () => {
    await context.clearCookies()
    // Whatever is asked of the service next finds out; that may be the page itself.
    await page.evaluate(
      `[...document.querySelectorAll('button')].find(({ textContent }) => textContent.startsWith('Skip'))?.click()`,
    )
    await page.getByText('Your session has ended. Sign in to go on where you were.').waitFor()
    expect(await page.getByLabel('Your name').inputValue()).toBe('Ada')
    await signIn(page, 'Ada')
    await picture().waitFor()
    expect(page.url()).toBe(`${service.url}/dashboard/review`)
  })

  test('nothing that names, metadata or policies say runs, and no page failed', async () => {
    await expect.poll(() => page.locator('.desk-facts').innerText()).toContain(HOSTILE)
    expect(await page.title()).toMatch(/pixwarden$/)
    expect(await page.locator('img[src="x"]').count()).toBe(0)
    expect(complaints).toEqual([])
  })
})
