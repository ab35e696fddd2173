import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { browserMissing, openBrowser } from '../support/browser.ts'
import { inspectPage } from '../support/inspect-page.ts'
import { type Receiver, startReceiver, status, verified } from '../support/receiver.ts'
import { type Service, sample, startService } from '../support/service.ts'
import { waitFor } from '../support/wait-for.ts'

const HOSTILE = '<img src=x onerror="hacked=1"><script>hacked=1</script>'
const HOSTILE_POLICY = `id: hostile
title: '${HOSTILE}'
description: '${HOSTILE}'
limits: '${HOSTILE}'
mode: shadow
rules:
  - id: photo
    title: '${HOSTILE}'
    concepts: ['${HOSTILE}', a cat]
    contrast: [a rocket]
    thresholds: { flag: 0.2, reject: 0.9 }
`
const VIEWPORT = { width: 1280, height: 900 }
const SAMPLES = ['cat.jpg', 'astronaut.jpg', 'coffee.jpg', 'flower.jpg', 'hubble.jpg', 'portrait.jpg', 'rocket.jpg', 'temple.jpg']

describe.skipIf(browserMissing('the pages for administrators'))('the dashboard, for whoever runs it', () => {
  let receiver: Receiver
  let service: Service
  let browser: Browser
  let context: BrowserContext
  let page: Page
  let catId: string
  const complaints: string[] = []
  const pictures: string[] = []

  beforeAll(async () => {
    receiver = await startReceiver()
    service = await startService({
      env: { PIXWARDEN_OUTBOUND_ALLOW: '127.0.0.1', PIXWARDEN_OUTBOUND_PORTS: String(receiver.port) },
    })
    await writeFile(path.join(service.policies, 'hostile.yaml'), HOSTILE_POLICY)
    await waitFor(async () => (await service.call('/v1/policies/hostile')).ok, { what: 'the new policy' })
    const metadata = encodeURIComponent(JSON.stringify({ title: HOSTILE, [HOSTILE]: 'as a name' }))
    for (const name of SAMPLES) {
      const { body } = await service.upload(
        await sample(name),
        `?wait=30&external_id=${name}&uploader=tester&metadata=${metadata}`,
      )
      if (name === 'cat.jpg') catId = body.id
    }
    browser = await openBrowser()
    ;({ context, page } = await signIn(service.key, 'Ada'))
  })
  afterAll(async () => {
    await browser?.close()
    await service?.stop()
    await receiver?.close()
  })

  async function signIn(key: string, name: string) {
    const context = await browser.newContext({ viewport: VIEWPORT, permissions: ['clipboard-write'] })
    const page = await context.newPage()
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) complaints.push(message.text())
    })
    page.on('request', (request) => {
      if (request.url().includes('/image')) pictures.push(request.url())
    })
    page.on('pageerror', (error) => complaints.push(error.message))
    await page.goto(`${service.url}/dashboard/overview`)
    await page.getByLabel('API key').fill(key)
    await page.getByLabel('Your name').fill(name)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
    return { context, page }
  }

  const json = async <T>(route: string) => (await (await service.call(route)).json()) as T
  const heading = (name: string | RegExp, level = 1) => page.getByRole('heading', { level, name })
  const open = (route: string) => page.goto(`${service.url}/dashboard${route}`)
  /** A number beside its name. */
  const figure = (label: string) =>
    page
      .locator('.figure')
      .filter({ has: page.getByText(label, { exact: true }) })
      .locator('.figure-value')
      .innerText()

  const inspect = (name: string) => inspectPage(page, { name, viewport: VIEWPORT, fullPage: true })

  test('the overview shows what was decided, by policy and over time', async () => {
    await open('/overview')
    await expect.poll(() => figure('Received')).toBe(String(SAMPLES.length))
    const { totals } = await json<{ totals: Record<string, number> }>('/v1/overview?window=24h')
    expect(await figure('flagged')).toBe(String(totals.flag))
    expect(await figure('approved')).toBe(String(totals.approve))
    await page.getByRole('img', { name: /^Bars of decisions over time\. In all: .*flagged/ }).waitFor()
    await page.getByRole('img', { name: /^live-animals over time: [1-9]\d* flagged/ }).waitFor()
    expect(await inspect('overview')).toEqual([])
  })

  test('the overview counts what comes while it is looked at', async () => {
    await open('/overview?window=1h')
    await expect.poll(() => figure('Received')).toBe(String(SAMPLES.length))
    await expect.poll(() => page.locator('.feed-status').getAttribute('data-status')).toBe('live')
    const before = Number(await figure('flagged'))
    await service.upload(await sample('cat.jpg'), '?wait=30&external_id=later')
    await expect.poll(() => figure('flagged'), { timeout: 10_000 }).toBe(String(before + 1))
  })

  test('the overview rests while nobody sees it, and knows what it missed afterwards', async () => {
    await open('/overview?window=1h')
    const feed = page.locator('.feed-status')
    await expect.poll(() => feed.getAttribute('data-status')).toBe('live')
    const before = (await json<{ items: unknown[] }>('/v1/decisions?action=flag')).items.length
    await expect.poll(() => figure('flagged'), { timeout: 20_000 }).toBe(String(before))
    const hide = (hidden: boolean) =>
      page.evaluate(
        `Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true }), document.dispatchEvent(new Event('visibilitychange'))`,
      )
    await hide(true)
    await expect.poll(() => feed.getAttribute('data-status')).toBe(null)
    await service.upload(await sample('cat.jpg'), '?wait=30&external_id=unseen')
    expect(Number(await figure('flagged'))).toBe(before)
    await hide(false)
    await expect.poll(() => figure('flagged')).toBe(String(before + 1))
  })

  test('a moment of the chart is read by keyboard, and its numbers are a table too', async () => {
    await open('/overview?window=1h')
    const reader = page.getByRole('slider', { name: 'Moment to read' })
    await reader.focus()
    await page.keyboard.press('ArrowLeft')
    expect(await reader.getAttribute('aria-valuetext')).toMatch(/\d\d:\d\d.*: \d+ rejected, \d+ flagged, \d+ approved$/)
    await page.getByText('The numbers as a table').first().click()
    await expect.poll(() => page.locator('.chart-table tbody tr').count()).toBe(60)
  })

  test('how far back is in the address, and survives a reload', async () => {
    await open('/overview')
    await page.getByRole('radio', { name: '7 d' }).check()
    await expect.poll(() => page.url()).toMatch(/window=7d$/)
    await page.reload()
    expect(await page.getByRole('radio', { name: '7 d' }).isChecked()).toBe(true)
  })

  test('the policies are listed with their modes and what they found', async () => {
    await open('/policies')
    const card = page.locator('article').filter({ hasText: 'Live animals are not sold here' })
    await expect
      .poll(() => card.innerText())
      .toMatch(/enforced[\s\S]*live-animals · 1 rule · version [0-9a-f]{10}[\s\S]*[1-9]\d* flagged, 0 rejected/)
    expect(await inspect('policies')).toEqual([])
  })

  test('a policy says what the model cannot see, and shows its prompts, scores and matches', async () => {
    await open('/policies')
    await page.getByRole('link', { name: 'Live animals are not sold here' }).click()
    await heading('Live animals are not sold here').waitFor()
    expect(await page.getByRole('complementary', { name: 'What the model cannot see' }).innerText()).toContain(
      'jellyfish it misses',
    )
    await page.getByText('a stuffed toy', { exact: true }).waitFor()
    await page.getByRole('img', { name: /^Bars of how many of \d+ uploads .* flag ≥ 0\.54/ }).waitFor()
    const matches = (await json<{ items: unknown[] }>('/v1/decisions?policy=live-animals')).items.length
    await expect.poll(() => page.getByRole('link', { name: /^Upload that matched animal with \d\.\d{3}$/ }).count()).toBe(matches)
    expect(await inspect('policy')).toEqual([])
  })

  test('the numbers of what-if are those of the service, and the uploads it would catch are shown blurred', async () => {
    await open('/policies/live-animals')
    const slider = page.getByRole('slider', { name: 'Flag from' })
    await slider.waitFor()
    await slider.focus()
    await page.keyboard.press('Home')
    await expect.poll(() => slider.getAttribute('aria-valuetext')).toBe('0.00')
    const answer = await json<{
      considered: number
      now: Record<string, number>
      then: Record<string, number>
      newly: unknown[]
    }>('/v1/policies/live-animals/what-if?rule=animal&flag=0&window=24h')
    const row = (name: string) =>
      page
        .locator('.what-if')
        .getByRole('row', { name: new RegExp(`^${name}`) })
        .getByRole('cell')
        .allInnerTexts()
    await expect
      .poll(() => row('flagged'))
      .toEqual([String(answer.now.flag), String(answer.then.flag), `+${Number(answer.then.flag) - Number(answer.now.flag)}`])
    expect(answer.then.approve).toBe(0)
    expect((await row('approved')).slice(0, 2)).toEqual([String(answer.now.approve), '0'])
    expect(await page.getByRole('link', { name: /^Upload that scored \d\.\d{3}$/ }).count()).toBe(answer.newly.length)
    expect(pictures.filter((url) => !url.endsWith('variant=blurred'))).toEqual([])
    await page.getByRole('button', { name: 'Back to the policy’s own' }).click()
    await expect.poll(() => slider.getAttribute('aria-valuetext')).toBe('0.54')
    await expect.poll(() => row('flagged')).toEqual([String(answer.now.flag), String(answer.now.flag), '±0'])
  })

  test('a new version of a policy is listed with what it changed', async () => {
    const file = path.join(service.policies, 'live-animals.yaml')
    await writeFile(file, (await readFile(file, 'utf8')).replace('flag: 0.54', 'flag: 0.61').replace('a spider, ', ''))
    await expect.poll(async () => JSON.stringify(await json('/v1/policies/live-animals')), { timeout: 10_000 }).toContain('0.61')
    await service.upload(await sample('cat.jpg'), '?wait=30&external_id=newer')
    await open('/policies/live-animals')
    await page.getByText(/^What changed since/).click()
    expect(await page.locator('.diff ins').allInnerTexts()).toEqual([expect.stringContaining('flag: 0.61')])
    expect(await page.locator('.diff del').allInnerTexts()).toEqual([
      expect.stringContaining('- a spider'),
      expect.stringContaining('flag: 0.54'),
    ])
  })

  test('an upload’s page explains its decision, and blurs its picture until it is wanted', async () => {
    await open(`/uploads/${catId}`)
    await heading('Upload').waitFor()
    const picture = page.locator('.picture')
    await expect.poll(() => picture.getAttribute('data-shown')).toBe('blurred')
    expect(await page.locator('.telling-rule .meter').innerText()).toMatch(/^[01]\.\d{3} ≥ 0\.540$/)
    await page.getByText('cat.jpg', { exact: true }).waitFor()
    await page.getByText('Waits for a decision, since').waitFor()
    await page.keyboard.press('v')
    await expect.poll(() => picture.getAttribute('data-shown')).toBe('display')
    await page.keyboard.press('v')
    await expect.poll(() => picture.getAttribute('data-shown')).toBe('blurred')
    expect(await inspect('upload')).toEqual([])
  })

  test('an upload’s page tells what people made of it, and leads to others that are nearly the same', async () => {
    const { id } = await json<{ id: string }>(`/v1/uploads/${catId}/review`)
    const resolved = await service.call(`/v1/reviews/${id}/resolve`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ action: 'reject', reason_code: 'live-animals', note: HOSTILE }),
    })
    expect(resolved.status).toBe(200)
    const { items } = await json<{ items: { id: string; external_id: string }[] }>('/v1/decisions?limit=50')
    const later = items.find(({ external_id }) => external_id === 'later')
    await open(`/uploads/${later?.id}`)
    const [opened] = await Promise.all([
      context.waitForEvent('page'),
      page.getByRole('listitem').filter({ hasText: '100.0 %' }).getByRole('link').first().click(),
    ])
    await opened.getByText('by tests as live-animals,').waitFor()
    expect(opened.url()).toContain(catId)
    await opened.getByText(HOSTILE).first().waitFor()
    expect(await opened.evaluate('typeof hacked')).toBe('undefined')
    await opened.close()
  })

  test('a webhook is made, tested, and its delivery sent again', async () => {
    await open('/webhooks')
    await page.getByRole('button', { name: 'Add a webhook' }).click()
    const form = page.getByRole('dialog', { name: 'Add a webhook' })
    await form.getByLabel('Address').fill(receiver.url)
    await form.getByLabel('What it is for').fill(HOSTILE)
    await form.getByLabel('All events').uncheck()
    await form.getByRole('button', { name: 'Add', exact: true }).click()
    await form.getByText('Choose at least one event.').waitFor()
    expect(await inspect('webhook-form')).toEqual([])
    await form.getByLabel(/^review\.opened/).check()
    await form.getByRole('button', { name: 'Add', exact: true }).click()
    const shown = page.getByRole('dialog', { name: 'The secret of this webhook' })
    const secret = await shown.locator('code').innerText()
    expect(secret).toMatch(/^whsec_/)
    await shown.getByRole('button', { name: 'I have kept it' }).click()
    expect(await page.content()).not.toContain(secret)

    await page.getByRole('link', { name: receiver.url }).click()
    await page.getByRole('button', { name: 'Send a test' }).click()
    const row = page.getByRole('row', { name: /webhook\.test/ })
    await expect.poll(() => row.innerText(), { timeout: 10_000 }).toMatch(/delivered[\s\S]*204/)
    await row.getByRole('button', { name: 'Send again: webhook.test' }).click()
    await expect.poll(() => receiver.received.length, { timeout: 10_000 }).toBe(2)
    const [first, second] = receiver.received
    expect(second).toMatchObject({ id: first?.id, body: first?.body })
    expect(verified(second as never, secret).type).toBe('webhook.test')
    await expect.poll(() => row.innerText(), { timeout: 10_000 }).toMatch(/delivered/)
    await row.getByRole('button', { name: 'Show webhook.test' }).click()
    const details = page.getByRole('dialog', { name: 'A delivery' })
    expect(await details.locator('pre').innerText()).toContain('"type": "webhook.test"')
    expect(await details.getByRole('row').count()).toBe(3)
    await details.getByRole('button', { name: 'Close' }).click()
    expect(await inspect('webhook')).toEqual([])
  })

  test('a webhook that fails says so, can be disabled and is deleted after a question', async () => {
    await open('/webhooks')
    await page.getByRole('link', { name: receiver.url }).waitFor()
    expect(await inspect('webhooks')).toEqual([])
    await page.getByRole('link', { name: receiver.url }).click()
    receiver.become(status(500))
    await page.getByRole('button', { name: 'Send a test' }).click()
    await page.getByText('failed once', { exact: true }).waitFor()
    await page.getByRole('row', { name: /webhook\.test.*waiting.*500/ }).waitFor()
    await page.getByRole('button', { name: 'Disable' }).click()
    await page.getByText('disabled', { exact: true }).waitFor()
    expect(await page.getByRole('button', { name: 'Send a test' }).isDisabled()).toBe(true)
    await page.getByRole('button', { name: 'Enable' }).click()
    await page.getByText('enabled', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Delete' }).click()
    const question = page.getByRole('dialog', { name: 'Delete this webhook?' })
    await question.getByRole('button', { name: 'Cancel' }).click()
    expect((await json<{ items: unknown[] }>('/v1/webhooks')).items).toHaveLength(1)
    await page.getByRole('button', { name: 'Delete' }).click()
    await question.getByRole('button', { name: 'Delete' }).click()
    await page.getByText('Nobody is told yet').waitFor()
    expect((await json<{ items: unknown[] }>('/v1/webhooks')).items).toEqual([])
  })

  test('an address that may not be reached is refused in the form', async () => {
    await open('/webhooks')
    await page.getByRole('button', { name: 'Add a webhook' }).click()
    const form = page.getByRole('dialog', { name: 'Add a webhook' })
    await form.getByLabel('Address').fill('http://169.254.169.254/latest')
    await form.getByRole('button', { name: 'Add', exact: true }).click()
    await form.getByRole('alert').waitFor()
    expect(await form.isVisible()).toBe(true)
    await page.keyboard.press('Escape')
  })

  test('a key is made, works, and is revoked after a question', async () => {
    await open('/keys')
    await page.getByRole('button', { name: 'Make a key' }).click()
    const form = page.getByRole('dialog', { name: 'Make a key' })
    await form.getByLabel('Name').fill('shop')
    await form.getByLabel(/^review/).check()
    await form.getByRole('button', { name: 'Make', exact: true }).click()
    const shown = page.getByRole('dialog', { name: 'The new key' })
    const secret = await shown.locator('code').innerText()
    const ask = () => fetch(`${service.url}/v1/policies`, { headers: { authorization: `Bearer ${secret}` } })
    expect((await ask()).status).toBe(200)
    await shown.getByRole('button', { name: 'I have kept it' }).click()
    expect(await inspect('keys')).toEqual([])

    await page.getByRole('button', { name: 'Revoke shop' }).click()
    await page.getByRole('dialog', { name: 'Revoke the key shop?' }).getByRole('button', { name: 'Revoke' }).click()
    await expect.poll(() => page.getByRole('button', { name: 'Revoke shop' }).count()).toBe(0)
    expect((await ask()).status).toBe(401)
  })

  test('the audit log tells of all that, by the name of whoever did it', async () => {
    await open('/audit')
    const entries = page.locator('.audit-entry')
    await expect.poll(() => entries.count()).toBeGreaterThan(5)
    expect(await entries.first().innerText()).toMatch(/Key revoked\s+Ada\s+person/)
    await page.getByLabel('What', { exact: true }).selectOption('webhook.create')
    await expect.poll(() => entries.count()).toBe(1)
    expect(page.url()).toMatch(/\/audit\?action=webhook\.create$/)
    await entries.first().locator('summary').click()
    expect(await entries.first().innerText()).toMatch(/[0-9a-f]{64}/)
    await page.getByText('npx pixwarden audit verify').waitFor()
    expect(await inspect('audit')).toEqual([])
  })

  test('nothing that policies, metadata or webhooks say runs', async () => {
    for (const route of ['/policies', '/policies/hostile', `/uploads/${catId}`, '/overview']) {
      await open(route)
      await page.getByRole('heading', { level: 1 }).waitFor()
      await page.waitForLoadState('networkidle')
      expect(await page.evaluate('typeof hacked')).toBe('undefined')
      expect(await page.locator('img[src="x"]').count()).toBe(0)
    }
    await open('/policies/hostile')
    await heading(HOSTILE).waitFor()
  })

  test('no page broke the policy of its own security, or failed', () => {
    expect(complaints).toEqual([])
  })

  test('whoever may only review sees no pages for administrators', async () => {
    const response = await service.call('/v1/keys', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'reviewers', scopes: ['review'] }),
    })
    const { secret } = (await response.json()) as { secret: string }
    const other = await signIn(secret, 'Bob')
    const links = await other.page.getByRole('navigation', { name: 'Main' }).getByRole('link').allInnerTexts()
    expect(links).toContain('Policies')
    for (const hidden of ['Webhooks', 'Audit log', 'Keys']) expect(links).not.toContain(hidden)
    for (const route of ['/webhooks', '/audit', '/keys']) {
      await other.page.goto(`${service.url}/dashboard${route}`)
      await other.page.getByText('Your key does not allow this page').waitFor()
    }
    await other.context.close()
    await context.close()
  })
})
